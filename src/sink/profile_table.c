// SPDX-License-Identifier: GPL-2.0-only
#include "sink/profile_output.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/util.h"
#include "sink/grid.h"

/* What a function has. */
struct function {
	const struct profile_place *place; /* one of its places */
	uint64_t self;
	uint64_t total; /* and of what it called */
	const struct profile_sample *hottest;
	uint64_t seen_in; /* the number of the last sample that it was in, from 1 */
};

/* How much of a process's faults has whole stacks. */
struct wholeness {
	const struct profile_sample *of; /* one of its samples */
	uint64_t whole, stacked;
};
/* Processes of which that is said: those that come first in the samples. */
#define PROCESSES_TOLD 5

struct functions {
	struct function *list; /* by number; the last stands for no code */
	size_t count;
	uint64_t sum;
	uint64_t whole, stacked; /* of the weight: in whole stacks, in stacks */
	uint64_t sampled;        /* whose callers are shares of sampled call paths */
	struct wholeness processes[PROCESSES_TOLD];
	size_t n_processes;
};

static void add_wholeness(struct functions *functions, const struct profile_sample *sample,
			  uint64_t weight)
{
	uint64_t whole = profile_stack_is_whole(sample->stack) ? weight : 0;
	size_t i = 0;

	functions->stacked += weight;
	functions->whole += whole;
	functions->sampled += sample->is_sampled ? weight : 0;
	while (i < functions->n_processes &&
	       (functions->processes[i].of->tgid != sample->tgid ||
		functions->processes[i].of->start_ns != sample->start_ns))
		i++;
	if (i == PROCESSES_TOLD)
		return;
	if (i == functions->n_processes)
		functions->processes[functions->n_processes++].of = sample;
	functions->processes[i].stacked += weight;
	functions->processes[i].whole += whole;
}

static void add_sample(struct functions *functions, const struct profile_sample *sample,
		       uint64_t number, uint64_t weight)
{
	const struct profile_stack *stack = sample->stack;
	struct function *self =
		&functions->list[stack ? stack->places[0]->number : functions->count];

	functions->sum += weight;
	self->self += weight;
	if (!self->hottest) /* they come in order */
		self->hottest = sample;
	if (!stack) {
		self->total += weight;
		return;
	}
	if (stack->has_callers)
		add_wholeness(functions, sample, weight);
	for (size_t i = 0; i < stack->n_places; i++) {
		struct function *function = &functions->list[stack->places[i]->number];

		function->place = function->place ?: stack->places[i];
		if (function->seen_in != number)
			function->total += weight;
		function->seen_in = number;
	}
}

static int compare_functions(const void *left, const void *right)
{
	const struct function *a = left, *b = right;

	if (a->self != b->self)
		return compare_u64(b->self, a->self);
	if (a->total != b->total)
		return compare_u64(b->total, a->total);
	if (!a->place || !b->place)
		return !a->place - !b->place;
	return strcmp(a->place->label, b->place->label);
}

static void put_weight(struct grid *grid, enum profile_weight weight, uint64_t value)
{
	if (weight == WEIGHT_STALL)
		grid_duration(grid, value);
	else
		grid_count(grid, value);
}

static void put_share(struct grid *grid, uint64_t part, uint64_t sum)
{
	grid_format(grid, "%.1f", sum ? 100.0 * (double)part / (double)sum : 0);
}

static void put_hottest(struct grid *grid, const struct profile_sample *hottest)
{
	autofree char *text = NULL;

	if (!hottest) {
		grid_empty(grid);
		return;
	}
	if (asprintf(&text, "%s %s", kind_name((enum fault_kind)hottest->kind), hottest->mapping) <
	    0)
		text = NULL;
	grid_name(grid, text ? text : "");
}

/* Where its instruction is: "main.c:12", or the file. */
static void put_source(struct grid *grid, const struct function *function)
{
	const struct profile_place *place = function->place;
	const char *slash = place ? strrchr(place->file, '/') : NULL;
	autofree char *text = NULL;

	if (!place)
		grid_empty(grid);
	else if (!place->source)
		grid_name(grid, slash ? slash + 1 : place->file);
	else if (asprintf(&text, "%s:%u", place->source, place->line) > 0)
		grid_name(grid, text);
	else
		grid_empty(grid);
}

