// SPDX-License-Identifier: GPL-2.0-only
#include "base/options.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/nearest.h"
#include "base/text.h"
#include "base/util.h"

/* A value as messages quote it: escaped, and cut so that the advice behind it is never cut. */
#define SHOWN_LEN 128

/* -v -v -v says no more than -v -v. */
#define MOST_COUNT 2
/* For the bits of `used`. */
#define MOST_OPTIONS 64

/* One flag as it stands on the command line, or one key of a configuration file. */
struct use {
	const struct command_spec *command;
	const struct option_spec *option;
	char flag[SHOWN_LEN]; /* "--interval", "-n"; "interval" in a file */
	const char *value;    /* NULL for flags */
};

/* A command line under way. */
struct parse {
	const struct command_spec *command;
	void *config;
	uint64_t used; /* options so far, by index */
};

/* A flag of the same command that is nearly that. */
static const char *nearest_flag(const struct command_spec *command, const char *flag)
{
	struct nearest nearest = {};
	char name[SHOWN_LEN];

	if (strncmp(flag, "--", 2))
		return NULL;
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(flag + 2, "="), flag + 2);
	for (size_t i = 0; i < command->n_options; i++)
		if (command->options[i].name && !command->options[i].hidden)
			nearest_try(&nearest, name, command->options[i].name);
	return nearest.word;
}

static int fail_unknown(const struct command_spec *command, const char *flag, struct error *error)
{
	const char *near = nearest_flag(command, flag);
	char shown[SHOWN_LEN];

	text_escape_to(shown, sizeof(shown), flag);
	if (near)
		return error_set(error, EINVAL,
				 "unknown flag \"%s\"; did you mean --%s? see faultmap %s --help",
				 shown, near, command->name);
	return error_set(error, EINVAL, "unknown flag \"%s\"; see faultmap %s --help", shown,
			 command->name);
}

/* `problem` follows the quoted value ("is not a number"), `accepted` says what to give instead. */
static int fail_value(const struct use *use, const char *problem, const char *accepted,
		      struct error *error)
{
	char shown[SHOWN_LEN];

	text_escape_to(shown, sizeof(shown), use->value);
	return error_set(error, EINVAL, "%s: \"%s\" %s; give %s", use->flag, shown, problem,
			 accepted);
}

static void print_number(char *buffer, size_t size, enum option_type type, uint64_t number)
{
	unsigned long long whole = number;
	int length;

	if (type == OPTION_UINT) {
		snprintf(buffer, size, "%llu", whole);
		return;
	}
	length = snprintf(buffer, size, "%llu.%03llu", whole / 1000, whole % 1000);
	while (buffer[length - 1] == '0')
		buffer[--length] = '\0';
	if (buffer[length - 1] == '.')
		buffer[length - 1] = '\0';
}

static int fail_number(const struct use *use, const char *problem, struct error *error)
{
	const struct option_spec *option = use->option;
	char min[32], max[32], accepted[80];

	print_number(min, sizeof(min), option->type, option->min);
	print_number(max, sizeof(max), option->type, option->max);
	if (option->max == UINT64_MAX)
		snprintf(accepted, sizeof(accepted), "a value of at least %s", min);
	else
		snprintf(accepted, sizeof(accepted), "a value from %s to %s", min, max);
	return fail_value(use, problem, accepted, error);
}

/* Takes decimal digits off *text into *number, which is 0 before. False: overflow. */
static bool read_digits(const char **text, uint64_t *number)
{
	for (; isdigit((unsigned char)**text); (*text)++) {
		uint64_t digit = (uint64_t)(**text - '0');

		if (__builtin_mul_overflow(*number, 10, number) ||
		    __builtin_add_overflow(*number, digit, number))
			return false;
	}
	return true;
}

static bool is_all_digits(const char *text)
{
	return *text && text[strspn(text, "0123456789")] == '\0';
}

static int set_uint(const struct use *use, uint64_t *ret_value, struct error *error)
{
	const char *text = use->value;
	uint64_t number = 0;

	if (!is_all_digits(text))
		return fail_number(use, "is not a whole number", error);
	if (!read_digits(&text, &number) || number < use->option->min || number > use->option->max)
		return fail_number(use, "is out of range", error);
	*ret_value = number;
	return 0;
}

/* "2", "0.5", ".125": at most three decimals, so that milliseconds hold it exactly. */
static bool looks_like_seconds(const char *text)
{
	size_t whole = strspn(text, "0123456789");
	size_t decimals;

	if (text[whole] == '\0')
		return whole > 0;
	if (text[whole] != '.')
		return false;
	decimals = strspn(text + whole + 1, "0123456789");
	return decimals >= 1 && decimals <= 3 && text[whole + 1 + decimals] == '\0';
}

