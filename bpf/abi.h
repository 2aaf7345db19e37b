/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the BPF programs and the collector agree on: enums, map keys and values, ring records.
 * The only header that crosses the kernel boundary. Fixed-width types, no implicit padding; the
 * sizes are asserted on both sides. Times are nanoseconds of CLOCK_BOOTTIME, addresses are bytes.
 */
#ifndef FAULTMAP_ABI_H
#define FAULTMAP_ABI_H

#ifndef __bpf__
#include <stdint.h>
typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int32_t s32;
#endif

/*
 * Switches: frozen at load, so that the verifier drops what is switched off. What each usually is
 * stands beside it. In faultmap_usual.bpf.c they are constants for the compiler: then the verifier
 * is not given what it would take out again, which is a fifth of the time that a start takes.
 */
#define SWITCHES(SWITCH)                                                                           \
	SWITCH(bool, config_attach, false)     /* some of them ran before faultmap came */         \
	SWITCH(bool, config_perf_events, true) /* faults complete in perf events */                \
	SWITCH(bool, config_fault_entry, true) /* features: see src/collect/features.c */          \
	SWITCH(bool, config_mm_sequence, true)                                                     \
	SWITCH(bool, config_direct_reads, true)                                                    \
	SWITCH(bool, config_host_processes, true)                                                  \
	SWITCH(bool, config_process_free, true)                                                    \
	SWITCH(bool, config_run_delay, true)                                                       \
	SWITCH(bool, config_causes, true) /* what a stall was for is told */                       \
	SWITCH(bool, config_stall_paths, true)                                                     \
	SWITCH(u32, config_slice_shift, 0) /* --slice: log2 of its bytes; 0: off */                \
	SWITCH(bool, config_guard, false) /* each fault of a guarded thread is reported at once */ \
	SWITCH(bool, config_guard_units, false) /* guards by cgroup */                             \
	SWITCH(bool, config_guard_threads,                                                         \
	       false) /* guards named threads; else all that are counted */                        \
	SWITCH(bool, config_guard_mlockall, false) /* guards only while mlockall(2) is in force */ \
	SWITCH(bool, config_threads, false) /* --threads, --code: what the context of a row has */ \
	SWITCH(bool, config_code, false)                                                           \
	SWITCH(bool, config_stacks, false)       /* only with config_code */                       \
	SWITCH(bool, config_kernel_paths, false) /* only with config_stacks */                     \
	SWITCH(bool, config_programs, false)     /* what processes run: --by exe, --exe, -c */     \
	SWITCH(u32, config_sample_every, 0) /* --stack-samples; 0: none; only with config_stacks */

/* Why a page faulted; exactly one per fault. .github/CONTRIBUTING.md says how to add one. */
enum fault_kind {
	KIND_UNKNOWN,
	KIND_DEMAND_ZERO,
	KIND_HUGE_ZERO,
	KIND_COW,
	KIND_FILE_MAP,
	KIND_FILE_COW,
	KIND_MKWRITE,
	KIND_SHMEM,
	KIND_SWAP_IN,
	KIND_HUGETLB,
	KIND_NUMA_HINT,
	KIND_USERFAULTFD,
	KIND_STACK_GROWTH,
	KIND_WP_OTHER,
	KIND_DEVICE,
	KIND_POPULATE, /* no exception: the kernel resolved it itself, and it is known where */
	/* From here on the fault ended in SIGSEGV, SIGBUS or EFAULT. */
	KIND_DENIED_UNMAPPED,
	KIND_DENIED_ACCESS,
	KIND_DENIED_PKEY,
	KIND_DENIED_BUS,
	KIND_COUNT,
};
#define KIND_FIRST_DENIED KIND_DENIED_UNMAPPED

/* Whether it is known where the kernel resolved faults itself (get_user_pages()). */
enum gup_told {
	GUP_IN_ROW,    /* in one mapping: KIND_POPULATE */
	GUP_SEVERAL,   /* one system call, several mappings */
	GUP_ELSEWHERE, /* in another address space than the task's own */
	GUP_UNTOLD,    /* the system call does not say where */
	GUP_TOLD_COUNT,
};

