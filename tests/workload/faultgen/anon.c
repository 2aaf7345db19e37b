// SPDX-License-Identifier: GPL-2.0-only
/* Cases whose memory is private and anonymous. */
#include "faultgen.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define THREAD_STACK_SIZE (128 * 1024)

int prepare_demand_zero(struct job *job)
{
	return job_map_anon(job, PROT_READ | PROT_WRITE);
}

/*
 * Whether a read of untouched memory maps the shared zero page: the first write after it is a fault
 * then. Some kernels give the read a page of its own, and the write finds it. Tried on a page
 * elsewhere; getrusage, whose first call may fault itself, is called once more before it counts.
 */
static int find_zero_page(bool *ret_shared)
{
	struct job elsewhere = { .pages = 1, .stride = page_size };
	struct rusage before, after;
	int error = job_map_anon(&elsewhere, PROT_READ | PROT_WRITE);

	if (error)
		return error;
	touch_read(&elsewhere);
	getrusage(RUSAGE_SELF, &after);
	getrusage(RUSAGE_SELF, &before);
	touch_write(&elsewhere);
	getrusage(RUSAGE_SELF, &after);
	*ret_shared = after.ru_minflt != before.ru_minflt;
	return 0;
}

int prepare_cow_zero(struct job *job)
{
	bool shared;
	int error = find_zero_page(&shared);

	if (!error && !shared)
		error = -ENOTSUP;
	if (!error)
		error = job_map_anon(job, PROT_READ | PROT_WRITE);
	job_before(job, "demand_zero", "read", job->pages);
	return error ? error : touch_read(job);
}

/* The child goes on as the case; this process only waits and ends with the child's status. */
int prepare_cow_fork(struct job *job)
{
	int error = job_map_anon(job, PROT_READ | PROT_WRITE);
	int status;
	pid_t child;

	if (error)
		return error;
	touch_write(job);
	child = fork();
	if (child < 0)
		return -errno;
	if (child == 0)
		return 0;
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

/* Which frames the pages are in, all together; 0 where only root may know. */
static uint64_t frames_of(const struct job *job)
{
	uint64_t sum = 0;

	for (char *at = job->start; at < job->end; at += page_size)
		sum = sum * 31 + (pagemap_entry(at) & PAGEMAP_FRAME);
	return sum;
}

/*
 * fork made the pages read-only, but the child is gone: what is written to is ours alone and stays
 * where it is. On one CPU: a reference that another CPU's LRU batch holds would mean a copy.
 */
int prepare_reuse(struct job *job)
{
	int error = job_map_anon(job, PROT_READ | PROT_WRITE);
	int cpu = sched_getcpu();
	cpu_set_t cpus;
	pid_t child;

	CPU_ZERO(&cpus);
	CPU_SET(cpu, &cpus);
	if (error || cpu < 0 || sched_setaffinity(0, sizeof(cpus), &cpus))
		return error ? error : -errno;
	job_before(job, "demand_zero", "write", job->pages);
	touch_write(job);
	child = fork();
	if (child == 0)
		_exit(0);
	return child < 0 || waitpid(child, NULL, 0) < 0 ? -errno : 0;
}

int touch_reuse(struct job *job)
{
	uint64_t before = frames_of(job);

	touch_write(job);
	return frames_of(job) == before ? 0 : -EDOM; /* something was copied */
}

/* Forgetting what is dirty write-protects each page, so that the next write tells. */
int prepare_soft_dirty(struct job *job)
{
	int error = job_map_anon(job, PROT_READ | PROT_WRITE);
	int fd = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);

	if (error || fd < 0)
		return error ? error : -errno;
	job_before(job, "demand_zero", "write", job->pages);
	touch_write(job);
	if (!(pagemap_entry(job->start) & PAGEMAP_SOFT_DIRTY))
		return -ENOTSUP; /* CONFIG_MEM_SOFT_DIRTY */
	error = write(fd, "4", 1) == 1 ? 0 : -errno;
	close(fd);
	return error;
}

int prepare_huge(struct job *job)
{
	int error = job_reserve(job, job->pages * HUGE_PAGE_SIZE, HUGE_PAGE_SIZE);

	strcpy(job->mapping, "[anon]");
	job->stride = HUGE_PAGE_SIZE;
	job->pages_each = HUGE_PAGE_SIZE / page_size;
	if (!error)
		error = job_map(job, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	if (error)
		return error;
	/* main() turned it off. */
	if (prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0) ||
	    madvise(job->start, job->pages * HUGE_PAGE_SIZE, MADV_HUGEPAGE))
		return -ENOTSUP;
	return 0;
}

