// SPDX-License-Identifier: GPL-2.0-only
#include "collect/refault_counter.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"
#include "collect/collector_kernel_data.h"

/* Some 110 lines, 4 KB. */
#define STAT_BYTES 16384

/* Refaults of files, at the least, for the figure to be no other counter's by chance. */
#define REFAULTS_SURE 1000

/* A figure may be one page behind as it is looked for: others bring pages back meanwhile. */
#define TRIES 3

/* A value of a line; version 1 has those of the cgroup alone and, with `total_`, of all below it. */
static bool find_value(const char *text, const char *name, uint64_t *ret_value)
{
	size_t length = strlen(name);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += line[0] == '\n';
		if (!strncmp(line, name, length) && line[length] == ' ') {
			*ret_value = strtoull(line + length, NULL, 10);
			return true;
		}
	}
	return false;
}

bool refault_counter_parse(const char *text, uint64_t *ret_anon, uint64_t *ret_file)
{
	if (find_value(text, "total_workingset_refault_anon", ret_anon) &&
	    find_value(text, "total_workingset_refault_file", ret_file))
		return true;
	return find_value(text, "workingset_refault_anon", ret_anon) &&
	       find_value(text, "workingset_refault_file", ret_file);
}

static bool read_stat(const char *path, uint64_t *ret_anon, uint64_t *ret_file)
{
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
	char text[STAT_BYTES];
	ssize_t size = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (size <= 0)
		return false;
	text[size] = '\0';
	return refault_counter_parse(text, ret_anon, ret_file);
}

/* Of the root of the cgroups that this process sees: it is that root or in it. */
static bool read_root(uint64_t arguments[2])
{
	return read_stat("/sys/fs/cgroup/memory.stat", &arguments[0], &arguments[1]) ||
	       read_stat("/sys/fs/cgroup/memory/memory.stat", &arguments[0], &arguments[1]);
}

bool refault_counter_find(const struct bpf_program *program)
{
	uint64_t arguments[2];

	for (int i = 0; i < TRIES; i++) {
		if (!read_root(arguments) || arguments[1] < REFAULTS_SURE)
			return false;
		if (kernel_run(program, arguments, ARRAY_SIZE(arguments)) == 1)
			return true;
	}
	return false;
}