enum fault_access { ACCESS_UNKNOWN, ACCESS_READ, ACCESS_WRITE, ACCESS_EXEC, ACCESS_COUNT };
enum fault_mode { MODE_USER, MODE_KERNEL, MODE_COUNT };

#define COMM_LEN 16

/* Latency buckets: bounds of 2^8 (256 ns) to 2^34 ns (17 s), each inclusive. */
#define LATENCY_FIRST_LOG2 8
#define LATENCY_BUCKETS 27

/* What a mapping is; where class and name do not say it, the name record does. */
enum mapping_class {
	MAPPING_UNRESOLVED, /* the walk failed; name_id is 0 */
	MAPPING_NONE,       /* no mapping at the address: denied_unmapped */
	MAPPING_ANON,
	MAPPING_ANON_NAMED, /* prctl(PR_SET_VMA_ANON_NAME) */
	MAPPING_HEAP,
	MAPPING_STACK,
	MAPPING_THREAD_STACK, /* name_id is the tid */
	MAPPING_FILE,
	MAPPING_SHMEM, /* tmpfs, memfd, SysV, shared anonymous: the name tells them apart */
	MAPPING_HUGETLB,
	MAPPING_SPECIAL, /* [vdso], [vvar]: named by the kernel */
	MAPPING_DEVICE,
	MAPPING_OTHER, /* no mapping: the process's faults whose rows found no room */
	MAPPING_CLASS_COUNT,
};

/* Bits of row_key.perms. */
enum { PERM_READ = 1, PERM_WRITE = 2, PERM_EXEC = 4, PERM_SHARED = 8 };

/* The identity of a row: process x mapping x kind x access x mode, and the context where one is
 * asked for. */
struct row_key {
	u64 start_ns; /* of the process */
	u64 anchor;   /* which mapping of the process: see bpf/mapping.bpf.h */
	u64 name_id;  /* which file or name; 0 where the class alone names it */
	u32 tgid;
	u8 kind;
	u8 access;
	u8 mode_class; /* MODE_CLASS() */
	u8 perms;
	u64 context; /* id of a struct context_record; 0: none asked for, or "[other]" */
};
/* Size of a key in the maps if no context is asked for: the members before it. */
#define ROW_KEY_PLAIN 32
/*
 * --slice: with this bit in row_key.perms, the anchor is a hash of the mapping's in its upper 46
 * bits, then log2 of the slice's size, then the low 12 bits of the slice's number, which is address
 * / size. With so few slices that is enough to find the number again near the mapping's end: see
 * src/collect/slice.h. Anchors of two mappings have the same hash once in 2^45.
 */
#define PERM_SLICED 0x80
#define SLICE_HASH_MASK (~0ULL << 18)
#define SLICE_HASH(anchor) ((anchor)*0x9e3779b97f4a7c15ULL & SLICE_HASH_MASK)
#define SLICE_SHIFT_BIT 12
#define SLICE_SHIFT_MASK 0x3fULL
#define SLICE_NUMBER_MASK 0xfffULL
/* The most slices of one mapping. Where --slice would make more, the size of the mapping's slices
 * is doubled until they fit: one mapping must not fill the table of rows. */
#define SLICES_MAX 1024
#define MODE_CLASS(mode, class) ((u8)((mode) << 7 | (class)))
#define MODE_CLASS_MODE(value) ((value) >> 7)
#define MODE_CLASS_CLASS(value) ((value)&0x7f)

/* Where the mapping was when it was last seen. */
struct extent {
	u64 start;
	u64 end;
	u64 offset; /* of start in the file */
};

/* What has been counted in a row, in one cache line. Counters only grow. */
struct row_value {
	u64 minor;
	u64 major;
	u64 denied;
	u64 pages;
	struct extent extent;
	u32 latency; /* which of the latencies is this row's; 0: none yet */
	u16 user;    /* in whose share it counts: struct share */
	u16 largest; /* SIZE_CODE of the largest extent that it has had; 0: not known */
};

