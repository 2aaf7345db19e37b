// SPDX-License-Identifier: GPL-2.0-only
/* What lines say of the kernel's part of call paths. */
#include <errno.h>
#include <string.h>

#include "base/util.h"
#include "replay/jsonl_reader_data.h"

/* Names of the kernel's functions, and how long one may be. */
#define MAX_KERNEL_NAMES 65536
#define KERNEL_NAME_MAX 1024

/* A name that the reader keeps; NULL: it is none, or there are too many. */
static const char *get_name(struct jsonl_line *line, const json_t *value)
{
	struct jsonl_reader *reader = line->reader;
	const char *text = json_string_value(value), *kept;

	if (!text || !*text || strlen(text) > KERNEL_NAME_MAX) {
		jsonl_line_reject(line, "kernel", "no list of names");
		return NULL;
	}
	kept = interned_find(&reader->kernel_names, text);
	if (kept || reader->n_kernel_names >= MAX_KERNEL_NAMES)
		return kept;
	kept = interned_add(&reader->kernel_names, text);
	reader->n_kernel_names += kept != NULL;
	return kept;
}

size_t jsonl_get_kernel(struct jsonl_line *line, const char **ret_names)
{
	const json_t *kernel = json_object_get(line->object, "kernel");
	size_t count = json_array_size(kernel), n = 0;

	if (!json_is_array(kernel) || count > KERNEL_FRAMES_MAX)
		jsonl_line_reject(line, "kernel", "no list of names");
	for (size_t i = 0; i < count && !line->why[0]; i++) {
		ret_names[n] = get_name(line, json_array_get(kernel, i));
		n += ret_names[n] != NULL;
	}
	return n;
}

int jsonl_read_stall_stack(struct jsonl_line *line)
{
	struct jsonl_reader *reader = line->reader;
	const char *names[KERNEL_FRAMES_MAX];
	size_t n_names = jsonl_get_kernel(line, names), n_known;
	uint64_t count = jsonl_line_uint(line, "count"), sum_ns = jsonl_line_uint(line, "sum_ns"),
		 max_ns = jsonl_line_uint(line, "max_ns");
	uint64_t count_total = jsonl_line_total_of(line, line->object, "count"),
		 sum_total_ns = jsonl_line_total_of(line, line->object, "sum_ns");
	struct slept_path *path, *last;
	bool is_known;

	if (line->why[0])
		return 0;
	n_known = reader->last_slept.count;
	path = snapshot_slept_path(line->snapshot, names, n_names);
	last = slept_paths_find(&reader->last_slept, names, n_names);
	if (!path || !last) /* more than any faultmap has: of several in one log */
		return line->snapshot->slept ? 0 : -ENOMEM;
	is_known = reader->last_slept.count == n_known;
	path->now.count += jsonl_gain(count, count_total, is_known, &last->now.count);
	path->now.sum_ns += jsonl_gain(sum_ns, sum_total_ns, is_known, &last->now.sum_ns);
	path->now.max_ns = max_of(path->now.max_ns, max_ns);
	return 0;
}
