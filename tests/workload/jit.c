// SPDX-License-Identifier: GPL-2.0-only
/*
 * jit: runs code that is in no file, as a just-in-time compiler makes it, and writes its name to
 * /tmp/perf-PID.map: first another function's name for the same address, then its own. Prints
 * "PID START PAGES" for the pages that the code touched, and ends when its file has been opened.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE 4096UL
#define PAGES 60

/* Its bytes are copied: it calls nothing and refers to nothing. */
__attribute__((noinline, section(".text.copied"))) void copied(char *area, size_t pages)
{
	__asm__ volatile("" ::"r"(__builtin_frame_address(0)));
	for (size_t i = 0; i < pages; i++)
		((volatile char *)area)[i * PAGE] = 1;
}

#define COPIED_BYTES 256 /* more than it has */

static void *map(size_t size, int flags)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags,
			    -1, 0);

	if (memory == MAP_FAILED)
		exit(1);
	return memory;
}

int main(void)
{
	char *code = map(PAGE, 0), *area = map(PAGES * PAGE, MAP_NORESERVE), path[64];
	struct pollfd opened = { .fd = inotify_init1(IN_CLOEXEC), .events = POLLIN };
	FILE *stream;

	madvise(area, PAGES * PAGE, MADV_NOHUGEPAGE);
	memcpy(code, (void *)copied, COPIED_BYTES);
	if (mprotect(code, PAGE, PROT_READ | PROT_EXEC))
		return 1;
	snprintf(path, sizeof(path), "/tmp/perf-%d.map", getpid());
	stream = fopen(path, "wxe");
	if (!stream)
		return 1;
	fprintf(stream, "%lx %x what_was_there_before\n", (unsigned long)code, COPIED_BYTES);
	fprintf(stream, "%lx %x Interpreted::touch pages\n", (unsigned long)code, COPIED_BYTES);
	fclose(stream);
	if (inotify_add_watch(opened.fd, path, IN_OPEN) < 0)
		return 1;
	((void (*)(char *, size_t))code)(area, PAGES);
	printf("%d 0x%lx %d\n", getpid(), (unsigned long)area, PAGES);
	fflush(stdout);
	poll(&opened, 1, 30000); /* until somebody has opened the file, which goes with it */
	unlink(path);
	return 0;
}