/*
 * A size in 16 bits, rounded up by less than a thousandth: in units of 4 KiB, exact below 2,048 of
 * them, and from there on a number of 11 bits, whose first one is not told, times a power of two.
 * Of two sizes the larger has the larger code.
 */
#define SIZE_UNIT_SHIFT 12
#define SIZE_BITS 10
/* The code of 1 << 62 bytes, for what has no bound: parts of a file, mapped one after another in the
 * same place. */
#define SIZE_CODE_WINDOW 41984

/* 1 if the value is not 0, else 0. Without a branch, and so that the compiler makes none of it: the
 * verifier of Linux 5.10 followed each of the 64 paths through code_of_size() to the program's end. */
static inline __attribute__((always_inline)) u64 is_not_zero(u64 value)
{
	u64 negative = -value;

	__asm__ volatile("" : "+r"(negative));
	return (value | negative) >> 63;
}

static inline __attribute__((always_inline)) u16 code_of_size(u64 bytes)
{
	u64 units = (bytes + (1 << SIZE_UNIT_SHIFT) - 1) >> SIZE_UNIT_SHIFT;
	u64 rest = units >> (SIZE_BITS + 1);
	u64 power = 0;

	for (u32 log2 = 6; log2--;) {
		u64 step = is_not_zero(rest >> (1 << log2)) << log2;

		rest >>= step;
		power += step;
	}
	power += is_not_zero(rest);
	return (u16)((power << SIZE_BITS) + ((units + (1ULL << power) - 1) >> power));
}

static inline __attribute__((always_inline)) u64 size_of_code(u16 code)
{
	u32 power = code >> SIZE_BITS ? (code >> SIZE_BITS) - 1u : 0;

	return (u64)(code - (power << SIZE_BITS)) << power << SIZE_UNIT_SHIFT;
}

/*
 * Stalls of a row, as struct latency_counts in src/model/snapshot.h. In 32 bits, which may wrap:
 * the collector takes differences, and no row has four billion stalls between two ticks.
 */
struct latency {
	u64 sum_ns;
	u64 max_ns;
	u32 count;
	u32 buckets[LATENCY_BUCKETS];
};

/* What a fault's time went to. Each nanosecond of a latency is in one of them: bpf/cause.bpf.h says
 * how it is told, src/model/stall_causes.c has their names. */
enum stall_cause {
	STALL_CPU, /* at work, on a CPU */
	STALL_RUNQUEUE,
	STALL_LOCK,
	STALL_RECLAIM,
	STALL_COMPACTION,
	STALL_DISK,
	STALL_SWAP,
	STALL_PAGE_WAIT, /* for a page that somebody else reads, moves or holds */
	STALL_REMOTE,
	STALL_USERFAULTFD,
	STALL_WRITEBACK,
	STALL_THROTTLE,
	STALL_UNKNOWN,
	STALL_CAUSE_COUNT,
};

/* The stalls of a row by cause: at the index of its latency. Counters only grow; `count` wraps. */
struct stall_causes {
	u64 sum_ns[STALL_CAUSE_COUNT];
	u64 max_ns[STALL_CAUSE_COUNT];
	u32 count[STALL_CAUSE_COUNT]; /* faults that the cause had a part in */
	u32 holder_tid; /* who had the mmap_lock that was waited for last; 0: not known */
	u64 refaults;   /* pages that these faults brought back, which had been evicted */
};

/*
 * Where tasks slept for no cause that is known: the kernel's path, as it sleeps. The first of these
 * stands for all that found no place, or have no path. Counters only grow.
 */
#define STALL_PATHS_MAX 64
#define KERNEL_FRAMES_MAX 64
struct stall_path {
	u64 hash; /* of the addresses; 0: not in use, or the first */
	u64 count;
	u64 sum_ns;
	u64 max_ns;
	u64 n_addresses;
	u64 addresses[KERNEL_FRAMES_MAX];
};

