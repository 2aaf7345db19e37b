// SPDX-License-Identifier: GPL-2.0-only
#include "collect/names.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

#define TEXT_MAX (NAME_MAX_BYTES + 2 * NAME_COMPONENT_MAX)

/* NAMES_MAX for users other than root, who leave the last quarter free. */
#define NAMES_MAX_USER (NAMES_MAX / 4 * 3)

struct name {
	uint64_t id;
	const char *text; /* held; NULL: a free slot */
};

/* Open addressing by the id, which is a hash. */
struct generation {
	struct name *slots;
	size_t capacity; /* a power of two, or 0 */
	size_t count;
};

struct names {
	struct strings *strings;
	uint32_t number;
	struct generation current;
	struct generation former;
};

struct names *names_new(struct strings *strings)
{
	struct names *names = calloc(1, sizeof(*names));

	if (names)
		names->strings = strings;
	return names;
}

/* The slot of the id, or the free one where it belongs. Needs a free one somewhere. */
static struct name *slot_of(const struct generation *generation, uint64_t id)
{
	size_t at = id & (generation->capacity - 1);

	while (generation->slots[at].text && generation->slots[at].id != id)
		at = (at + 1) & (generation->capacity - 1);
	return &generation->slots[at];
}

static struct name *find_in(const struct generation *generation, uint64_t id)
{
	struct name *name = generation->count ? slot_of(generation, id) : NULL;

	return name && name->text ? name : NULL;
}

static const struct name *find(const struct names *names, uint64_t id)
{
	return find_in(&names->current, id) ?: find_in(&names->former, id);
}

/* Makes room for one more. 0 or -ENOMEM. */
static int reserve(struct generation *generation)
{
	struct generation larger = { .capacity = generation->capacity * 2 ?: 64,
				     .count = generation->count };

	if (generation->count + 1 <= generation->capacity / 10 * 7)
		return 0;
	larger.slots = calloc(larger.capacity, sizeof(*larger.slots));
	if (!larger.slots)
		return -ENOMEM;
	for (size_t i = 0; i < generation->capacity; i++)
		if (generation->slots[i].text)
			*slot_of(&larger, generation->slots[i].id) = generation->slots[i];
	free(generation->slots);
	*generation = larger;
	return 0;
}

static void drop(struct generation *generation)
{
	for (size_t i = 0; i < generation->capacity; i++)
		if (generation->slots[i].text)
			strings_drop(generation->slots[i].text);
	free(generation->slots);
	*generation = (struct generation){};
}

uint32_t names_turn(struct names *names)
{
	return names->current.count < NAMES_TURN_AT ? names->number : names_turn_now(names);
}

uint32_t names_turn_now(struct names *names)
{
	drop(&names->former);
	names->former = names->current;
	names->current = (struct generation){};
	return ++names->number;
}

uint32_t names_generation(const struct names *names)
{
	return names->number;
}

void names_free(struct names *names)
{
	if (!names)
		return;
	drop(&names->current);
	drop(&names->former);
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

/* A command line: a blank for each NUL between its words. */
static void join_words(const struct name_record *record, char *text)
{
	size_t length = record->length;

	while (length && !record->text[length - 1])
		length--;
	for (size_t i = 0; i < length; i++)
		text[i] = record->text[i] ? record->text[i] : ' ';
	text[length] = '\0';
}

static bool is_well_formed(const struct name_record *record, size_t size)
{
	return size >= NAME_HEADER_SIZE && record->length <= size - NAME_HEADER_SIZE &&
	       record->length <= sizeof(record->text) &&
	       (!record->length || !record->text[record->length - 1]);
}

/* When two names come with one id, the later one is right. */
static void replace(struct name *name, const char *text)
{
	strings_hold(text);
	strings_drop(name->text);
	name->text = text;
}

static int add(struct generation *generation, uint64_t id, const char *text)
{
	int result = reserve(generation);

	if (result)
		return result;
	strings_hold(text);
	*slot_of(generation, id) = (struct name){ .id = id, .text = text };
	generation->count++;
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
	name = find_in(&names->current, record->id);
	if (!name && names->current.count >= (record->uid ? NAMES_MAX_USER : NAMES_MAX))
		return 0;
	if (record->flags & NAME_COMMAND)
		join_words(record, joined);
	else
		join(record, record->length, joined);
	was_cut = strings_cut(names->strings);
	text = strings_get_for(names->strings, joined, record->uid,
			       record->flags & NAME_CGROUP ? STRINGS_FIRST : STRINGS_LAST);
	if (!text)
		return -ENOMEM;
	if (record->flags & NAME_CUT && strings_cut(names->strings) == was_cut)
		strings_count_cut(names->strings);
	if (!name)
		return add(&names->current, record->id, text);
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

/* Both parts are within the budget already. */
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

const char *names_of_program(const struct names *names, uint64_t name_id)
{
	const struct name *name = name_id ? find(names, name_id) : NULL;

	return name ? name->text : NULL;
}
