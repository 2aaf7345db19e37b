// SPDX-License-Identifier: GPL-2.0-only
/* Regexes that glibc would compile or match for seconds or years are refused, before regcomp()
 * sees them; what just passes takes milliseconds. */
#include <errno.h>
#include <regex.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/util.h"
#include "metrics/group_regex.h"

#define BRACES "repetitions in braces"
#define REPEAT "a repetition of more than 100"
#define EMPTY "of what may be empty"
#define OPTIONAL "that can be left out"
#define LONG "longer than 2000 characters"
#define DEEP "parentheses within each other"

/* `before`, `middle` so many times, `after`. */
struct pattern {
	const char *before, *middle, *after;
	unsigned int times;
	const char *why; /* it is refused; NULL: it is not */
};

static const struct pattern patterns[] = {
	/* What people write. */
	{ "/usr/bin/(python|perl)[0-9.]*( .*)?", "", "", 0, NULL },
	{ "(/[^/]*)*/([^/]+)( -[a-z]+)*", "", "", 0, NULL },
	{ "(.*)(.*)(.*)(.*)z", "", "", 0, NULL },
	{ "([0-9]{1,3}\\.){3}[0-9]+", "", "", 0, NULL },
	/* Repetitions of what may be empty: each doubles the ways to match nothing. */
	{ "", "((a*)*)", "", 8, NULL },
	{ "", "((a*)*)", "", 9, EMPTY },
	{ "((a*)*)", "", "{8}", 1, NULL },
	{ "a)", "", "*{20}", 1, "a ) without its (" },
	{ "[)]", "", "\\)*", 1, NULL },
	{ "((a*)*)", "", "{20}", 1, EMPTY },
	{ "((a*)+)", "", "{20}", 1, EMPTY },
	{ "((a?)*)", "", "{20}", 1, EMPTY },
	{ "((a|b*)*)", "", "{20}", 1, EMPTY },
	{ "(()*)", "", "{20}", 1, EMPTY },
	{ "", "(\\b)*", "", 20, EMPTY },
	{ "", "(^)*", "", 20, EMPTY },
	{ "", "(a{0,2})*", "", 2, NULL },
	{ "(a{,2})", "", "*(()+)+(()+)+(()+)+(()+)+", 1, EMPTY },
	{ "", "(|||)", "", 2, NULL },
	{ "", "(|||)", "", 50, EMPTY },
	{ "", "(a?)?", "", 8, NULL },
	{ "", "(a?)?", "", 100, EMPTY },
	{ "", "(a*|b*)", "", 140, EMPTY },
	{ "x", "|", "x", 30, EMPTY },
	{ "((", "|", ")x){100}", 2, EMPTY },
	{ "", "x(a+)*", "", 150, NULL },
	/* Parts that can be left out: all that follow may be next. */
	{ "", "a?", "", 200, NULL },
	{ "", "a?", "", 201, OPTIONAL },
	{ "", "(a|)", "", 200, NULL },
	{ "", "(a|)", "", 201, OPTIONAL },
	{ "(a?){100}a{100}", "", "", 0, NULL },
	{ "(a?b?c?x){100}", "", "", 0, OPTIONAL },
	{ "", "a{0,1}", "", 2, NULL },
	/* Copies. */
	{ "", "a", "", 1000, NULL },
	{ "(", "a", "){100}", 19, NULL },
	{ "(", "a", "){100}", 20, LONG },
	{ "(", "a|", "b){100}", 90, LONG },
	{ "((((((((((a)+)+)+)+)+)+)+)+)+)+", "", "", 0, LONG },
	{ "a{101}", "", "", 0, REPEAT },
	{ "(a{50}){3}", "", "", 0, REPEAT },
	{ "a{2}b{2}c{2}", "", "", 0, BRACES },
	{ "", "(", "", 99, NULL }, /* regcomp() tells */
	{ "", "(", "", 100, DEEP },
	/* What is no repetition. */
	{ "[(a*)*]{2}\\(a*\\)*a{x}", "", "", 0, NULL },
	{ "*+?{2}|*", "", "", 0, NULL },
};

static void write_pattern(char text[1024], const struct pattern *pattern)
{
	size_t length = (size_t)snprintf(text, 1024, "%s", pattern->before);

	for (unsigned int i = 0; i < pattern->times; i++)
		length += (size_t)snprintf(text + length, 1024 - length, "%s", pattern->middle);
	snprintf(text + length, 1024 - length, "%s", pattern->after);
}

static void what_takes_too_long_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(patterns); i++) {
		const struct pattern *pattern = &patterns[i];
		struct error error = {};
		char text[1024];
		int result;

		write_pattern(text, pattern);
		result = group_regex_check(text, &error);
		if (result != (pattern->why ? -EINVAL : 0) ||
		    (pattern->why && !strstr(error.text, pattern->why)))
			fail_msg("%.60s: %d \"%s\", want \"%s\"", text, result, error.text,
				 pattern->why ?: "");
	}
}

/* Of this thread, in milliseconds. */
static double cpu_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static double time_of(const char *pattern)
{
	double begin = cpu_ms();
	char text[1024];
	regmatch_t parts[11];
	regex_t regex;

	memset(text, 'a', sizeof(text) - 2);
	strcpy(text + sizeof(text) - 2, "!");
	if (regcomp(&regex, pattern, REG_EXTENDED))
		return 0;
	regexec(&regex, text, ARRAY_SIZE(parts), parts, 0);
	regfree(&regex);
	return cpu_ms() - begin;
}

static void what_passes_takes_milliseconds(void **state)
{
	double worst = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(patterns); i++) {
		char text[1024], whole[1100];
		double took;

		if (patterns[i].why)
			continue;
		write_pattern(text, &patterns[i]);
		snprintf(whole, sizeof(whole), "^(%s)$", text);
		took = time_of(whole);
		if (took > 20)
			print_message("%.1f ms: %.40s\n", took, text);
		worst = max_of(worst, took);
	}
	print_message("the worst took %.1f ms\n", worst);
	assert_true(worst < 3000); /* 60 ms; some machines are emulated, and there is valgrind */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_takes_too_long_is_refused),
		cmocka_unit_test(what_passes_takes_milliseconds),
	};

	return cmocka_run_group_tests_name("group_regex", tests, NULL, NULL);
}
