// SPDX-License-Identifier: GPL-2.0-only
#include "collect/features.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <cap-ng.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <linux/seccomp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/util.h"
#include "collect/kernel_names.h"
#include "collect/policy.h"

/* The maps of bpf/ take 16 MiB, more with more than 16 CPUs or a larger --max-rows; programs count
 * too. */
#define MEMLOCK_NEEDED (64UL << 20)
/* include/linux/proc_ns.h: PROC_PID_INIT_INO, the initial PID namespace on every kernel. */
#define INITIAL_PID_NAMESPACE 0xeffffffcU

static void found(struct feature_set *features, enum feature feature, bool available,
		  const char *format, ...) __attribute__((format(printf, 4, 5)));

static void found(struct feature_set *features, enum feature feature, bool available,
		  const char *format, ...)
{
	struct feature_state *state = &features->state[feature];
	va_list arguments;

	state->available = available;
	state->refused = 0;
	va_start(arguments, format);
	vsnprintf(state->why, sizeof(state->why), format, arguments);
	va_end(arguments);
}

/*
 * The member of a struct in the kernel's BTF, looked for in anonymous members too; NULL if absent.
 */
static const struct btf_type *find_member(const struct btf *btf, const struct btf_type *type,
					  const char *name)
{
	const struct btf_member *member = btf_members(type);

	for (int i = 0; i < btf_vlen(type); i++, member++) {
		const struct btf_type *of = btf__type_by_id(btf, member->type);
		const char *found_name = btf__name_by_offset(btf, member->name_off);

		while (of && (btf_is_mod(of) || btf_is_typedef(of)))
			of = btf__type_by_id(btf, of->type);
		if (!strcmp(found_name, name))
			return of;
		if (!*found_name && of && btf_is_composite(of) && (of = find_member(btf, of, name)))
			return of;
	}
	return NULL;
}

static const struct btf_type *struct_member(const struct btf *btf, const char *name,
					    const char *member)
{
	int id = btf__find_by_name_kind(btf, name, BTF_KIND_STRUCT);

	return id < 0 ? NULL : find_member(btf, btf__type_by_id(btf, id), member);
}

/* The number of arguments of a tracepoint (one more than its own: the context); 0 without it. */
static int tracepoint_arguments(const struct btf *btf, const char *name)
{
	int id = btf__find_by_name_kind(btf, name, BTF_KIND_TYPEDEF);
	const struct btf_type *type = id > 0 ? btf__type_by_id(btf, id) : NULL;

	while (type && (btf_is_ptr(type) || btf_is_typedef(type)))
		type = btf__type_by_id(btf, type->type);
	return type && btf_is_func_proto(type) ? btf_vlen(type) : 0;
}

/* Hooks that either exist as they are needed, or not at all. */
static void probe_tracepoints(struct feature_set *features, const struct btf *btf)
{
	static const struct {
		enum feature feature;
		const char *type;
		const char *hook;
	} hooks[] = {
		{ FEATURE_FAULT_ENTRY, "btf_trace_page_fault_user",
		  "exceptions:page_fault_user and page_fault_kernel" },
		{ FEATURE_PROCESS_EXIT, "btf_trace_sched_process_exit",
		  "sched:sched_process_exit" },
		{ FEATURE_PROCESS_FREE, "btf_trace_sched_process_free",
		  "sched:sched_process_free" },
		{ FEATURE_PROCESS_FORK, "btf_trace_sched_process_fork",
		  "sched:sched_process_fork" },
		{ FEATURE_PROCESS_EXEC, "btf_trace_sched_process_exec",
		  "sched:sched_process_exec" },
		{ FEATURE_SIGNALS, "btf_trace_signal_generate", "signal:signal_generate" },
	};
	bool maple = struct_member(btf, "mm_struct", "mm_mt");
	bool iterator = btf__find_by_name_kind(btf, "bpf_iter_task", BTF_KIND_FUNC) > 0;

	for (size_t i = 0; i < ARRAY_SIZE(hooks); i++) {
		bool available = tracepoint_arguments(btf, hooks[i].type);

		found(features, hooks[i].feature, available,
		      available ? "%s" : "this kernel has no %s", hooks[i].hook);
	}
	found(features, FEATURE_TASK_WALK, maple,
	      maple ? "raw_tp over the kernel's list of processes" :
		      "no walk over processes before Linux 6.1");
	found(features, FEATURE_TASK_ITERATOR, iterator,
	      iterator ? "iter/task" : "this kernel has no BPF iterator of tasks");
}