static int set_seconds(const struct use *use, uint64_t *ret_value, struct error *error)
{
	const char *text = use->value;
	uint64_t milliseconds = 0;
	bool fits;

	if (!looks_like_seconds(text))
		return fail_number(use, "is not a number of seconds", error);
	fits = read_digits(&text, &milliseconds) &&
	       !__builtin_mul_overflow(milliseconds, 1000, &milliseconds);
	if (*text == '.')
		text++;
	for (uint64_t weight = 100; fits && *text; weight /= 10) {
		uint64_t part = (uint64_t)(*text++ - '0') * weight;

		fits = !__builtin_add_overflow(milliseconds, part, &milliseconds);
	}
	if (!fits || milliseconds < use->option->min || milliseconds > use->option->max)
		return fail_number(use, "is out of range", error);
	*ret_value = milliseconds;
	return 0;
}

/* "4096", "4K", "2M": *ret_size is the number alone when the unit is none that is known. */
static bool read_size(const char *text, uint64_t *ret_size)
{
	static const char units[] = "KMGT";
	const char *unit;
	uint64_t size = 0;

	if (!isdigit((unsigned char)*text) || !read_digits(&text, &size))
		return false;
	unit = *text ? strchr(units, toupper((unsigned char)*text)) : NULL;
	for (const char *at = units; unit && at <= unit; at++)
		if (__builtin_mul_overflow(size, 1024, &size))
			return false;
	*ret_size = size;
	return !*text || (unit && !text[1]);
}

static void print_size(char *buffer, size_t size, uint64_t bytes)
{
	static const char *const units[] = { "", "K", "M", "G", "T" };
	size_t unit = 0;

	for (; bytes && bytes % 1024 == 0 && unit + 1 < ARRAY_SIZE(units); unit++)
		bytes /= 1024;
	snprintf(buffer, size, "%llu%s", (unsigned long long)bytes, units[unit]);
}

static int set_size(const struct use *use, uint64_t *ret_value, struct error *error)
{
	char min[24], max[24], accepted[80];
	uint64_t bytes = 0;
	const char *problem = NULL;

	if (!read_size(use->value, &bytes))
		problem = "is not a size";
	else if (!bytes || bytes & (bytes - 1))
		problem = "is not a power of two";
	else if (bytes < use->option->min || bytes > use->option->max)
		problem = "is out of range";
	if (!problem) {
		*ret_value = bytes;
		return 0;
	}
	print_size(min, sizeof(min), use->option->min);
	print_size(max, sizeof(max), use->option->max);
	snprintf(accepted, sizeof(accepted), "a power of two from %s to %s", min, max);
	return fail_value(use, problem, accepted, error);
}

static int set_choice(const struct use *use, int *ret_value, struct error *error)
{
	const char *const *choices = use->option->choices;
	char accepted[256] = "one of ";
	size_t length = strlen(accepted);

	for (int i = 0; choices[i]; i++) {
		if (strcmp(choices[i], use->value) == 0) {
			*ret_value = i;
			return 0;
		}
		if (length < sizeof(accepted))
			length += (size_t)snprintf(accepted + length, sizeof(accepted) - length,
						   "%s%s", i > 0 ? ", " : "", choices[i]);
	}
	return fail_value(use, "is not known", accepted, error);
}

static int add_to_list(const struct use *use, struct option_list *list, struct error *error)
{
	if (list->count == OPTION_LIST_MAX)
		return error_set(error, EINVAL, "%s can be given at most %d times", use->flag,
				 OPTION_LIST_MAX);
	list->values[list->count++] = use->value;
	return 0;
}

/* Takes the words that systemd and inih take. Only in a file: on the command line a flag has no
 * value. */
static int set_flag(const struct use *use, bool *ret_value, struct error *error)
{
	static const char *const words[] = { "no", "yes", "false", "true", "off", "on", "0", "1" };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (strcmp(words[i], use->value) == 0) {
			*ret_value = i % 2;
			return 0;
		}
	}
	return fail_value(use, "is not known", "yes or no", error);
}

static int set_count(const struct use *use, unsigned int *ret_value, struct error *error)
{
	const char *value = use->value;

	if (value[0] < '0' || value[0] > '0' + MOST_COUNT || value[1])
		return fail_value(use, "is not known", "a number from 0 to 2", error);
	*ret_value = (unsigned int)(value[0] - '0');
	return 0;
}

