/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The kernel types that bpf/ touches, and of each only the fields in use. Offsets, sizes and enum values
 * come from the running kernel's BTF at load time (CO-RE relocates by name), so order and padding
 * here mean nothing. README.md says how to add one; tests/live/vmlinux.sh holds this file against
 * the running kernel.
 */
#ifndef __VMLINUX_H__
#define __VMLINUX_H__

typedef unsigned char __u8;
typedef short int __s16;
typedef unsigned short __u16;
typedef int __s32;
typedef unsigned int __u32;
typedef long long int __s64;
typedef unsigned long long __u64;
typedef __u8 u8;
typedef __u16 u16;
typedef __s32 s32;
typedef __u32 u32;
typedef __s64 s64;
typedef __u64 u64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;
typedef int pid_t;
typedef _Bool bool;
enum { false, true };

/* UAPI values (include/uapi/linux/bpf.h) that the maps and helpers here take. */
enum bpf_map_type {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_PERCPU_ARRAY = 6,
	BPF_MAP_TYPE_LRU_HASH = 9,
	BPF_MAP_TYPE_QUEUE = 22,
	BPF_MAP_TYPE_RINGBUF = 27,
};
enum { BPF_ANY = 0, BPF_NOEXIST = 1 };
enum { BPF_F_NO_PREALLOC = 1, BPF_F_MMAPABLE = 1024 };
enum { BPF_RB_FORCE_WAKEUP = 2, BPF_RB_NO_WAKEUP = 1 };
enum { BPF_RB_AVAIL_DATA = 0 };
enum { PERF_COUNT_SW_PAGE_FAULTS_MAJ = 6 };

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

typedef struct {
	int counter;
} atomic_t;

struct list_head {
	struct list_head *next;
};

typedef struct {
	u32 val;
} kuid_t;

typedef struct seqcount {
	unsigned int sequence;
} seqcount_t;

struct pt_regs {
	unsigned long r15;
	unsigned long r14;
	unsigned long r13;
	unsigned long r12;
	unsigned long bp;
	unsigned long bx;
	unsigned long r11;
	unsigned long r10;
	unsigned long r9;
	unsigned long r8;
	unsigned long ax;
	unsigned long cx;
	unsigned long dx;
	unsigned long si;
	unsigned long di;
	unsigned long sp;
	unsigned long ip;      /* x86 */
	unsigned long orig_ax; /* x86 */
};
struct pt_regs___of_arm64 {
	u64 regs[31];
	u64 pc;
	s32 syscallno;
};

/* memory */

struct maple_tree {
	void *ma_root;
};

/* A node is one of these; maple_arange_64 has nine pivots at the same place and ten slots behind. */
struct maple_range_64 {
	struct maple_pnode *parent;
	unsigned long pivot[15];
};

struct percpu_counter {
	s64 count;
	s32 *counters;
};

typedef struct {
	s64 counter;
} atomic64_t;
typedef atomic64_t atomic_long_t;

/* Linux 6.18 on. */
typedef struct {
	unsigned long __mm_flags[1];
} mm_flags_t;

struct rw_semaphore {
	atomic_long_t count;
	atomic_long_t owner; /* not with PREEMPT_RT */
};

struct mm_struct {
	struct maple_tree mm_mt;
	struct list_head mmlist;
	struct rw_semaphore mmap_lock;
	seqcount_t mm_lock_seq;
	unsigned long hiwater_vm;
	unsigned long hiwater_rss;
	unsigned long total_vm;
	unsigned long exec_vm;
	unsigned long def_flags;
	unsigned long locked_vm;
	unsigned long start_brk;
	unsigned long brk;
	unsigned long start_stack;
	unsigned long arg_start;
	unsigned long arg_end;
	struct file *exe_file;
	struct percpu_counter rss_stat[4];
	atomic_long_t pgtables_bytes;
	mm_flags_t flags;
};
/* Before Linux 6.18. */
struct mm_struct___flags_word {
	unsigned long flags;
};

/* Before Linux 6.2. */
struct mm_struct___atomic_rss {
	struct {
		struct {
			s64 counter;
		} count[4];
	} rss_stat;
};

enum node_stat_item___refaults { WORKINGSET_REFAULT_ANON, WORKINGSET_REFAULT_FILE };
enum { MM_FILEPAGES, MM_ANONPAGES, MM_SWAPENTS, MM_SHMEMPAGES };

struct vm_userfaultfd_ctx {
	struct userfaultfd_ctx *ctx; /* CONFIG_USERFAULTFD */
};

struct vm_area_struct {
	unsigned long vm_start;
	unsigned long vm_end;
	struct mm_struct *vm_mm;
	unsigned long vm_flags;
	struct anon_vma *anon_vma;
	const struct vm_operations_struct *vm_ops;
	unsigned long vm_pgoff;
	struct file *vm_file;
	void *vm_private_data;
	struct vm_userfaultfd_ctx vm_userfaultfd_ctx;
};

/* CONFIG_ANON_VMA_NAME, Linux 5.17 on. */
struct anon_vma_name {
	char name[0];
};
struct vm_area_struct___anon_name {
	struct anon_vma_name *anon_name;
};

