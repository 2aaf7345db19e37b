// SPDX-License-Identifier: GPL-2.0-only
#include "model/context.h"

#include <stdlib.h>

#include "model/strings.h"

struct context *context_new(size_t n_places)
{
	struct context *context = calloc(1,
					 sizeof(*context) + n_places * sizeof(context->places[0]));

	if (!context)
		return NULL;
	context->holders = 1;
	context->n_places = n_places;
	return context;
}

void context_set_place(struct context *context, size_t number, struct code_place place)
{
	strings_hold(place.file);
	context->places[number] = place;
}

static uint64_t mix(uint64_t hash, uint64_t value)
{
	hash = (hash ^ value) * 0x9e3779b97f4a7c15ULL;
	return hash ^ hash >> 29;
}

/* A hash of the texts, which are the same in every process and in a log. */
void context_set_stack_id(struct context *context)
{
	uint64_t hash = 1 + context->is_whole;

	for (size_t i = 0; i < context->n_places; i++) {
		const struct code_place *place = &context->places[i];

		for (const char *at = place->file; *at; at++)
			hash = mix(hash, (unsigned char)*at);
		hash = mix(mix(hash, place->in_file), place->offset);
	}
	context->stack_id = hash ?: 1;
}

struct context *context_hold(struct context *context)
{
	if (context)
		context->holders++;
	return context;
}

void context_drop(struct context *context)
{
	if (!context || --context->holders)
		return;
	for (size_t i = 0; i < context->n_places; i++)
		if (context->places[i].file)
			strings_drop(context->places[i].file);
	free(context);
}
