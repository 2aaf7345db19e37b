// SPDX-License-Identifier: GPL-2.0-only
#include "sink/sink_profile.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/interned.h"
#include "base/table.h"
#include "base/util.h"
#include "model/latency.h"
#include "sink/profile_paths.h"

/* The most samples, some 25 MiB; further faults are in one that has no code. */
#define SAMPLES_MAX 200000
#define STACKS_MAX 65536
#define PLACES_MAX 65536

#define PLACE_KEY_SIZE offsetof(struct profile_place, build_id)
#define SAMPLE_KEY_SIZE offsetof(struct profile_sample, comm)

const char *const profile_weight_words[] = { "faults", "pages", "major", "stall", NULL };

struct sink_profile {
	struct sink_profile_options options;
	struct interned texts;
	struct table places, stacks, samples;
	struct profile_paths *paths;
	struct timespec end;
	uint64_t duration_ns;
};

struct sink_profile *sink_profile_new(const struct sink_profile_options *options)
{
	struct sink_profile *profile = calloc(1, sizeof(*profile));

	if (!profile)
		return NULL;
	profile->paths = profile_paths_new();
	if (!profile->paths) {
		free(profile);
		return NULL;
	}
	profile->options = *options;
	table_init(&profile->places, 0, PLACE_KEY_SIZE);
	table_init(&profile->stacks, 0, 2 * sizeof(uint64_t)); /* id and tgid */
	table_init(&profile->samples, 0, SAMPLE_KEY_SIZE);
	return profile;
}

static void free_place(void *value)
{
	struct profile_place *place = value;

	free(place->function);
	free(place->source);
	free(place->label);
	free(place);
}

void sink_profile_free(struct sink_profile *profile)
{
	if (!profile)
		return;
	profile_paths_free(profile->paths);
	table_clear_values(&profile->samples, free);
	table_clear_values(&profile->stacks, free);
	table_clear_values(&profile->places, free_place);
	interned_clear(&profile->texts);
	free(profile);
}

/* As perf_map.h has it; NULL: out of memory. Its user may open it now, if it is there by now. */
static const char *map_of(struct sink_profile *profile, uint32_t tgid)
{
	char name[32];
	const char *own;

	snprintf(name, sizeof(name), "perf-%" PRIu32 ".map", tgid);
	own = interned_add(&profile->texts, name);
	if (own && profile->options.on_file)
		profile->options.on_file(profile->options.context, own, tgid);
	return own;
}

/* Adds a place of this identity. NULL: out of memory, or there are too many. */
static struct profile_place *place_new(struct sink_profile *profile,
				       const struct profile_place *key)
{
	struct profile_place *place = NULL;

	if (profile->places.count < PLACES_MAX)
		place = table_add_copy(&profile->places, key, sizeof(*key));
	if (place)
		place->place_number = profile->places.count - 1;
	return place;
}

/* A function of the kernel's. NULL: out of memory, or there are too many. */
static struct profile_place *kernel_place_of(struct sink_profile *profile, const char *name)
{
	struct profile_place key = { .file = interned_add(&profile->texts, "[kernel]"),
				     .kernel = interned_add(&profile->texts, name) };
	struct profile_place *place;

	if (!key.file || !key.kernel)
		return NULL;
	place = table_get(&profile->places, &key) ?: place_new(profile, &key);
	if (place && !place->function)
		place->function = strdup(name);
	return place && place->function ? place : NULL;
}

/* NULL: out of memory, or there are too many. */
static struct profile_place *place_of(struct sink_profile *profile, const struct code_place *code,
				      uint32_t tgid)
{
	bool is_new_file = !interned_find(&profile->texts, code->file);
	struct profile_place key = { .file = interned_add(&profile->texts, code->file),
				     .offset = code->offset,
				     .in_file = code->in_file,
				     .tgid = code->in_file ? 0 : tgid };
	struct profile_place *place = key.file ? table_get(&profile->places, &key) : NULL;

	if (place || !key.file || profile->places.count >= PLACES_MAX)
		return place;
	if (is_new_file && code->in_file && profile->options.on_file)
		profile->options.on_file(profile->options.context, key.file, tgid);
	key.seen_in = tgid;
	if (code->build_id)
		key.build_id = interned_add(&profile->texts, code->build_id);
	if (!key.in_file)
		key.map = map_of(profile, tgid);
	return place_new(profile, &key);
}

