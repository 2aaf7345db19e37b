// SPDX-License-Identifier: GPL-2.0-only
#include "cmd/stack_output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/output_file.h"
#include "base/text.h"
#include "base/util.h"
#include "cmd/privileges.h"
#include "cmd/sandbox.h"

/* Of the files: what a program executes is its user's business. */
#define FILE_MODE 0600
#define FUNCTIONS_SHOWN 20

/* The number of the kind; -1 where there is none of this name. */
static int find_kind(const char *name)
{
	for (int kind = 0; kind < KIND_COUNT; kind++)
		if (!strcmp(kind_name((enum fault_kind)kind), name))
			return kind;
	return -1;
}

int stack_options_check_kind(const char *name, struct error *error)
{
	char kinds[512] = "";
	size_t length = 0;

	if (find_kind(name) >= 0)
		return 0;
	for (int kind = 0; kind < KIND_COUNT && length < sizeof(kinds); kind++)
		length += (size_t)snprintf(kinds + length, sizeof(kinds) - length, "%s%s",
					   kind ? ", " : "", kind_name((enum fault_kind)kind));
	return error_set(error, EINVAL, "--kind: there is no kind \"%s\"; give one of %s", name,
			 kinds);
}

bool stack_options_take_stdout(const struct stack_options *options)
{
	const char *const paths[] = { options->folded, options->pprof, options->flame };

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		if (paths[i] && !strcmp(paths[i], "-"))
			return true;
	return false;
}

bool stack_options_ask(const struct stack_options *options)
{
	return options->folded || options->pprof || options->flame;
}

static void see_file(void *context, const char *file, uint32_t tgid)
{
	if (file[0] == '/')
		symbolizer_see(context, file, tgid);
	else
		symbolizer_see_map(context, file, tgid);
}

/* Confines the process that reads untrusted files, as `report` is confined. If the kernel accepts
 * no filter it continues without: its limits of time and memory stay. */
static void confine(const void *disabled)
{
	struct error error;

	privileges_drop(PRIVILEGE_READ_FILES, &error);
	sandbox_enter(SANDBOX_REPORT, disabled);
}

int stack_output_open(struct stack_output *output, const struct stack_options *options,
		      const struct option_list *disabled, struct sinks *sinks, struct error *error)
{
	struct debug_files_options debug_files = debug_files_of(options->debuginfod, disabled);
	struct sink_profile_options sink = { .kind = -1,
					     .mapping = options->mapping,
					     .on_file = see_file };

	if (options->kind)
		sink.kind = find_kind(options->kind); /* checked with the flags */
	if (!symbolizer_is_built())
		log_warning("built without names for code (WITHOUT=symbol): offsets are shown");
	output->options = options;
	output->symbolizer = sink.context = symbolizer_new(confine, disabled);
	if (output->symbolizer)
		symbolizer_use_debug_files(output->symbolizer, &debug_files);
	output->profile = output->symbolizer ? sink_profile_new(&sink) : NULL;
	if (!output->profile)
		return error_set(error, ENOMEM, "starting: out of memory");
	sinks_add(sinks, &sink_profile_ops, output->profile);
	return 0;
}

void stack_output_free(struct stack_output *output)
{
	symbolizer_free(output->symbolizer);
}

/* What the symbolizer said of one place. */
static void name_place(struct profile_place *place, struct symbol *symbol)
{
	place->function = TAKE_PTR(symbol->function);
	place->source = TAKE_PTR(symbol->source);
	place->line = symbol->line;
	place->is_gone = symbol->is_gone;
}

/* Where its name may be. */
static const char *names_of(const struct profile_place *place)
{
	return place->in_file ? place->file : place->map;
}

static int compare_places(const void *left, const void *right)
{
	const struct profile_place *a = *(const struct profile_place *const *)left;
	const struct profile_place *b = *(const struct profile_place *const *)right;
	int order = strcmp(names_of(a), names_of(b));

	return order ? order : compare_u64(a->offset, b->offset);
}

