// SPDX-License-Identifier: GPL-2.0-only
/* What each feature is for, what goes without it, and what to do to have it. */
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
			   "exact VSZ and RSS of other users' processes: the kernel's cheap figures "
			   "are shown",
			   "mount /proc without hidepid= (ProtectProc=default in a unit), or grant "
			   "CAP_SYS_PTRACE",
			   false },
	[FEATURE_SECCOMP] = { "seccomp",
			      "a filter of system calls: daemon, log and top after their start, report "
			      "before it reads",
			      "the filter: who takes the process over by a bug can make any call that "
			      "its user may",
			      "use a kernel with CONFIG_SECCOMP_FILTER=y; allow seccomp() in the "
			      "filter of a unit or container",
			      false },
	[FEATURE_FAULT_ENTRY] = { "fault_entry",
				  "each fault at its entry (exceptions:page_fault_user, _kernel)",
				  "what the access was; cow, file_cow, mkwrite and wp_other cannot be told "
				  "from the first touch of such a mapping (full detail tells some); a "
				  "mapping with a single fault and the one that takes its place are one; "
				  "speed: perf events page-faults and page-faults-minor instead",
				  NULL, false },
	[FEATURE_TEST_RUN] = { "test_run", "reading what each CPU has counted and not yet written",
			       "everything", "use Linux 5.10 or later", true },
	[FEATURE_TASK_WALK] = { "task_walk",
				"the kernel's counters of the processes that have moved",
				"speed: the iterator tells of every task at each tick", NULL,
				false },
	[FEATURE_TASK_ITERATOR] = { "task_iterator",
				    "the kernel's counters of every task, where task_walk lacks",
				    "nothing where task_walk is there; everything where it is not",
				    HAS_TO_ALLOW, false },
	[FEATURE_PROCESS_EXIT] = { "process_exit", "what a process had counted when it ended",
				   "everything", HAS_TO_ALLOW, true },
	[FEATURE_PROCESS_FREE] = { "process_free",
				   "the end of processes whose threads end in any order",
				   "such a process that is older than faultmap is shown for ten seconds "
				   "after its end",
				   NULL, false },
	[FEATURE_PROCESS_FORK] = { "process_fork", "the children of what `faultmap run` runs",
				   "`faultmap run`", HAS_TO_ALLOW, false },
	[FEATURE_SIGNALS] = { "signals", "faults that end in SIGSEGV or SIGBUS",
			      "a fault that a page table denies (a guard page) counts as minor in fast "
			      "detail, as aborted in full; where fault_entry lacks too, most denied faults",
			      NULL, false },
	[FEATURE_MEMLOCK] = { "memlock", "memory for BPF maps", "everything",
			      "set no limit: `ulimit -l unlimited` (LimitMEMLOCK=infinity in a unit); "
			      "or grant CAP_SYS_RESOURCE",
			      true },
	[FEATURE_VMA_TREE] = { "vma_tree", "the mapping of each fault", "everything",
			       "use Linux 5.10 or later", true },
	[FEATURE_MAPLE_TREE] = { "maple_tree", "the programs for Linux 6.1 and later",
				 "speed; the mapping of a fault while another thread changes the "
				 "process's ([unresolved]); paths are cut to 64 directories; a write that swaps shmem in shows as shmem",
				 NULL, false },
	[FEATURE_MM_SEQUENCE] = { "mm_sequence", "reusing the mapping found for the fault before",
				  "speed: each fault looks its mapping up; a mapping with a single fault and the "
				  "one that takes its place are one",
				  NULL, false },
	[FEATURE_PERF_EVENTS] = { "perf_events",
				  "latency of major faults; a count of the kernel's to hold rows against",
				  "latency; perf_minor, perf_major, missed, lost_completions; majors are "
				  "told from minors at the task's next fault; full detail has the kinds "
				  "of fast detail",
				  "grant CAP_PERFMON, and CAP_SYS_ADMIN where kernel.perf_event_paranoid is "
				  "3 or more; if they are there, a seccomp filter or security module forbids "
				  "perf_event_open(): allow it",
				  false },
	[FEATURE_DIRECT_READS] = { "direct_reads", "kernel memory at one load a field",
				   "speed: bpf_probe_read_kernel() instead; full detail: a file fault's "
				   "pages are its whole window",
				   NULL, false },
	[FEATURE_EXIT_WITH_MM] = { "exit_with_mm", "peak VSZ of a process at its exit",
				   "VSZ of processes that live less than an interval", NULL,
				   false },
	[FEATURE_RSS_STAT] = { "rss_stat",
			       "full detail: a page from the swap cache told from a fresh one",
			       "a minor swap_in shows as demand_zero; where fault_entry lacks too, copies "
			       "of a file's pages as file_map",
			       NULL, false },
	[FEATURE_TLB_FLUSH] = { "tlb_flush", "full detail: a copy told from a page made writable",
				"wp_other shows as cow", NULL, false },
	[FEATURE_MAP_PAGES] = { "map_pages", "full detail: pages mapped around a file fault",
				"such a fault counts as one page where direct_reads lacks too",
				NULL, false },
	[FEATURE_RECLAIM] = { "reclaim",
			      "time that a fault takes to reclaim memory; full detail: pages that it "
			      "swaps out for that",
			      "that time shows as cpu or unknown, and such a fault as swap_in",
			      NULL, false },
	[FEATURE_MEMCG_RECLAIM] = { "memcg_reclaim", "the same at a cgroup's limit of memory",
				    "the same there", NULL, false },
	[FEATURE_SWITCHES] = { "switches",
			       "what a stall was for; fast detail: how long a minor fault waited",
			       "both: stalls have no causes, and minor faults no latency in fast "
			       "detail",
			       NULL, false },
	[FEATURE_RUN_DELAY] = { "run_delay", "waiting for a CPU told from sleeping",
				"who was woken and waited for a CPU shows as still asleep", NULL,
				false },
	[FEATURE_LOCKS] = { "locks", "stalls at a lock, mostly the process's mmap_lock",
			    "these show as unknown", NULL, false },
	[FEATURE_COMPACTION] = { "compaction", "stalls for a huge page's memory to be cleared",
				 "these show as cpu or unknown", NULL, false },
	[FEATURE_PAGE_CACHE] = { "page_cache",
				 "a fault that reads its page told from one that waits for another's "
				 "read",
				 "both show as page_wait", NULL, false },
	[FEATURE_WRITEBACK] = { "writeback", "stalls of a write to a file for others before it",
				"of the first write to a page these show as page_wait", NULL,
				false },
	[FEATURE_STACK_SAMPLES] = { "stack_samples",
				    "--stacks: copies of stacks, to be unwound where frame pointers "
				    "lack",
				    "the callers of code without frame pointers (--stacks)", NULL,
				    false },
	[FEATURE_REFAULTS] = { "refaults",
			       "pages that had been evicted and come back, told from a first read",
			       "refaults: no row has any", NULL, false },
	[FEATURE_HOST_PROCESSES] = { "host_processes", "the processes of the whole machine",
				     "processes outside of this PID namespace; without `run`, the "
				     "perf events' counts too",
				     "run in the host's PID namespace (--pid=host, hostPID: true)",
				     false },
	[FEATURE_PID_NAMESPACE] = { "pid_namespace", "pids as this namespace shows them",
				    "everything: /proc would tell of other processes",
				    "mount the /proc of this PID namespace (mount -t proc proc /proc)",
				    true },
};

const struct feature_info *feature_info(enum feature feature)
{
	return &infos[feature];
}
