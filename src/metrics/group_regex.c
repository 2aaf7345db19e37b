// SPDX-License-Identifier: GPL-2.0-only
#include "metrics/group_regex.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

/* Each repetition is as many copies of what it repeats; one within another, the product. */
#define REPEAT_MAX 100
#define REPEATS_MAX 2
#define DEPTH_MAX 100
/* Characters once all copies are made. 9,000 take a second to compile, 2,000 take 50 ms. */
#define SIZE_MAX_COPIED 2000
/* `a?` and its like: matching looks at all that can be left out. 500 take half a second. */
#define OPTIONAL_MAX 200
/* `(a*)*` and its like: each of them doubles the ways to match nothing. 15 take seconds. */
#define EMPTY_WAYS_MAX 8

/* A part of the regex: a character, a bracket, or what is in parentheses; with its repetitions. */
struct part {
	unsigned int times;      /* the largest repetition in braces, times what is within it */
	unsigned int size;       /* characters, copies counted */
	unsigned int optional;   /* parts that can be left out, copies counted */
	unsigned int empty_ways; /* repetitions of what may be empty, copies counted */
	bool may_be_empty;
};

/* Parentheses, or all of the regex. */
struct level {
	struct part sum;   /* of what is complete in it */
	bool may_be_empty; /* the alternative that we are in, so far */
	bool has_parts;    /* it, too */
	bool has_empty_alternative;
};

struct scan {
	struct level levels[DEPTH_MAX];
	int depth;
	struct part last; /* what a repetition would be of */
	bool has_last;
	unsigned int repeats; /* in braces, so far */
	struct error *error;
};

#define FAIL(scan, ...) error_set((scan)->error, EINVAL, __VA_ARGS__)

/* Counts stay below 1024 * 100 * 100 or are refused first. */
static void add_part(struct part *sum, const struct part *part)
{
	sum->times = max_of(sum->times, part->times);
	sum->size += part->size;
	sum->optional += part->optional;
	sum->empty_ways += part->empty_ways;
}

/* The last part gets no repetition any more. */
static void complete(struct scan *scan)
{
	struct level *level = &scan->levels[scan->depth];

	if (!scan->has_last)
		return;
	add_part(&level->sum, &scan->last);
	level->may_be_empty &= scan->last.may_be_empty;
	level->has_parts = true;
	scan->last = (struct part){};
	scan->has_last = false;
}

static void begin_part(struct scan *scan, bool may_be_empty)
{
	complete(scan);
	scan->last = (struct part){ .times = 1, .size = 1, .may_be_empty = may_be_empty };
	scan->has_last = true;
}

static void end_alternative(struct scan *scan)
{
	struct level *level = &scan->levels[scan->depth];

	complete(scan);
	if (level->may_be_empty && level->has_empty_alternative)
		level->sum.empty_ways++;
	level->sum.optional += !level->has_parts;
	level->has_empty_alternative |= level->may_be_empty;
	level->may_be_empty = true;
	level->has_parts = false;
}

static int open_level(struct scan *scan)
{
	complete(scan);
	if (scan->depth + 1 == DEPTH_MAX)
		return FAIL(scan, "more than %d parentheses within each other", DEPTH_MAX - 1);
	scan->levels[++scan->depth] = (struct level){ .sum.times = 1, .may_be_empty = true };
	return 0;
}

/* glibc takes a ) without its ( as a character; who writes one means something else. */
static int close_level(struct scan *scan)
{
	const struct level *level = &scan->levels[scan->depth];

	if (!scan->depth)
		return FAIL(scan, "a ) without its (");
	end_alternative(scan);
	scan->last = level->sum;
	scan->last.size++;
	scan->last.may_be_empty = level->has_empty_alternative;
	scan->has_last = true;
	scan->depth--;
	return 0;
}

/* Copies the last part; `least` is the fewest times that it may come. */
static int repeat(struct scan *scan, unsigned int times, unsigned int least)
{
	struct part *last = &scan->last;

	if (!scan->has_last) /* regcomp() tells */
		return 0;
	last->size *= times;
	last->optional = last->optional * times + (least ? 0 : times);
	last->empty_ways *= times;
	last->may_be_empty |= !least;
	if (last->size > SIZE_MAX_COPIED)
		return FAIL(scan, "repetitions make it longer than %d characters", SIZE_MAX_COPIED);
	return 0;
}

static int repeat_by_sign(struct scan *scan, char sign)
{
	/* x+ is xx* */
	unsigned int times = sign == '+' ? 2 : 1, was_empty = scan->last.may_be_empty;
	int result = repeat(scan, times, sign == '+');

	scan->last.empty_ways += was_empty;
	return result;
}

