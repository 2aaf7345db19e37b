// SPDX-License-Identifier: GPL-2.0-only
/* What the filters of system calls let through: a child process with a filter tries each call. */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/util.h"
#include "cmd/sandbox.h"

/* Each gives 0 or an errno. */
typedef int (*call_fn)(void);

static int result_of(long result)
{
	return result < 0 ? errno : 0;
}

static int call_execve(void)
{
	char *const arguments[] = { "/bin/true", NULL };

	return result_of(execve("/bin/true", arguments, arguments + 1));
}

static int call_ptrace(void)
{
	return result_of(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
}

static int call_perf(void)
{
	return result_of(syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0));
}

static int call_fork(void)
{
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	return result_of(pid);
}

static int call_kill(void)
{
	return result_of(kill(getppid(), 0));
}

static int call_inet(void)
{
	return result_of(socket(AF_INET, SOCK_STREAM, 0));
}

static int call_netlink(void)
{
	return result_of(socket(AF_NETLINK, SOCK_RAW, 0));
}

static int call_unix(void)
{
	return result_of(socket(AF_UNIX, SOCK_STREAM, 0));
}

/* Without a filter: EFAULT, or EPERM for want of a capability. */
static int call_bpf_load(void)
{
	return result_of(syscall(SYS_bpf, BPF_PROG_LOAD, NULL, 0));
}

static int call_bpf_create(void)
{
	return result_of(syscall(SYS_bpf, BPF_MAP_CREATE, NULL, 0));
}

/* Of a descriptor that is none. */
static int call_bpf_run(void)
{
	union bpf_attr attr = { .test.prog_fd = UINT32_MAX };

	return result_of(syscall(SYS_bpf, BPF_PROG_TEST_RUN, &attr, sizeof(attr)));
}

static int map_memory(int protection)
{
	void *memory = mmap(NULL, 4096, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return memory == MAP_FAILED ? errno : 0;
}

static int call_map_data(void)
{
	return map_memory(PROT_READ | PROT_WRITE);
}

static int call_map_code(void)
{
	return map_memory(PROT_READ | PROT_WRITE | PROT_EXEC);
}

static int call_make_code(void)
{
	void *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return memory == MAP_FAILED ? ENOMEM :
				      result_of(mprotect(memory, 4096, PROT_READ | PROT_EXEC));
}

static int call_read(void)
{
	return result_of(open("/proc/self/status", O_RDONLY | O_CLOEXEC));
}

static int call_write(void)
{
	return result_of(open("/dev/null", O_WRONLY | O_CLOEXEC));
}

static int call_create(void)
{
	return result_of(open("/dev/null", O_RDONLY | O_CREAT, 0600));
}

static int call_unlink(void)
{
	return result_of(unlink("/nowhere/file"));
}

static void *do_nothing(void *argument)
{
	return argument;
}

static int call_thread(void)
{
	pthread_t thread;
	int result = pthread_create(&thread, NULL, do_nothing, NULL);

	if (!result)
		pthread_join(thread, NULL);
	return result;
}

static int call_limits(void)
{
	struct rlimit limit = { 0, 0 };

	return result_of(setrlimit(RLIMIT_NOFILE, &limit));
}

static int call_abort(void)
{
	abort();
}

#define KILLED(signo) (1000 + (signo))

/* What the call gives below this filter: an errno, or KILLED(). */
static int below(enum sandbox sandbox, call_fn call)
{
	static const struct option_list none;
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid) {
		/* No core of a child that is meant to die. */
		prctl(PR_SET_DUMPABLE, 0);
		_exit(sandbox_enter(sandbox, &none) ? 255 : call());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status))
		return KILLED(WTERMSIG(status));
	assert_int_not_equal(WEXITSTATUS(status), 255);
	return WEXITSTATUS(status);
}

