// SPDX-License-Identifier: GPL-2.0-only
#include "cmd/config_file.h"

#include <errno.h>
#include <ini.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/util.h"

/* The most keys with values: more would be a mistake. */
#define MOST_VALUES 256

struct config_file {
	char *values[MOST_VALUES];
	size_t count;
};

struct reading {
	FILE *stream;
	const char *path;
	const struct command_spec *command;
	void *config;
	struct config_file *file;
	unsigned int line;
	uint64_t seen;    /* keys, by index in the table */
	bool has_failed;  /* the first error counts */
	struct error why; /* its reason, without the place */
	unsigned int failed_line;
};

static void fail(struct reading *reading, const char *why)
{
	if (reading->has_failed)
		return;
	reading->has_failed = true;
	reading->failed_line = reading->line;
	snprintf(reading->why.text, sizeof(reading->why.text), "%s", why);
}

/* inih gives no line numbers to its handler, and cuts a line that is too long for it in two. */
static char *read_line(char *buffer, int size, void *context)
{
	struct reading *reading = context;
	char *line = fgets(buffer, size, reading->stream);
	int next;

	if (!line)
		return NULL;
	reading->line++;
	if (strchr(line, '\n') || (next = getc(reading->stream)) == EOF)
		return line;
	fail(reading, "the line is too long, or has a zero byte: give at most 190 characters");
	while (next != EOF && next != '\n')
		next = getc(reading->stream);
	return line;
}

static int keep(struct config_file *file, const char *value, const char **ret_kept)
{
	if (file->count == MOST_VALUES)
		return -E2BIG;
	file->values[file->count] = strdup(value);
	if (!file->values[file->count])
		return -ENOMEM;
	*ret_kept = file->values[file->count++];
	return 0;
}

/* Only a list may be given twice: one value of any other key would be lost. */
static bool is_repeated(struct reading *reading, const char *key)
{
	const struct option_spec *option = options_find(reading->command, key);
	uint64_t bit;

	if (!option || option->type == OPTION_LIST)
		return false;
	bit = 1ULL << (option - reading->command->options);
	if (reading->seen & bit)
		return true;
	reading->seen |= bit;
	return false;
}

static int set_value(struct reading *reading, const char *section, const char *key,
		     const char *value, struct error *why)
{
	const char *kept;
	int result;

	if (*section)
		return error_set(why, EINVAL, "in section [%s]; remove it, there are no sections",
				 section);
	if (is_repeated(reading, key))
		return error_set(why, EINVAL, "%s is given twice; remove one", key);
	if (!*value)
		return error_set(why, EINVAL, "%s has no value", key);
	result = keep(reading->file, value, &kept);
	if (result < 0)
		return error_set(why, -result, "%s", strerror(-result));
	return options_set(reading->command, reading->config, key, kept, why);
}

/* For inih: 1 to go on. */
static int handle_value(void *context, const char *section, const char *key, const char *value)
{
	struct reading *reading = context;
	struct error why;

	if (!reading->has_failed && set_value(reading, section, key, value, &why) < 0)
		fail(reading, why.text);
	return 1;
}

static int cannot_read(const char *path, int why, struct error *error)
{
	return error_set(error, why, "reading the configuration %s: %s", path, strerror(why));
}

static int read_all(struct reading *reading, struct error *error)
{
	int bad_line = ini_parse_stream(read_line, reading, handle_value, reading);

	if (ferror(reading->stream))
		return cannot_read(reading->path, EIO, error);
	/* inih's own complaint: a line of no known form. */
	if (bad_line > 0 &&
	    (!reading->has_failed || (unsigned int)bad_line < reading->failed_line)) {
		reading->has_failed = false;
		reading->line = (unsigned int)bad_line;
		fail(reading, "neither KEY = VALUE nor a comment");
	}
	if (bad_line < 0)
		return cannot_read(reading->path, ENOMEM, error);
	if (!reading->has_failed)
		return 0;
	return error_set(error, EINVAL, "%s:%u: %s", reading->path, reading->failed_line,
			 reading->why.text);
}

int config_file_read(struct config_file **ret_file, const char *path,
		     const struct command_spec *command, void *config, struct error *error)
{
	autofclose FILE *stream = fopen(path, "re");
	struct reading reading = {
		.stream = stream, .path = path, .command = command, .config = config
	};
	struct stat status;
	int result;

	if (!stream)
		return cannot_read(path, errno, error);
	if (!fstat(fileno(stream), &status) && S_ISDIR(status.st_mode))
		return cannot_read(path, EISDIR, error);
	reading.file = calloc(1, sizeof(*reading.file));
	if (!reading.file)
		return cannot_read(path, ENOMEM, error);
	result = read_all(&reading, error);
	if (result < 0)
		config_file_free(reading.file);
	else
		*ret_file = reading.file;
	return result;
}

void config_file_free(struct config_file *file)
{
	if (!file)
		return;
	for (size_t i = 0; i < file->count; i++)
		free(file->values[i]);
	free(file);
}