/* Before Linux 6.1. */
struct rb_node {
	struct rb_node *rb_right;
	struct rb_node *rb_left;
};
struct rb_root {
	struct rb_node *rb_node;
};
struct vm_area_struct___rb_tree {
	struct rb_node vm_rb;
};
struct mm_struct___rb_tree {
	struct rb_root mm_rb;
	struct rw_semaphore mmap_lock;
};

struct vm_unmapped_area_info {
	unsigned long length;
};

struct vm_special_mapping {
	const char *name;
};

/* BPF */

struct bpf_array {
	void *pptrs[0];
};

/* files */

struct address_space;

struct hlist_bl_node {
	struct hlist_bl_node **pprev;
};

/* Linux 5.16 on; before, a page. */
struct folio {
	unsigned long index;
};
struct page___with_index {
	unsigned long index;
};

struct qstr {
	u64 hash_len;
	const unsigned char *name;
};

struct dentry {
	struct hlist_bl_node d_hash;
	struct dentry *d_parent;
	struct qstr d_name;
};

struct vfsmount {
	struct dentry *mnt_root;
};

struct mount {
	struct mount *mnt_parent;
	struct dentry *mnt_mountpoint;
	struct vfsmount mnt;
	struct mnt_namespace *mnt_ns;
};

struct timespec64 {
	s64 tv_sec;
};

struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
};

struct super_block {
	unsigned long s_blocksize;
	unsigned long s_magic;
};

struct inode {
	u16 i_mode;
	struct super_block *i_sb;
	s64 i_size;
	unsigned long i_ino;
	u32 i_generation;
};

struct file {
	unsigned int f_mode;
	unsigned int f_flags;
	struct inode *f_inode;
	struct path f_path;
};

/* overlayfs since Linux 6.8: the path that the user opened lies behind the real file. */
struct backing_file {
	struct file file;
	struct path user_path;
};

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
};

struct files_struct {
	struct fdtable *fdt;
};

struct fs_struct {
	struct path root;
};

/* tasks */

struct cred {
	kuid_t euid;
};

struct kernfs_node {
	struct kernfs_node *__parent; /* Linux 6.15 on */
	const char *name;
	u64 id;
};
/* Before Linux 6.15. */
struct kernfs_node___plain {
	struct kernfs_node *parent;
};

struct cgroup {
	struct kernfs_node *kn;
};

struct cgroup___with_ids {
	int level;
	u64 ancestor_ids[];
};

struct css_set {
	struct cgroup *dfl_cgrp;
};

typedef struct seqcount_spinlock {
	seqcount_t seqcount;
} seqcount_spinlock_t;

typedef struct {
	seqcount_spinlock_t seqcount;
} seqlock_t;

struct signal_struct {
	seqlock_t stats_lock;
	atomic_t live;
	int nr_threads;
	struct list_head thread_head;
	int group_exit_code;
	unsigned int flags;
	unsigned long min_flt;
	unsigned long maj_flt;
	unsigned long maxrss;
};

struct pid_namespace;

struct upid {
	int nr;
	struct pid_namespace *ns;
};

struct pid {
	unsigned int level;
	struct upid numbers[1];
};

struct sched_info {
	unsigned long long run_delay; /* CONFIG_SCHED_INFO */
};

struct thread_info {
	unsigned long flags;
	u32 status; /* x86 */
};

struct task_struct {
	struct thread_info thread_info;
	unsigned int flags;
	unsigned int __state; /* Linux 5.14 on */
	int on_cpu; /* CONFIG_SMP */
	struct mm_struct *mm;
	int exit_state;
	int exit_code;
	struct list_head tasks;       /* of leaders */
	struct list_head thread_node; /* in signal->thread_head */
	pid_t pid;
	pid_t tgid;
	struct pid *thread_pid;
	struct task_struct *real_parent;
	struct task_struct *group_leader;
	unsigned long nvcsw;
	unsigned long nivcsw;
	u64 start_boottime;
	unsigned long min_flt;
	unsigned long maj_flt;
	const struct cred *real_cred;
	char comm[16];
	struct fs_struct *fs;
	u64 self_exec_id;
	struct signal_struct *signal;
	struct sighand_struct *sighand;
	struct css_set *cgroups;
	struct files_struct *files;
	int pagefault_disabled;
	unsigned long numa_faults_locality[3]; /* CONFIG_NUMA_BALANCING */
	void *stack;
	unsigned in_iowait : 1;
	unsigned in_memstall : 1; /* CONFIG_PSI */
	unsigned int memcg_nr_pages_over_high; /* CONFIG_MEMCG */
	struct sched_info sched_info;
};
/* Before Linux 5.14. */
struct task_struct___long_state {
	long state;
};

/* signals */

union __sifields {
	struct {
		void *_addr;
	} _sigfault;
};

struct kernel_siginfo {
	int si_code;
	union __sifields _sifields;
};

/* BPF */

struct bpf_perf_event_data {
	struct {
		unsigned long ip;
	} regs;
	u64 addr;
};

struct bpf_perf_event_data___arm64 {
	struct {
		unsigned long pc;
	} regs;
};

struct bpf_perf_event_data_kern {
	struct perf_event *event;
};

struct perf_event_attr {
	u64 config;
};

struct perf_event {
	struct perf_event_attr attr;
};

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
};

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
};

#pragma clang attribute pop

#endif
