// SPDX-License-Identifier: GPL-2.0-only
#include "serve/negotiate.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

/* A part of a header: not terminated. */
struct piece {
	const char *text;
	size_t length;
};

/* One element of an Accept or Accept-Encoding header. */
struct range {
	struct piece name;
	struct piece version; /* empty: none */
	int quality;          /* in thousandths */
};

static struct piece trim(const char *begin, const char *end)
{
	while (begin < end && (*begin == ' ' || *begin == '\t'))
		begin++;
	while (end > begin && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	return (struct piece){ begin, (size_t)(end - begin) };
}

static bool piece_is(struct piece piece, const char *text)
{
	return piece.length == strlen(text) && !strncasecmp(piece.text, text, piece.length);
}

/* Takes what stands before the separator off the rest; a separator within quotes is none. */
static struct piece take(struct piece *rest, char separator)
{
	const char *begin = rest->text, *end = begin, *limit = begin + rest->length;
	bool in_quotes = false;

	for (; end < limit && (in_quotes || *end != separator); end++) {
		if (*end == '"')
			in_quotes = !in_quotes;
		else if (in_quotes && *end == '\\' && end + 1 < limit)
			end++;
	}
	rest->text = end < limit ? end + 1 : end;
	rest->length = (size_t)(limit - rest->text);
	return trim(begin, end);
}

/* "1", "0.5", "0.125"; 0 for what is no quality. */
static int parse_quality(struct piece text)
{
	int quality, weight = 100;

	if (!text.length || (text.text[0] != '0' && text.text[0] != '1'))
		return 0;
	quality = (text.text[0] - '0') * 1000;
	for (size_t i = 2; i < text.length && i < 5 && text.text[1] == '.'; i++, weight /= 10) {
		if (text.text[i] < '0' || text.text[i] > '9')
			return 0;
		quality += (text.text[i] - '0') * weight;
	}
	return quality < 1000 ? quality : 1000;
}

static void parse_parameter(struct range *range, struct piece parameter)
{
	const char *equals = memchr(parameter.text, '=', parameter.length);
	struct piece name, value;

	if (!equals)
		return;
	name = trim(parameter.text, equals);
	value = trim(equals + 1, parameter.text + parameter.length);
	if (value.length >= 2 && value.text[0] == '"' && value.text[value.length - 1] == '"')
		value = (struct piece){ value.text + 1, value.length - 2 };
	if (piece_is(name, "q"))
		range->quality = parse_quality(value);
	else if (piece_is(name, "version"))
		range->version = value;
}

/* Takes the next element of a header's list; false at its end. */
static bool next_range(struct piece *header, struct range *ret_range)
{
	while (header->length) {
		struct piece element = take(header, ',');

		*ret_range = (struct range){ .name = take(&element, ';'), .quality = 1000 };
		while (element.length)
			parse_parameter(ret_range, take(&element, ';'));
		if (ret_range->name.length)
			return true;
	}
	return false;
}

static bool has_version(const char *type, struct piece version)
{
	const char *own = strstr(type, "version=");
	size_t length;

	if (!own || !version.length)
		return true;
	own += strlen("version=");
	length = strcspn(own, "; ");
	return length == version.length && !strncmp(own, version.text, length);
}

/* How closely the range names the type: 0 not at all, 4 with its version. */
static int closeness(const struct range *range, const char *type)
{
	size_t length = strcspn(type, "; ");
	size_t main_length = strcspn(type, "/") + 1;
	struct piece name = range->name;

	if (piece_is(name, "*/*"))
		return 1;
	if (name.length == main_length + 1 && name.text[main_length] == '*' &&
	    !strncasecmp(name.text, type, main_length))
		return 2;
	if (name.length != length || strncasecmp(name.text, type, length) != 0 ||
	    !has_version(type, range->version))
		return 0;
	return range->version.length ? 4 : 3;
}

/* The closest range decides. */
static int quality_of(const char *accept, const char *type)
{
	struct piece rest = { accept, strlen(accept) };
	int closest = 0, quality = 0;
	struct range range;

	while (next_range(&rest, &range)) {
		int close = closeness(&range, type);

		if (close > closest) {
			closest = close;
			quality = range.quality;
		}
	}
	return quality;
}

int negotiate_type(const char *accept, const char *const types[], size_t n_types)
{
	int best = -1, best_quality = 0;

	if (!accept || !accept[strspn(accept, " \t,")])
		return 0;
	for (size_t i = 0; i < n_types; i++) {
		int quality = quality_of(accept, types[i]);

		if (quality > best_quality) {
			best = (int)i;
			best_quality = quality;
		}
	}
	return best;
}

enum coding negotiate_coding(const char *accept_encoding)
{
	struct piece rest = { accept_encoding, accept_encoding ? strlen(accept_encoding) : 0 };
	int gzip = -1, identity = -1, any = -1;
	struct range range;

	while (next_range(&rest, &range)) {
		if (piece_is(range.name, "gzip") || piece_is(range.name, "x-gzip"))
			gzip = range.quality;
		else if (piece_is(range.name, "identity"))
			identity = range.quality;
		else if (piece_is(range.name, "*"))
			any = range.quality;
	}
	if (gzip < 0)
		gzip = any < 0 ? 0 : any;
	if (gzip > 0 && gzip >= identity)
		return CODING_GZIP;
	/* What is not named is accepted, unless "*;q=0" says otherwise. */
	return identity > 0 || (identity < 0 && any != 0) ? CODING_IDENTITY : CODING_NONE;
}
