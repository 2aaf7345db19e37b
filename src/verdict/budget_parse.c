// SPDX-License-Identifier: GPL-2.0-only
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/glob.h"
#include "base/text.h"
#include "base/util.h"
#include "model/kinds.h"
#include "verdict/budget_data.h"

/* A term as messages quote it. */
#define SHOWN_LEN 128

static const char *const figures[BUDGET_FIGURES] = {
	[BUDGET_MINOR] = "minor",   [BUDGET_MAJOR] = "major", [BUDGET_DENIED] = "denied",
	[BUDGET_FAULTS] = "faults", [BUDGET_BYTES] = "bytes", [BUDGET_STALL] = "stall",
};

struct unit {
	const char *name;
	double factor;
};
static const struct unit sizes[] = {
	{ "", 1 }, { "K", 0x1p10 }, { "M", 0x1p20 }, { "G", 0x1p30 }, { "T", 0x1p40 }
};
static const struct unit times[] = { { "ns", 1 }, { "us", 1e3 }, { "ms", 1e6 }, { "s", 1e9 } };

const char *budget_figure_name(enum budget_figure figure)
{
	return figures[figure];
}

const char *budget_unit(enum budget_figure figure)
{
	return figure == BUDGET_STALL ? "ns" : figure == BUDGET_BYTES ? "bytes" : "faults";
}

static int refuse(const char *term, struct error *error, const char *what)
{
	char shown[SHOWN_LEN];

	text_escape_to(shown, sizeof(shown), term);
	return error_set(error, EINVAL, "budget \"%s\": %s", shown, what);
}

static char *trim(char *text)
{
	char *end = text + strlen(text);

	while (isspace((unsigned char)*text))
		text++;
	while (end > text && isspace((unsigned char)end[-1]))
		*--end = '\0';
	return text;
}

/* Cuts off what is before the next comma that is in no brackets; NULL at the end. */
static char *next_piece(char **rest)
{
	char *piece = *rest, *at = piece;

	if (!piece)
		return NULL;
	for (int depth = 0; *at && (*at != ',' || depth); at++)
		depth += (*at == '[') - (*at == ']');
	*rest = *at ? at + 1 : NULL;
	*at = '\0';
	return piece;
}

/* Whether the pattern matches the name of a kind. */
static bool is_kind(const char *pattern)
{
	for (unsigned int kind = 0; kind < KIND_COUNT; kind++)
		if (glob_matches(pattern, kind_name(kind)))
			return true;
	return false;
}

static int parse_filter(struct budget_term *term, char *text, struct error *error)
{
	char **const places[] = { &term->process, &term->mapping, &term->kind, &term->unit,
				  &term->phase };
	static const char *const keys[] = { "process", "mapping", "kind", "unit", "phase" };
	char *value = strchr(text, '=');

	if (!value || !*trim(value + 1))
		return refuse(term->text, error, "in brackets give KEY=PATTERN");
	*value++ = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		if (strcmp(trim(text), keys[i]))
			continue;
		if (*places[i])
			return refuse(term->text, error, "a key in brackets is there twice");
		*places[i] = strdup(trim(value));
		if (!*places[i])
			return error_set(error, ENOMEM, "reading the budget: out of memory");
		if (places[i] == &term->kind && !is_kind(term->kind))
			return refuse(term->text, error,
				      "no kind has this name; faultmap-faults(7) has them");
		return 0;
	}
	return refuse(term->text, error,
		      "keys in brackets are process, mapping, kind, unit and phase");
}

/* Cuts "...]", which follows the opening bracket, at the bracket that closes it; *ret_rest follows. */
static int parse_filters(struct budget_term *term, char *text, char **ret_rest, struct error *error)
{
	char *end = text, *piece;
	int depth = 1, result = 0;

	for (; *end && depth; end++)
		depth += (*end == '[') - (*end == ']');
	if (depth)
		return refuse(term->text, error, "a bracket is not closed");
	end[-1] = '\0';
	*ret_rest = end;
	while (!result && (piece = next_piece(&text)))
		result = parse_filter(term, piece, error);
	return result;
}

