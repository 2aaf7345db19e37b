// SPDX-License-Identifier: GPL-2.0-only
/* What each feature is for, what is lost without it, and what to do to have it. */
#include "collect/features.h"

#define HAS_TO_ALLOW "let the kernel's policies allow it (lockdown, seccomp, security modules)"

static const struct feature_info infos[FEATURE_COUNT] = {
	[FEATURE_BTF] = { "btf", "kernel types for CO-RE", "everything",
			  "use a kernel built with CONFIG_DEBUG_INFO_BTF=y (it shows as " BTF_PATH
			  ")",
			  true },
	[FEATURE_CAPABILITIES] = { "capabilities", "loading BPF programs that read kernel memory",
				   "everything",
				   "run as root, or grant CAP_BPF and CAP_PERFMON (setcap, or "
				   "AmbientCapabilities= in a unit)",
				   true },
	[FEATURE_BPF_SYSCALL] = { "bpf_syscall", "the bpf() system call", "everything",
				  "grant CAP_BPF; if it is there, a seccomp filter or security module "
				  "forbids bpf(): allow it (SystemCallFilter= in a unit, the "
				  "container's seccomp profile)",
				  true },
	[FEATURE_MAPS] = { "maps", "hashes, LRU hashes and arrays: what the kernel side counts in",
			   "everything", HAS_TO_ALLOW, true },
	[FEATURE_MMAPABLE_ARRAYS] = { "mmapable_arrays", "counters in shared memory", "everything",
				      "use Linux 5.5 or later; " HAS_TO_ALLOW, true },
	[FEATURE_RING_BUFFER] = { "ring_buffer", "names of mappings and ends of processes",
				  "everything", "use Linux 5.8 or later; " HAS_TO_ALLOW, true },
	[FEATURE_LOCKDOWN] = { "lockdown", "BPF programs may read kernel memory", "everything",
			       "boot with lockdown=integrity or lockdown=none", true },
	[FEATURE_JIT] = { "jit", "BPF programs as machine code",
			  "speed: the programs are interpreted", "set net.core.bpf_jit_enable to 1",
			  false },
	[FEATURE_PROC] = { "proc", "exact VSZ and RSS (/proc/PID/statm)",
			   "exact VSZ and RSS of other users' processes: the kernel's estimates are shown",
			   "mount /proc without hidepid= (ProtectProc=default in a unit), or grant "
			   "CAP_SYS_PTRACE",
			   false },
	[FEATURE_SECCOMP] = { "seccomp",
			      "a filter of system calls for daemon, log and top after their start, and for "
			      "report before it reads",
			      "the filter: an attacker who takes over the process can make every system call "
			      "that its user may",
			      "use a kernel with CONFIG_SECCOMP_FILTER=y; allow seccomp() in the "
			      "filter of a unit or container",
			      false },
	[FEATURE_FAULT_ENTRY] = { "fault_entry",
				  "each fault at its entry (exceptions:page_fault_user, _kernel)",
				  "the access; cow, file_cow, mkwrite and wp_other are not told apart from the "
				  "first touch of such a mapping (full detail tells some); a mapping with a "
				  "single fault and a later one in its place count as one; speed, as the perf "
				  "events page-faults and page-faults-minor are used instead",
				  NULL, false },
	[FEATURE_TEST_RUN] = { "test_run",
			       "reading what each CPU has counted but not yet put in a row",
			       "everything", "use Linux 5.10 or later", true },
	[FEATURE_TASK_WALK] = { "task_walk",
				"the kernel's counters of the processes that have changed",
				"speed: each tick reads every task with the iterator", NULL,
				false },
	[FEATURE_TASK_ITERATOR] = { "task_iterator",
				    "the kernel's counters of every task, if there is no task_walk",
				    "nothing if there is task_walk; everything if not",
				    HAS_TO_ALLOW, false },
	[FEATURE_PROCESS_EXIT] = { "process_exit", "what a process had counted when it ended",
				   "everything", HAS_TO_ALLOW, true },
	[FEATURE_PROCESS_FREE] = { "process_free",
				   "the end of processes whose first thread does not end last",
				   "such a process is shown for ten seconds after its end if it is older than "
				   "faultmap",
				   NULL, false },
	[FEATURE_PROCESS_FORK] = { "process_fork", "the children of the command of `faultmap run`",
				   "`faultmap run`", HAS_TO_ALLOW, false },
	[FEATURE_PROCESS_EXEC] = { "process_exec",
				   "what a process runs that starts and ends between two ticks",
				   "the program and command line of such a process: [COMM], or its name",
				   HAS_TO_ALLOW, false },
	[FEATURE_SIGNALS] = { "signals", "faults that end in SIGSEGV or SIGBUS",
			      "faults that a page table denies (a guard page) count as minor in fast detail "
			      "and as aborted in full; without fault_entry too, so do most denied faults",
			      NULL, false },
	[FEATURE_MEMLOCK] = { "memlock", "memory for BPF maps", "everything",
			      "set no limit: `ulimit -l unlimited` (LimitMEMLOCK=infinity in a unit); "
			      "or grant CAP_SYS_RESOURCE",
			      true },
	[FEATURE_VMA_TREE] = { "vma_tree", "the mapping of each fault", "everything",
			       "use Linux 5.10 or later", true },
	[FEATURE_MAPLE_TREE] = { "maple_tree", "the programs for Linux 6.1 and later",
				 "speed; the mapping of a fault while another thread changes the mappings "
				 "([unresolved]); paths are cut to 64 directories; a write that swaps shmem in "
				 "shows as shmem",
				 NULL, false },
	[FEATURE_MM_SEQUENCE] = { "mm_sequence", "using the mapping of the fault before again",
				  "speed: each fault looks up its mapping; a mapping with a single fault and a "
				  "later one in its place count as one",
				  NULL, false },
	[FEATURE_PERF_EVENTS] = { "perf_events",
				  "latency of major faults; the kernel's own counts, to compare with the rows",
				  "latency; perf_minor, perf_major, missed and lost_completions; majors are only "
				  "known at the task's next fault; full detail has only the kinds of fast "
				  "detail",
				  "grant CAP_PERFMON, and CAP_SYS_ADMIN where kernel.perf_event_paranoid is "
				  "3 or more; if they are there, a seccomp filter or security module forbids "
				  "perf_event_open(): allow it",
				  false },
	[FEATURE_DIRECT_READS] = { "direct_reads", "reading a field of kernel memory with one load",
				   "speed: bpf_probe_read_kernel() is used instead; full detail: a file fault "
				   "counts all pages of its fault-around window",
				   NULL, false },
	[FEATURE_EXIT_WITH_MM] = { "exit_with_mm", "peak VSZ of a process at its exit",
				   "VSZ of processes that start and end between two ticks", NULL,
				   false },
	[FEATURE_RSS_STAT] = { "rss_stat",
			       "full detail: telling a page from the swap cache from a new one",
			       "minor swap_in, which shows as demand_zero; without fault_entry too, copies of "
			       "a file's pages, which show as file_map",
			       NULL, false },
	[FEATURE_TLB_FLUSH] = { "tlb_flush",
				"full detail: telling a copy from a page that is made writable",
				"wp_other, which shows as cow", NULL, false },
	[FEATURE_MAP_PAGES] = { "map_pages", "full detail: pages mapped around a file fault",
				"without direct_reads too, these pages: such a fault counts as one page",
				NULL, false },
	[FEATURE_DAX] = { "dax",
			  "full detail: huge pages of files on persistent memory (mount -o dax)",
			  "before Linux 6.15 such a fault counts as one page", NULL, false },
	[FEATURE_RECLAIM] = { "reclaim",
			      "the time that a fault takes to reclaim memory; full detail: not taking pages "
			      "that it swaps out for its own",
			      "the cause reclaim, which shows as cpu or unknown; full detail: the kind of "
			      "such a fault, which shows as swap_in",
			      NULL, false },
	[FEATURE_MEMCG_RECLAIM] = { "memcg_reclaim", "as reclaim, at the memory limit of a cgroup",
				    "as reclaim, at the memory limit of a cgroup", NULL, false },
	[FEATURE_SWITCHES] = { "switches",
			       "the causes of stalls; fast detail: how long a minor fault waited",
			       "the causes of stalls; fast detail: the latency of minor faults",
			       NULL, false },
	[FEATURE_RUN_DELAY] = { "run_delay", "telling waiting for a CPU from sleeping",
				"the cause runqueue after a sleep, which shows as the cause of the sleep",
				NULL, false },
	[FEATURE_LOCKS] = { "locks", "stalls at a lock, mostly the process's mmap_lock",
			    "the cause lock, which shows as unknown", NULL, false },
	[FEATURE_COMPACTION] = { "compaction", "stalls while memory is moved to make a huge page",
				 "the cause compaction, which shows as cpu or unknown", NULL,
				 false },
	[FEATURE_PAGE_CACHE] = { "page_cache",
				 "telling a fault that reads its page from one that waits for another's read",
				 "the cause of the former, which shows as page_wait too", NULL,
				 false },
	[FEATURE_WRITEBACK] = { "writeback", "stalls of a write that waits for earlier writes",
				"the cause writeback, which shows as page_wait at the first write to a page",
				NULL, false },
	[FEATURE_STACK_SAMPLES] = { "stack_samples",
				    "--stacks: copies of stacks, to be unwound where there are no frame pointers",
				    "the callers of code without frame pointers (--stacks)", NULL,
				    false },
	[FEATURE_KERNEL_STACKS] = { "kernel_stacks",
				    "the kernel's part of call paths: --stacks, of faults in kernel mode or asleep; and "
				    "of stalls whose cause is unknown",
				    "the kernel's part of call paths", NULL, false },
	[FEATURE_KERNEL_NAMES] = { "kernel_names",
				   "names of the kernel's functions in call paths (/proc/kallsyms)",
				   "the names of the kernel's functions: they are all [kernel]",
				   "grant CAP_SYSLOG and set kernel.kptr_restrict to 0 or 1",
				   false },
	[FEATURE_REFAULTS] = { "refaults",
			       "telling pages that come back after their eviction from a first read",
			       "refaults: no row has any", NULL, false },
	[FEATURE_POPULATE] = { "populate",
			       "full detail: the mapping of faults without an exception (MAP_POPULATE, mlock, "
			       "O_DIRECT)",
			       "the kind populate: such faults are in no row, but in gup", NULL,
			       false },
	[FEATURE_HOST_PROCESSES] = { "host_processes", "the processes of the whole machine",
				     "processes outside of this PID namespace; except for `run`, the counts of perf "
				     "events too",
				     "run in the host's PID namespace (--pid=host, hostPID: true)",
				     false },
	[FEATURE_PID_NAMESPACE] = { "pid_namespace", "pids as this namespace shows them",
				    "everything: /proc would show other processes",
				    "mount the /proc of this PID namespace (mount -t proc proc /proc)",
				    true },
};

const struct feature_info *feature_info(enum feature feature)
{
	return &infos[feature];
}