/* Hooks whose arguments or place in the kernel show what they can do. */
static void probe_hooks(struct feature_set *features, const struct btf *btf)
{
	bool exit_early = tracepoint_arguments(btf, "btf_trace_sched_process_exit") > 2;
	bool rss = tracepoint_arguments(btf, "btf_trace_rss_stat") == 3;
	bool flush = tracepoint_arguments(btf, "btf_trace_tlb_flush");
	bool around = tracepoint_arguments(btf, "btf_trace_mm_filemap_map_pages");
	bool dax = tracepoint_arguments(btf, "btf_trace_dax_pmd_fault_done");
	bool reclaim = tracepoint_arguments(btf, "btf_trace_mm_vmscan_direct_reclaim_end");
	bool memcg = tracepoint_arguments(btf, "btf_trace_mm_vmscan_memcg_reclaim_end");

	/* A second argument since it fires before exit_mm() (Linux 6.16). */
	found(features, FEATURE_EXIT_WITH_MM, exit_early,
	      exit_early ? "sched_process_exit before exit_mm()" :
			   "sched_process_exit comes after exit_mm() before Linux 6.16");
	/* (mm, member) since 6.2; before, with a count, it did not fire at each fault. */
	found(features, FEATURE_RSS_STAT, rss,
	      rss ? "tp_btf/rss_stat" :
		    "kmem:rss_stat does not fire at each fault before Linux 6.2");
	found(features, FEATURE_TLB_FLUSH, flush,
	      flush ? "tp_btf/tlb_flush" : "this kernel has no tlb:tlb_flush (x86 only)");
	found(features, FEATURE_MAP_PAGES, around,
	      around ? "tp_btf/mm_filemap_map_pages" :
		       "no filemap:mm_filemap_map_pages before Linux 6.12");
	found(features, FEATURE_DAX, dax,
	      dax ? "tp_btf/dax_pmd_fault_done" :
		    "this kernel has no fs_dax:dax_pmd_fault_done (CONFIG_FS_DAX)");
	found(features, FEATURE_RECLAIM, reclaim,
	      reclaim ? "tp_btf/mm_vmscan_direct_reclaim_begin and _end" :
			"this kernel has no vmscan:mm_vmscan_direct_reclaim_begin");
	found(features, FEATURE_MEMCG_RECLAIM, memcg,
	      memcg ? "tp_btf/mm_vmscan_memcg_reclaim_begin and _end" :
		      "this kernel has no cgroup limits of memory (CONFIG_MEMCG)");
}