static const struct profile_stack *stack_of(struct sink_profile *profile,
					    const struct context *context, uint32_t tgid)
{
	uint64_t key[2] = { 0, 0 };
	struct profile_stack *stack;
	size_t n_places;

	if (!context || !context->n_places)
		return NULL;
	key[0] = context->stack_id;
	for (size_t i = 0; i < context->n_places; i++)
		if (!context->places[i].in_file)
			key[1] = tgid;
	stack = table_get(&profile->stacks, key);
	if (stack || profile->stacks.count >= STACKS_MAX)
		return stack;
	n_places = context->n_kernel + context->n_places;
	stack = calloc(1, sizeof(*stack) + n_places * sizeof(stack->places[0]));
	if (!stack)
		return NULL;
	stack->id = key[0];
	stack->tgid = key[1];
	stack->has_callers = context->has_stack;
	stack->is_whole = context->is_whole;
	stack->n_kernel = context->n_kernel;
	stack->n_places = n_places;
	for (size_t i = 0; i < n_places; i++) {
		stack->places[i] = i < stack->n_kernel ?
					   kernel_place_of(profile, context->kernel[i]) :
					   place_of(profile, &context->places[i - stack->n_kernel],
						    tgid);
		if (!stack->places[i]) {
			free(stack);
			return NULL;
		}
	}
	if (!table_add(&profile->stacks, stack))
		return stack;
	free(stack);
	return NULL;
}

static struct profile_sample *sample_of(struct sink_profile *profile, const struct row *row)
{
	struct profile_sample key = {
		.stack = stack_of(profile, row->context, row->process->tgid),
		.mapping = interned_add(&profile->texts, row->mapping),
		.start_ns = row->process->start_ns,
		.tgid = row->process->tgid,
		.kind = row->kind,
	};
	struct profile_sample *sample;

	if (profile->samples.count >= SAMPLES_MAX && !table_get(&profile->samples, &key))
		key = (struct profile_sample){ .mapping = interned_add(&profile->texts, "[other]"),
					       .kind = row->kind };
	sample = key.mapping ? table_get(&profile->samples, &key) : NULL;
	if (sample || !key.mapping)
		return sample;
	return table_add_copy(&profile->samples, &key, sizeof(key));
}

static bool is_wanted(const struct sink_profile *profile, const struct row *row)
{
	const struct sink_profile_options *options = &profile->options;

	return (options->kind < 0 || row->kind == options->kind) &&
	       (!options->mapping || !strcmp(options->mapping, row->mapping));
}

static int add_row(struct sink_profile *profile, const struct row *row)
{
	struct fault_counts delta = row_delta(row);
	struct profile_sample *sample = sample_of(profile, row);

	if (!sample)
		return -ENOMEM;
	if (sample->tgid)
		memcpy(sample->comm, row->process->comm, sizeof(sample->comm));
	sample->weights[WEIGHT_FAULTS] += delta.minor + delta.major + delta.denied;
	sample->weights[WEIGHT_PAGES] += delta.pages;
	sample->weights[WEIGHT_MAJOR] += delta.major;
	if (row->latency)
		sample->weights[WEIGHT_STALL] += row->latency->now.sum_ns -
						 row->latency->before.sum_ns;
	return 0;
}

/* 0 or -ENOMEM. */
static int add_sampled(struct sink_profile *profile, const struct sampled_path *path)
{
	const struct profile_stack *stack = stack_of(profile, path->context, path->tgid);
	const char *mapping = interned_add(&profile->texts, path->mapping);

	if (!mapping)
		return -ENOMEM;
	return stack ? profile_paths_add(profile->paths, stack, mapping, path) : 0;
}

int sink_profile_tick(struct sink_profile *profile, const struct snapshot *snapshot,
		      struct error *error)
{
	profile->end = snapshot->ts;
	if (snapshot->tick)
		profile->duration_ns += snapshot->interval_ns;
	for (size_t i = 0; i < snapshot->n_touched; i++) {
		const struct row *row = snapshot->rows[i];

		if (row_changed(row) && is_wanted(profile, row) && add_row(profile, row) < 0)
			return error_set(error, ENOMEM, "adding up code: out of memory");
	}
	for (size_t i = 0; i < snapshot->n_sampled; i++)
		if (add_sampled(profile, &snapshot->sampled[i]) < 0)
			return error_set(error, ENOMEM, "adding up code: out of memory");
	return 0;
}