static int parse_with_unit(struct budget_term *term, const char *text, const struct unit *units,
			   size_t n_units, struct error *error)
{
	char *unit;
	double value = strtod(text, &unit);
	bool is_zero = value <= 0 && !*unit;

	for (size_t i = 0; isdigit((unsigned char)*text) && i < n_units; i++) {
		if (strcmp(trim(unit), units[i].name) && !is_zero)
			continue;
		if (value * units[i].factor >= 0x1p63)
			break;
		term->limit = (uint64_t)(value * units[i].factor);
		return 0;
	}
	return refuse(term->text, error,
		      units == sizes ? "bytes are a number, with K, M, G or T behind it" :
				       "a time is a number with ns, us, ms or s behind it");
}

static int parse_limit(struct budget_term *term, const char *text, struct error *error)
{
	char *end;

	if (term->figure == BUDGET_BYTES)
		return parse_with_unit(term, text, sizes, ARRAY_SIZE(sizes), error);
	if (term->figure == BUDGET_STALL)
		return parse_with_unit(term, text, times, ARRAY_SIZE(times), error);
	errno = 0;
	term->limit = strtoull(text, &end, 10);
	if (!isdigit((unsigned char)*text) || *end || errno)
		return refuse(term->text, error, "the limit is a whole number of faults");
	return 0;
}

static int parse_figure(struct budget_term *term, const char *name, struct error *error)
{
	for (unsigned int i = 0; i < BUDGET_FIGURES; i++)
		if (!strcmp(name, figures[i])) {
			term->figure = i;
			return 0;
		}
	return refuse(term->text, error,
		      "give FIGURE<=LIMIT; figures are minor, major, denied, faults, bytes and "
		      "stall");
}

/* "<=LIMIT/STEP" */
static int parse_end(struct budget_term *term, char *text, struct error *error)
{
	char *limit, *step;

	text = trim(text);
	if (strncmp(text, "<=", 2))
		return refuse(term->text, error, "give FIGURE<=LIMIT, as in minor<=2000");
	limit = text + 2;
	step = strchr(limit, '/');
	if (step) {
		*step++ = '\0';
		term->step = strdup(trim(step));
		if (!term->step)
			return error_set(error, ENOMEM, "reading the budget: out of memory");
		if (!*term->step)
			return refuse(term->text, error, "behind / is the name of a mark");
	}
	return parse_limit(term, trim(limit), error);
}

int budget_parse(struct budget_term *term, const char *text, struct error *error)
{
	autofree char *copy = strdup(text), *name = NULL;
	char *rest;
	int result;

	term->text = copy ? strdup(trim(copy)) : NULL;
	name = term->text ? strndup(term->text, strcspn(term->text, "[<= \t")) : NULL;
	if (!name)
		return error_set(error, ENOMEM, "reading the budget: out of memory");
	rest = strcpy(copy, term->text) + strlen(name);
	rest += strspn(rest, " \t");
	result = parse_figure(term, name, error);
	if (!result && *rest == '[')
		result = parse_filters(term, rest + 1, &rest, error);
	return result ? result : parse_end(term, rest, error);
}

int budget_add(struct budget *budget, const char *text, struct error *error)
{
	autofree char *copy = strdup(text);
	char *rest = copy, *piece;
	int result = copy ? 0 : error_set(error, ENOMEM, "reading the budget: out of memory");

	while (!result && (piece = next_piece(&rest))) {
		if (!*trim(piece) && (budget->count || rest))
			continue; /* "a, b," */
		if (budget->count == BUDGET_TERMS_MAX)
			return refuse(piece, error, "there are more than 64 terms");
		result = budget_parse(&budget->terms[budget->count++], piece, error);
	}
	return result;
}

int budget_add_file(struct budget *budget, const char *path, struct error *error)
{
	autofclose FILE *file = fopen(path, "re");
	autofree char *line = NULL;
	size_t size = 0, number = 0;
	struct error why;
	char shown[256];
	int result = 0;

	text_escape_to(shown, sizeof(shown), path);
	if (!file)
		return error_set(error, errno, "opening the budget %s: %s", shown, strerror(errno));
	errno = 0;
	while (!result && getline(&line, &size, file) >= 0) {
		number++;
		line[strcspn(line, "#\n")] = '\0';
		if (*trim(line))
			result = budget_add(budget, line, &why);
	}
	if (result < 0)
		return error_set(error, -result, "%.200s:%zu: %.280s", shown, number, why.text);
	if (ferror(file))
		return error_set(error, errno ?: EIO, "reading the budget %s: %s", shown,
				 strerror(errno ?: EIO));
	return budget->count ?
		       0 :
		       error_set(error, EINVAL, "the budget %s has no term, as minor<=2000", shown);
}
