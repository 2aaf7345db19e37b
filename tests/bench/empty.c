// SPDX-License-Identifier: GPL-2.0-only
/* empty OBJECT: attaches all programs of a BPF object, says `ready`, and waits for SIGTERM. */
#include <bpf/libbpf.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

static int fail(const char *what)
{
	fprintf(stderr, "empty: %s: %s\n", what, strerror(errno));
	return 1;
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
	bpf_object__for_each_program(program, object) if (
		!bpf_program__attach(program)) /* the link stands until this process ends */
		return fail(bpf_program__name(program));
	puts("ready");
	fflush(stdout);
	sigwait(&end, &signo);
	return 0;
}
