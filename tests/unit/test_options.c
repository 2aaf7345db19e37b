// SPDX-License-Identifier: GPL-2.0-only
/* Every type of flag in every spelling, every error by its full text, and the help. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cmd/cmd.h"
#include "base/log.h"
#include "base/options.h"
#include "base/util.h"

struct config {
	struct common_options common;
	const char *output;
	uint64_t count;
	uint64_t big;
	uint64_t interval_ms;
	uint64_t delay_ms;
	uint64_t size;
	int sort;
	struct option_list labels;
	bool json;
	bool secret;
};

enum { SORT_MINOR, SORT_MAJOR, SORT_PID };
static const char *const sorts[] = { "minor", "major", "pid", NULL };

static const struct option_spec options[] = {
	{ .short_name = 'o',
	  .name = "output",
	  .argument = "FILE",
	  .help = "write to FILE",
	  .type = OPTION_STRING,
	  .offset = offsetof(struct config, output) },
	{ .short_name = 'n',
	  .name = "count",
	  .argument = "COUNT",
	  .help = "stop after\nCOUNT intervals",
	  .type = OPTION_UINT,
	  .offset = offsetof(struct config, count),
	  .min = 1,
	  .max = 1000 },
	{ .name = "a-name-longer-than-the-column",
	  .argument = "NUMBER",
	  .help = "first line\nsecond line",
	  .type = OPTION_UINT,
	  .offset = offsetof(struct config, big),
	  .min = 5,
	  .max = UINT64_MAX },
	{ .short_name = 'd',
	  .name = "interval",
	  .argument = "SECONDS",
	  .help = "time between two reports",
	  .type = OPTION_SECONDS,
	  .offset = offsetof(struct config, interval_ms),
	  .min = 100,
	  .max = 3600000 },
	{ .name = "delay",
	  .argument = "SECONDS",
	  .help = "not in the help",
	  .type = OPTION_SECONDS,
	  .offset = offsetof(struct config, delay_ms),
	  .min = 0,
	  .max = UINT64_MAX,
	  .hidden = true },
	{ .name = "size",
	  .argument = "SIZE",
	  .help = "not in the help",
	  .type = OPTION_SIZE,
	  .offset = offsetof(struct config, size),
	  .min = 4096,
	  .max = 1ULL << 40,
	  .hidden = true },
	{ .name = "sort",
	  .argument = "COLUMN",
	  .help = "order of the rows",
	  .type = OPTION_CHOICE,
	  .offset = offsetof(struct config, sort),
	  .choices = sorts },
	{ .name = "label",
	  .argument = "NAME",
	  .help = "may be repeated",
	  .type = OPTION_LIST,
	  .offset = offsetof(struct config, labels) },
	{ .short_name = 'x',
	  .help = "a flag without a long name",
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct config, secret) },
	{ .name = "json",
	  .help = "JSON lines",
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct config, json) },
	COMMON_OPTIONS(struct config, common),
};

static const struct command_spec spec = {
	.name = "log",
	.synopsis = "[options]",
	.summary = "a line of summary",
	.details = "Last paragraph.",
	.options = options,
	.n_options = ARRAY_SIZE(options),
};

/* Room for the longest command line below; unused ones are NULL. */
#define MAX_ARGS 40

struct result {
	struct config config;
	struct error error;
	int status;
	int operand;
	int argc;
};

static struct result parse(const char *const args[])
{
	struct result result = { .operand = -1 };
	char *argv[MAX_ARGS + 1] = { (char *)"log" };

	for (result.argc = 1; args[result.argc - 1]; result.argc++) {
		assert_true(result.argc < MAX_ARGS);
		argv[result.argc] = (char *)args[result.argc - 1];
	}
	result.status = options_parse(&spec, &result.config, result.argc, argv, &result.operand,
				      &result.error);
	return result;
}

#define PARSE(...) parse((const char *const[]){ __VA_ARGS__, NULL })

static void assert_fails(struct result result, const char *text)
{
	assert_int_equal(result.status, -EINVAL);
	assert_string_equal(result.error.text, text);
	assert_int_equal(result.operand, -1); /* written on success only */
}

static struct config assert_parses(struct result result)
{
	if (result.status < 0)
		fail_msg("%s", result.error.text);
	assert_int_equal(result.operand, result.argc);
	return result.config;
}