/* What tells the causes of stalls. */
static void probe_causes(struct feature_set *features, const struct btf *btf)
{
	bool switches = tracepoint_arguments(btf, "btf_trace_sched_switch");
	bool delay = struct_member(btf, "sched_info", "run_delay");
	bool locks = tracepoint_arguments(btf, "btf_trace_contention_end");
	bool compaction = tracepoint_arguments(btf, "btf_trace_mm_compaction_end");
	bool cache = tracepoint_arguments(btf, "btf_trace_mm_filemap_add_to_page_cache");
	bool writeback = tracepoint_arguments(btf, "btf_trace_folio_wait_writeback") &&
			 tracepoint_arguments(btf, "btf_trace_balance_dirty_pages");
	bool refaults = tracepoint_arguments(btf, "btf_trace_mod_memcg_lruvec_state");

	found(features, FEATURE_SWITCHES, switches,
	      switches ? "tp_btf/sched_switch" : "this kernel has no sched:sched_switch");
	found(features, FEATURE_RUN_DELAY, delay,
	      delay ? "sched_info.run_delay" : "this kernel lacks CONFIG_SCHED_INFO");
	found(features, FEATURE_LOCKS, locks,
	      locks ? "tp_btf/contention_begin and _end" :
		      "no lock:contention_begin before Linux 5.19");
	found(features, FEATURE_COMPACTION, compaction,
	      compaction ? "tp_btf/mm_compaction_begin and _end" :
			   "this kernel has no compaction:mm_compaction_begin (CONFIG_COMPACTION)");
	found(features, FEATURE_PAGE_CACHE, cache,
	      cache ? "tp_btf/mm_filemap_add_to_page_cache" :
		      "this kernel has no filemap:mm_filemap_add_to_page_cache");
	found(features, FEATURE_WRITEBACK, writeback,
	      writeback ? "tp_btf/folio_wait_writeback and balance_dirty_pages" :
			  "no writeback:folio_wait_writeback before Linux 5.16");
	found(features, FEATURE_REFAULTS, refaults,
	      refaults ? "tp_btf/mod_memcg_lruvec_state" :
			 "no memcg:mod_memcg_lruvec_state before Linux 6.13, nor without "
			 "CONFIG_MEMCG");
}

/*
 * (mm, write, success) since 6.14: before, each lock had its cgroup's path written down. The
 * numbers of system calls, and where their arguments are, are known of x86-64 and arm64.
 */
static void probe_populate(struct feature_set *features, const struct btf *btf)
{
	bool locks = tracepoint_arguments(btf, "btf_trace_mmap_lock_acquire_returned") == 4 &&
		     tracepoint_arguments(btf, "btf_trace_mmap_lock_released") == 3;
	bool placed = tracepoint_arguments(btf, "btf_trace_vm_unmapped_area") == 3;
	bool numbers = struct_member(btf, "pt_regs", "orig_ax") ||
		       struct_member(btf, "pt_regs", "syscallno");

	found(features, FEATURE_POPULATE, locks && placed && numbers,
	      !numbers ? "no system calls of x86-64 or arm64 here" :
	      !locks   ? "mmap_lock:mmap_lock_acquire_returned is too slow before Linux 6.14" :
	      !placed  ? "this kernel has no mmap:vm_unmapped_area" :
			 "tp_btf/mmap_lock_acquire_returned, mmap_lock_released and "
			 "vm_unmapped_area");
}

/* What cannot be read is not there. */
static bool has_capability(unsigned capability)
{
	return !capng_get_caps_process() && capng_have_capability(CAPNG_EFFECTIVE, capability);
}

/* Before Linux 5.11 maps count as locked memory of the user (struct bpf_map.memory); libbpf removes
 * the limit where it may. */
static void probe_memlock(struct feature_set *features, const struct btf *btf)
{
	struct rlimit limit = { RLIM_INFINITY, RLIM_INFINITY };
	bool counts = struct_member(btf, "bpf_map", "memory");
	bool may_raise = has_capability(CAP_SYS_RESOURCE);

	getrlimit(RLIMIT_MEMLOCK, &limit);
	if (!counts)
		found(features, FEATURE_MEMLOCK, true, "RLIMIT_MEMLOCK does not count maps");
	else if (may_raise)
		found(features, FEATURE_MEMLOCK, true, "CAP_SYS_RESOURCE: RLIMIT_MEMLOCK is set");
	else
		found(features, FEATURE_MEMLOCK, limit.rlim_cur >= MEMLOCK_NEEDED,
		      "RLIMIT_MEMLOCK counts maps before Linux 5.11 and is %lu KiB; needed: %lu",
		      (unsigned long)limit.rlim_cur >> 10, MEMLOCK_NEEDED >> 10);
}