/*
 * The indexes of rows (and of latencies) that are free, from the oldest to the newest: entry number
 * n is in lines[n / INDEXES_IN_LINE]. Programs take at one end, the collector gives at the other;
 * both only count up. Index 0 stands for none and is never in the list.
 */
#define INDEXES_IN_LINE 16
struct index_line {
	u32 index[INDEXES_IN_LINE];
};
struct free_list {
	u64 taken;
	u64 pad[7];
	u64 given;
	u64 other_pad[7];
};

/*
 * Free rows that the programs need while the collector wakes up and makes room: 12 ms of two CPUs
 * that make nothing but rows; half of a table that is too small for that. With fewer they ask for
 * room, and rows leave though they move.
 */
#define ROWS_IN_RESERVE(rows) \
	((rows) / 2 < 8192 ? (rows) / 2 : (rows) / 3 < 8192 ? 8192 : (rows) / 3)

/* A byte for each row, set when the row has moved since the collector last looked. */
#define ROWS_IN_LINE 64
struct moved_line {
	u8 moved[ROWS_IN_LINE];
};

/*
 * How many rows a process and a user have, so that none fills the table for the others. Entries are
 * found by a hash: processes, or users, with the same entry have its limit together.
 */
#define SHARES_OF_PROCESSES 4096
#define SHARES_OF_USERS 1024
struct shares {
	struct {
		u32 rows;
		u32 user; /* whose process faulted here last */
	} of_process[SHARES_OF_PROCESSES];
	u32 of_user[SHARES_OF_USERS];
};

/* Rows that one run of forget_rows takes out of the hash. It sets the entry of each to 0. */
#define FORGET_MAX 256
struct forget_list {
	u32 count;
	u32 index[FORGET_MAX];
};

/* Faults that found no row, per CPU and kind, so that totals stay exact when the table is full. */
struct other_counts {
	u64 minor;
	u64 major;
	u64 denied;
};

/* The last VMA that faulted on this CPU, and the faults in it since its row was last written. All
 * that a fault in the same run touches is in the first cache line. */
struct open_run {
	/* The run goes on while all of these stand. */
	u64 mm;
	u64 vm_start;
	u64 vm_end;
	u32 tgid;
	u32 exec_id;
	u32 error_code;
	u32 sequence; /* mm->mm_lock_seq; odd: never matches */
	u32 treatment;
	u32 count;   /* faults not yet in the row */
	u64 entries; /* of this CPU since attach */
	u64 input;   /* what the context is found by: context_input(); 0 without contexts */

	u32 pages; /* that each of them maps: more than one for hugetlb */
	u16 may_be_huge;
	u16 server; /* enum page_server */
	struct row_key key;
	struct extent extent;
	u64 file_end; /* the first address that no page of the file is for; ~0 without a file */
} __attribute__((aligned(64)));

/* Where perf events complete minor faults: those of one row that were completed on this CPU since
 * it was written. */
struct done_run {
	u64 minor;
	u64 pages;
	struct row_key key;
	struct extent extent;
	struct latency latency;
};

/* Who may have to be asked for a page of a mapping. */
enum page_server {
	SERVER_KERNEL,
	SERVER_REMOTE, /* the file system is another machine's, or a process's (FUSE) */
	SERVER_USER,   /* a userfaultfd */
};

enum run_treatment {
	RUN_COUNT,  /* counted at entry: nothing in it can wait or fail */
	RUN_ANON,   /* as RUN_COUNT, unless the mm may have pages in swap */
	RUN_STAMP,  /* may wait or be refused: counted when it is known how it ended */
	RUN_IGNORE, /* `run`: not a process that we follow */
};

/* Tasks that share a cache line of owners: see bpf/stamp.bpf.h. */
#define TASKS_IN_LINE 8

#define NAMES_RECENT 64
#define PATHS_RECENT 32
struct recent_path {
	u64 key;
	u64 id;
};

