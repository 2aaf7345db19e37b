// SPDX-License-Identifier: GPL-2.0-only
#include "collect/contexts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/table.h"

struct contexts {
	const struct names *names;
	struct kernel_names *kernel_names;
	const struct build_id_source *build_ids; /* NULL: they are not asked for */
	uint32_t number;
	struct table current;
	struct table former;
};

struct contexts *contexts_new(const struct names *names, struct kernel_names *kernel_names,
			      const struct build_id_source *build_ids)
{
	struct contexts *contexts = calloc(1, sizeof(*contexts));

	if (!contexts)
		return NULL;
	contexts->names = names;
	contexts->kernel_names = kernel_names;
	contexts->build_ids = build_ids;
	table_init(&contexts->current, offsetof(struct context, id), sizeof(uint64_t));
	table_init(&contexts->former, offsetof(struct context, id), sizeof(uint64_t));
	return contexts;
}

static void drop(void *value)
{
	context_drop(value);
}

void contexts_free(struct contexts *contexts)
{
	if (!contexts)
		return;
	table_clear_values(&contexts->current, drop);
	table_clear_values(&contexts->former, drop);
	free(contexts);
}

static bool is_well_formed(const struct context_record *record, size_t size)
{
	return size >= CONTEXT_HEADER_SIZE && record->n_frames <= FRAMES_MAX &&
	       size >= CONTEXT_HEADER_SIZE + record->n_frames * sizeof(struct frame) &&
	       !(record->flags & CONTEXT_CODE && !record->n_frames);
}

const char *contexts_build_id(const struct contexts *contexts, const struct code_place *place,
			      uint32_t tgid)
{
	const struct build_id_source *source = contexts->build_ids;

	return source && place->in_file ? source->find(source->context, place->file, tgid) : NULL;
}

/* 0 or -ENOMEM. */
static int set_place(struct context *context, size_t number, const struct contexts *contexts,
		     const struct context_record *record)
{
	const struct frame *frame = &record->frames[number];
	bool known;
	struct code_place place = {
		.file = names_of_mapping(contexts->names, frame->class, frame->name_id, record->uid,
					 &known),
		.offset = frame->offset,
		.in_file = frame->name_id && frame->class != MAPPING_SPECIAL,
	};

	if (!place.file)
		return -ENOMEM;
	place.build_id = contexts_build_id(contexts, &place, record->tgid);
	context_set_place(context, number, place);
	return 0;
}

int contexts_add(struct contexts *contexts, const struct context_record *record, size_t size)
{
	struct context *context;
	int result = 0;

	if (!is_well_formed(record, size))
		return -EBADMSG;
	if (table_get(&contexts->current, &record->id) || contexts->current.count >= CONTEXTS_MAX)
		return 0;
	context = context_new(record->n_frames);
	if (!context)
		return -ENOMEM;
	context->id = record->id;
	context->has_thread = record->flags & CONTEXT_THREAD;
	context->has_code = record->flags & CONTEXT_CODE;
	context->has_stack = record->flags & CONTEXT_STACK;
	context->is_whole = record->flags & CONTEXT_WHOLE;
	context->tid = record->tid;
	memcpy(context->thread, record->thread, sizeof(context->thread));
	context->thread[sizeof(context->thread) - 1] = '\0';
	for (size_t i = 0; i < record->n_frames && !result; i++)
		result = set_place(context, i, contexts, record);
	if (!result)
		context_set_stack_id(context);
	if (!result)
		result = table_add(&contexts->current, context);
	if (result)
		context_drop(context);
	return result;
}

/* The base, with the kernel's part. NULL: out of memory. */
static struct context *context_on(struct contexts *contexts, const struct context *base,
				  const struct kernel_path_record *record)
{
	const char *names[KERNEL_FRAMES_MAX];
	size_t count = kernel_names_of_path(contexts->kernel_names,
					    record->addresses + record->n_ours,
					    record->n_addresses - record->n_ours,
					    !record->is_asleep, names);
	struct context *context = context_new(base->n_places);

	if (!context)
		return NULL;
	context->id = record->id;
	context->has_thread = base->has_thread;
	context->has_code = base->has_code;
	context->has_stack = base->has_stack;
	context->is_whole = base->is_whole;
	context->tid = base->tid;
	memcpy(context->thread, base->thread, sizeof(context->thread));
	for (size_t i = 0; i < base->n_places; i++)
		context_set_place(context, i, base->places[i]);
	if (!context_set_kernel(context, names, count)) {
		context_set_stack_id(context);
		return context;
	}
	context_drop(context);
	return NULL;
}

int contexts_add_kernel(struct contexts *contexts, const struct kernel_path_record *record,
			size_t size)
{
	const struct context *base;
	struct context *context;

	if (size < KERNEL_PATH_HEADER_SIZE || record->n_addresses > KERNEL_FRAMES_MAX ||
	    size < KERNEL_PATH_HEADER_SIZE + record->n_addresses * sizeof(uint64_t) ||
	    record->n_ours > record->n_addresses)
		return -EBADMSG;
	base = contexts_find(contexts, record->base);
	if (!base || table_get(&contexts->current, &record->id) ||
	    contexts->current.count >= CONTEXTS_MAX)
		return 0;
	context = context_on(contexts, base, record);
	if (context && !table_add(&contexts->current, context))
		return 0;
	context_drop(context);
	return -ENOMEM;
}

struct context *contexts_find(const struct contexts *contexts, uint64_t id)
{
	return table_get(&contexts->current, &id) ?: table_get(&contexts->former, &id);
}

bool contexts_want_turn(const struct contexts *contexts)
{
	return contexts->current.count >= CONTEXTS_TURN_AT;
}

void contexts_turn(struct contexts *contexts, uint32_t number)
{
	if (number == contexts->number)
		return;
	table_clear_values(&contexts->former, drop);
	contexts->former = contexts->current;
	table_init(&contexts->current, offsetof(struct context, id), sizeof(uint64_t));
	contexts->number = number;
}
