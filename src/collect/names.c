// SPDX-License-Identifier: GPL-2.0-only
#include "collect/names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/table.h"
#include "base/util.h"

/* Of each generation as many as names_sent in bpf/maps.bpf.h remembers: about 4 MiB of paths in both. */
#define NAMES_MAX 16384

struct name {
	uint64_t id;
	char text[];
};

struct names {
	struct table recent;
	struct table former; /* came before all of these */
};

struct names *names_new(void)
{
	struct names *names = calloc(1, sizeof(*names));

	if (!names)
		return NULL;
	table_init(&names->recent, offsetof(struct name, id), sizeof(uint64_t));
	table_init(&names->former, offsetof(struct name, id), sizeof(uint64_t));
	return names;
}

static const struct name *find(const struct names *names, uint64_t id)
{
	return table_get(&names->recent, &id) ?: table_get(&names->former, &id);
}

void names_forget(struct names *names, void (*forget)(void *context, uint64_t id), void *context)
{
	size_t cursor = 0;

	for (struct name *name; (name = table_next(&names->former, &cursor));) {
		if (forget)
			forget(context, name->id);
		free(name);
	}
	table_clear(&names->former);
	names->former = names->recent;
	table_init(&names->recent, offsetof(struct name, id), sizeof(uint64_t));
}

void names_free(struct names *names)
{
	if (!names)
		return;
	names_forget(names, NULL, NULL);
	names_forget(names, NULL, NULL);
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

int names_add(struct names *names, const struct name_record *record, size_t size)
{
	struct name *name;

	if (size < NAME_HEADER_SIZE || record->length > size - NAME_HEADER_SIZE ||
	    record->length > sizeof(record->text) ||
	    (record->length && record->text[record->length - 1]))
		return -EBADMSG;
	if (find(names, record->id))
		return 0;
	if (names->recent.count >= NAMES_MAX)
		return -ENOSPC;
	name = malloc(sizeof(*name) + record->length + sizeof(".../ (deleted)"));
	if (!name)
		return -ENOMEM;
	name->id = record->id;
	join(record, record->length, name->text);
	if (table_add(&names->recent, name)) {
		free(name);
		return -ENOMEM;
	}
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

const char *names_of_mapping(const struct names *names, enum mapping_class class, uint64_t name_id,
			     char buffer[NAMES_TEXT_MAX], bool *ret_known)
{
	const struct name *name = name_id ? find(names, name_id) : NULL;
	const char *fixed = class < MAPPING_CLASS_COUNT ? class_names[class] : NULL;

	if (ret_known)
		*ret_known = fixed || name || class == MAPPING_THREAD_STACK;
	if (class == MAPPING_THREAD_STACK)
		snprintf(buffer, NAMES_TEXT_MAX, "[stack:%u]", (unsigned int)name_id);
	else if (fixed)
		snprintf(buffer, NAMES_TEXT_MAX, "%s", fixed);
	else if (!name)
		snprintf(buffer, NAMES_TEXT_MAX, "[unnamed]");
	else if (class == MAPPING_ANON_NAMED)
		snprintf(buffer, NAMES_TEXT_MAX, "[anon:%s]", name->text);
	else if (class == MAPPING_DEVICE && name->text[0] != '/') /* fs/anon_inodes.c: d_dname */
		snprintf(buffer, NAMES_TEXT_MAX, "anon_inode:%s", name->text);
	else if (!strcmp(name->text, "dev/zero")) /* mm/shmem.c: shmem_zero_setup() */
		snprintf(buffer, NAMES_TEXT_MAX, "[anon_shmem]");
	else
		snprintf(buffer, NAMES_TEXT_MAX, "%s", name->text);
	return buffer;
}
