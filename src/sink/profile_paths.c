// SPDX-License-Identifier: GPL-2.0-only
#include "sink/profile_paths.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/table.h"
#include "base/util.h"

/* Instructions of which paths are kept, and paths of each: 4 KiB. */
#define SETS_MAX 32768
#define PATHS_MAX 256

/* The row's stack of a path of whose row nothing is known. */
#define ROW_STACK_UNKNOWN UINT64_MAX

/* An instruction, in a mapping or (NULL) in any, as its row's stack begins or (0) with any. No
 * padding: a key. */
struct set_key {
	const struct profile_place *leaf;
	const char *mapping;
	uint64_t row_stack;
	uint64_t start_ns;
	uint64_t tgid;
};

struct seen_path {
	const struct profile_stack *stack;
	uint64_t times;
};

struct path_set {
	struct set_key key; /* first */
	size_t count, capacity;
	uint64_t times; /* of all */
	struct seen_path *paths;
};

/* Samples that are distributed together. No padding: a key. */
struct group_key {
	const struct path_set *set;
	const char *mapping;
	uint64_t kind;
	const struct profile_stack *stack; /* which the kernel's part is of; NULL: it has none */
};

struct group {
	struct group_key key;            /* first */
	const struct profile_sample *of; /* one of them */
	uint64_t weights[WEIGHT_COUNT];
};

struct profile_paths {
	struct table sets;
	struct profile_sample **shares; /* of the last call */
	size_t n_shares, shares_capacity;
	struct profile_stack **stacks; /* made for it */
	size_t n_stacks, stacks_capacity;
};

struct profile_paths *profile_paths_new(void)
{
	struct profile_paths *paths = calloc(1, sizeof(*paths));

	if (paths)
		table_init(&paths->sets, 0, sizeof(struct set_key));
	return paths;
}

static void free_set(void *value)
{
	free(((struct path_set *)value)->paths);
	free(value);
}

static void free_shares(struct profile_paths *paths)
{
	while (paths->n_shares)
		free(paths->shares[--paths->n_shares]);
	while (paths->n_stacks)
		free(paths->stacks[--paths->n_stacks]);
}

void profile_paths_free(struct profile_paths *paths)
{
	if (!paths)
		return;
	table_clear_values(&paths->sets, free_set);
	free_shares(paths);
	free(paths->shares);
	free(paths->stacks);
	free(paths);
}

/* Adding. -------------------------------------------------------------------------------------- */

/* NULL: out of memory, or there are too many. */
static struct path_set *set_of(struct profile_paths *paths, const struct set_key *key)
{
	const struct path_set new_set = { .key = *key };
	struct path_set *set = table_get(&paths->sets, key);

	if (set || paths->sets.count >= SETS_MAX)
		return set;
	return table_add_copy(&paths->sets, &new_set, sizeof(new_set));
}