/* Whether the stack that the open run has was copied once for its row. */
enum run_sampled {
	SAMPLED_NOT, /* or that is not known */
	SAMPLED_ONCE,
	SAMPLED_NEVER, /* it is whole: no need */
};

/* One per CPU, written on that CPU only, mmapped by the collector. */
struct cpu_state {
	struct open_run run;
	struct done_run done;
	u64 offset; /* of this CPU's part of per-CPU data; 0: not found out yet */
	u64 aborted;
	u64 completions; /* runs of the perf event programs that end faults */
	u64 unresolved;
	u64 stamps_lost; /* no memory to remember the fault: counted as minor at entry, or when it completes */
	u64 rows_full;
	u64 exits_lost;
	u64 rows_folded; /* faults that count in their process's "[other]": its share was used up */
	u64 latencies_lost; /* stalls of rows for which no latency was free */
	u64 throttled; /* times that a task slept for memory.high after a fault, and how long */
	u64 throttled_ns;
	u64 not_followed;        /* `run`: children for which `followed` had no room */
	u64 gup[GUP_TOLD_COUNT]; /* faults without an exception and without a row: why */
	u32 busy; /* a perf event's program (one at a time) is at work: an interrupt must not */
	u32 held; /* other programs that may hold a row */
	u32 doubtful_task; /* the tid whose last fault here found no mapping, or one that denies it */
	u32 stamped;       /* the task that runs here may be in a stamped fault */
	/* A process that is not followed faulted here last: it need not be looked up again. */
	u32 ignored_tgid;
	u32 ignored_changes; /* of follow_changes */
	u64 ignored_start_ns;
	u32 spare_row; /* indexes that were taken and not needed */
	u32 spare_latency;
	u32 unsampled;             /* faults without a whole stack since a stack was last copied */
	u32 run_sampled;           /* enum run_sampled */
	u64 samples_lost;          /* copies of stacks that found no room in their ring */
	struct row_key folded_key; /* of the "[other]" that is being looked for */
	u64 names[NAMES_RECENT];   /* ids that are known to be sent */
	struct recent_path paths[PATHS_RECENT];
	struct other_counts other[KIND_COUNT];
} __attribute__((aligned(64)));

/* The result of flush_run for its CPU. */
enum flush_result {
	FLUSH_DONE, /* and no program that began before is at work with a row */
	FLUSH_HELD, /* done, but one may be */
	FLUSH_BUSY, /* not done: to be run again */
};

/* A process, as maps have it. */
struct process_key {
	u64 start_ns;
	u32 tgid;
	u32 pad;
};

/* Ring records. */
enum record_type {
	RECORD_NAME = 1,
	RECORD_EXIT,
	RECORD_FREE,
	RECORD_PROCESS, /* in a walk_list */
	RECORD_FILLING, /* the table of rows is: no more than a header, to wake the collector */
	RECORD_CONTEXT,
	RECORD_KERNEL_PATH,
	RECORD_CODE_AREA, /* the last two in a ring of their own */
	RECORD_STACK_SAMPLE,
};

struct record {
	u32 type;
	u32 size; /* with this header */
};

/* Components from the leaf to the root, each NUL-terminated. */
#define NAME_MAX_BYTES 4096
#define NAME_COMPONENT_MAX 256
enum { NAME_PATH = 1, NAME_DELETED = 2, NAME_CUT = 4, NAME_CGROUP = 8, NAME_COMMAND = 16 };
/* Of a command line, with the NUL behind it: its words, each but the last with one behind it. */
#define NAME_COMMAND_MAX 256
struct name_record {
	struct record record;
	u64 id;
	u32 flags;
	u32 length; /* of text in use */
	u32 uid;    /* of the process that used it first */
	u32 pad;
	char text[NAME_MAX_BYTES + NAME_COMPONENT_MAX];
};
#define NAME_HEADER_SIZE 32

/* A place in a program: of the instruction that faulted, or that a call returns to. */
struct frame {
	u64 name_id; /* of the file; 0 where there is none */
	u64 offset;  /* in the file, or the address where there is none */
	u32 class;   /* enum mapping_class */
	u32 pad;
};

