/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reads an exposition strictly: every line is a comment, or a sample of a family that was declared
 * before, with a legal name, legal labels and a number; no series twice; families not mixed.
 */
#ifndef FAULTMAP_TEST_SCRAPE_H
#define FAULTMAP_TEST_SCRAPE_H

#include <ctype.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

struct sample {
	char *series; /* NAME{LABELS} as it stands there */
	const char *value_text;
	double value;
	char type; /* of TYPE: c, g, h, i */
};

struct scrape {
	char *text; /* cut into strings */
	struct sample *samples;
	size_t count;
};

static bool is_utf8(const char *text, size_t length)
{
	for (size_t i = 0; i < length;) {
		unsigned char byte = (unsigned char)text[i];
		size_t more = byte < 0x80 ? 0 : byte >= 0xf0 ? 3 : byte >= 0xe0 ? 2 : 1;

		if ((byte >= 0x80 && byte < 0xc2) || byte > 0xf4 || i + more >= length)
			return false;
		for (size_t j = 1; j <= more; j++)
			if ((text[i + j] & 0xc0) != 0x80)
				return false;
		i += more + 1;
	}
	return true;
}

/* The end of `{a="b",...}` at text; fails on anything else. */
static char *skip_labels(char *text)
{
	do {
		text++;
		assert_true(isalpha(*text) || *text == '_');
		while (isalnum(*text) || *text == '_')
			text++;
		assert_memory_equal(text, "=\"", 2);
		for (text += 2; *text != '"'; text++) {
			assert_true(*text != '\0' && (unsigned char)*text >= 0x20);
			if (*text == '\\') {
				text++;
				assert_non_null(strchr("\\n\"", *text));
			}
		}
		text++;
	} while (*text == ',');
	assert_int_equal(*text, '}');
	return text + 1;
}

static int compare_samples(const void *left, const void *right)
{
	return strcmp(((const struct sample *)left)->series,
		      ((const struct sample *)right)->series);
}

static void read_sample(struct scrape *scrape, char *line, const char *family, char type)
{
	struct sample *sample = &scrape->samples[scrape->count++];
	char *end = line;

	assert_true(strlen(family) > 0 && !strncmp(line, family, strlen(family)));
	while (isalnum(*end) || *end == '_')
		end++;
	if (*end == '{')
		end = skip_labels(end);
	assert_int_equal(*end, ' ');
	*end = '\0';
	*sample = (struct sample){ line, end + 1, strtod(end + 1, &end), type };
	assert_int_equal(*end, '\0');
}

/* Takes the text. */
static struct scrape scrape_read(char *text, size_t size, bool openmetrics)
{
	struct scrape scrape = { .text = text };
	char family[128] = "", type[16];
	char *next, *seen = calloc(1, size + 1);
	size_t n_lines = 0;

	assert_true(size > 0 && text[size - 1] == '\n' && strlen(text) == size);
	assert_true(is_utf8(text, size));
	if (openmetrics)
		assert_string_equal(text + size - 6, "# EOF\n");
	for (next = text; *next; next++)
		n_lines += *next == '\n';
	scrape.samples = calloc(n_lines, sizeof(*scrape.samples));
	for (char *line = text; *line; line = next) {
		next = strchr(line, '\n');
		*next++ = '\0';
		if (line[0] != '#') {
			read_sample(&scrape, line, family, type[0]);
			continue;
		}
		if (sscanf(line, "# TYPE %127s %15s", family, type) == 2) {
			char key[130];

			snprintf(key, sizeof(key), " %.127s ", family);
			assert_null(strstr(seen, key));
			strcat(seen, key);
		}
	}
	free(seen);
	qsort(scrape.samples, scrape.count, sizeof(scrape.samples[0]), compare_samples);
	for (size_t i = 1; i < scrape.count; i++)
		assert_string_not_equal(scrape.samples[i - 1].series, scrape.samples[i].series);
	return scrape;
}

static void scrape_free(struct scrape *scrape)
{
	free(scrape->text);
	free(scrape->samples);
	*scrape = (struct scrape){};
}

/* NULL when there is none. */
static const struct sample *scrape_find(const struct scrape *scrape, const char *series)
{
	const struct sample key = { .series = (char *)series };

	return scrape->samples ?
		       bsearch(&key, scrape->samples, scrape->count, sizeof(key), compare_samples) :
		       NULL;
}

/* -1 when there is none. */
static double scrape_value(const struct scrape *scrape, const char *series)
{
	const struct sample *sample = scrape_find(scrape, series);

	return sample ? sample->value : -1;
}

/* The sum over all series of a metric whose labels contain `label`. */
static double scrape_sum(const struct scrape *scrape, const char *metric, const char *label)
{
	size_t length = strlen(metric);
	double sum = 0;

	for (size_t i = 0; i < scrape->count; i++) {
		const char *series = scrape->samples[i].series;

		if (!strncmp(series, metric, length) && series[length] == '{' &&
		    strstr(series + length, label))
			sum += scrape->samples[i].value;
	}
	return sum;
}

#endif