static void probe_types(struct feature_set *features, const struct btf *btf)
{
	const struct btf_type *sequence = struct_member(btf, "mm_struct", "mm_lock_seq");
	bool maple = struct_member(btf, "mm_struct", "mm_mt");
	bool red_black = struct_member(btf, "mm_struct", "mm_rb");
	bool run = btf__find_by_name_kind(btf, "bpf_raw_tp_test_run_info", BTF_KIND_STRUCT) > 0;
	bool cast = btf__find_by_name_kind(btf, "bpf_rdonly_cast", BTF_KIND_FUNC) > 0;
	bool stack = btf__find_by_name_kind(btf, "bpf_get_stack", BTF_KIND_FUNC) > 0;

	probe_memlock(features, btf);
	probe_tracepoints(features, btf);
	probe_hooks(features, btf);
	probe_causes(features, btf);
	probe_populate(features, btf);
	found(features, FEATURE_STACK_SAMPLES, maple,
	      maple ? "bpf_task_pt_regs(), bpf_loop() and a ring of 8 MiB" :
		      "no bpf_loop() in the programs for kernels before Linux 6.1");
	found(features, FEATURE_KERNEL_STACKS, stack,
	      stack ? "bpf_get_stack()" : "no bpf_get_stack() (CONFIG_BPF_EVENTS)");
	found(features, FEATURE_TEST_RUN, run,
	      run ? "BPF_PROG_TEST_RUN on a CPU" :
		    "no BPF_PROG_TEST_RUN of raw tracepoint programs (before Linux 5.10)");
	found(features, FEATURE_VMA_TREE, maple || red_black,
	      maple     ? "mm_struct.mm_mt" :
	      red_black ? "mm_struct.mm_rb" :
			  "mm_struct has no tree of mappings that faultmap knows");
	found(features, FEATURE_MAPLE_TREE, maple,
	      maple ? "mm_struct.mm_mt" : "mm_struct has no maple tree (before Linux 6.1)");
	found(features, FEATURE_DIRECT_READS, cast,
	      cast ? "bpf_rdonly_cast()" : "no bpf_rdonly_cast() (before Linux 6.2)");
	if (sequence && btf_is_composite(sequence))
		found(features, FEATURE_MM_SEQUENCE, true, "mm_struct.mm_lock_seq is a seqcount");
	else
		found(features, FEATURE_MM_SEQUENCE, false,
		      "mm_struct.mm_lock_seq is absent or a plain counter (before Linux 6.14)");
}

static void probe_btf(struct feature_set *features)
{
	struct btf *btf = btf__parse(BTF_PATH, NULL);
	int why = errno;

	if (btf) {
		found(features, FEATURE_BTF, true, BTF_PATH);
		probe_types(features, btf);
		btf__free(btf);
		return;
	}
	found(features, FEATURE_BTF, false, "cannot read " BTF_PATH ": %s", strerror(why));
	for (enum feature feature = FEATURE_FAULT_ENTRY; feature < FEATURE_COUNT; feature++)
		found(features, feature, false, "not known without BTF");
}

static void probe_capabilities(struct feature_set *features)
{
	bool admin = has_capability(CAP_SYS_ADMIN);
	bool bpf = admin || has_capability(CAP_BPF);
	bool perfmon = admin || has_capability(CAP_PERFMON);

	if (bpf && perfmon)
		found(features, FEATURE_CAPABILITIES, true,
		      admin ? "CAP_SYS_ADMIN" : "CAP_BPF and CAP_PERFMON");
	else
		found(features, FEATURE_CAPABILITIES, false, "uid %u lacks %s%s%s",
		      (unsigned int)geteuid(), bpf ? "" : "CAP_BPF (to load programs)",
		      bpf || perfmon ? "" : " and ",
		      perfmon ? "" : "CAP_PERFMON (to read kernel memory in them)");
}

/* Loads the smallest possible program, of the type that needs the least privileges. */
static int load_nothing(void)
{
	const struct bpf_insn nothing[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};

	return bpf_prog_load(BPF_PROG_TYPE_SOCKET_FILTER, NULL, "GPL", nothing, ARRAY_SIZE(nothing),
			     NULL);
}

static void probe_bpf_syscall(struct feature_set *features)
{
	autoclose int program = load_nothing();
	struct refusal refusal = { .feature = FEATURE_BPF_SYSCALL, .why = -program };

	if (program >= 0) {
		found(features, FEATURE_BPF_SYSCALL, true, "bpf() loads a program");
		return;
	}
	snprintf(refusal.what, sizeof(refusal.what),
		 "bpf(): BPF_PROG_LOAD, with kernel.unprivileged_bpf_disabled at %d",
		 policy_sysctl("/proc/sys/kernel/unprivileged_bpf_disabled"));
	features_refuse(features, &refusal);
}