static int print_grid(const struct functions *functions, size_t shown,
		      const struct profile_table_options *options, FILE *stream)
{
	static const char *const titles[] = { "FAULTS", "PAGES", "MAJOR", "STALL" };
	const struct grid_column columns[] = {
		{ .title = titles[options->weight] },
		{ .title = "SELF%" },
		{ .title = "CALLERS" },
		{ .title = "CALL%" },
		{ .title = "FUNCTION", .left = true, .flexible = true, .least = 20 },
		{ .title = "WHERE",
		  .left = true,
		  .flexible = true,
		  .least = 12,
		  .keeps_end = true },
		{ .title = "MOSTLY",
		  .left = true,
		  .flexible = true,
		  .least = 12,
		  .keeps_end = true },
	};
	struct grid *grid = grid_new(columns, ARRAY_SIZE(columns));
	int result;

	if (!grid)
		return -ENOMEM;
	for (size_t i = 0; i < shown; i++) {
		const struct function *function = &functions->list[i];

		put_weight(grid, options->weight, function->self);
		put_share(grid, function->self, functions->sum);
		put_weight(grid, options->weight, function->total);
		put_share(grid, function->total, functions->sum);
		grid_name(grid, function->place ? function->place->label : "[no code known]");
		put_source(grid, function);
		put_hottest(grid, function->hottest);
	}
	result = grid_print(grid, stream, 0, options->width);
	grid_free(grid);
	return result;
}

static void print_rest(const struct functions *functions, size_t shown, size_t used,
		       const struct profile_table_options *options, FILE *stream)
{
	char text[TEXT_DURATION_LEN + TEXT_COUNT_LEN];
	uint64_t rest = 0;

	for (size_t i = shown; i < used; i++)
		rest += functions->list[i].self;
	if (used > shown)
		fprintf(stream, "(%zu more functions, %.1f %% of the %s; --all shows them)\n",
			used - shown,
			functions->sum ? 100.0 * (double)rest / (double)functions->sum : 0,
			profile_weight_words[options->weight]);
	if (functions->stacked)
		fprintf(stream, "whole stacks: %.1f %% of the %s, %s in all\n",
			100.0 * (double)functions->whole / (double)functions->stacked,
			profile_weight_words[options->weight],
			options->weight == WEIGHT_STALL ? text_duration(text, functions->sum) :
							  text_count(text, functions->sum));
	if (functions->sampled)
		fprintf(stream,
			"sampled: %.1f %% of the %s are distributed over call paths that were "
			"sampled\n",
			100.0 * (double)functions->sampled / (double)functions->stacked,
			profile_weight_words[options->weight]);
}

/* Where it is of several, of each: a program may have frame pointers where another has none. */
static void print_processes(const struct functions *functions, FILE *stream)
{
	for (size_t i = 0; functions->n_processes > 1 && i < functions->n_processes; i++) {
		const struct wholeness *process = &functions->processes[i];
		char comm[COMM_LEN * 4 + 1];

		text_escape_to(comm, sizeof(comm), process->of->comm);
		fprintf(stream, "%s%s[%u] %.1f %%", i ? ", " : "of these: ", comm,
			process->of->tgid,
			100.0 * (double)process->whole / (double)process->stacked);
	}
	if (functions->n_processes > 1)
		fputc('\n', stream);
}

static int print_functions(struct functions *functions, const struct profile_table_options *options,
			   FILE *stream)
{
	size_t used = 0, shown;
	int result;

	qsort(functions->list, functions->count + 1, sizeof(*functions->list), compare_functions);
	while (used <= functions->count && functions->list[used].total)
		used++;
	shown = options->rows && options->rows < used ? options->rows : used;
	result = print_grid(functions, shown, options, stream);
	if (result)
		return result;
	print_rest(functions, shown, used, options, stream);
	print_processes(functions, stream);
	return 0;
}

int profile_table_print(struct sink_profile *profile, const struct profile_table_options *options,
			FILE *stream)
{
	autofree struct profile_sample **samples = NULL;
	autofree struct function *list = NULL;
	int n_functions = sink_profile_name_places(profile);
	struct functions functions = {};
	size_t count;
	int result;

	if (n_functions < 0)
		return n_functions;
	list = calloc((size_t)n_functions + 1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	functions.list = list;
	functions.count = (size_t)n_functions;
	result = sink_profile_samples(profile, options->weight, &samples, &count);
	if (result)
		return result;
	for (size_t i = 0; i < count; i++)
		if (samples[i]->weights[options->weight])
			add_sample(&functions, samples[i], i + 1,
				   samples[i]->weights[options->weight]);
	if (!functions.sum) {
		fprintf(stream, "no %s\n", profile_weight_words[options->weight]);
		return 0;
	}
	return print_functions(&functions, options, stream);
}