static int apply(const struct use *use, void *config, struct error *error)
{
	void *target = (char *)config + use->option->offset;
	int result = use->option->check ? use->option->check(use->value, error) : 0;

	if (result < 0)
		return result;
	switch (use->option->type) {
	case OPTION_FLAG:
		if (use->value)
			return set_flag(use, target, error);
		*(bool *)target = true;
		return 0;
	case OPTION_COUNT:
		if (use->value)
			return set_count(use, target, error);
		*(unsigned int *)target += 1;
		return 0;
	case OPTION_STRING:
		*(const char **)target = use->value;
		return 0;
	case OPTION_UINT:
		return set_uint(use, target, error);
	case OPTION_SECONDS:
		return set_seconds(use, target, error);
	case OPTION_SIZE:
		return set_size(use, target, error);
	case OPTION_CHOICE:
		return set_choice(use, target, error);
	case OPTION_LIST:
		return add_to_list(use, target, error);
	}
	return error_set(error, EINVAL, "%s has a type that nothing parses", use->flag);
}

/* Replaces what the config had before, from a file. */
static int apply_flag(const struct use *use, struct parse *parse, struct error *error)
{
	void *target = (char *)parse->config + use->option->offset;
	uint64_t bit = 1ULL << (use->option - parse->command->options);

	if (!(parse->used & bit) && use->option->type == OPTION_COUNT)
		*(unsigned int *)target = 0;
	if (!(parse->used & bit) && use->option->type == OPTION_LIST)
		((struct option_list *)target)->count = 0;
	parse->used |= bit;
	return apply(use, parse->config, error);
}

static bool takes_value(const struct option_spec *option)
{
	return option->type != OPTION_FLAG && option->type != OPTION_COUNT;
}

static const struct option_spec *find_long(const struct command_spec *command, const char *name,
					   size_t length)
{
	for (size_t i = 0; i < command->n_options; i++) {
		const char *known = command->options[i].name;

		if (known && strlen(known) == length && memcmp(known, name, length) == 0)
			return &command->options[i];
	}
	return NULL;
}

static const struct option_spec *find_short(const struct command_spec *command, char name)
{
	for (size_t i = 0; i < command->n_options; i++) {
		if (command->options[i].short_name == name)
			return &command->options[i];
	}
	return NULL;
}

/* The value in the next argument; *index moves onto it. */
static int next_value(struct use *use, int argc, char *const argv[], int *index,
		      struct error *error)
{
	if (*index + 1 >= argc)
		return error_set(error, EINVAL, "%s needs a value; see faultmap %s --help",
				 use->flag, use->command->name);
	use->value = argv[++*index];
	return 0;
}

/* argv[*index] is --name, --name=VALUE or --name VALUE. */
static int parse_long(struct parse *parse, int argc, char *const argv[], int *index,
		      struct error *error)
{
	const struct command_spec *command = parse->command;
	const char *name = argv[*index] + 2;
	size_t length = strcspn(name, "=");
	const char *value = name[length] == '=' ? name + length + 1 : NULL;
	struct use use = { .command = command, .option = find_long(command, name, length) };
	int r = 0;

	if (!use.option)
		return fail_unknown(command, argv[*index], error);
	snprintf(use.flag, sizeof(use.flag), "--%s", use.option->name);
	use.value = value;
	if (value && !takes_value(use.option))
		return error_set(error, EINVAL, "%s takes no value", use.flag);
	if (!value && takes_value(use.option))
		r = next_value(&use, argc, argv, index, error);
	return r < 0 ? r : apply_flag(&use, parse, error);
}

/* argv[*index] is a group of short flags, the last of which may have a value: -v, -vn5, -n 5. */
static int parse_short(struct parse *parse, int argc, char *const argv[], int *index,
		       struct error *error)
{
	const struct command_spec *command = parse->command;

	for (const char *name = argv[*index] + 1; *name; name++) {
		struct use use = { .command = command, .option = find_short(command, *name) };
		bool has_value;
		int r = 0;

		snprintf(use.flag, sizeof(use.flag), "-%c", *name);
		if (!use.option)
			return fail_unknown(command, use.flag, error);
		has_value = takes_value(use.option);
		if (has_value && name[1])
			use.value = name + 1;
		else if (has_value)
			r = next_value(&use, argc, argv, index, error);
		if (r == 0)
			r = apply_flag(&use, parse, error);
		if (r < 0 || has_value)
			return r;
	}
	return 0;
}

