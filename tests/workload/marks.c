// SPDX-License-Identifier: GPL-2.0-only
/* "marks NAME:COUNT...": for each argument makes the mark NAME and touches COUNT pages. No other page is
 * touched for the first time meanwhile. Marks go to FAULTMAP_MARK, or nowhere. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE 4096UL
#define LINE 128

int main(int argc, char *argv[])
{
	static char lines[64][LINE];
	static unsigned long counts[64];
	const char *number = getenv("FAULTMAP_MARK");
	int mark = number ? atoi(number) : -1;
	unsigned long total = 0, at = 0;
	char *memory;

	for (int i = 1; i < argc && i < 64; i++) {
		char *colon = strchr(argv[i], ':');

		if (!colon)
			return 2;
		counts[i] = strtoul(colon + 1, NULL, 10);
		total += counts[i];
		snprintf(lines[i], LINE, "%.*s\n", (int)(colon - argv[i]), argv[i]);
	}
	memory = mmap(NULL, (total + 1) * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		      -1, 0);
	if (memory == MAP_FAILED || madvise(memory, (total + 1) * PAGE, MADV_NOHUGEPAGE))
		return 1;
	/* Once without a line, for the pages of write(2) itself. */
	if (mark >= 0 && write(mark, "\n", 1) != 1)
		return 1;
	for (int i = 1; i < argc && i < 64; i++) {
		size_t length = strlen(lines[i]);

		if (mark >= 0 && write(mark, lines[i], length) != (ssize_t)length)
			return 1;
		for (unsigned long page = 0; page < counts[i]; page++)
			memory[at++ * PAGE] = 1;
	}
	return 0;
}
