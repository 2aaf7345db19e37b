// SPDX-License-Identifier: GPL-2.0-only
/* Runs each file of the arguments through the target once: the corpus as a plain test. */
#include "fuzz.h"

#define INPUT_MAX (1 << 20)

static void replay(const char *path)
{
	uint8_t *data = malloc(INPUT_MAX);
	FILE *stream = fopen(path, "re");
	size_t size;

	FUZZ_ASSERT(stream && data);
	size = fread(data, 1, INPUT_MAX, stream);
	fclose(stream);
	/* Of the input's own size, so that valgrind and ASan see what reads beyond it. */
	data = realloc(data, size ? size : 1);
	FUZZ_ASSERT(data);
	fprintf(stderr, "%s\n", path);
	LLVMFuzzerTestOneInput(data, size);
	free(data);
}

int main(int argc, char *argv[])
{
	for (int i = 1; i < argc; i++)
		replay(argv[i]);
	return argc > 1 ? 0 : 2;
}
