// SPDX-License-Identifier: GPL-2.0-only
/*
 * run_time PID COMMAND [ARG...]: what the BPF programs that process PID holds take while COMMAND
 * runs, by the kernel's own statistics: a line "NAME ID RUNS NS" for each program that ran. Last
 * comes "faults OWN ALL": those of COMMAND and its children, and those of the machine meanwhile,
 * since the statistics are the machine's too. What COMMAND prints is dropped.
 *
 * The machine is held still meanwhile: COMMAND runs with real-time priority, and what else wants a
 * CPU finds one that spins, for the tenths of a second that a sample takes.
 *
 * The statistics are on only while this process lives (BPF_ENABLE_STATS), so there is nothing to
 * put back. The kernel reads the clock before and after each run: about one reading is in the time
 * of every run.
 */
#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* A profiler has some dozens. */
#define MAX_PROGRAMS 256
/* Of the machines that this is run on. */
#define MAX_CPUS 256

/* Of SCHED_FIFO. This process is above what it starts, to see its end. */
enum { PRIORITY_SPINNER = 1, PRIORITY_COMMAND, PRIORITY_OWN };

extern char **environ;

struct program {
	unsigned int id;
	int fd;
	struct bpf_prog_info before;
};

struct programs {
	int n;
	struct program all[MAX_PROGRAMS];
};

static int fail(const char *what)
{
	fprintf(stderr, "run_time: %s: %s\n", what, strerror(errno));
	return 1;
}

static bool read_info(int fd, struct bpf_prog_info *info)
{
	unsigned int size = sizeof(*info);

	memset(info, 0, sizeof(*info));
	return !bpf_obj_get_info_by_fd(fd, info, &size);
}

/* The id of the BPF program that this descriptor is; 0: it is something else. */
static unsigned int program_id_of(const char *path)
{
	char line[256];
	unsigned int id = 0;
	FILE *file = fopen(path, "re");

	if (!file)
		return 0;
	while (fgets(line, sizeof(line), file) && sscanf(line, "prog_id: %u", &id) != 1)
		;
	fclose(file);
	return id;
}

static bool has_program(const struct programs *programs, unsigned int id)
{
	for (int i = 0; i < programs->n; i++)
		if (programs->all[i].id == id)
			return true;
	return false;
}

/* A link's descriptor names its program too, so that one is met several times. */
static bool add_program(struct programs *programs, unsigned int id)
{
	struct program *program = &programs->all[programs->n];

	if (has_program(programs, id))
		return true;
	if (programs->n == MAX_PROGRAMS) {
		errno = E2BIG;
		return false;
	}
	program->id = id;
	program->fd = bpf_prog_get_fd_by_id(id);
	if (program->fd < 0 || !read_info(program->fd, &program->before))
		return false;
	programs->n++;
	return true;
}

static bool find_programs(const char *pid, struct programs *programs)
{
	char path[512];
	struct dirent *entry;
	bool found = true;
	DIR *directory;

	snprintf(path, sizeof(path), "/proc/%s/fdinfo", pid);
	directory = opendir(path);
	if (!directory)
		return false;
	while (found && (entry = readdir(directory))) {
		unsigned int id;

		snprintf(path, sizeof(path), "/proc/%s/fdinfo/%s", pid, entry->d_name);
		id = program_id_of(path);
		found = !id || add_program(programs, id);
	}
	closedir(directory);
	return found;
}

static bool set_priority(int priority)
{
	struct sched_param parameter = { .sched_priority = priority };

	return !sched_setscheduler(0, SCHED_FIFO, &parameter);
}

/* Leaves the core to another thread that runs on it. */
static void relax(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

static _Noreturn void spin(int cpu)
{
	cpu_set_t cpus;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	CPU_ZERO(&cpus);
	CPU_SET(cpu, &cpus);
	if (sched_setaffinity(0, sizeof(cpus), &cpus) || !set_priority(PRIORITY_SPINNER))
		_exit(1); /* No such CPU is online: nothing can run there. */
	for (;;)
		relax();
}

/* One on each CPU. */
static int start_spinners(pid_t *spinners)
{
	int n = (int)sysconf(_SC_NPROCESSORS_CONF);

	if (n > MAX_CPUS)
		n = MAX_CPUS;
	for (int i = 0; i < n; i++) {
		spinners[i] = fork();
		if (!spinners[i])
			spin(i);
		if (spinners[i] < 0)
			return i;
	}
	return n;
}

static void end_spinners(const pid_t *spinners, int n)
{
	for (int i = 0; i < n; i++) {
		kill(spinners[i], SIGKILL);
		waitpid(spinners[i], NULL, 0);
	}
}

static int spawn(pid_t *ret_child, char *argv[])
{
	struct sched_param parameter = { .sched_priority = PRIORITY_COMMAND };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int error;

	posix_spawnattr_init(&attributes);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSCHEDPARAM);
	posix_spawnattr_setschedparam(&attributes, &parameter);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	error = posix_spawnp(ret_child, argv[0], &actions, &attributes, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	return error;
}

static bool run_command(char *argv[])
{
	pid_t child;
	int status, error = spawn(&child, argv);

	if (error) {
		errno = error;
		return false;
	}
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return false;
	errno = ECANCELED;
	return !status;
}

/* Of all processes since boot (/proc/vmstat). */
static bool read_faults(unsigned long long *ret_faults)
{
	char line[128];
	bool found = false;
	FILE *file = fopen("/proc/vmstat", "re");

	while (file && !found && fgets(line, sizeof(line), file))
		found = sscanf(line, "pgfault %llu", ret_faults) == 1;
	if (file)
		fclose(file);
	return found;
}

/* The child that was waited for, and its children. */
static long own_faults(void)
{
	struct rusage usage;

	return getrusage(RUSAGE_CHILDREN, &usage) ? 0 : usage.ru_minflt + usage.ru_majflt;
}

static bool print_programs(const struct programs *programs)
{
	struct bpf_prog_info now;

	for (int i = 0; i < programs->n; i++) {
		const struct program *program = &programs->all[i];

		if (!read_info(program->fd, &now))
			return false;
		if (now.run_cnt > program->before.run_cnt)
			printf("%s %u %llu %llu\n", now.name, program->id,
			       now.run_cnt - program->before.run_cnt,
			       now.run_time_ns - program->before.run_time_ns);
	}
	return true;
}

/* The command's figures are complete before the spinners end. */
static int measure(struct programs *programs, char *argv[])
{
	unsigned long long before, after;
	pid_t spinners[MAX_CPUS];
	int n = start_spinners(spinners);
	bool ran = read_faults(&before) && run_command(argv) && read_faults(&after);
	long own = own_faults();
	int status = ran && print_programs(programs) ? 0 : fail(argv[0]);

	end_spinners(spinners, n);
	if (!status)
		printf("faults %ld %llu\n", own, after - before);
	return status;
}

int main(int argc, char *argv[])
{
	static struct programs programs;

	if (argc < 3) {
		fprintf(stderr, "usage: run_time PID COMMAND [ARG...]\n");
		return 2;
	}
	if (bpf_enable_stats(BPF_STATS_RUN_TIME) < 0)
		return fail("BPF_ENABLE_STATS");
	if (!find_programs(argv[1], &programs))
		return fail(argv[1]);
	if (!set_priority(PRIORITY_OWN))
		return fail("SCHED_FIFO");
	return measure(&programs, argv + 2);
}