/* Each kind of map, as small as can be. */
static void probe_maps(struct feature_set *features)
{
	static const struct {
		enum feature feature;
		enum bpf_map_type type;
		const char *name;
		uint32_t flags;
	} kinds[] = {
		{ FEATURE_MAPS, BPF_MAP_TYPE_HASH, "hash", 0 },
		{ FEATURE_MAPS, BPF_MAP_TYPE_LRU_HASH, "lru_hash", 0 },
		{ FEATURE_MAPS, BPF_MAP_TYPE_PERCPU_ARRAY, "percpu_array", 0 },
		{ FEATURE_MMAPABLE_ARRAYS, BPF_MAP_TYPE_ARRAY, "array", BPF_F_MMAPABLE },
		{ FEATURE_RING_BUFFER, BPF_MAP_TYPE_RINGBUF, "ringbuf", 0 },
	};

	found(features, FEATURE_MAPS, true, "hash, lru_hash and percpu_array");
	found(features, FEATURE_MMAPABLE_ARRAYS, true, "array with BPF_F_MMAPABLE");
	found(features, FEATURE_RING_BUFFER, true, "ringbuf");
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = kinds[i].flags);
		bool ring = kinds[i].type == BPF_MAP_TYPE_RINGBUF;
		int size = ring ? 0 : sizeof(uint64_t);
		autoclose int fd = bpf_map_create(kinds[i].type, NULL, ring ? 0 : sizeof(uint32_t),
						  size, ring ? sysconf(_SC_PAGESIZE) : 1, &options);
		struct refusal refusal = { .feature = kinds[i].feature, .why = -fd };

		if (fd >= 0)
			continue;
		snprintf(refusal.what, sizeof(refusal.what), "a small map (%s): BPF_MAP_CREATE",
			 kinds[i].name);
		features_refuse(features, &refusal);
	}
}

/* In "none integrity [confidentiality]" the brackets are round what holds. */
static void probe_lockdown(struct feature_set *features)
{
	autofclose FILE *file = fopen("/sys/kernel/security/lockdown", "re");
	char line[128] = "";
	bool confidential;

	if (file && !fgets(line, sizeof(line), file))
		line[0] = '\0';
	line[strcspn(line, "\n")] = '\0';
	confidential = strstr(line, "[confidentiality]");
	if (confidential)
		found(features, FEATURE_LOCKDOWN, false,
		      "the kernel is locked down for confidentiality: BPF programs may not read "
		      "its memory");
	else
		found(features, FEATURE_LOCKDOWN, true, "%s",
		      line[0] ? line : "no lockdown is known here");
}

static void probe_jit(struct feature_set *features)
{
	int enabled = policy_sysctl("/proc/sys/net/core/bpf_jit_enable");

	/* Unreadable: in a network namespace of its own, or built in for good. */
	found(features, FEATURE_JIT, enabled != 0,
	      enabled < 0 ? "net.core.bpf_jit_enable is not shown here" :
			    "net.core.bpf_jit_enable is %d",
	      enabled);
}

/* Process 1 is another user's, or we are root. */
static void probe_proc(struct feature_set *features)
{
	bool readable = access("/proc/1/statm", R_OK) == 0;

	found(features, FEATURE_PROC, readable,
	      readable ? "/proc shows other users' processes" :
			 "/proc/1/statm: %s; hidepid= hides other users' processes",
	      strerror(errno));
}

static void probe_seccomp(struct feature_set *features)
{
	uint32_t action = SECCOMP_RET_ERRNO;

	if (IS_SANITIZED)
		found(features, FEATURE_SECCOMP, false,
		      "built with sanitizers, which make calls of all sorts");
	else if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action))
		found(features, FEATURE_SECCOMP, false, "seccomp(): %s", strerror(errno));
	else
		found(features, FEATURE_SECCOMP, true, "seccomp() takes filters");
}

