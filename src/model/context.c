// SPDX-License-Identifier: GPL-2.0-only
#include "model/context.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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

static uint64_t mix_text(uint64_t hash, const char *text)
{
	for (; *text; text++)
		hash = mix(hash, (unsigned char)*text);
	return hash;
}

int context_set_kernel(struct context *context, const char *const *names, size_t count)
{
	const char **list = count ? malloc(count * sizeof(*list)) : NULL;

	if (count && !list)
		return -ENOMEM;
	if (count)
		memcpy(list, names, count * sizeof(*list));
	free(context->kernel);
	context->kernel = list;
	context->n_kernel = count;
	return 0;
}

/* A hash of the texts, which are the same in every process and in a log. */
void context_set_stack_id(struct context *context)
{
	uint64_t hash = 1 + context->is_whole;

	for (size_t i = 0; i < context->n_places; i++) {
		const struct code_place *place = &context->places[i];

		hash = mix_text(hash, place->file);
		hash = mix(mix(hash, place->in_file), place->offset);
	}
	for (size_t i = 0; i < context->n_kernel; i++)
		hash = mix(mix_text(hash, context->kernel[i]), i + 1);
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
	free(context->kernel);
	free(context);
}
