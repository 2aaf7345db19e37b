// SPDX-License-Identifier: GPL-2.0-only
/* The file of --group-rules: what rules do, errors in them, and hostile texts. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/statm.h"
#include "base/util.h"
#include "metrics/group_rules.h"

struct texts {
	const char *of[RULE_FIELD_COUNT];
	unsigned int asked[RULE_FIELD_COUNT];
};

static const char *text_of(void *context, enum rule_field field, char buffer[RULE_TEXT_LEN])
{
	struct texts *texts = context;

	(void)buffer;
	texts->asked[field]++;
	return texts->of[field];
}

/* The rules of a file with this text; the error in `error` where it is none. */
static int read_text(struct group_rules **ret_rules, const char *text, size_t size,
		     struct error *error)
{
	autoclose int fd = memfd_create("rules", MFD_CLOEXEC);
	char path[32];

	assert_true(fd >= 0 && write(fd, text, size) == (ssize_t)size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return group_rules_read(ret_rules, path, error);
}

static struct group_rules *rules_of(const char *text)
{
	struct group_rules *rules = NULL;
	struct error error = {};

	if (read_text(&rules, text, strlen(text), &error) < 0)
		fail_msg("%s", error.text);
	return rules;
}

static const struct texts a_worker = { .of = { [RULE_COMM] = "python3",
					       [RULE_EXE] = "/usr/bin/python3.11",
					       [RULE_CMDLINE] = "python3 /srv/mail.py --port 25",
					       [RULE_UNIT] = "app.service",
					       [RULE_CGROUP] = "/system.slice/app.service" } };

static void the_first_rule_that_matches_names_the_group(void **state)
{
	static const struct {
		const char *rules, *want; /* NULL: none matches */
	} cases[] = {
		{ "", NULL },
		{ "# a comment\n\n  \t\n", NULL },
		{ "comm python3 => py", "py" },
		{ "comm python => py", NULL }, /* all of it */
		{ "comm ython3 => py", NULL },
		{ "comm .*thon[0-9] => py", "py" },
		{ "comm ruby => a\ncomm python3 => b\ncomm .* => c", "b" },
		{ "exe /usr/bin/(.*)3.* => $1", "python" },
		{ "cmdline python3 /srv/([a-z]+)\\.py( .*)? => app-$1", "app-mail" },
		{ "cmdline python3 /srv/(mail|web)\\.py --port ([0-9]+) => $1:$2$$", "mail:25$" },
		{ "unit (.*)\\.service => $0 is $1", "app.service is app" },
		{ "cgroup /system.slice/.* => system", "system" },
		{ "cmdline .* => other", "other" },
		{ "comm (x)?python3 => <$1>", "<>" },
		{ "comm (x)?python3 => $1", "[unnamed]" },
		{ "  comm\tpython3   =>   two words  ", "two words" },
		{ "cmdline .* => .* => name", NULL }, /* the last arrow counts */
		{ "comm a|python3 => py", "py" },     /* ^ and $ are of both */
		{ "comm [[:alpha:]]+3 => py", "py" },
		{ "comm p[^]]+ => py", "py" },
		{ "comm pyth{0,1}.{3} => py", "py" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct group_rules *rules = rules_of(cases[i].rules);
		struct texts texts = a_worker;
		char name[64] = "untouched";
		bool matches = group_rules_match(rules, text_of, &texts, name, sizeof(name));

		assert_int_equal(matches, cases[i].want != NULL);
		assert_string_equal(name, cases[i].want ?: "untouched");
		group_rules_free(rules);
	}
	assert_false(group_rules_match(NULL, text_of, NULL, NULL, 0));
	group_rules_free(NULL);
}

static void a_text_is_asked_for_once_and_only_where_a_rule_looks(void **state)
{
	struct group_rules *rules =
		rules_of("cmdline a => a\ncmdline b => b\nexe c => c\ncomm .* => d");
	struct texts texts = a_worker;
	char name[8];

	(void)state;
	texts.of[RULE_CMDLINE] = NULL; /* not known: no rule of it matches */
	assert_true(group_rules_match(rules, text_of, &texts, name, sizeof(name)));
	assert_string_equal(name, "d");
	assert_int_equal(texts.asked[RULE_CMDLINE], 1);
	assert_int_equal(texts.asked[RULE_UNIT], 0);
	assert_true(group_rules_use(rules, RULE_EXE));
	assert_false(group_rules_use(rules, RULE_UNIT));
	assert_false(group_rules_use(NULL, RULE_UNIT));
	group_rules_free(rules);
}

static void a_name_is_cut(void **state)
{
	struct group_rules *rules = rules_of("cmdline (.*) => $1$1");
	struct texts texts = a_worker;
	char name[8];

	(void)state;
	assert_true(group_rules_match(rules, text_of, &texts, name, sizeof(name)));
	assert_string_equal(name, "python3");
	group_rules_free(rules);
}

static void errors_name_their_line(void **state)
{
	static const struct {
		const char *rules, *want;
	} cases[] = {
		{ "comm a => b\n\nname x => y", ":3: \"name\" is not known; begin with comm, exe" },
		{ "co a => b", ":1: \"co\" is not known" },
		{ "comms a => b", ":1: \"comms\" is not known" },
		{ "comm", ":1: no \"=>\" with blanks" },
		{ "comm a=>b", ":1: no \"=>\" with blanks" },
		{ "comm  => b", ":1: no regex" },
		{ "comm a => ", ":1: no \"=>\" with blanks" }, /* a line's end is no blank */
		{ "comm (a => b", ":1: the regex \"(a\": Unmatched ( or \\(" },
		{ "comm a(b => b", ":1: the regex \"a(b\": Unmatched ( or \\(" },
		{ "comm [a => b", ":1: the regex \"[a\": Unmatched [" },
		{ "comm a{2 => b", ":1: the regex \"a{2\": " },
		{ "comm (a)\\1 => b", ":1: \\1 refers back to a part" },
		{ "comm (a)(b)(c)\\3 => b", ":1: \\3 refers back to a part" },
		{ "comm (.)(.)(.)(.)(.)(.)(.)(.)(.)\\9 => b", ":1: \\9 refers back to a part" },
		{ "comm a{101} => b", ":1: a repetition of more than 100" },
		{ "comm a{1,99999999999999999999} => b", ":1: a repetition of more than 100" },
		{ "comm ((a{4}){4}){4} => b", ":1: more than 2 repetitions in braces" },
		{ "comm ((a{0,50}){0,50})b => c", ":1: a repetition of more than 100" },
		{ "comm (x|(a{11})*y)*{,10} => c", ":1: a repetition of more than 100" },
		{ "comm a{x(a{60}){2} => b", ":1: a repetition of more than 100" },
		{ "comm a{51}{2} => b", ":1: a repetition of more than 100" },
		{ "comm ((a*)*){20} => b", ":1: more than 8 repetitions of what may be empty" },
		{ "comm (a) => $2", ":1: $2 in the name: the regex has 1 parts in parentheses" },
		{ "comm a => $", ":1: $ in the name is followed by no digit" },
		{ "comm a => $x", ":1: $ in the name is followed by no digit" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct group_rules *rules = NULL;
		struct error error = {};

		assert_int_equal(read_text(&rules, cases[i].rules, strlen(cases[i].rules), &error),
				 -EINVAL);
		assert_null(rules);
		if (!strstr(error.text, cases[i].want))
			fail_msg("got %s, want %s", error.text, cases[i].want);
	}
}

/* Two that are within each other count as their product; else each by itself. */
static void repetitions_that_are_small(void **state)
{
	static const char *const patterns[] = {
		"comm ([0-9]{1,3}\\.){3}[0-9]+ => ip",
		"comm ([0-9a-f]{2}:){50} => mac",
		"comm (a?){100}a{100} => x",
		"comm (a{100}b)*c{100} => x",
		"comm ((a{100})b|c)(d){100} => x",
		"comm (a{100})(b{100}) => x",
		"comm (a\\{50}){51}[(]{2}[)]\\) => x",
		"comm a{100}[{]{100}[)}]* => x",
		"comm []{101}] => x",
		"comm [^]{101}] => x",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(patterns); i++)
		group_rules_free(rules_of(patterns[i]));
}

static void files_that_are_no_list_of_rules(void **state)
{
	struct group_rules *rules;
	struct error error;
	char *text;
	size_t size;
	FILE *stream = open_memstream(&text, &size);

	(void)state;
	for (int i = 0; i <= GROUP_RULES_MAX; i++)
		fputs("comm a => b\n", stream);
	fclose(stream);
	assert_int_equal(read_text(&rules, text, size, &error), -EINVAL);
	assert_non_null(strstr(error.text, ":129: more than 128 rules"));
	memset(text, 'x', size);
	assert_int_equal(read_text(&rules, text, size, &error), -EINVAL);
	assert_non_null(strstr(error.text, ":1: the line is too long"));
	memset(text, '\n', size);
	assert_int_equal(read_text(&rules, text, size, &error), 0);
	group_rules_free(rules);
	free(text);
	text = calloc(1, 20000);
	memset(text, '\n', 20000);
	assert_int_equal(read_text(&rules, text, 20000, &error), -EINVAL);
	assert_non_null(strstr(error.text, ":10001: more than 10000 lines"));
	free(text);
	assert_int_equal(read_text(&rules, "comm a\0 => b\n#\n", 15, &error), -EINVAL);
	assert_non_null(strstr(error.text, ":1: the line is too long, or has a zero byte"));
	assert_int_equal(group_rules_read(&rules, "/none/rules", &error), -ENOENT);
	assert_string_equal(error.text,
			    "reading the group rules /none/rules: No such file or directory");
	assert_int_equal(group_rules_read(&rules, "/proc", &error), -EISDIR);
}

/* Of this thread: on a busy machine it waits for its turn longer than it works. */
static uint64_t cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* Patterns that backtracking engines do not end with, or that have 2^20 states, against the longest
 * texts: each is done in milliseconds, and memory does not grow. */
static void hostile_texts_cost_little(void **state)
{
	static const char *const patterns[] = {
		"comm (a|aa)*b => x",          "comm ((a*)*)*b => x",
		"comm (a*a*a*a*a*a*)*c => x",  "comm (.*,)*(.*,)*x => x",
		"comm .*a.{20}b.{20}c => x",   "comm (a?){100}a{100} => x",
		"comm (.*)(.*)(.*)(.*)z => x",
	};
	uint64_t vsz, before = 0, after = 0, worst_ns = 0;
	char text[RULE_TEXT_LEN];
	unsigned int seed = 1;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(patterns); i++) {
		struct group_rules *rules = rules_of(patterns[i]);
		struct texts texts = { .of = { [RULE_COMM] = text } };
		char name[8];

		for (int round = 0; round < 100; round++) {
			uint64_t begin;

			for (size_t j = 0; j < sizeof(text) - 1; j++)
				text[j] = round % 2 ? 'a' : "ab,"[rand_r(&seed) % 3];
			text[sizeof(text) - 1] = '\0';
			begin = cpu_ns();
			group_rules_match(rules, text_of, &texts, name, sizeof(name));
			worst_ns = max_of(worst_ns, cpu_ns() - begin);
			if (i == 4 && round == 20)
				statm_read(0, (uint64_t)sysconf(_SC_PAGESIZE), &vsz, &before);
		}
		if (i == 4)
			statm_read(0, (uint64_t)sysconf(_SC_PAGESIZE), &vsz, &after);
		group_rules_free(rules);
	}
	print_message("the worst text took %.1f ms\n", (double)worst_ns / 1e6);
	assert_true(worst_ns < 1000000000); /* 32 ms; some machines are emulated */
	print_message("memory: %.1f MiB, later %.1f MiB\n", (double)before / 1048576,
		      (double)after / 1048576);
	if (!IS_SANITIZED)
		assert_true(after < before + (4 << 20));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_rule_that_matches_names_the_group),
		cmocka_unit_test(a_text_is_asked_for_once_and_only_where_a_rule_looks),
		cmocka_unit_test(a_name_is_cut),
		cmocka_unit_test(errors_name_their_line),
		cmocka_unit_test(repetitions_that_are_small),
		cmocka_unit_test(files_that_are_no_list_of_rules),
		cmocka_unit_test(hostile_texts_cost_little),
	};

	return cmocka_run_group_tests_name("group_rules", tests, NULL, NULL);
}