static int count_path(struct path_set *set, const struct profile_stack *stack)
{
	size_t i = 0;

	while (i < set->count && set->paths[i].stack != stack)
		i++;
	if (i == PATHS_MAX)
		return 0;
	if (i == set->capacity) {
		size_t capacity = set->capacity * 2 + 2;
		struct seen_path *grown = reallocarray(set->paths, capacity, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		set->paths = grown;
		set->capacity = capacity;
	}
	if (i == set->count)
		set->paths[set->count++] = (struct seen_path){ .stack = stack };
	set->paths[i].times++;
	set->times++;
	return 0;
}

static int add_to_set(struct profile_paths *paths, const struct set_key *key,
		      const struct profile_stack *stack)
{
	struct path_set *set = set_of(paths, key);

	return set ? count_path(set, stack) : 0;
}

int profile_paths_add(struct profile_paths *paths, const struct profile_stack *stack,
		      const char *mapping, const struct sampled_path *path)
{
	struct set_key key = { .leaf = stack->places[0],
			       .mapping = mapping,
			       .row_stack = path->row_stack ?: ROW_STACK_UNKNOWN,
			       .start_ns = path->start_ns,
			       .tgid = path->tgid };
	int result = add_to_set(paths, &key, stack);

	key.row_stack = 0;
	if (!result)
		result = add_to_set(paths, &key, stack);
	key.mapping = NULL;
	return result ?: add_to_set(paths, &key, stack);
}

int profile_paths_each(const struct profile_paths *paths,
		       int (*each)(void *context, const struct profile_stack *stack,
				   const char *mapping, const struct sampled_path *path),
		       void *context)
{
	const struct path_set *set;
	size_t cursor = 0;
	int result = 0;

	while (!result && (set = table_next(&paths->sets, &cursor))) {
		struct sampled_path path = { .start_ns = set->key.start_ns,
					     .tgid = (uint32_t)set->key.tgid,
					     .row_stack = set->key.row_stack };

		/* Of the sets that a path is in, that of its mapping and row is its own. */
		if (!set->key.mapping || !set->key.row_stack)
			continue;
		for (size_t i = 0; i < set->count && !result; i++)
			for (uint64_t n = 0; n < set->paths[i].times && !result; n++)
				result = each(context, set->paths[i].stack, set->key.mapping,
					      &path);
	}
	return result;
}

/* Distributing. -------------------------------------------------------------------------------- */

static const struct path_set *find_set(const struct profile_paths *paths,
				       const struct profile_sample *sample)
{
	struct set_key key = { .mapping = sample->mapping,
			       .row_stack = sample->stack ? sample->stack->id : 0,
			       .start_ns = sample->start_ns,
			       .tgid = sample->tgid };
	const struct path_set *set;

	if (!sample->stack || !sample->stack->has_callers || profile_stack_is_whole(sample->stack))
		return NULL;
	key.leaf = sample->stack->places[sample->stack->n_kernel];
	set = table_get(&paths->sets, &key);
	key.row_stack = 0;
	set = set ?: table_get(&paths->sets, &key);
	key.mapping = NULL;
	return set ?: table_get(&paths->sets, &key);
}

/* 0 or -ENOMEM. */
static int add_to_group(struct table *groups, const struct path_set *set,
			const struct profile_sample *sample)
{
	const struct group new_group = {
		.key = { .set = set,
			 .mapping = sample->mapping,
			 .kind = sample->kind,
			 .stack = sample->stack->n_kernel ? sample->stack : NULL },
		.of = sample,
	};
	struct group *group = table_get(groups, &new_group.key) ?:
				      table_add_copy(groups, &new_group, sizeof(new_group));

	if (!group)
		return -ENOMEM;
	for (size_t i = 0; i < WEIGHT_COUNT; i++)
		group->weights[i] += sample->weights[i];
	return 0;
}

/* The part of the weight of the first `times` of all times; a path's share is a difference of
 * two. */
static uint64_t part_of(uint64_t weight, uint64_t times, uint64_t all)
{
	return (uint64_t)((unsigned __int128)weight * times / all);
}

static int add_share(struct profile_paths *paths, const struct profile_sample *share)
{
	struct profile_sample *own;

	if (paths->n_shares == paths->shares_capacity) {
		size_t capacity = paths->shares_capacity * 2 + 64;
		struct profile_sample **grown = reallocarray(paths->shares, capacity,
							     sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		paths->shares = grown;
		paths->shares_capacity = capacity;
	}
	own = malloc(sizeof(*own));
	if (!own)
		return -ENOMEM;
	*own = *share;
	paths->shares[paths->n_shares++] = own;
	return 0;
}

/* The path with the kernel's part of the stack before it. NULL: out of memory. */
static const struct profile_stack *stack_on(struct profile_paths *paths,
					    const struct profile_stack *path,
					    const struct profile_stack *stack)
{
	size_t n_places = stack->n_kernel + path->n_places;
	struct profile_stack *own;

	if (!stack->n_kernel)
		return path;
	if (paths->n_stacks == paths->stacks_capacity) {
		size_t capacity = paths->stacks_capacity * 2 + 64;
		struct profile_stack **grown = reallocarray(paths->stacks, capacity,
							    sizeof(*grown));

		if (!grown)
			return NULL;
		paths->stacks = grown;
		paths->stacks_capacity = capacity;
	}
	own = malloc(sizeof(*own) + n_places * sizeof(own->places[0]));
	if (!own)
		return NULL;
	*own = *path;
	own->id = path->id ^ stack->id;
	own->n_kernel = stack->n_kernel;
	own->n_places = n_places;
	memcpy(own->places, stack->places, stack->n_kernel * sizeof(own->places[0]));
	memcpy(own->places + own->n_kernel, path->places, path->n_places * sizeof(own->places[0]));
	paths->stacks[paths->n_stacks++] = own;
	return own;
}

static int share_group(struct profile_paths *paths, const struct group *group)
{
	const struct path_set *set = group->key.set;
	uint64_t times = 0;
	int result = 0;

	for (size_t i = 0; i < set->count && !result; i++) {
		struct profile_sample share = *group->of;
		uint64_t next = times + set->paths[i].times, sum = 0;

		share.stack = stack_on(paths, set->paths[i].stack, group->of->stack);
		if (!share.stack)
			return -ENOMEM;
		share.is_sampled = true;
		for (size_t w = 0; w < WEIGHT_COUNT; w++) {
			share.weights[w] = part_of(group->weights[w], next, set->times) -
					   part_of(group->weights[w], times, set->times);
			sum += share.weights[w];
		}
		times = next;
		if (sum)
			result = add_share(paths, &share);
	}
	return result;
}

static int share_all(struct profile_paths *paths, const struct table *groups)
{
	size_t cursor = 0;
	const struct group *group;
	int result = 0;

	while (!result && (group = table_next(groups, &cursor)))
		result = share_group(paths, group);
	return result;
}

int profile_paths_share(struct profile_paths *paths, struct profile_sample ***samples,
			size_t *count)
{
	struct profile_sample **all = *samples;
	struct table groups;
	size_t kept = 0;
	int result = 0;

	free_shares(paths);
	if (!paths->sets.count)
		return 0;
	table_init(&groups, 0, sizeof(struct group_key));
	for (size_t i = 0; i < *count && !result; i++) {
		const struct path_set *set = find_set(paths, all[i]);

		if (set)
			result = add_to_group(&groups, set, all[i]);
		else
			all[kept++] = all[i];
	}
	if (!result)
		result = share_all(paths, &groups);
	table_clear_values(&groups, free);
	if (result)
		return result;
	all = reallocarray(all, kept + paths->n_shares + 1, sizeof(*all));
	if (!all)
		return -ENOMEM;
	if (paths->n_shares)
		memcpy(all + kept, paths->shares, paths->n_shares * sizeof(*all));
	*samples = all;
	*count = kept + paths->n_shares;
	return 0;
}