/*
 * Who executed what when a fault came, as far as --threads, --code and --stacks ask for it. The id
 * is a hash of all that and of a secret of this faultmap's, in 64 bits: of 131,072 contexts (all
 * rows that are ever kept) two have the same id once in 2^31 runs, and nobody can make two that do.
 * Contents go through the ring once in a generation of names.
 */
#define FRAMES_MAX 64
enum {
	CONTEXT_THREAD = 1, /* tid and thread are set */
	CONTEXT_CODE = 2,   /* the first frame is the instruction */
	CONTEXT_STACK = 4,  /* those behind it are its callers: where their calls end, less 1 */
	CONTEXT_WHOLE = 8,  /* up to the thread's start, as far as frame pointers tell */
};
struct context_record {
	struct record record;
	u64 id;
	u64 start_ns; /* of the process that was seen with it first */
	u32 tgid;
	u32 uid;
	u32 flags;
	u32 tid;
	u32 n_frames;
	u32 pad;
	char thread[COMM_LEN];
	struct frame frames[FRAMES_MAX];
};
#define CONTEXT_HEADER_SIZE 64

/*
 * --stacks: the kernel's part of a call path, the place where it faulted, or slept, first. The
 * context `id` is the context `base` with this above it. Sent as contexts are, and after its base.
 */
struct kernel_path_record {
	struct record record;
	u64 id;
	u64 base;
	u32 n_addresses;
	u16 n_ours;    /* the first so many are of the program that asked */
	u16 is_asleep; /* it is where the fault went to sleep, and n_ours is 0 */
	u64 addresses[KERNEL_FRAMES_MAX];
};
#define KERNEL_PATH_HEADER_SIZE 32

/*
 * Where frame pointers lead nowhere, some stacks are copied for user space to unwind: that of the
 * first fault of an instruction in a row, and of each n-th fault. Records of where the address
 * space has code mapped come before its first stack. The areas have an id: a hash of the address
 * space and of figures that change when its code does.
 */
#define CODE_AREAS_MAX 256
struct code_area_record {
	struct record record;
	u64 areas_id;
	u64 start;
	u64 end;
	struct frame at; /* of start */
	u32 tgid;
	u32 uid;
	u32 number; /* from 0 */
	u32 is_last;
};
/* Copied in chunks, a power of two of them, none of which crosses a page. */
#define STACK_SAMPLE_BYTES 16384
#define STACK_SAMPLE_CHUNK 1024
/* As DWARF numbers them: of x86-64 16 and the instruction pointer, of arm64 31, sp and pc. */
#define STACK_SAMPLE_REGISTERS 33
/* Size of their ring: room for 500. */
#define STACK_SAMPLES_BYTES (8u << 20)
/* If stacks are sampled: how many instructions, and areas of code, are remembered. */
#define STACKS_SAMPLED 16384
#define AREAS_SENT 1024
struct stack_sample_record {
	struct record record;
	u64 areas_id;
	struct row_key key;
	struct frame at; /* the instruction */
	u64 start;       /* address of the first byte of `stack` */
	u32 length;      /* of it */
	u32 uid;
	u64 n_registers;
	u64 registers[STACK_SAMPLE_REGISTERS];
	u8 stack[STACK_SAMPLE_BYTES];
};

#define RSS_UNKNOWN (~0ULL)
/* The most possible CPUs (NR_CPUS). */
#define CPUS_LIMIT 8192