SINK_OPS(profile);

int sink_profile_places(struct sink_profile *profile, struct profile_place ***ret_places,
			size_t *ret_count)
{
	*ret_count = profile->places.count;
	*ret_places = *ret_count ? table_values(&profile->places) : NULL;
	return *ret_count && !*ret_places ? -ENOMEM : 0;
}

struct order {
	enum profile_weight weight;
};

static int compare_samples(const void *left, const void *right, void *order)
{
	const struct profile_sample *a = *(const struct profile_sample *const *)left;
	const struct profile_sample *b = *(const struct profile_sample *const *)right;
	enum profile_weight weight = ((struct order *)order)->weight;

	if (a->weights[weight] != b->weights[weight])
		return compare_u64(b->weights[weight], a->weights[weight]);
	if (a->tgid != b->tgid)
		return compare_u64(a->tgid, b->tgid);
	if (a->mapping != b->mapping)
		return strcmp(a->mapping, b->mapping);
	if (a->kind != b->kind)
		return compare_u64(a->kind, b->kind);
	if (a->is_sampled != b->is_sampled)
		return a->is_sampled - b->is_sampled;
	return compare_u64(a->stack ? a->stack->id : 0, b->stack ? b->stack->id : 0);
}

int sink_profile_samples(struct sink_profile *profile, enum profile_weight weight,
			 struct profile_sample ***ret_samples, size_t *ret_count)
{
	struct order order = { weight };

	*ret_count = profile->samples.count;
	*ret_samples = *ret_count ? table_values(&profile->samples) : NULL;
	if (*ret_count && !*ret_samples)
		return -ENOMEM;
	if (*ret_samples && profile_paths_share(profile->paths, ret_samples, ret_count) < 0) {
		free(*ret_samples);
		*ret_samples = NULL;
		return -ENOMEM;
	}
	if (*ret_samples)
		qsort_r(*ret_samples, *ret_count, sizeof(**ret_samples), compare_samples, &order);
	return 0;
}

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

/* "main", "libc.so.6+0x9f6a0", "[anon] 0x7f00dead0000". */
static char *label_of(const struct profile_place *place)
{
	const char *gone = place->is_gone ? " [gone]" : "";
	char *label = NULL;

	if (place->function)
		return strdup(place->function);
	if (!place->in_file && asprintf(&label, "%s 0x%" PRIx64, place->file, place->offset) < 0)
		return NULL;
	if (place->in_file &&
	    asprintf(&label, "%s+0x%" PRIx64 "%s", last_part(place->file), place->offset, gone) < 0)
		return NULL;
	return label;
}

static int compare_labels(const void *left, const void *right)
{
	const struct profile_place *a = *(const struct profile_place *const *)left;
	const struct profile_place *b = *(const struct profile_place *const *)right;
	int order = strcmp(a->label, b->label);

	return order ? order : strcmp(a->file, b->file);
}

int sink_profile_name_places(struct sink_profile *profile)
{
	autofree struct profile_place **places = NULL;
	size_t count, number = 0;
	int result = sink_profile_places(profile, &places, &count);

	if (result)
		return result;
	for (size_t i = 0; i < count; i++) {
		free(places[i]->label);
		places[i]->label = label_of(places[i]);
		if (!places[i]->label)
			return -ENOMEM;
	}
	if (count)
		qsort(places, count, sizeof(*places), compare_labels);
	for (size_t i = 0; i < count; i++) {
		number += i && compare_labels(&places[i - 1], &places[i]) != 0;
		places[i]->number = number;
	}
	return count ? (int)number + 1 : 0;
}

size_t sink_profile_count(const struct sink_profile *profile)
{
	return profile->samples.count;
}

/* Merging. ------------------------------------------------------------------------------------- */

static struct profile_place *place_like(struct sink_profile *profile,
					const struct profile_place *other, uint32_t tgid)
{
	struct code_place code = { other->file, other->offset, other->in_file, other->build_id };

	if (other->kernel)
		return kernel_place_of(profile, other->kernel);
	return place_of(profile, &code, tgid);
}