int prepare_huge_cow(struct job *job)
{
	int error = prepare_huge(job);

	if (error)
		return error;
	job_before(job, "demand_zero", "read", job->pages);
	job->before_exact = "huge_zero";
	job->before_pages = job->pages * job->pages_each;
	return touch_read(job);
}

/* Resident pages; 0 where that cannot be read. */
static long resident_pages(void)
{
	static char text[128];
	int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	long pages = 0;

	if (fd < 0)
		return 0;
	if (read(fd, text, sizeof(text) - 1) <= 0 || sscanf(text, "%*d %ld", &pages) != 1)
		pages = 0;
	close(fd);
	return pages;
}

/* Before Linux 6.13, a write to the huge zero page split it and copied one small page. */
int touch_huge_cow(struct job *job)
{
	long before = resident_pages();

	touch_write(job);
	return (size_t)(resident_pages() - before) >= job->pages * job->pages_each ? 0 : -ENOTSUP;
}

/* Allows huge pages in the job's range, and has the process use the huge zero page elsewhere. */
static int allow_huge(const struct job *job)
{
	struct job elsewhere = { .pages = 1 };
	int error = prepare_huge(&elsewhere);

	if (error)
		return error;
	touch_read(&elsewhere);
	return madvise(job->start, (size_t)(job->end - job->start), MADV_HUGEPAGE) ? -ENOTSUP : 0;
}

/* Where huge pages are allowed, but small ones are in the way: one page of each range was read
 * before. */