int options_parse(const struct command_spec *command, void *config, int argc, char *const argv[],
		  int *ret_operand, struct error *error)
{
	struct parse parse = { .command = command, .config = config };
	int index = 1;

	assert(command->n_options <= MOST_OPTIONS);
	for (; index < argc; index++) {
		const char *argument = argv[index];
		int r;

		if (strcmp(argument, "--") == 0) {
			index++;
			break;
		}
		if (argument[0] != '-' || argument[1] == '\0')
			break;
		r = (argument[1] == '-' ? parse_long : parse_short)(&parse, argc, argv, &index,
								    error);
		if (r < 0)
			return r;
	}
	*ret_operand = index;
	return 0;
}

const struct option_spec *options_find(const struct command_spec *command, const char *name)
{
	return find_long(command, name, strlen(name));
}

int options_set(const struct command_spec *command, void *config, const char *key,
		const char *value, struct error *error)
{
	struct use use = { .command = command,
			   .option = options_find(command, key),
			   .value = value };

	text_escape_to(use.flag, sizeof(use.flag), key);
	if (!use.option)
		return error_set(error, EINVAL, "unknown key \"%s\"; see faultmap %s --help",
				 use.flag, command->name);
	if (use.option->only_flag)
		return error_set(error, EINVAL, "%s is for the command line only", use.flag);
	return apply(&use, config, error);
}

static bool same_text(const char *text, const char *other)
{
	return text == other || (text && other && strcmp(text, other) == 0);
}

static bool same_list(const struct option_list *list, const struct option_list *other)
{
	bool same = list->count == other->count;

	for (size_t i = 0; same && i < list->count; i++)
		same = same_text(list->values[i], other->values[i]);
	return same;
}

bool options_same(const struct option_spec *option, const void *config, const void *other)
{
	const void *value = (const char *)config + option->offset;
	const void *against = (const char *)other + option->offset;

	switch (option->type) {
	case OPTION_FLAG:
		return *(const bool *)value == *(const bool *)against;
	case OPTION_COUNT:
		return *(const unsigned int *)value == *(const unsigned int *)against;
	case OPTION_STRING:
		return same_text(*(const char *const *)value, *(const char *const *)against);
	case OPTION_UINT:
	case OPTION_SECONDS:
	case OPTION_SIZE:
		return *(const uint64_t *)value == *(const uint64_t *)against;
	case OPTION_CHOICE:
		return *(const int *)value == *(const int *)against;
	case OPTION_LIST:
		return same_list(value, against);
	}
	return false;
}

/* "-n, --count COUNT"; returns how long it is. */
static int print_flag(char *buffer, size_t size, const struct option_spec *option)
{
	char dash = option->short_name ? '-' : ' ';
	char letter = option->short_name ? option->short_name : ' ';
	char comma = option->short_name && option->name ? ',' : ' ';

	return snprintf(buffer, size, "  %c%c%c %s%s%s%s", dash, letter, comma,
			option->name ? "--" : "", option->name ? option->name : "",
			option->argument ? " " : "", option->argument ? option->argument : "");
}

/* A flag longer than this has its help on the line below, instead of moving all others. */
#define MAX_FLAG_WIDTH 30

static int flag_width(const struct command_spec *command)
{
	char flag[SHOWN_LEN];
	int widest = 0;

	for (size_t i = 0; i < command->n_options; i++) {
		const struct option_spec *option = &command->options[i];
		int width = option->hidden ? 0 : print_flag(flag, sizeof(flag), option);

		if (width > widest && width <= MAX_FLAG_WIDTH)
			widest = width;
	}
	return widest;
}

static void print_option(const struct option_spec *option, int width, FILE *stream)
{
	char flag[SHOWN_LEN];
	const char *line = option->help;
	bool is_wide = print_flag(flag, sizeof(flag), option) > width;

	if (is_wide)
		fprintf(stream, "%s\n", flag);
	for (bool first = !is_wide;; first = false) {
		size_t length = strcspn(line, "\n");

		fprintf(stream, "%-*s  %.*s\n", width, first ? flag : "", (int)length, line);
		if (line[length] == '\0')
			break;
		line += length + 1;
	}
}

void options_print_help(const struct command_spec *command, FILE *stream)
{
	int width = flag_width(command);

	fprintf(stream, "Usage: faultmap %s %s\n\n%s\n\nOptions:\n", command->name,
		command->synopsis, command->summary);
	for (size_t i = 0; i < command->n_options; i++) {
		if (!command->options[i].hidden)
			print_option(&command->options[i], width, stream);
	}
	if (command->details)
		fprintf(stream, "\n%s\n", command->details);
}
