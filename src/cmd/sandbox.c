// SPDX-License-Identifier: GPL-2.0-only
#include "cmd/sandbox.h"

#include <asm/ioctls.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <seccomp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"

#define IS(argument, value) SCMP_CMP((argument), SCMP_CMP_EQ, (value), 0)
#define HAS(argument, mask, value) SCMP_CMP((argument), SCMP_CMP_MASKED_EQ, (mask), (value))

/* By name, for which of them there are is the architecture's and libseccomp's. */
static const char *const of_both[] = {
	/* memory */
	"brk", "madvise", "mremap", "munmap",
	/* what is open */
	"_llseek", "close", "fcntl", "fcntl64", "fstat", "fstat64", "lseek", "pread64", "pwrite64",
	"read", "readv", "write", "writev",
	/* names of files */
	"access", "faccessat", "faccessat2", "getcwd", "lstat", "newfstatat", "fstatat64",
	"readlink", "readlinkat", "stat", "statx",
	/* waiting and time */
	"clock_getres", "clock_gettime", "clock_gettime64", "clock_nanosleep", "futex",
	"futex_time64", "gettimeofday", "nanosleep", "poll", "ppoll", "restart_syscall",
	"sched_yield", "time",
	/* itself */
	"exit", "exit_group", "getegid", "geteuid", "getgid", "getpid", "getrandom", "getrusage",
	"gettid", "getuid", "rseq", "rt_sigaction", "rt_sigprocmask", "rt_sigreturn",
	"sched_getaffinity", "set_robust_list", "sigaltstack", "sysinfo", "times", "uname"
};

static const char *const of_watch[] = {
	/* files: JSON lines, configuration, certificates, /proc */
	"ftruncate", "getdents64", "open", "openat", "openat2", "unlink", "unlinkat",
	/* the loop */
	"epoll_create1", "epoll_ctl", "epoll_pwait", "epoll_pwait2", "epoll_wait", "eventfd2",
	"pipe2", "signalfd4", "timerfd_create", "timerfd_settime",
	/* clients, log shippers, the service manager */
	"accept", "accept4", "connect", "getpeername", "getsockname", "getsockopt", "recvfrom",
	"recvmsg", "sendfile", "sendmmsg", "sendmsg", "sendto", "setsockopt", "shutdown",
	/* threads */
	"membarrier", "setpriority"
};

/* What is still needed after the start: reading, writing and listing maps and programs, and
 * attaching a loaded program (the swap hook). */
static const unsigned int bpf_commands[] = {
	BPF_MAP_LOOKUP_ELEM,     BPF_MAP_UPDATE_ELEM, BPF_MAP_DELETE_ELEM,
	BPF_MAP_GET_NEXT_KEY,    BPF_PROG_TEST_RUN,   BPF_OBJ_GET_INFO_BY_FD,
	BPF_RAW_TRACEPOINT_OPEN, BPF_LINK_CREATE,     BPF_ITER_CREATE,
};

/* What an attacker would try first. It fails with EPERM, so that strace(1) shows a refusal. */
static const char *const refused[] = {
	"execve",           "execveat",          "fork",   "init_module", "kexec_load", "mount",
	"process_vm_readv", "process_vm_writev", "ptrace", "setns",       "unshare",    "vfork"
};

/* 0 for a call that this architecture or libseccomp does not know. */
static int add(scmp_filter_ctx filter, uint32_t action, const char *name, unsigned int n_conditions,
	       const struct scmp_arg_cmp *conditions)
{
	int number = seccomp_syscall_resolve_name(name);

	return number == __NR_SCMP_ERROR ?
		       0 :
		       seccomp_rule_add_array(filter, action, number, n_conditions, conditions);
}

static int add_all(scmp_filter_ctx filter, uint32_t action, const char *const *names, size_t count)
{
	int result = 0;

	for (size_t i = 0; !result && i < count; i++)
		result = add(filter, action, names[i], 0, NULL);
	return result;
}

static int allow_if(scmp_filter_ctx filter, const char *name, struct scmp_arg_cmp condition)
{
	return add(filter, SCMP_ACT_ALLOW, name, 1, &condition);
}

/* Nothing is both writable and executable; what is mapped to run is a library (of NSS). */
static int allow_memory(scmp_filter_ctx filter)
{
	static const int allowed[] = { PROT_NONE, PROT_WRITE, PROT_EXEC };
	int result = allow_if(filter, "mprotect", (struct scmp_arg_cmp)HAS(2, PROT_EXEC, 0));

	for (size_t i = 0; !result && i < ARRAY_SIZE(allowed); i++) {
		struct scmp_arg_cmp condition = HAS(2, PROT_WRITE | PROT_EXEC, allowed[i]);

		result = allow_if(filter, "mmap", condition);
		if (!result)
			result = allow_if(filter, "mmap2", condition);
	}
	return result;
}