static void nothing_given_changes_nothing(void **state)
{
	char *argv[] = { (char *)"log", NULL };
	struct config config, untouched;
	struct error error;
	int operand = -1;

	(void)state;
	memset(&config, 0x5a, sizeof(config));
	memset(&untouched, 0x5a, sizeof(untouched));
	assert_int_equal(options_parse(&spec, &config, 1, argv, &operand, &error), 0);
	assert_int_equal(operand, 1);
	assert_memory_equal(&config, &untouched, sizeof(config));
}

static void every_spelling_of_a_value(void **state)
{
	(void)state;
	assert_int_equal(assert_parses(PARSE("--count=7")).count, 7);
	assert_int_equal(assert_parses(PARSE("--count", "7")).count, 7);
	assert_int_equal(assert_parses(PARSE("-n7")).count, 7);
	assert_int_equal(assert_parses(PARSE("-n", "7")).count, 7);
	assert_int_equal(assert_parses(PARSE("-vvn7")).count, 7);
	assert_int_equal(assert_parses(PARSE("-n7", "--count=8")).count, 8);
	assert_string_equal(assert_parses(PARSE("--output=a=b")).output, "a=b");
	assert_string_equal(assert_parses(PARSE("--output=")).output, "");
	assert_string_equal(assert_parses(PARSE("-o", "-")).output, "-");
	assert_string_equal(assert_parses(PARSE("-o", "--json")).output, "--json");
	assert_true(assert_parses(PARSE("--json")).json);
	assert_true(assert_parses(PARSE("-x")).secret);
}

static void counts_and_lists_add_up(void **state)
{
	struct config config =
		assert_parses(PARSE("-v", "--verbose", "-vv", "--label=a", "--label", "b", "-h"));

	(void)state;
	assert_int_equal(config.common.verbose, 4);
	assert_true(config.common.help);
	assert_int_equal(config.labels.count, 2);
	assert_string_equal(config.labels.values[0], "a");
	assert_string_equal(config.labels.values[1], "b");
}

static void lists_are_bounded(void **state)
{
	const char *args[OPTION_LIST_MAX + 2];

	(void)state;
	for (size_t i = 0; i <= OPTION_LIST_MAX; i++)
		args[i] = "--label=x";
	args[OPTION_LIST_MAX + 1] = NULL;
	assert_fails(parse(args), "--label can be given at most 16 times");
	args[OPTION_LIST_MAX] = NULL;
	assert_int_equal(assert_parses(parse(args)).labels.count, OPTION_LIST_MAX);
}

static void operands_end_the_flags(void **state)
{
	struct result result;

	(void)state;
	result = PARSE("-v", "ls", "-n", "0");
	assert_int_equal(result.status, 0);
	assert_int_equal(result.operand, 2);
	result = PARSE("-v", "--", "--foo");
	assert_int_equal(result.status, 0);
	assert_int_equal(result.operand, 3);
	result = PARSE("--");
	assert_int_equal(result.operand, 2);
	result = PARSE("-", "--foo");
	assert_int_equal(result.operand, 1);
	result = PARSE("", "--foo");
	assert_int_equal(result.operand, 1);
}

static void unknown_flags(void **state)
{
	(void)state;
	assert_fails(PARSE("--foo"), "unknown flag \"--foo\"; see faultmap log --help");
	assert_fails(PARSE("--foo=1"), "unknown flag \"--foo=1\"; see faultmap log --help");
	assert_fails(PARSE("-q"), "unknown flag \"-q\"; see faultmap log --help");
	assert_fails(PARSE("-vq"), "unknown flag \"-q\"; see faultmap log --help");
	assert_fails(PARSE("---"), "unknown flag \"---\"; see faultmap log --help");
	assert_fails(PARSE("--=1"), "unknown flag \"--=1\"; see faultmap log --help");
	assert_fails(PARSE("--a\nb\xff"),
		     "unknown flag \"--a\\x0ab\\xff\"; see faultmap log --help");
	assert_fails(PARSE("-\xc3\xa9"), "unknown flag \"-\\xc3\"; see faultmap log --help");
	/* No abbreviations, no longer names, no other case. */
	assert_fails(PARSE("--coun=1"),
		     "unknown flag \"--coun=1\"; did you mean --count? see faultmap log --help");
	assert_fails(PARSE("--counts=1"), "unknown flag \"--counts=1\"; did you mean --count? "
					  "see faultmap log --help");
	assert_fails(PARSE("--JSON"), "unknown flag \"--JSON\"; see faultmap log --help");
}