static const struct {
	const char *name;
	call_fn call;
	int in_daemon, in_report;
} cases[] = {
	{ "execve", call_execve, EPERM, EPERM },
	{ "ptrace", call_ptrace, EPERM, EPERM },
	{ "perf_event_open", call_perf, EPERM, EPERM },
	{ "fork", call_fork, ENOSYS, ENOSYS },
	{ "kill", call_kill, ENOSYS, ENOSYS },
	{ "a TCP socket", call_inet, ENOSYS, ENOSYS },
	{ "a netlink socket", call_netlink, ENOSYS, ENOSYS },
	{ "a unix socket", call_unix, 0, ENOSYS },
	{ "BPF_PROG_LOAD", call_bpf_load, ENOSYS, ENOSYS },
	{ "BPF_MAP_CREATE", call_bpf_create, ENOSYS, ENOSYS },
	{ "memory for data", call_map_data, 0, 0 },
	{ "memory for code", call_map_code, ENOSYS, ENOSYS },
	{ "data made code", call_make_code, ENOSYS, ENOSYS },
	{ "a file to read", call_read, 0, 0 },
	{ "a file to write", call_write, 0, ENOSYS },
	{ "a file to create", call_create, 0, ENOSYS },
	{ "unlink", call_unlink, ENOENT, ENOSYS },
	{ "a thread", call_thread, 0, EAGAIN },
	{ "setrlimit", call_limits, ENOSYS, ENOSYS },
	{ "abort", call_abort, KILLED(SIGABRT), KILLED(SIGABRT) },
};

static void skip_sanitized(void)
{
	if (IS_SANITIZED) {
		print_message("built with sanitizers: no filter\n");
		skip();
	}
}

static void test_calls(void **state)
{
	(void)state;
	skip_sanitized();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int daemon = below(SANDBOX_DAEMON, cases[i].call);
		int report = below(SANDBOX_REPORT, cases[i].call);

		/* glibc says EAGAIN for a thread that clone() did not make, whatever it said. */
		if (cases[i].call == call_thread && report == ENOSYS)
			report = EAGAIN;
		if (daemon != cases[i].in_daemon || report != cases[i].in_report)
			fail_msg("%s: %d and %d, not %d and %d", cases[i].name, daemon, report,
				 cases[i].in_daemon, cases[i].in_report);
	}
}

/* log and top open them for CPUs that come online, and can do no more than the daemon otherwise. */
static void test_watch_has_perf_events(void **state)
{
	(void)state;
	skip_sanitized();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int want = cases[i].call == call_perf ? EFAULT : cases[i].in_daemon;

		assert_int_equal(below(SANDBOX_WATCH, cases[i].call), want);
	}
}

/* What is loaded can be run: the kernel answers, of a descriptor that is none or of a user that
 * may not. */
static void test_bpf_goes_on(void **state)
{
	int result;

	(void)state;
	skip_sanitized();
	result = below(SANDBOX_DAEMON, call_bpf_run);
	assert_true(result == EBADF || result == EPERM);
	assert_int_equal(below(SANDBOX_REPORT, call_bpf_run), ENOSYS);
}

#ifdef __x86_64__
/* The same number means another call there. */
static int call_x32(void)
{
	return result_of(syscall(0x40000000 | SYS_getpid));
}

static void test_other_architecture_kills(void **state)
{
	(void)state;
	skip_sanitized();
	assert_int_equal(below(SANDBOX_DAEMON, call_x32), KILLED(SIGSYS));
}
#endif

/* --disable-feature seccomp */
static void test_disabled(void **state)
{
	static const struct option_list disabled = { { "jit", "seccomp" }, 2 };
	int status;
	pid_t pid = fork();

	(void)state;
	assert_true(pid >= 0);
	if (!pid)
		_exit(sandbox_enter(SANDBOX_DAEMON, &disabled) || call_fork() || call_inet());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_calls),
		cmocka_unit_test(test_watch_has_perf_events),
		cmocka_unit_test(test_bpf_goes_on),
#ifdef __x86_64__
		cmocka_unit_test(test_other_architecture_kills),
#endif
		cmocka_unit_test(test_disabled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