int prepare_small_zero(struct job *job)
{
	int error = job_reserve(job, job->pages * HUGE_PAGE_SIZE, HUGE_PAGE_SIZE);

	strcpy(job->mapping, "[anon]");
	job->stride = HUGE_PAGE_SIZE;
	if (!error)
		error = job_map(job, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	if (error)
		return error;
	job_before(job, "demand_zero", "read", job->pages);
	touch_read(job);
	return allow_huge(job);
}

int touch_second_page(struct job *job)
{
	for (volatile char *at = job->start + page_size; at < job->end; at += job->stride)
		(void)*at;
	return 0;
}

/* In a cgroup whose limit is less than the range: pages that were touched first are swapped out
 * while those that follow are touched. All other memory of the process stays where it is. */
int prepare_reclaim(struct job *job)
{
	if (mlockall(MCL_CURRENT))
		return -errno;
	return job_map_anon(job, PROT_READ | PROT_WRITE);
}

int touch_reclaim(struct job *job)
{
	size_t swapped = 0;

	touch_write(job);
	for (char *at = job->start; at < job->end; at += page_size)
		swapped += !!(pagemap_entry(at) & PAGEMAP_SWAPPED);
	return swapped ? 0 : -ENOTSUP;
}

/* Nothing before this allocates, so the whole [heap] is ours. */
int prepare_heap(struct job *job)
{
	size_t size = job->pages * page_size;
	uintptr_t old = (uintptr_t)sbrk(0);

	if (old % page_size && sbrk((intptr_t)(page_size - old % page_size)) == (void *)-1)
		return -errno;
	job->start = sbrk((intptr_t)size);
	if (job->start == (char *)-1)
		return -errno;
	job->end = job->start + size;
	strcpy(job->mapping, "[heap]");
	return 0;
}

/* Below the stack as it stands; the kernel lets any address above the guard gap grow it. */
int prepare_stack_growth(struct job *job)
{
	char *start, *end;
	int error = find_mapping("[stack]", &start, &end);

	if (error)
		return error;
	job->end = start;
	job->start = start - job->pages * page_size;
	strcpy(job->mapping, "[stack]");
	return 0;
}

int touch_downwards(struct job *job)
{
	for (volatile char *at = job->end - page_size; at >= job->start; at -= page_size)
		*at = 1;
	return 0;
}

/* True when every page of the range is in swap and none is mapped. */
static bool is_swapped(const struct job *job)
{
	for (char *at = job->start; at < job->end; at += page_size)
		if ((pagemap_entry(at) & (PAGEMAP_PRESENT | PAGEMAP_SWAPPED)) != PAGEMAP_SWAPPED)
			return false;
	return true;
}

int prepare_swap_in(struct job *job)
{
	int error = job_map_anon(job, PROT_READ | PROT_WRITE);

	if (error)
		return error;
	job_before(job, "demand_zero", "write", job->pages);
	/* A page of its own content each: swap keeps no page that is all the same byte. */
	for (char *at = job->start; at < job->end; at += page_size)
		for (size_t i = 0; i < page_size; i += sizeof(char *))
			*(char **)(at + i) = at + i;
	/* Reclaim passes over pages that something else holds for a moment: ask more than once. */
	for (int tries = 0; tries < 20; tries++) {
		if (madvise(job->start, (size_t)(job->end - job->start), MADV_PAGEOUT))
			return -errno;
		if (is_swapped(job))
			return 0;
	}
	return -ENOTSUP;
}

/* On a disk the pages are still in the swap cache when they are wanted back: no major fault. */
int prepare_swap_cached(struct job *job)
{
	return prepare_swap_in(job);
}

int prepare_populate(struct job *job)
{
	int error = job_map_anon(job, PROT_NONE);

	job->expected = 0;
	job->expected_gup = job->pages;
	return error;
}

int touch_populate(struct job *job)
{
	return job_map(job, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1);
}

/* Threads run on static stacks, which job_warm has touched: no fault but the wanted ones. */
static _Alignas(4096) char stacks[N_THREADS][THREAD_STACK_SIZE];
static pthread_barrier_t begin_barrier, end_barrier;

int start_thread(unsigned int index, void *(*body)(void *), void *argument)
{
	pthread_attr_t attributes;
	pthread_t thread;
	int error = pthread_attr_init(&attributes);

	if (!error)
		error = pthread_attr_setstack(&attributes, stacks[index], THREAD_STACK_SIZE);
	if (!error)
		error = pthread_create(&thread, &attributes, body, argument);
	return -error;
}

static void *thread_body(void *argument)
{
	struct job *part = argument;

	pthread_barrier_wait(&begin_barrier);
	touch_write(part);
	pthread_barrier_wait(&end_barrier);
	return NULL;
}

int prepare_threads(struct job *job)
{
	static struct job parts[N_THREADS];
	size_t size = job->pages * page_size;
	int error = job_reserve(job, N_THREADS * (size + page_size), page_size);

	strcpy(job->mapping, "[anon]");
	job->expected = N_THREADS * job->pages;
	pthread_barrier_init(&begin_barrier, NULL, N_THREADS + 1);
	pthread_barrier_init(&end_barrier, NULL, N_THREADS + 1);
	for (unsigned int i = 0; !error && i < N_THREADS; i++) {
		struct job *part = &parts[i];

		part->stride = page_size;
		part->start = job->start + i * (size + page_size);
		part->end = part->start + size;
		error = job_map(part, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
		if (!error)
			error = start_thread(i, thread_body, part);
	}
	return error;
}

int touch_threads(struct job *job)
{
	(void)job;
	pthread_barrier_wait(&begin_barrier);
	pthread_barrier_wait(&end_barrier);
	return 0;
}

/*
 * The process touches, execs itself, touches again: one process to faultmap, one more mapping at
 * each hop. FAULTGEN_CHAIN hands the hop and the counts so far to the next image; the address is
 * the same in each so that a test finds all of them.
 */
#define CHAIN_HOPS 4
#define CHAIN_ADDRESS ((char *)0x100000000000)

static int chain_state(struct job *job)
{
	const char *state = getenv("FAULTGEN_CHAIN");
	int hop = 1;

	if (state && sscanf(state, "%d %ld %ld", &hop, &job->minor, &job->major) != 3)
		return -EINVAL;
	return hop;
}

int prepare_exec_chain(struct job *job)
{
	int hop = chain_state(job);

	if (hop < 0)
		return hop;
	job->wait = job->wait && hop == CHAIN_HOPS;
	job->start = CHAIN_ADDRESS;
	job->end = CHAIN_ADDRESS + job->pages * page_size;
	job->expected = CHAIN_HOPS * job->pages;
	strcpy(job->mapping, "[anon]");
	return job_map(job, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
}

int touch_exec_chain(struct job *job)
{
	static char state[64];
	static char program[PATH_MAX];
	long minor = job->minor, major = job->major;
	int hop = chain_state(job);

	touch_write(job);
	if (hop == CHAIN_HOPS)
		return 0;
	/* The next image reports: measure() can't, so count what was touched. */
	minor += (long)job->pages;
	snprintf(state, sizeof(state), "%d %ld %ld", hop + 1, minor, major);
	setenv("FAULTGEN_CHAIN", state, 1);
	if (readlink("/proc/self/exe", program, sizeof(program) - 1) < 0)
		return -errno;
	execv(program, job->argv);
	return -errno;
}

#define STORM_PAGES 4096

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

int prepare_fault_storm(struct job *job)
{
	int error = job_reserve(job, STORM_PAGES * page_size, page_size);

	now(); /* touches [vvar], which job_warm passes over */
	strcpy(job->mapping, "[anon]");
	return error ? error :
		       job_map(job, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
}

int touch_fault_storm(struct job *job)
{
	double end = now() + (double)job->pages;

	job->expected = 0;
	do {
		touch_write(job);
		job->expected += STORM_PAGES;
		if (madvise(job->start, STORM_PAGES * page_size, MADV_DONTNEED))
			return -errno;
	} while (now() < end);
	return 0;
}
