// SPDX-License-Identifier: GPL-2.0-only
/*
 * lives LIFE N: makes N processes one after another, which begin and end as LIFE says, and prints a
 * JSON line for each with what wait4(2) told of it: the kernel's final count is the oracle.
 * Exit status 77: not possible on this machine.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/sched.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define EXIT_CANNOT_RUN 77
#define N_THREADS 4
#define PAGE_SIZE 4096UL
#define TOUCHED_PAGES 32UL
#define PROGRAM "/bin/true"

extern char **environ;

static pthread_barrier_t threads_ready;
static pthread_t leader;

/* Faults in this task. */
static void touch(void)
{
	size_t size = TOUCHED_PAGES * PAGE_SIZE;
	volatile char *area = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
				   -1, 0);

	if (area == MAP_FAILED)
		abort();
	for (size_t i = 0; i < size; i += PAGE_SIZE)
		area[i] = 1;
	munmap((void *)area, size);
}

static void exec_program(void)
{
	char *argv[] = { PROGRAM, NULL };

	execve(PROGRAM, argv, environ);
	_exit(127);
}

static void *touch_and_end(void *unused)
{
	touch();
	return unused;
}

static void *touch_and_wait(void *unused)
{
	touch();
	pthread_barrier_wait(&threads_ready);
	pause(); /* until exec ends this thread */
	return unused;
}

/* One of the threads waits for the leader's end, the others for that one. */
static void *outlive_leader(void *first)
{
	touch();
	if (first)
		pthread_join(leader, NULL);
	pthread_barrier_wait(&threads_ready);
	touch();
	return NULL;
}

static void *exec_beside_leader(void *unused)
{
	touch();
	pthread_barrier_wait(&threads_ready);
	exec_program();
	return unused;
}

static void *exec_after_leader(void *unused)
{
	touch();
	pthread_join(leader, NULL);
	exec_program();
	return unused;
}

static pthread_t start(void *(*body)(void *), void *argument)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, body, argument))
		abort();
	return thread;
}

static void live_plain(void)
{
	touch();
}

static void live_threads_first(void)
{
	pthread_t threads[N_THREADS];

	for (int i = 0; i < N_THREADS; i++)
		threads[i] = start(touch_and_end, NULL);
	for (int i = 0; i < N_THREADS; i++)
		pthread_join(threads[i], NULL);
	touch();
}

static void live_leader_first(void)
{
	leader = pthread_self();
	pthread_barrier_init(&threads_ready, NULL, N_THREADS);
	for (int i = 0; i < N_THREADS; i++)
		start(outlive_leader, i == 0 ? &leader : NULL);
	touch();
	pthread_exit(NULL);
}

static void live_exec_thread(void)
{
	pthread_barrier_init(&threads_ready, NULL, N_THREADS);
	for (int i = 1; i < N_THREADS; i++)
		start(touch_and_wait, NULL);
	touch();
	pthread_join(start(exec_beside_leader, NULL), NULL);
}

static void live_exec_orphan(void)
{
	leader = pthread_self();
	start(exec_after_leader, NULL);
	touch();
	pthread_exit(NULL);
}

static void live_killed(void)
{
	for (int i = 0; i < N_THREADS; i++)
		start(touch_and_end, NULL);
	touch();
	kill(getpid(), SIGKILL);
}

/* Takes away all that it has; the next instruction ends it. */
static void live_unmapped(void)
{
	touch();
	syscall(SYS_munmap, 0L, 0x7ffffffff000L);
}

static bool is_swapped(const void *page)
{
	uint64_t entry = 0;
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);

	if (fd < 0 ||
	    pread(fd, &entry, sizeof(entry), (off_t)((uintptr_t)page / PAGE_SIZE * 8)) < 0)
		abort();
	close(fd);
	return entry >> 62 == 1; /* in swap, not present */
}

/* The kernel itself reads a page back from swap as the process exits (exit_robust_list(),
 * kernel/futex/core.c). */
