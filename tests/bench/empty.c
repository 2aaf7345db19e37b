// SPDX-License-Identifier: GPL-2.0-only
/* empty OBJECT: attaches all programs of a BPF object, says `ready`, and waits for SIGTERM. A perf
 * event's are attached to the completion of each minor fault on each CPU. */
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int fail(const char *what)
{
	fprintf(stderr, "empty: %s: %s\n", what, strerror(errno));
	return 1;
}

/* The links stand until this process ends. */
static bool attach(struct bpf_program *program)
{
	struct perf_event_attr event = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(event),
		.config = PERF_COUNT_SW_PAGE_FAULTS_MIN,
		.sample_period = 1,
	};

	if (bpf_program__type(program) != BPF_PROG_TYPE_PERF_EVENT)
		return bpf_program__attach(program);
	for (int cpu = 0; cpu < libbpf_num_possible_cpus(); cpu++) {
		int fd = syscall(SYS_perf_event_open, &event, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);

		if (fd < 0 || !bpf_program__attach_perf_event(program, fd))
			return false;
	}
	return true;
}

int main(int argc, char *argv[])
{
	struct bpf_object *object;
	struct bpf_program *program;
	sigset_t end;
	int signo;

	if (argc != 2) {
		fprintf(stderr, "usage: empty OBJECT\n");
		return 2;
	}
	sigemptyset(&end);
	sigaddset(&end, SIGTERM);
	sigprocmask(SIG_BLOCK, &end, NULL);
	object = bpf_object__open_file(argv[1], NULL);
	if (!object || bpf_object__load(object))
		return fail(argv[1]);
	bpf_object__for_each_program(program, object)
	{
		if (!attach(program))
			return fail(bpf_program__name(program));
	}
	puts("ready");
	fflush(stdout);
	sigwait(&end, &signo);
	return 0;
}