/* A task as the iterator or the exit hooks see it; the fields from ppid on only for leaders. */
struct task_record {
	struct record record;
	u64 start_ns; /* of the process */
	u32 tgid;
	u32 tid;
	u64 minor, major;             /* of this task */
	u64 group_minor, group_major; /* of the threads that are gone */
	u32 ppid;
	u32 uid;
	u64 cgroup_id; /* of its name */
	/* Names of the program's file and of its command line, with config_programs; 0: not known. */
	u64 exe_id, command_id;
	u64 vsz_pages, rss_pages, peak_vsz_pages, peak_rss_pages;
	/* rss_pages are without what CPUs hold back of the mm's counters, these are with it. */
	u64 rss_sum_pages; /* or RSS_UNKNOWN */
	u64 now_ns;        /* of exit and free records */
	s32 exit_code;     /* as wait(2) gives it */
	u8 leader;         /* of records of a process: true */
	u8 exited;         /* it is past its last fault: a zombie */
	u8 alone;          /* no other thread of its process is left */
	u8 torn;           /* its counters could not be read, and are 0 */
	char comm[COMM_LEN];
};

/* What one run of walk_tasks has found: the processes that have moved, each with the counters of
 * all its threads. */
#define WALK_MAX 512
struct walk_list {
	u64 count;
	u64 next;       /* the process at which the run stopped; 0: the next one begins anew */
	u64 next_start; /* the start of that process */
	struct task_record records[WALK_MAX];
};

/* The result of walk_tasks. */
enum tasks_told {
	TASKS_ALL,
	TASKS_MORE,   /* to be run again, from `next` on */
	TASKS_BROKEN, /* the list could not be read */
};

/*
 * `guard`: one fault of a guarded thread, in a ring of its own that wakes its reader at once. Names
 * and contexts that it refers to are in the other ring before it.
 */
enum { GUARD_MINOR, GUARD_MAJOR, GUARD_DENIED };
struct guard_record {
	u64 now_ns; /* when it was known how it ended */
	struct row_key key;
	struct extent extent;
	u64 address;
	u64 stall_ns; /* 0: not known */
	u64 by_cause[STALL_CAUSE_COUNT];
	u32 tid;
	u32 uid;
	u32 outcome;         /* GUARD_* */
	u32 has_causes;      /* by_cause is told; else all of it was work on a CPU */
	char comm[COMM_LEN]; /* of the process */
	char thread[COMM_LEN];
};

/* What is guarded. */
enum { GUARD_PROCESS, GUARD_THREAD, GUARD_CGROUP };
struct guard_key {
	u64 id; /* a number of a process or thread, as it is shown; or the inode of a cgroup */
	u32 what;
	u32 pad;
};
#define GUARDED_MAX 256

_Static_assert(sizeof(struct guard_record) == 240, "guard_record");
_Static_assert(sizeof(struct guard_key) == 16, "guard_key");
_Static_assert(sizeof(struct row_key) == 40, "row_key");
_Static_assert(__builtin_offsetof(struct row_key, context) == ROW_KEY_PLAIN, "row_key.context");
_Static_assert(sizeof(struct row_value) == 64, "row_value");
_Static_assert(sizeof(struct latency) == 128, "latency");
_Static_assert(sizeof(struct stall_causes) == 272, "stall_causes");
_Static_assert(sizeof(struct free_list) == 128, "free_list");
_Static_assert(sizeof(struct open_run) == 192, "open_run");
_Static_assert(__builtin_offsetof(struct open_run, pages) == 64, "open_run.pages");
_Static_assert(sizeof(struct frame) == 24, "frame");
_Static_assert(__builtin_offsetof(struct context_record, frames) == CONTEXT_HEADER_SIZE,
	       "context_record");
_Static_assert(__builtin_offsetof(struct kernel_path_record, addresses) == KERNEL_PATH_HEADER_SIZE,
	       "kernel_path_record");
_Static_assert(sizeof(struct code_area_record) == 72, "code_area_record");
_Static_assert(__builtin_offsetof(struct stack_sample_record, stack) == 368, "stack_sample_record");
_Static_assert(sizeof(struct cpu_state) % 64 == 0, "cpu_state");
_Static_assert(__builtin_offsetof(struct name_record, text) == NAME_HEADER_SIZE, "name_record");
_Static_assert(sizeof(struct process_key) == 16, "process_key");
_Static_assert(sizeof(struct task_record) == 160, "task_record");

#endif