static void live_swapped(void)
{
	struct robust_list_head *head = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE,
					     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (head == MAP_FAILED)
		abort();
	/* Swap keeps no page that is all the same byte. */
	for (size_t i = 0; i < PAGE_SIZE / sizeof(size_t); i++)
		((size_t *)head)[i] = i + (size_t)getpid();
	*head = (struct robust_list_head){ .list.next = &head->list };
	for (int tries = 0; tries < 20 && !is_swapped(head); tries++)
		madvise(head, PAGE_SIZE, MADV_PAGEOUT);
	if (!is_swapped(head))
		_exit(EXIT_CANNOT_RUN);
	syscall(SYS_set_robust_list, head, sizeof(*head));
}

static pid_t begin_fork(void (*live)(void))
{
	pid_t child = fork();

	if (child != 0)
		return child;
	live();
	_exit(0);
}

static pid_t begin_vfork(void (*live)(void))
{
	pid_t child = vfork();

	(void)live;
	if (child == 0)
		exec_program();
	return child;
}

static pid_t begin_spawn(void (*live)(void))
{
	char *argv[] = { PROGRAM, NULL };
	pid_t child;

	(void)live;
	errno = posix_spawn(&child, PROGRAM, NULL, NULL, argv, environ);
	return errno ? -1 : child;
}

/* The first child gets any pid, each later one the same. */
static pid_t begin_same_pid(void (*live)(void))
{
	static pid_t wanted;
	struct clone_args args = { .exit_signal = SIGCHLD };
	pid_t child;

	if (wanted) {
		args.set_tid = (uintptr_t)&wanted;
		args.set_tid_size = 1;
	}
	child = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	if (child == 0) {
		live();
		_exit(0);
	}
	if (child > 0)
		wanted = child;
	return child;
}

/* clang-format off */
static const struct life {
	const char *name;
	pid_t (*begin)(void (*live)(void));
	void (*live)(void); /* in the child; NULL: it is PROGRAM */
} lives[] = {
	{ "spawn", begin_spawn, NULL },
	{ "vfork", begin_vfork, NULL },
	{ "fork", begin_fork, live_plain },
	{ "threads_first", begin_fork, live_threads_first },
	{ "leader_first", begin_fork, live_leader_first },
	{ "exec_thread", begin_fork, live_exec_thread },
	{ "exec_orphan", begin_fork, live_exec_orphan },
	{ "killed", begin_fork, live_killed },
	{ "same_pid", begin_same_pid, live_plain },
	{ "unmapped", begin_fork, live_unmapped },
	{ "swapped", begin_fork, live_swapped },
};
/* clang-format on */

static int report(pid_t child)
{
	struct rusage usage;
	int status;

	while (wait4(child, &status, 0, &usage) < 0)
		if (errno != EINTR)
			return -errno;
	if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_CANNOT_RUN)
		return -ENOSYS;
	if (WIFEXITED(status) ? WEXITSTATUS(status) :
				WTERMSIG(status) != SIGKILL && WTERMSIG(status) != SIGSEGV)
		return -ECHILD;
	/* No stdio buffer: a child would inherit what is in it. */
	return dprintf(STDOUT_FILENO, "{\"parent\":%d,\"pid\":%d,\"minor\":%ld,\"major\":%ld}\n",
		       getpid(), child, usage.ru_minflt, usage.ru_majflt) < 0 ?
		       -EIO :
		       0;
}

static const struct life *find_life(const char *name)
{
	for (size_t i = 0; i < sizeof(lives) / sizeof(lives[0]); i++)
		if (strcmp(lives[i].name, name) == 0)
			return &lives[i];
	return NULL;
}

int main(int argc, char *argv[])
{
	const struct life *life = argc == 3 ? find_life(argv[1]) : NULL;
	long n = life ? strtol(argv[2], NULL, 10) : 0;

	if (n <= 0) {
		fprintf(stderr, "usage: lives LIFE N\n");
		return 2;
	}
	for (long i = 0; i < n; i++) {
		pid_t child = life->begin(life->live);
		int error = child < 0 ? -errno : report(child);

		if (!error)
			continue;
		fprintf(stderr, "lives: %s: process %ld: %s\n", life->name, i, strerror(-error));
		return error == -EPERM || error == -ENOSYS ? EXIT_CANNOT_RUN : 1;
	}
	return 0;
}