/* Signals to itself (abort(3)), limits to read, and what stdio asks of a terminal. */
static int allow_own(scmp_filter_ctx filter)
{
	struct scmp_arg_cmp limits[] = { IS(0, 0), IS(2, 0) };
	int result = allow_if(filter, "tgkill", (struct scmp_arg_cmp)IS(0, getpid()));

	if (!result)
		result = add(filter, SCMP_ACT_ALLOW, "prlimit64", ARRAY_SIZE(limits), limits);
	if (!result)
		result = allow_if(filter, "ioctl", (struct scmp_arg_cmp)IS(1, TCGETS));
	if (!result)
		result = allow_if(filter, "ioctl", (struct scmp_arg_cmp)IS(1, TIOCGWINSZ));
	return result;
}

/* clone3() hides its flags from a filter: glibc falls back to this. */
static int allow_threads(scmp_filter_ctx filter)
{
	return allow_if(filter, "clone", (struct scmp_arg_cmp)HAS(0, CLONE_THREAD, CLONE_THREAD));
}

static int allow_watching(scmp_filter_ctx filter)
{
	int result = add_all(filter, SCMP_ACT_ALLOW, of_watch, ARRAY_SIZE(of_watch));

	for (size_t i = 0; !result && i < ARRAY_SIZE(bpf_commands); i++)
		result = allow_if(filter, "bpf", (struct scmp_arg_cmp)IS(0, bpf_commands[i]));
	if (!result)
		result = allow_if(filter, "socket", (struct scmp_arg_cmp)IS(0, AF_UNIX));
	if (!result)
		result = allow_threads(filter);
	if (!result) /* of a CPU that went offline */
		result = allow_if(filter, "ioctl",
				  (struct scmp_arg_cmp)IS(1, PERF_EVENT_IOC_DISABLE));
	return result;
}

/* Of a CPU that comes online: PERF_EVENT_IOC_SET_BPF before Linux 5.15, then BPF_LINK_CREATE. */
static int allow_perf_events(scmp_filter_ctx filter)
{
	int result = add(filter, SCMP_ACT_ALLOW, "perf_event_open", 0, NULL);

	if (!result)
		result = allow_if(filter, "ioctl",
				  (struct scmp_arg_cmp)IS(1, PERF_EVENT_IOC_ENABLE));
	return result ?:
			allow_if(filter, "ioctl",
				 (struct scmp_arg_cmp)IS(1, PERF_EVENT_IOC_SET_BPF));
}

static int refuse_perf_events(scmp_filter_ctx filter)
{
	return add(filter, SCMP_ACT_ERRNO(EPERM), "perf_event_open", 0, NULL);
}

/* Files to read. */
static int allow_reading(scmp_filter_ctx filter)
{
	const uint64_t writes = O_ACCMODE | O_CREAT | O_TRUNC | (O_TMPFILE & ~O_DIRECTORY);
	int result = allow_if(filter, "open", (struct scmp_arg_cmp)HAS(1, writes, O_RDONLY));

	return result ?: allow_if(filter, "openat", (struct scmp_arg_cmp)HAS(2, writes, O_RDONLY));
}

/* What curses asks of it, and the descriptors that messages go to meanwhile. */
static int allow_terminal(scmp_filter_ctx filter)
{
	static const unsigned int requests[] = { TCSETS, TCSETSW, TCSETSF, TCFLSH, FIONREAD };
	static const char *const names[] = { "dup2", "dup3", "ftruncate", "mkdir", "mkdirat" };
	int result = add_all(filter, SCMP_ACT_ALLOW, names, ARRAY_SIZE(names));

	for (size_t i = 0; !result && i < ARRAY_SIZE(requests); i++)
		result = allow_if(filter, "ioctl", (struct scmp_arg_cmp)IS(1, requests[i]));
	return result;
}

static int allow_loop(scmp_filter_ctx filter)
{
	static const char *const names[] = { "epoll_ctl", "epoll_pwait", "epoll_pwait2",
					     "epoll_wait", "timerfd_settime" };

	return add_all(filter, SCMP_ACT_ALLOW, names, ARRAY_SIZE(names));
}

/* To a daemon, maybe of another machine: libcurl's resolver has a thread. */
static int allow_connections(scmp_filter_ctx filter)
{
	static const char *const names[] = { "connect",     "eventfd2",   "getpeername",
					     "getsockname", "getsockopt", "membarrier",
					     "pipe2",       "recvfrom",   "recvmmsg",
					     "recvmsg",     "sendmmsg",   "sendmsg",
					     "sendto",      "setsockopt", "shutdown",
					     "signalfd4",   "socketpair", "timerfd_create" };
	static const int families[] = { AF_UNIX, AF_INET, AF_INET6, AF_NETLINK };
	int result = add_all(filter, SCMP_ACT_ALLOW, names, ARRAY_SIZE(names));

	for (size_t i = 0; !result && i < ARRAY_SIZE(families); i++)
		result = allow_if(filter, "socket",
				  (struct scmp_arg_cmp)IS(0, (scmp_datum_t)families[i]));
	return result ?: allow_threads(filter);
}