/* The numbers of {2,5} at `text`: {2} has one, {,5} begins at 0. */
static void read_braces(const char *text, unsigned int *ret_least, unsigned int *ret_most)
{
	unsigned long most = 0, number = strtoul(text + 1, (char **)&text, 10);

	*ret_least = number > 0;
	for (;;) {
		most = max_of(most, min_of(number, REPEAT_MAX + 1));
		if (*text != ',')
			break;
		number = strtoul(text + 1, (char **)&text, 10);
	}
	*ret_most = (unsigned int)most;
}

static int repeat_by_braces(struct scan *scan, const char *brace)
{
	unsigned int least, most;
	struct part *last = &scan->last;

	read_braces(brace, &least, &most);
	if (most > REPEAT_MAX || (scan->has_last && last->times * max_of(most, 1U) > REPEAT_MAX))
		return FAIL(scan, "a repetition of more than %d", REPEAT_MAX);
	if (++scan->repeats > REPEATS_MAX)
		return FAIL(scan, "more than %d repetitions in braces", REPEATS_MAX);
	last->times *= max_of(most, 1U);
	return repeat(scan, max_of(most, 1U), least);
}

static int check_level(struct scan *scan)
{
	const struct part *sum = &scan->levels[scan->depth].sum;

	if (sum->size + scan->last.size > SIZE_MAX_COPIED)
		return FAIL(scan, "repetitions make it longer than %d characters", SIZE_MAX_COPIED);
	if (sum->empty_ways > EMPTY_WAYS_MAX || scan->last.empty_ways > EMPTY_WAYS_MAX)
		return FAIL(scan, "more than %d repetitions of what may be empty, as in (a*)*",
			    EMPTY_WAYS_MAX);
	if (sum->optional > OPTIONAL_MAX || scan->last.optional > OPTIONAL_MAX)
		return FAIL(scan, "more than %d parts that can be left out", OPTIONAL_MAX);
	return 0;
}

/* A character that is no bracket, brace or escape. */
static int scan_character(struct scan *scan, char next)
{
	switch (next) {
	case '(':
		return open_level(scan);
	case ')':
		return close_level(scan);
	case '|':
		end_alternative(scan);
		return 0;
	case '*':
	case '+':
	case '?':
		return repeat_by_sign(scan, next);
	default:
		begin_part(scan, next == '^' || next == '$');
		return 0;
	}
}

/* The bracket expression that begins at `text`: behind its end, or at the text's. */
static const char *skip_bracket(const char *text)
{
	text += 1 + (text[1] == '^');
	text += *text == ']'; /* the first one is a character */
	while (*text && *text != ']') {
		char kind = text[0] == '[' ? text[1] : '\0';

		if (kind == ':' || kind == '.' || kind == '=') { /* [:alpha:] and the like */
			text += 2;
			while (*text && !(text[0] == kind && text[1] == ']'))
				text++;
			text += *text ? 2 : 0;
		} else {
			text++;
		}
	}
	return text + (*text ? 1 : 0);
}

/* An escape: a character, or a place as \b is, which is empty. */
static int scan_escape(struct scan *scan, char escaped)
{
	if (escaped >= '1' && escaped <= '9')
		return FAIL(scan, "\\%c refers back to a part, which no rule may", escaped);
	begin_part(scan, strchr("bB<>`'", escaped));
	return 0;
}

/* One step: what begins at `*next`, which moves behind it. */
static int scan_next(struct scan *scan, const char **next)
{
	const char *at = *next;

	if (at[0] == '[') {
		begin_part(scan, false);
		*next = skip_bracket(at);
		return 0;
	}
	if (at[0] == '\\' && at[1]) {
		*next = at + 2;
		return scan_escape(scan, at[1]);
	}
	if (at[0] == '{' && at[1 + strspn(at + 1, "0123456789,")] == '}') {
		*next = strchr(at, '}') + 1;
		return repeat_by_braces(scan, at);
	}
	*next = at + 1;
	return scan_character(scan, at[0]);
}

int group_regex_check(const char *regex, struct error *error)
{
	struct scan scan = { .error = error,
			     .levels[0] = { .sum.times = 1, .may_be_empty = true } };
	int result = 0;

	while (*regex && !result) {
		result = scan_next(&scan, &regex);
		result = result ?: check_level(&scan);
	}
	if (!result) {
		end_alternative(&scan);
		result = check_level(&scan);
	}
	return result;
}
