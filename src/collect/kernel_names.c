// SPDX-License-Identifier: GPL-2.0-only
#include "collect/kernel_names.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"

#define KALLSYMS "/proc/kallsyms"
/* A kernel has some 200,000 names of 25 bytes. */
#define NAMES_MAX (1u << 20)
#define TEXT_BYTES_MAX (32u << 20)
/* "ffffffff81000000 T name	[module]"; names are at most 511 bytes long (KSYM_NAME_LEN). */
#define LINE_BYTES 1024
/* Behind the last function of a module there is no next one to end it. */
#define FUNCTION_BYTES_MAX (1u << 20)

struct function {
	uint64_t address;
	uint32_t text; /* where its name begins in `texts` */
};

struct kernel_names {
	FILE *stream;               /* NULL: it has been read, or cannot be */
	struct function *functions; /* sorted by address */
	size_t count, capacity;
	char *texts;
	size_t used, room;
};

struct kernel_names *kernel_names_new(const char *path)
{
	struct kernel_names *names = calloc(1, sizeof(*names));

	if (names)
		names->stream = fopen(path ? path : KALLSYMS, "re");
	return names;
}

void kernel_names_free(struct kernel_names *names)
{
	if (!names)
		return;
	if (names->stream)
		fclose(names->stream);
	free(names->functions);
	free(names->texts);
	free(names);
}

/* Takes a line apart. False: it is of no function, or does not show where it is. */
static bool parse(char *line, uint64_t *ret_address, char **ret_name)
{
	char *end, *tab;

	*ret_address = strtoull(line, &end, 16);
	if (!*ret_address || end == line || end[0] != ' ' || !end[1] || !strchr("tTwW", end[1]) ||
	    end[2] != ' ')
		return false;
	*ret_name = end + 3;
	(*ret_name)[strcspn(*ret_name, "\n")] = '\0';
	tab = strchr(*ret_name, '\t');
	if (tab)
		*tab = ' ';
	return **ret_name != '\0';
}

bool kernel_names_are_shown(const char *path)
{
	autofclose FILE *stream = fopen(path ? path : KALLSYMS, "re");
	char line[LINE_BYTES], *name;
	uint64_t address;

	/* On x86 the first ones are offsets in per-CPU data, and may be 0. */
	for (size_t i = 0; stream && i < 20000 && fgets(line, sizeof(line), stream); i++)
		if (parse(line, &address, &name))
			return true;
	return false;
}

/* False: there is no room. */
static bool add(struct kernel_names *names, uint64_t address, const char *name)
{
	size_t length = strlen(name) + 1;

	if (names->count == names->capacity) {
		size_t capacity = names->capacity ? names->capacity * 2 : 1u << 16;
		struct function *grown = reallocarray(names->functions, capacity, sizeof(*grown));

		if (!grown || capacity > NAMES_MAX)
			return false;
		names->functions = grown;
		names->capacity = capacity;
	}
	if (names->used + length > names->room) {
		size_t room = names->room ? names->room * 2 : 1u << 21;
		char *grown = room > TEXT_BYTES_MAX ? NULL : realloc(names->texts, room);

		if (!grown)
			return false;
		names->texts = grown;
		names->room = room;
	}
	memcpy(names->texts + names->used, name, length);
	names->functions[names->count++] = (struct function){ .address = address,
							      .text = (uint32_t)names->used };
	names->used += length;
	return true;
}

/* Of several names of one place, the first in the file comes first. */
static int compare_functions(const void *left, const void *right)
{
	const struct function *a = left, *b = right;

	return a->address != b->address ? compare_u64(a->address, b->address) :
					  compare_u64(a->text, b->text);
}

static void read_all(struct kernel_names *names)
{
	char line[LINE_BYTES], *name;
	uint64_t address;

	while (fgets(line, sizeof(line), names->stream))
		if (parse(line, &address, &name) && !add(names, address, name))
			break;
	fclose(TAKE_PTR(names->stream));
	if (names->count)
		qsort(names->functions, names->count, sizeof(*names->functions), compare_functions);
}

const char *kernel_names_find(struct kernel_names *names, uint64_t address)
{
	size_t low = 0, high;

	if (names->stream)
		read_all(names);
	high = names->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (names->functions[middle].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low || address - names->functions[low - 1].address >= FUNCTION_BYTES_MAX)
		return KERNEL_NAME_NONE;
	while (low > 1 && names->functions[low - 2].address == names->functions[low - 1].address)
		low--;
	return names->texts + names->functions[low - 1].text;
}

/* What comes before the reason: our programs and the tracepoint, too, which lie above __schedule(). */
static bool is_scheduler(const char *name)
{
	static const char *const schedulers[] = {
		"__schedule",
		"schedule",
		"schedule_preempt_disabled",
		"schedule_timeout",
		"schedule_timeout_uninterruptible",
		"schedule_timeout_killable",
		"schedule_hrtimeout_range",
		"schedule_hrtimeout_range_clock",
		"io_schedule",
		"io_schedule_timeout",
		"preempt_schedule_common",
		"__cond_resched",
	};

	for (size_t i = 0; i < ARRAY_SIZE(schedulers); i++)
		if (!strcmp(name, schedulers[i]))
			return true;
	return false;
}

size_t kernel_names_of_path(struct kernel_names *names, const uint64_t *addresses, size_t count,
			    bool is_exact, const char **ret_names)
{
	size_t known = 0, first = 0;
	bool is_past = is_exact;

	for (size_t i = 0; i < count; i++) {
		ret_names[i] = kernel_names_find(names, addresses[i] - !(is_exact && !i));
		known += strcmp(ret_names[i], KERNEL_NAME_NONE) != 0;
		if (is_past)
			continue;
		if (is_scheduler(ret_names[i]))
			first = i + 1;
		else
			is_past = first;
	}
	if (!known && count) {
		ret_names[0] = KERNEL_NAME_NONE;
		return 1;
	}
	if (first == count)
		first = 0;
	memmove(ret_names, ret_names + first, (count - first) * sizeof(*ret_names));
	return count - first;
}
