// SPDX-License-Identifier: GPL-2.0-only
#include "collect/names.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/table.h"
#include "base/util.h"

#define TEXT_MAX (NAME_MAX_BYTES + 2 * NAME_COMPONENT_MAX)

/* NAMES_MAX for who is not root: the last quarter is not theirs. */
#define NAMES_MAX_USER (NAMES_MAX / 4 * 3)

struct name {
	uint64_t id;
	const char *text; /* held */
};

struct names {
	struct strings *strings;
	uint32_t generation;
	struct table by_id[NAMES_GENERATIONS]; /* the youngest first */
};

static void init_generation(struct table *names)
{
	table_init(names, offsetof(struct name, id), sizeof(uint64_t));
}

struct names *names_new(struct strings *strings)
{
	struct names *names = calloc(1, sizeof(*names));

	if (!names)
		return NULL;
	names->strings = strings;
	for (size_t i = 0; i < NAMES_GENERATIONS; i++)
		init_generation(&names->by_id[i]);
	return names;
}

static const struct name *find(const struct names *names, uint64_t id)
{
	struct name *name = NULL;

	for (size_t i = 0; !name && i < NAMES_GENERATIONS; i++)
		name = table_get(&names->by_id[i], &id);
	return name;
}

static void drop_oldest(struct names *names)
{
	struct table *oldest = &names->by_id[NAMES_GENERATIONS - 1];
	size_t cursor = 0;

	for (struct name *name; (name = table_next(oldest, &cursor));) {
		strings_drop(name->text);
		free(name);
	}
	table_clear(oldest);
	memmove(&names->by_id[1], &names->by_id[0],
		(NAMES_GENERATIONS - 1) * sizeof(names->by_id[0]));
	init_generation(&names->by_id[0]);
}

uint32_t names_turn(struct names *names)
{
	if (names->by_id[0].count < NAMES_TURN_AT)
		return names->generation;
	drop_oldest(names);
	return ++names->generation;
}

void names_free(struct names *names)
{
	if (!names)
		return;
	for (size_t i = 0; i < NAMES_GENERATIONS; i++)
		drop_oldest(names);
	free(names);
}

/* What precedes the first component: the root, or "..." where the walk stopped on its way there. */
static const char *prefix_of(uint32_t flags, const char *leaf)
{
	if (flags & NAME_CUT)
		return ".../";
	if (flags & NAME_PATH)
		return "/";
	/* mm/memfd.c, ipc/shm.c: /proc/PID/maps shows these with a slash, anon_inodes without. */
	return !strncmp(leaf, "memfd:", 6) || !strncmp(leaf, "SYSV", 4) ? "/" : "";
}

/* Joins the components, which come from the leaf to the root, into text. */
static void join(const struct name_record *record, uint32_t length, char *text)
{
	const char *leaf = length ? record->text : "";
	char *out = stpcpy(text, prefix_of(record->flags, leaf));
	const char *end = record->text + length; /* behind the NUL of the last component */

	while (end > record->text) {
		const char *start = end - 1;

		while (start > record->text && start[-1])
			start--;
		out = stpcpy(out, start);
		end = start;
		if (end > record->text)
			*out++ = '/';
	}
	*out = '\0';
	if (record->flags & NAME_DELETED)
		strcpy(out, " (deleted)");
}

static bool is_well_formed(const struct name_record *record, size_t size)
{
	return size >= NAME_HEADER_SIZE && record->length <= size - NAME_HEADER_SIZE &&
	       record->length <= sizeof(record->text) &&
	       (!record->length || !record->text[record->length - 1]);
}

/* Of two that were sent with one id, the later is right. */
static void replace(struct name *name, const char *text)
{
	strings_hold(text);
	strings_drop(name->text);
	name->text = text;
}

static int add(struct names *names, uint64_t id, const char *text)
{
	struct name *name = malloc(sizeof(*name));

	if (!name)
		return -ENOMEM;
	*name = (struct name){ .id = id, .text = text };
	if (table_add(&names->by_id[0], name)) {
		free(name);
		return -ENOMEM;
	}
	strings_hold(text);
	return 0;
}

int names_add(struct names *names, const struct name_record *record, size_t size)
{
	char joined[TEXT_MAX];
	struct name *name;
	const char *text;
	uint64_t was_cut;

	if (!is_well_formed(record, size))
		return -EBADMSG;
	name = table_get(&names->by_id[0], &record->id);
	if (!name && names->by_id[0].count >= (record->uid ? NAMES_MAX_USER : NAMES_MAX))
		return 0;
	join(record, record->length, joined);
	was_cut = strings_cut(names->strings);
	text = strings_get_for(names->strings, joined, record->uid,
			       record->flags & NAME_CGROUP ? STRINGS_FIRST : STRINGS_LAST);
	if (!text)
		return -ENOMEM;
	if (record->flags & NAME_CUT && strings_cut(names->strings) == was_cut)
		strings_count_cut(names->strings);
	if (!name)
		return add(names, record->id, text);
	replace(name, text);
	return 0;
}

static const char *const class_names[MAPPING_CLASS_COUNT] = {
	[MAPPING_UNRESOLVED] = "[unresolved]",
	[MAPPING_NONE] = "[unmapped]",
	[MAPPING_ANON] = "[anon]",
	[MAPPING_HEAP] = "[heap]",
	[MAPPING_STACK] = "[stack]",
	[MAPPING_OTHER] = "[other]",
};

/* Put together from what is within the budget already. */
static const char *compose(const struct names *names, uint32_t uid, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static const char *compose(const struct names *names, uint32_t uid, const char *format, ...)
{
	char text[TEXT_MAX];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	return strings_get_for(names->strings, text, uid, STRINGS_LAST);
}

const char *names_of_mapping(const struct names *names, enum mapping_class class, uint64_t name_id,
			     uint32_t uid, bool *ret_known)
{
	const char *fixed = class < MAPPING_CLASS_COUNT ? class_names[class] : NULL;
	const struct name *name;

	*ret_known = true;
	if (fixed)
		return strings_get(names->strings, fixed);
	if (class == MAPPING_THREAD_STACK)
		return compose(names, uid, "[stack:%u]", (unsigned int)name_id);
	name = name_id ? find(names, name_id) : NULL;
	*ret_known = name;
	if (!name)
		return strings_get(names->strings, "[unnamed]");
	if (class == MAPPING_ANON_NAMED)
		return compose(names, uid, "[anon:%s]", name->text);
	if (class == MAPPING_DEVICE && name->text[0] != '/') /* fs/anon_inodes.c: d_dname */
		return compose(names, uid, "anon_inode:%s", name->text);
	if (!strcmp(name->text, "dev/zero")) /* mm/shmem.c: shmem_zero_setup() */
		return strings_get(names->strings, "[anon_shmem]");
	return name->text;
}

const char *names_of_cgroup(const struct names *names, uint64_t name_id, bool *ret_known)
{
	const struct name *name = find(names, name_id);

	*ret_known = name;
	return name ? name->text : strings_get(names->strings, "");
}
