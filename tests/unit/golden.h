/* SPDX-License-Identifier: GPL-2.0-only */
/* Compares text with tests/golden/NAME; with UPDATE_GOLDEN=1 in the environment it writes the file
 * instead, for `git diff` to judge. Tests run in the repository's top directory. */
#ifndef FAULTMAP_TEST_GOLDEN_H
#define FAULTMAP_TEST_GOLDEN_H

#include <stdio.h>
#include <stdlib.h>

static void assert_golden(const char *name, const char *text)
{
	static char want[65536]; /* no golden file is that long */
	char path[256];
	const char *update = getenv("UPDATE_GOLDEN");
	FILE *file;
	size_t size;

	snprintf(path, sizeof(path), "tests/golden/%s", name);
	file = fopen(path, update && *update == '1' ? "w" : "r");
	if (!file)
		fail_msg("cannot open %s", path);
	if (update && *update == '1') {
		fputs(text, file);
		assert_int_equal(fclose(file), 0);
		return;
	}
	size = fread(want, 1, sizeof(want) - 1, file);
	want[size] = '\0';
	fclose(file);
	assert_string_equal(text, want);
}

#endif
