// SPDX-License-Identifier: GPL-2.0-only
/* Names of tallies. */
#include "model/grouping_data.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "model/context.h"
#include "model/kinds.h"
#include "model/losses.h"
#include "model/unit_name.h"

/* The cost of a name besides its bytes: see strings.c. */
#define NAME_OVERHEAD 64
/* Pids whose comm is remembered after their end, as processes that they started may outlive
 * them. */
#define MAX_PARENTS 65536

#define UNKNOWN "[unknown]"

struct parent {
	uint64_t tgid;
	char comm[COMM_LEN];
};

/* The grouping's copy of the name; NULL: out of memory. */
static const char *keep_name(struct grouping *grouping, const char *name)
{
	const char *kept = interned_find(&grouping->names, name);
	size_t bytes = strlen(name) + NAME_OVERHEAD;

	if (kept)
		return kept;
	if (grouping->name_bytes + bytes > grouping->options.max_names)
		return "..."; /* as strings.c has it */
	kept = interned_add(&grouping->names, name);
	grouping->name_bytes += kept ? bytes : 0;
	return kept;
}

/* A process may set an empty name (PR_SET_NAME). */
static const char *comm_of(const struct process *process)
{
	return *process->comm ? process->comm : "[unnamed]";
}

const char *grouping_process_name(enum grouping_by by, const struct process *process, char *buffer,
				  size_t size)
{
	struct unit_name unit;

	switch (by) {
	case BY_UNIT:
		unit_name_of(&unit, process->cgroup);
		snprintf(buffer, size, "%s", unit.name);
		return buffer;
	case BY_CGROUP:
		return *process->cgroup ? process->cgroup : "unknown";
	case BY_EXE:
		if (*process->exe)
			return process->exe;
		/* It lived between two ticks: named as the groups of the metrics are. */
		snprintf(buffer, size, "[%s]", *process->comm ? process->comm : "unnamed");
		return buffer;
	default:
		return comm_of(process);
	}
}

static const char *name_of_parent(const struct grouping *grouping, const struct process *process,
				  char *buffer, size_t size)
{
	uint64_t key = process->ppid;
	const struct parent *parent = table_get(&grouping->parents, &key);

	snprintf(buffer, size, "%s[%" PRIu32 "]", parent ? parent->comm : UNKNOWN, process->ppid);
	return buffer;
}

const char *grouping_name(struct grouping *grouping, const struct process *process)
{
	char buffer[UNIT_NAME_LEN];
	const char *name = buffer;

	if (grouping->named == process)
		return grouping->name;
	if (losses_is_other(process) && !losses_is_folded(process))
		name = comm_of(process);
	else if (grouping->options.by == BY_UID)
		users_name(&grouping->users, process->uid, buffer);
	else if (grouping->options.by == BY_PARENT)
		name_of_parent(grouping, process, buffer, sizeof(buffer));
	else
		name = grouping_process_name(grouping->options.by, process, buffer, sizeof(buffer));
	if (grouping->options.has_commands && *process->command)
		name = process->command;
	grouping->name = keep_name(grouping, name);
	grouping->named = grouping->name ? process : NULL;
	return grouping->name;
}

const char *grouping_group_of_process(struct grouping *grouping, const struct process *process)
{
	return grouping->options.by == BY_PROCESS ? "" : grouping_name(grouping, process);
}

const char *grouping_thread_name(struct grouping *grouping, const struct row *row)
{
	const struct context *context = row->context;
	char name[COMM_LEN + 16];

	if (!context || !context->has_thread)
		snprintf(name, sizeof(name), "%s[%" PRIu32 "]", comm_of(row->process),
			 row->process->tgid);
	else
		snprintf(name, sizeof(name), "%s[%" PRIu32 "]",
			 *context->thread ? context->thread : "[unnamed]", context->tid);
	return keep_name(grouping, name);
}

bool grouping_thread_is_named(const struct row *row)
{
	const struct context *context = row->context;

	return context && context->has_thread && strcmp(context->thread, comm_of(row->process));
}

/* The stacks of all threads have one name here; --by thread tells them apart. */
static const char *name_of_mapping(struct grouping *grouping, const struct row *row)
{
	size_t at = ((uintptr_t)row->mapping >> 4) % NAMED_MAPPINGS;
	bool is_stack;

	if (grouping->mappings[at].text == row->mapping)
		return grouping->mappings[at].name;
	is_stack = !strncmp(row->mapping, "[stack:", 7);
	grouping->mappings[at].text = row->mapping;
	grouping->mappings[at].name =
		keep_name(grouping, is_stack && grouping->options.by != BY_ROW ? "[stack:TID]" :
										 row->mapping);
	return grouping->mappings[at].name;
}

const char *grouping_group_of_row(struct grouping *grouping, const struct row *row)
{
	switch (grouping->options.by) {
	case BY_MAPPING:
	case BY_FILE:
	case BY_ROW:
		return name_of_mapping(grouping, row);
	case BY_THREAD:
		return "";
	case BY_KIND:
		return keep_name(grouping, kind_name(row->kind));
	default:
		return grouping_group_of_process(grouping, row->process);
	}
}

int grouping_learn_parents(struct grouping *grouping, const struct snapshot *snapshot)
{
	if (grouping->options.by != BY_PARENT)
		return 0;
	if (grouping->parents.count > MAX_PARENTS) {
		table_clear_values(&grouping->parents, free);
		table_init(&grouping->parents, 0, sizeof(uint64_t));
	}
	for (size_t i = 0; i < snapshot->n_processes; i++) {
		const struct process *process = snapshot->processes[i];
		const struct parent key = { .tgid = process->tgid };
		struct parent *parent = table_get(&grouping->parents, &key);

		if (!parent)
			parent = table_add_copy(&grouping->parents, &key, sizeof(key));
		if (!parent)
			return -ENOMEM;
		memcpy(parent->comm, comm_of(process), strlen(comm_of(process)) + 1);
	}
	return 0;
}