/* NULL: out of memory, there are too many, or the other is NULL. */
static const struct profile_stack *stack_like(struct sink_profile *profile,
					      const struct profile_stack *other, uint32_t tgid)
{
	size_t size = other ? sizeof(*other) + other->n_places * sizeof(other->places[0]) : 0;
	struct profile_stack *stack = other ? table_get(&profile->stacks, other) : NULL;

	if (stack || !other || profile->stacks.count >= STACKS_MAX)
		return stack;
	stack = malloc(size);
	if (!stack)
		return NULL;
	memcpy(stack, other, size);
	for (size_t i = 0; i < stack->n_places; i++) {
		stack->places[i] = place_like(profile, other->places[i], tgid);
		if (!stack->places[i]) {
			free(stack);
			return NULL;
		}
	}
	if (!table_add(&profile->stacks, stack))
		return stack;
	free(stack);
	return NULL;
}

/* Adds to the sample of this identity. 0 or -ENOMEM. */
static int add_weights(struct sink_profile *profile, const struct profile_sample *key,
		       const struct profile_sample *more)
{
	struct profile_sample *sample = table_get(&profile->samples, key);

	if (!sample) {
		sample = calloc(1, sizeof(*sample));
		if (!sample)
			return -ENOMEM;
		memcpy(sample, key, SAMPLE_KEY_SIZE);
		if (table_add(&profile->samples, sample) < 0) {
			free(sample);
			return -ENOMEM;
		}
	}
	if (key->tgid)
		memcpy(sample->comm, more->comm, sizeof(sample->comm));
	for (size_t i = 0; i < WEIGHT_COUNT; i++)
		sample->weights[i] += more->weights[i];
	return 0;
}

static int merge_sample(struct sink_profile *profile, const struct profile_sample *other)
{
	struct profile_sample key = {
		.stack = stack_like(profile, other->stack, other->tgid),
		.mapping = interned_add(&profile->texts, other->mapping),
		.start_ns = other->start_ns,
		.tgid = other->tgid,
		.kind = other->kind,
	};

	return key.mapping ? add_weights(profile, &key, other) : -ENOMEM;
}

static int merge_path(void *context, const struct profile_stack *stack, const char *mapping,
		      const struct sampled_path *path)
{
	struct sink_profile *profile = context;
	const struct profile_stack *own = stack_like(profile, stack, path->tgid);
	const char *text = interned_add(&profile->texts, mapping);

	if (!text)
		return -ENOMEM;
	return own ? profile_paths_add(profile->paths, own, text, path) : 0;
}

int sink_profile_merge(struct sink_profile *profile, struct sink_profile *other, bool counts)
{
	const struct profile_sample *sample;
	size_t cursor = 0;
	int result = profile_paths_each(other->paths, merge_path, profile);

	if (!counts)
		return result;
	while (!result && (sample = table_next(&other->samples, &cursor)))
		result = merge_sample(profile, sample);
	profile->end = other->end;
	profile->duration_ns += other->duration_ns;
	return result;
}

int sink_profile_cut(struct sink_profile *profile, size_t max)
{
	autofree struct profile_sample **samples = NULL;
	const char *other = interned_add(&profile->texts, "[other]");
	struct order order = { WEIGHT_FAULTS };
	size_t count = profile->samples.count;
	int result = 0;

	if (count <= max)
		return 0;
	samples = table_values(&profile->samples);
	if (!samples || !other)
		return -ENOMEM;
	qsort_r(samples, count, sizeof(*samples), compare_samples, &order);
	for (size_t i = max > KIND_COUNT ? max - KIND_COUNT : 0; i < count && !result; i++) {
		struct profile_sample key = { .mapping = other, .kind = samples[i]->kind };

		table_remove(&profile->samples, samples[i]);
		result = add_weights(profile, &key, samples[i]);
		free(samples[i]);
	}
	return result;
}

uint64_t sink_profile_duration_ns(const struct sink_profile *profile)
{
	return profile->duration_ns;
}

struct timespec sink_profile_end(const struct sink_profile *profile)
{
	return profile->end;
}

/* glibc's own frames before main() have no frame pointers. */
bool profile_stack_is_whole(const struct profile_stack *stack)
{
	if (stack->is_whole)
		return true;
	for (size_t i = stack->n_places; i-- > 0;)
		if (stack->places[i]->function && !strcmp(stack->places[i]->function, "main"))
			return true;
	return false;
}