/* 0 or -ENOMEM. */
static int name_places(struct stack_output *output)
{
	autofree struct profile_place **places = NULL;
	autofree struct symbol *symbols = NULL;
	size_t count, n_symbols = 0;
	int result = sink_profile_places(output->profile, &places, &count);

	symbols = calloc(count + 1, sizeof(*symbols));
	if (result || !symbols)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		if (!names_of(places[i]) || places[i]->label)
			continue;
		places[n_symbols] = places[i];
		symbols[n_symbols++] = (struct symbol){ .file = names_of(places[i]),
							.offset = places[i]->offset };
	}
	if (n_symbols)
		qsort(places, n_symbols, sizeof(*places), compare_places);
	symbolizer_find(output->symbolizer, symbols, n_symbols); /* in the same order */
	for (size_t i = 0; i < n_symbols; i++)
		name_place(places[i], &symbols[i]);
	symbols_clear(symbols, n_symbols);
	return sink_profile_name_places(output->profile) < 0 ? -ENOMEM : 0;
}

enum format { FORMAT_FOLDED, FORMAT_PPROF, FORMAT_FLAME };

static int write_to(struct stack_output *output, enum format format, uint64_t page_size,
		    FILE *stream)
{
	enum profile_weight weight = (enum profile_weight)output->options->weight;

	switch (format) {
	case FORMAT_FOLDED:
		return profile_folded_print(output->profile, weight, stream);
	case FORMAT_PPROF:
		return profile_pprof_write(output->profile, weight, page_size, 0, stream);
	default:
		return profile_flame_print(output->profile, weight, stream);
	}
}

/* "-" is standard output. */
static int write_file(struct stack_output *output, enum format format, const char *path,
		      uint64_t page_size, struct error *error)
{
	bool is_stdout = path && !strcmp(path, "-");
	char shown[256];
	FILE *stream;
	int fd, result;

	if (!path)
		return 0;
	text_escape_to(shown, sizeof(shown), path);
	fd = is_stdout ? dup(STDOUT_FILENO) : output_file_open(path, O_TRUNC, FILE_MODE);
	stream = fd < 0 ? NULL : fdopen(fd, "w");
	if (!stream)
		return error_set(error, fd < 0 ? -fd : errno, "opening %s: %s", shown,
				 output_file_strerror(fd < 0 ? -fd : errno));
	errno = 0;
	result = write_to(output, format, page_size, stream);
	if (ferror(stream) && !result)
		result = -(errno ?: EIO);
	if (fclose(stream) && !result)
		result = -(errno ?: EIO);
	if (result == -EPIPE && is_stdout) /* `| head`: the reader has what it wanted */
		result = 0;
	return result ? error_set(error, -result, "writing %s: %s", shown, strerror(-result)) : 0;
}

int stack_output_write(struct stack_output *output, uint64_t page_size, struct error *error)
{
	const struct stack_options *options = output->options;
	int result = name_places(output);

	if (result)
		return error_set(error, -result, "finding the names of code: out of memory");
	result = write_file(output, FORMAT_FOLDED, options->folded, page_size, error);
	if (!result)
		result = write_file(output, FORMAT_PPROF, options->pprof, page_size, error);
	if (!result)
		result = write_file(output, FORMAT_FLAME, options->flame, page_size, error);
	return result;
}

int stack_output_print(struct stack_output *output, bool all, unsigned int width, FILE *stream,
		       struct error *error)
{
	struct profile_table_options table = {
		.weight = (enum profile_weight)output->options->weight,
		.rows = all ? 0 : FUNCTIONS_SHOWN,
		.width = width,
	};
	int result = profile_table_print(output->profile, &table, stream);

	return result ? error_set(error, -result, "printing the functions: %s", strerror(-result)) :
			0;
}