static void missing_and_surplus_values(void **state)
{
	(void)state;
	assert_fails(PARSE("-n"), "-n needs a value; see faultmap log --help");
	assert_fails(PARSE("-vn"), "-n needs a value; see faultmap log --help");
	assert_fails(PARSE("--count"), "--count needs a value; see faultmap log --help");
	assert_fails(PARSE("--json=1"), "--json takes no value");
	assert_fails(PARSE("--json="), "--json takes no value");
	assert_fails(PARSE("--verbose=2"), "--verbose takes no value");
}

static void whole_numbers(void **state)
{
	static const char *const bad[] = { "",    " 1",  "1 ",  "+1",    "-1",      "0x10",
					   "1e2", "1.0", "abc", "1,000", "\xd9\xa1" };

	(void)state;
	assert_int_equal(assert_parses(PARSE("-n1")).count, 1);
	assert_int_equal(assert_parses(PARSE("-n1000")).count, 1000);
	assert_int_equal(assert_parses(PARSE("-n010")).count, 10);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		char text[200];

		snprintf(text, sizeof(text),
			 "--count: \"%s\" is not a whole number; give a value from 1 to 1000",
			 bad[i]);
		assert_fails(PARSE("--count", bad[i]), text);
	}
	assert_fails(PARSE("-n", "0"), "-n: \"0\" is out of range; give a value from 1 to 1000");
	assert_fails(PARSE("-n1001"), "-n: \"1001\" is out of range; give a value from 1 to 1000");
}

static void whole_numbers_do_not_overflow(void **state)
{
	static const char name[] = "--a-name-longer-than-the-column";

	(void)state;
	assert_true(assert_parses(PARSE(name, "18446744073709551615")).big == UINT64_MAX);
	assert_fails(PARSE(name, "18446744073709551616"),
		     "--a-name-longer-than-the-column: \"18446744073709551616\" is out of range; "
		     "give a value of at least 5");
	assert_fails(PARSE(name, "99999999999999999999999999"),
		     "--a-name-longer-than-the-column: \"99999999999999999999999999\" is out of "
		     "range; give a value of at least 5");
	assert_fails(PARSE(name, "4"), "--a-name-longer-than-the-column: \"4\" is out of range; "
				       "give a value of at least 5");
}

