/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * faultgen makes an exact number of page faults of one known kind in one known mapping, and says
 * what it made. A case prepares its mapping, touches it (only this part is measured, it takes no
 * fault besides the wanted ones), and cleans up. faultgen.c holds the frame and the table of
 * cases; the other files hold the cases, sorted by what backs their mapping.
 */
#ifndef FAULTGEN_H
#define FAULTGEN_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HUGE_PAGE_SIZE (2UL << 20)
#define N_THREADS 4
/* Of a pagemap entry: Documentation/admin-guide/mm/pagemap.rst. */
#define PAGEMAP_PRESENT (1ULL << 63)
#define PAGEMAP_SWAPPED (1ULL << 62)
#define PAGEMAP_SOFT_DIRTY (1ULL << 55)
#define PAGEMAP_FRAME ((1ULL << 55) - 1)

/* Pages that one fault maps around itself (fault_around_bytes, 64 KiB unless set otherwise). */
#define FAULT_AROUND_PAGES 16

struct job {
	/* What the user asked for. */
	const struct fault_case *what;
	size_t pages; /* how many faults; for fault_storm: seconds */
	const char *directory;
	bool wait;
	char **argv;

	/* Set by prepare. */
	char mapping[PATH_MAX];   /* as /proc/PID/maps names it, without " (deleted)" */
	char *start, *end;        /* the mapping; touching goes through it from start */
	size_t stride;            /* bytes from one touch to the next */
	size_t expected;          /* faults that the kernel should count; == pages unless set */
	size_t expected_gup;      /* faults that the kernel counts without an exception */
	size_t pages_each;        /* small pages that one fault maps; 1 unless set */
	size_t mapped_before;     /* pages of the mapping that are mapped and stay so */
	size_t before_pages;      /* the same for all of what prepare did; == before unless set */
	const char *before_kind;  /* what prepare did in the mapping itself: a kind, or NULL */
	const char *before_exact; /* as --detail=full calls it; NULL: the same */
	const char *before_access;
	size_t before;       /* how many */
	char path[PATH_MAX]; /* a file to unlink at the end, or "" */
	int fd;

	/* Set by touch. */
	size_t denied;

	/* Measured: getrusage around touch. */
	long minor, major;
};

struct fault_case {
	const char *name;
	const char *kind;  /* as faultmap --detail=fast calls it: what entry can prove */
	const char *exact; /* as --detail=full does; NULL: the same */
	const char *access;
	const char *mode;
	int (*prepare)(struct job *job);  /* 0 or a negative errno; -ENOTSUP: not on this machine */
	int (*touch)(struct job *job);    /* 0 or a negative errno */
	void (*cleanup)(struct job *job); /* may be NULL */
	size_t default_pages;
	const char *needs; /* when it is not possible on this machine; may be NULL */
};

extern const size_t page_size;

/* Reserves `size` bytes at a multiple of `align`, fenced by inaccessible pages so that no other
 * mapping merges with it; sets start, end, stride. Nothing is accessible until job_map. */
int job_reserve(struct job *job, size_t size, size_t align);
/* Maps over the reserved range; prot, flags, fd as for mmap (MAP_FIXED is added). */
int job_map(struct job *job, int prot, int flags, int fd);
/* Both, for private anonymous memory of job->pages pages. */
int job_map_anon(struct job *job, int prot);
/* Touches everything this process has mapped, except the job's range, so that later only the
 * touched range faults. After a fork, call it again in the child. */
int job_warm(const struct job *job);
/* Runs a thread on a static stack, one of N_THREADS: 0 or a negative errno. */
int start_thread(unsigned int index, void *(*body)(void *), void *argument);
/* The bits of /proc/self/pagemap for an address; 0 where it can't be read. */
uint64_t pagemap_entry(const char *at);
/* Start and end of a mapping by its name in /proc/self/maps ("[stack]"). 0 or -ENOENT. */
int find_mapping(const char *name, char **ret_start, char **ret_end);

/* Says that prepare has taken `faults` faults of that kind in the mapping. */
void job_before(struct job *job, const char *kind, const char *access, size_t faults);

int touch_write(struct job *job);
int touch_read(struct job *job);

/* anon.c */
int prepare_demand_zero(struct job *job);
int prepare_cow_zero(struct job *job);
int prepare_cow_fork(struct job *job);
int prepare_reuse(struct job *job);
int touch_reuse(struct job *job);
int prepare_soft_dirty(struct job *job);
int prepare_huge(struct job *job);
int prepare_huge_cow(struct job *job);
int touch_huge_cow(struct job *job);
int prepare_small_zero(struct job *job);
int touch_second_page(struct job *job);
int prepare_reclaim(struct job *job);
int touch_reclaim(struct job *job);
int prepare_heap(struct job *job);
int prepare_stack_growth(struct job *job);
int touch_downwards(struct job *job);
int prepare_swap_in(struct job *job);
int prepare_swap_cached(struct job *job);
int prepare_populate(struct job *job);
int touch_populate(struct job *job);
int prepare_threads(struct job *job);
int touch_threads(struct job *job);
int prepare_exec_chain(struct job *job);
int touch_exec_chain(struct job *job);
int prepare_fault_storm(struct job *job);
int touch_fault_storm(struct job *job);

/* uffd.c */
int prepare_userfaultfd(struct job *job);
int prepare_userfaultfd_slow(struct job *job);
int prepare_userfaultfd_wp(struct job *job);

/* file.c */
int prepare_file_read(struct job *job);
int prepare_file_partly(struct job *job);
int prepare_file_exec(struct job *job);
int touch_exec(struct job *job);
int prepare_file_major(struct job *job);
int prepare_file_cow(struct job *job);
int prepare_file_cow_mapped(struct job *job);
int prepare_mkwrite(struct job *job);
int prepare_shared_file_write(struct job *job);
int prepare_shmem_anon(struct job *job);
int prepare_memfd(struct job *job);
int prepare_tmpfs(struct job *job);
int prepare_sysv(struct job *job);
int prepare_hugetlb(struct job *job);
int prepare_device(struct job *job);
void cleanup_file(struct job *job);

/* denied.c */
int prepare_unmapped(struct job *job);
int prepare_read_only(struct job *job);
int prepare_no_exec(struct job *job);
int prepare_no_access(struct job *job);
int prepare_pkey(struct job *job);
int prepare_truncated(struct job *job);
int touch_denied_read(struct job *job);
int touch_denied_write(struct job *job);
int touch_denied_exec(struct job *job);
int prepare_kernel_read(struct job *job);
int touch_kernel_read(struct job *job);
int prepare_efault(struct job *job);
int touch_efault(struct job *job);
int prepare_efault_no_access(struct job *job);
int prepare_efault_read_only(struct job *job);
int prepare_efault_bus(struct job *job);
int touch_efault_and_populate(struct job *job);
int prepare_guard(struct job *job);
int prepare_served_before(struct job *job);

#endif
