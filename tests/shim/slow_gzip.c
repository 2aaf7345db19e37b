// SPDX-License-Identifier: GPL-2.0-only
/*
 * LD_PRELOAD: a compressor that takes as long as the test likes. SLOW_GZIP=FILE has a byte, which a test writes and this
 * writes: "s" (slow) lets deflateInit2() wait, which writes "w" (it waits) and goes on at "g" (go on). The file is mapped
 * before the program has confined itself.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

/* Who forgets to write "g" does not hang for good. */
#define WAITS_MAX 12000

static volatile char *state;

__attribute__((constructor)) static void map_it(void)
{
	const char *path = getenv("SLOW_GZIP");
	int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *memory = fd < 0 ? MAP_FAILED :
				mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (fd >= 0)
		close(fd);
	if (memory != MAP_FAILED)
		state = memory;
}

int deflateInit2_(z_streamp stream, int level, int method, int window_bits, int memory,
		  int strategy, const char *version, int size)
{
	const struct timespec pause = { .tv_nsec = 10000000 };
	int (*real)(z_streamp, int, int, int, int, int, const char *,
		    int) = (int (*)(z_streamp, int, int, int, int, int, const char *,
				    int))dlsym(RTLD_NEXT, "deflateInit2_");

	if (state && *state == 's')
		*state = 'w';
	for (int i = 0; i < WAITS_MAX && state && *state == 'w'; i++)
		nanosleep(&pause, NULL);
	return real(stream, level, method, window_bits, memory, strategy, version, size);
}