/* A file for a textfile collector, whole at any time; logs that are put aside. */
static int allow_renaming(scmp_filter_ctx filter)
{
	static const char *const names[] = { "fchmod", "rename", "renameat", "renameat2" };

	return add_all(filter, SCMP_ACT_ALLOW, names, ARRAY_SIZE(names));
}

/* libdebuginfod's cache. */
static int allow_keeping(scmp_filter_ctx filter)
{
	static const char *const names[] = { "chmod",     "fchmod",    "fchmodat",   "fsync",
					     "futimesat", "ftruncate", "getdents64", "link",
					     "linkat",    "mkdir",     "mkdirat",    "open",
					     "openat",    "rename",    "renameat",   "renameat2",
					     "rmdir",     "umask",     "unlink",     "unlinkat",
					     "utime",     "utimensat", "utimes" };

	return add_all(filter, SCMP_ACT_ALLOW, names, ARRAY_SIZE(names));
}

/* Files that one process passes to another. */
static int allow_passing(scmp_filter_ctx filter)
{
	static const char *const names[] = { "recvmsg", "sendmsg" };

	return add_all(filter, SCMP_ACT_ALLOW, names, ARRAY_SIZE(names));
}

/* What each is for. */
static int allow_base(scmp_filter_ctx filter, enum sandbox sandbox)
{
	switch (sandbox) {
	case SANDBOX_UNWIND:
		return allow_passing(filter);
	case SANDBOX_REPORT:
		return allow_reading(filter) ?: allow_passing(filter);
	case SANDBOX_REPLAY:
	case SANDBOX_CONNECT:
		return allow_reading(filter);
	case SANDBOX_FIND:
		return allow_reading(filter) ?: allow_passing(filter);
	case SANDBOX_FETCH:
		return allow_keeping(filter) ?: allow_connections(filter) ?: allow_loop(filter);
	default:
		return allow_watching(filter);
	}
}

/* What only some have. */
static int allow_more(scmp_filter_ctx filter, enum sandbox sandbox)
{
	int result = 0;

	if (sandbox == SANDBOX_SCREEN || sandbox == SANDBOX_REPLAY || sandbox == SANDBOX_CONNECT)
		result = allow_terminal(filter);
	if (!result && (sandbox == SANDBOX_REPLAY || sandbox == SANDBOX_CONNECT))
		result = allow_loop(filter);
	if (!result && sandbox == SANDBOX_CONNECT)
		result = allow_connections(filter);
	if (!result && (sandbox == SANDBOX_RENAME || sandbox == SANDBOX_ROTATE))
		result = allow_renaming(filter);
	if (!result &&
	    (sandbox == SANDBOX_WATCH || sandbox == SANDBOX_RENAME || sandbox == SANDBOX_SCREEN))
		return allow_perf_events(filter);
	return result ?: refuse_perf_events(filter);
}

static int fill(scmp_filter_ctx filter, enum sandbox sandbox)
{
	int result = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);

	if (!result)
		result = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
	if (!result)
		result = add_all(filter, SCMP_ACT_ALLOW, of_both, ARRAY_SIZE(of_both));
	if (!result)
		result = allow_memory(filter);
	if (!result)
		result = allow_own(filter);
	if (!result)
		result = allow_base(filter, sandbox);
	if (!result)
		result = allow_more(filter, sandbox);
	return result ?: add_all(filter, SCMP_ACT_ERRNO(EPERM), refused, ARRAY_SIZE(refused));
}

static bool is_disabled(const struct option_list *disabled)
{
	for (size_t i = 0; i < disabled->count; i++) {
		if (!strcmp(disabled->values[i], "seccomp"))
			return true;
	}
	return false;
}

int sandbox_enter(enum sandbox sandbox, const struct option_list *disabled)
{
	scmp_filter_ctx filter;
	int result;

	if (IS_SANITIZED || is_disabled(disabled))
		return 0;
	filter = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
	if (!filter)
		return -ENOMEM;
	result = fill(filter, sandbox);
	if (!result)
		result = seccomp_load(filter);
	seccomp_release(filter);
	return result;
}

void sandbox_try(enum sandbox sandbox, const struct option_list *disabled)
{
	int result = sandbox_enter(sandbox, disabled);

	if (result)
		log_warning("the kernel accepts no filter of system calls: %s; continuing without",
			    strerror(-result));
}