static void seconds_are_exact(void **state)
{
	static const struct {
		const char *text;
		uint64_t ms;
	} good[] = {
		{ "1", 1000 },     { "0.1", 100 },      { "0.100", 100 },  { "0.123", 123 },
		{ "1.001", 1001 }, { "3600", 3600000 }, { ".5", 500 },     { "0.29", 290 },
		{ "00.7", 700 },   { "8.2", 8200 },     { "16.1", 16100 }, { "3600.0", 3600000 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_int_equal(assert_parses(PARSE("-d", good[i].text)).interval_ms, good[i].ms);
	assert_int_equal(assert_parses(PARSE("--delay=0")).delay_ms, 0);
	assert_true(assert_parses(PARSE("--delay=18446744073709551.615")).delay_ms == UINT64_MAX);
}

static void bad_seconds(void **state)
{
	static const char *const bad[] = { "",    "abc", ".",   "1.",   "1.2345", "0.5000", "+1",
					   "-1",  "1e3", "0x1", " 1",   "1 ",     "1.2.3",  "1,5",
					   "inf", "nan", "1s",  "1.-5", "1.5s",   "1.x" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		char text[200];

		snprintf(text, sizeof(text),
			 "--interval: \"%s\" is not a number of seconds; "
			 "give a value from 0.1 to 3600",
			 bad[i]);
		assert_fails(PARSE("--interval", bad[i]), text);
	}
	assert_fails(PARSE("-d0"), "-d: \"0\" is out of range; give a value from 0.1 to 3600");
	assert_fails(PARSE("-d", "0.099"),
		     "-d: \"0.099\" is out of range; give a value from 0.1 to 3600");
	assert_fails(PARSE("-d3600.001"),
		     "-d: \"3600.001\" is out of range; give a value from 0.1 to 3600");
	assert_fails(PARSE("--delay=18446744073709551.616"),
		     "--delay: \"18446744073709551.616\" is out of range; "
		     "give a value of at least 0");
	assert_fails(PARSE("--delay=18446744073709552"),
		     "--delay: \"18446744073709552\" is out of range; give a value of at least 0");
	assert_fails(PARSE("--delay=99999999999999999999"),
		     "--delay: \"99999999999999999999\" is out of range; "
		     "give a value of at least 0");
}

static void sizes_have_units(void **state)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} good[] = {
		{ "4096", 4096 },       { "4K", 4096 },       { "4k", 4096 },
		{ "2M", 2 << 20 },      { "2048k", 2 << 20 }, { "1G", 1UL << 30 },
		{ "1024G", 1UL << 40 }, { "1t", 1UL << 40 },  { "0008K", 8192 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_int_equal(assert_parses(PARSE("--size", good[i].text)).size, good[i].bytes);
}

static void bad_sizes(void **state)
{
	static const struct {
		const char *text;
		const char *problem;
	} bad[] = {
		{ "", "is not a size" },
		{ "K", "is not a size" },
		{ "4 K", "is not a size" },
		{ " 4K", "is not a size" },
		{ "-4K", "is not a size" },
		{ "4KB", "is not a size" },
		{ "4KiB", "is not a size" },
		{ "4P", "is not a size" },
		{ "1.5M", "is not a size" },
		{ "0x1000", "is not a size" },
		{ "99999999999999999999", "is not a size" },
		{ "18014398509481984K", "is not a size" }, /* 2^64 */
		{ "0", "is not a power of two" },
		{ "0K", "is not a power of two" },
		{ "3M", "is not a power of two" },
		{ "4095", "is not a power of two" },
		{ "2K", "is out of range" },
		{ "1", "is out of range" },
		{ "2T", "is out of range" },
		{ "8388608T", "is out of range" }, /* 2^63 */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		char text[200];

		snprintf(text, sizeof(text), "--size: \"%s\" %s; give a power of two from 4K to 1T",
			 bad[i].text, bad[i].problem);
		assert_fails(PARSE("--size", bad[i].text), text);
	}
}

static void choices(void **state)
{
	(void)state;
	assert_int_equal(assert_parses(PARSE("--sort=minor")).sort, SORT_MINOR);
	assert_int_equal(assert_parses(PARSE("--sort", "pid")).sort, SORT_PID);
	assert_fails(PARSE("--sort=min"),
		     "--sort: \"min\" is not known; give one of minor, major, pid");
	assert_fails(PARSE("--sort="), "--sort: \"\" is not known; give one of minor, major, pid");
}

static void advice_survives_a_long_value(void **state)
{
	char value[2000];
	struct result result;

	(void)state;
	memset(value, 'a', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	result = PARSE("-n", value);
	assert_int_equal(result.status, -EINVAL);
	assert_non_null(strstr(result.error.text, "give a value from 1 to 1000"));
	memset(value, '-', 2);
	result = PARSE(value);
	assert_non_null(strstr(result.error.text, "see faultmap log --help"));
}

static void help_is_aligned(void **state)
{
	static const char want[] =
		"Usage: faultmap log [options]\n"
		"\n"
		"a line of summary\n"
		"\n"
		"Options:\n"
		"  -o, --output FILE       write to FILE\n"
		"  -n, --count COUNT       stop after\n"
		"                          COUNT intervals\n"
		"      --a-name-longer-than-the-column NUMBER\n"
		"                          first line\n"
		"                          second line\n"
		"  -d, --interval SECONDS  time between two reports\n"
		"      --sort COLUMN       order of the rows\n"
		"      --label NAME        may be repeated\n"
		"  -x                      a flag without a long name\n"
		"      --json              JSON lines\n"
		"  -v, --verbose           say more on stderr; twice: libbpf's messages too\n"
		"  -h, --help              print this help\n"
		"\n"
		"Last paragraph.\n";
	autofree char *text = NULL;
	size_t size;
	FILE *stream = open_memstream(&text, &size);

	(void)state;
	assert_non_null(stream);
	options_print_help(&spec, stream);
	assert_int_equal(fclose(stream), 0);
	assert_string_equal(text, want);
}

static void begin_sets_the_level_and_goes_on(void **state)
{
	const struct command command = { .spec = &spec };
	char *argv[] = { (char *)"log", (char *)"-vvvv", (char *)"operand", NULL };
	struct config config = { .json = false };
	int operand = 0, status = -1;

	(void)state;
	assert_true(cmd_begin(&command, &config, 3, argv, &operand, &status));
	assert_int_equal(operand, 2);
	assert_int_equal(status, -1);
	assert_int_equal(log_get_level(), LOG_LEVEL_DEBUG);
	argv[1] = (char *)"-v";
	config.common.verbose = 0;
	assert_true(cmd_begin(&command, &config, 3, argv, &operand, &status));
	assert_int_equal(log_get_level(), LOG_LEVEL_INFO);
}

static void errors_have_their_status(void **state)
{
	(void)state;
	assert_int_equal(cmd_status_of(-EPERM), 77);
	assert_int_equal(cmd_status_of(-EACCES), 77);
	assert_int_equal(cmd_status_of(-ENOTSUP), 77);
	assert_int_equal(cmd_status_of(-EOPNOTSUPP), 77);
	assert_int_equal(cmd_status_of(-ENOSYS), 77);
	assert_int_equal(cmd_status_of(-ENOMEM), 1);
	assert_int_equal(cmd_status_of(-EINVAL), 1);
}

static int set(struct config *config, const char *key, const char *value, struct error *error)
{
	return options_set(&spec, config, key, value, error);
}

static void keys_of_a_file_are_flags(void **state)
{
	struct config config = {};
	struct error error;

	(void)state;
	assert_int_equal(set(&config, "output", "x", &error), 0);
	assert_string_equal(config.output, "x");
	assert_int_equal(set(&config, "json", "yes", &error), 0);
	assert_true(config.json);
	assert_int_equal(set(&config, "json", "off", &error), 0);
	assert_false(config.json);
	assert_int_equal(set(&config, "verbose", "2", &error), 0);
	assert_int_equal(config.common.verbose, 2);
	assert_int_equal(set(&config, "json", "Yes", &error), -EINVAL);
	assert_string_equal(error.text, "json: \"Yes\" is not known; give yes or no");
	assert_int_equal(set(&config, "verbose", "3", &error), -EINVAL);
	assert_int_equal(set(&config, "verbose", "", &error), -EINVAL);
	assert_int_equal(set(&config, "help", "yes", &error), -EINVAL);
	assert_string_equal(error.text, "help is for the command line only");
	assert_int_equal(set(&config, "--json", "yes", &error), -EINVAL);
	assert_string_equal(error.text, "unknown key \"--json\"; see faultmap log --help");
}

static void flags_win_over_a_file(void **state)
{
	char *argv[] = { (char *)"log", (char *)"--label=c", (char *)"--label=d", (char *)"-v" };
	struct config config = {};
	struct error error;
	int operand;

	(void)state;
	assert_int_equal(set(&config, "label", "a", &error), 0);
	assert_int_equal(set(&config, "label", "b", &error), 0);
	assert_int_equal(set(&config, "verbose", "2", &error), 0);
	assert_int_equal(config.labels.count, 2);
	assert_int_equal(options_parse(&spec, &config, 4, argv, &operand, &error), 0);
	assert_int_equal(config.labels.count, 2);
	assert_string_equal(config.labels.values[0], "c");
	assert_string_equal(config.labels.values[1], "d");
	assert_int_equal(config.common.verbose, 1);
}

static void equal_values_and_different_ones(void **state)
{
	static const struct {
		const char *key, *value, *other;
	} all[] = {
		{ "output", "a", "b" },     { "count", "1", "2" }, { "interval", "1", "1.5" },
		{ "sort", "pid", "major" }, { "label", "a", "b" }, { "json", "yes", "no" },
		{ "verbose", "1", "2" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		const struct option_spec *option = options_find(&spec, all[i].key);
		struct config one = {}, two = {}, three = {};
		char copy[8];

		assert_non_null(option);
		strcpy(copy, all[i].value);
		assert_int_equal(set(&one, all[i].key, all[i].value, NULL), 0);
		assert_int_equal(set(&two, all[i].key, copy, NULL), 0);
		assert_int_equal(set(&three, all[i].key, all[i].other, NULL), 0);
		assert_true(options_same(option, &one, &two));
		assert_false(options_same(option, &one, &three));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_given_changes_nothing),
		cmocka_unit_test(every_spelling_of_a_value),
		cmocka_unit_test(counts_and_lists_add_up),
		cmocka_unit_test(lists_are_bounded),
		cmocka_unit_test(operands_end_the_flags),
		cmocka_unit_test(unknown_flags),
		cmocka_unit_test(missing_and_surplus_values),
		cmocka_unit_test(whole_numbers),
		cmocka_unit_test(whole_numbers_do_not_overflow),
		cmocka_unit_test(seconds_are_exact),
		cmocka_unit_test(bad_seconds),
		cmocka_unit_test(sizes_have_units),
		cmocka_unit_test(bad_sizes),
		cmocka_unit_test(choices),
		cmocka_unit_test(advice_survives_a_long_value),
		cmocka_unit_test(help_is_aligned),
		cmocka_unit_test(keys_of_a_file_are_flags),
		cmocka_unit_test(flags_win_over_a_file),
		cmocka_unit_test(equal_values_and_different_ones),
		cmocka_unit_test(begin_sets_the_level_and_goes_on),
		cmocka_unit_test(errors_have_their_status),
	};

	return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