static void probe_perf_events(struct feature_set *features)
{
	struct perf_event_attr attributes = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attributes),
		.config = PERF_COUNT_SW_PAGE_FAULTS_MAJ,
		.sample_period = 1,
		.disabled = 1,
	};
	autoclose int fd = syscall(SYS_perf_event_open, &attributes, -1, 0, -1,
				   PERF_FLAG_FD_CLOEXEC);
	struct refusal refusal = { .feature = FEATURE_PERF_EVENTS };

	if (fd >= 0) {
		found(features, FEATURE_PERF_EVENTS, true, "perf software event page-faults-major");
		return;
	}
	refusal.why = errno;
	snprintf(refusal.what, sizeof(refusal.what),
		 "perf_event_open, with kernel.perf_event_paranoid at %d",
		 policy_sysctl("/proc/sys/kernel/perf_event_paranoid"));
	features_refuse(features, &refusal);
}

static void probe_pid_namespace(struct feature_set *features)
{
	struct stat status;
	bool initial = !stat("/proc/self/ns/pid", &status) &&
		       status.st_ino == INITIAL_PID_NAMESPACE;
	char self[32] = "";
	bool ours = readlink("/proc/self", self, sizeof(self) - 1) > 0 && atoi(self) == getpid();

	found(features, FEATURE_HOST_PROCESSES, initial,
	      initial ? "the initial PID namespace" : "this is not the initial PID namespace");
	if (ours)
		found(features, FEATURE_PID_NAMESPACE, true, "/proc shows this PID namespace");
	else
		found(features, FEATURE_PID_NAMESPACE, false,
		      "/proc shows another PID namespace: this is process %d, /proc/self is \"%s\"",
		      (int)getpid(), self);
}

static void probe_kernel_names(struct feature_set *features)
{
	if (kernel_names_are_shown(NULL))
		found(features, FEATURE_KERNEL_NAMES, true, "/proc/kallsyms shows addresses");
	else
		found(features, FEATURE_KERNEL_NAMES, false,
		      "/proc/kallsyms shows no addresses (kernel.kptr_restrict is %d)",
		      policy_sysctl("/proc/sys/kernel/kptr_restrict"));
}

static int disable(struct feature_set *features, const char *name, struct error *error)
{
	bool assume = name[0] == '+';

	for (enum feature feature = 0; feature < FEATURE_COUNT; feature++) {
		if (strcmp(feature_info(feature)->name, name + assume))
			continue;
		found(features, feature, assume, "switched %s by --disable-feature %s",
		      assume ? "on" : "off", name);
		return 0;
	}
	return error_set(error, EINVAL,
			 "--disable-feature: no feature is named \"%s\"; "
			 "`faultmap check` lists them",
			 name);
}

int features_probe(struct feature_set *features, const struct option_list *disabled,
		   struct error *error)
{
	probe_btf(features);
	probe_capabilities(features);
	probe_bpf_syscall(features);
	probe_maps(features);
	probe_lockdown(features);
	probe_jit(features);
	probe_proc(features);
	probe_seccomp(features);
	probe_perf_events(features);
	probe_pid_namespace(features);
	probe_kernel_names(features);
	for (size_t i = 0; disabled && i < disabled->count; i++) {
		int result = disable(features, disabled->values[i], error);

		if (result)
			return result;
	}
	return 0;
}

void features_drop(struct feature_set *features, enum feature feature, const char *why)
{
	found(features, feature, false, "%s", why);
}

void features_refuse(struct feature_set *features, const struct refusal *refusal)
{
	struct feature_state *state = &features->state[refusal->feature];
	char policy[160];

	policy_describe(refusal->why, strstr(refusal->what, "BPF_PROG_LOAD"), policy,
			sizeof(policy));
	policy_errno_name(refusal->why, state->error);
	found(features, refusal->feature, false, "%s: %s (%s); %s", refusal->what,
	      strerror(refusal->why), state->error, policy);
	state->refused = refusal->why;
}
