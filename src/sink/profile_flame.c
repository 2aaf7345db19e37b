// SPDX-License-Identifier: GPL-2.0-only
#include "sink/profile_output.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/interned.h"
#include "base/table.h"
#include "base/text.h"
#include "base/util.h"
#include "flame_csp.h"

/* The assembler puts the file in, found from the top of the tree, where make runs. */
#define EMBED(name, file)                                                                 \
	__asm__(".pushsection .rodata." #name ", \"a\"\n" #name "_begin: .incbin \"" file \
		"\"\n" #name "_end: .byte 0\n.popsection\n");                             \
	extern const char name##_begin[], name##_end[]

EMBED(flame_html, "src/sink/flame.html");
EMBED(flame_body, "src/sink/flame_body.html");
EMBED(flame_css, "src/sink/flame.css");
EMBED(flame_js, "src/sink/flame.js");

#define PUT(stream, name) fwrite(name##_begin, 1, (size_t)(name##_end - name##_begin), stream)

/* A text and its number in the page's list. */
struct text {
	const char *text; /* first: the key; one of the interned */
	uint64_t number;
};

/* Texts are printed as they come; what refers to them is printed to `rest` meanwhile. */
struct page {
	FILE *stream;
	struct interned interned;
	struct table texts;
	int result;
};

/* In a script element no "<" may stand; what else JSON wants escaped text_escape() has replaced. */
static void print_json(FILE *stream, const char *text)
{
	fputc('"', stream);
	for (const char *at = text; *at; at++)
		if (strchr("\"\\<>&", *at))
			fprintf(stream, "\\u%04x", (unsigned int)(unsigned char)*at);
		else
			fputc(*at, stream);
	fputc('"', stream);
}

/* The number of the text. */
static uint64_t text_number(struct page *page, const char *bytes)
{
	autofree char *escaped = text_escape(bytes);
	const char *own = escaped ? interned_add(&page->interned, escaped) : NULL;
	const struct text new_text = { .text = own, .number = page->texts.count };
	struct text *text = own ? table_get(&page->texts, &own) : NULL;

	if (text)
		return text->number;
	text = own ? table_add_copy(&page->texts, &new_text, sizeof(new_text)) : NULL;
	if (!text) {
		page->result = -ENOMEM;
		return 0;
	}
	fputs(text->number ? ",\n" : "", page->stream);
	print_json(page->stream, own);
	return text->number;
}

static int compare_places(const void *left, const void *right)
{
	const struct profile_place *a = *(const struct profile_place *const *)left;
	const struct profile_place *b = *(const struct profile_place *const *)right;

	return compare_u64(a->place_number, b->place_number);
}

/* Which places the samples have, by place_number, of n. NULL when out of memory. */
static bool *find_used(struct profile_sample **samples, size_t count, size_t n)
{
	bool *used = calloc(n + 1, sizeof(*used));

	for (size_t i = 0; used && i < count; i++)
		for (size_t at = 0; samples[i]->stack && at < samples[i]->stack->n_places; at++)
			used[samples[i]->stack->places[at]->place_number] = true;
	return used;
}

/* Of those that no sample has any more there is no text: what was cut is to be smaller. */
static void print_places(struct page *page, struct profile_place **places, size_t count,
			 const bool *used, FILE *rest)
{
	char where[512];

	if (count)
		qsort(places, count, sizeof(*places), compare_places);
	for (size_t i = 0; i < count; i++) {
		const struct profile_place *place = places[i];
		uint64_t label = used[i] ? text_number(page, place->label) : 0;

		if (!used[i]) {
			fputs(i ? ",[0,0]" : "[0,0]", rest);
			continue;
		}
		if (place->source)
			snprintf(where, sizeof(where), "%s:%u, %s", place->source, place->line,
				 place->file);
		else
			snprintf(where, sizeof(where), "%s", place->file);
		fprintf(rest, "%s[%" PRIu64 ",%" PRIu64 "]", i ? "," : "", label,
			text_number(page, where));
	}
}

static void print_samples(struct page *page, struct profile_sample **samples, size_t count,
			  FILE *rest)
{
	for (size_t i = 0; i < count; i++) {
		const struct profile_sample *sample = samples[i];
		const struct profile_stack *stack = sample->stack;

		fprintf(rest, "%s[%" PRIu64 ",[", i ? ",\n" : "",
			text_number(page, *sample->comm ? sample->comm : "[unknown]"));
		for (size_t at = stack ? stack->n_places : 0; at-- > 0;)
			fprintf(rest, "%zu%s", stack->places[at]->place_number, at ? "," : "");
		fprintf(rest, "],%" PRIu64 ",\"%s\",[", text_number(page, sample->mapping),
			kind_name((enum fault_kind)sample->kind));
		for (size_t weight = 0; weight < WEIGHT_COUNT; weight++)
			fprintf(rest, "%s%" PRIu64, weight ? "," : "", sample->weights[weight]);
		fputs(sample->is_sampled ? "],1]" : "]]", rest);
	}
}

static void print_weights(enum profile_weight weight, FILE *stream)
{
	fprintf(stream, "\"weight\":%u,\"weights\":[", weight);
	for (size_t i = 0; i < WEIGHT_COUNT; i++)
		fprintf(stream, "%s\"%s\"", i ? "," : "", profile_weight_words[i]);
	fputs("]", stream);
}

/* The data element. 0 or a negative errno. */
static int print_data(struct sink_profile *profile, enum profile_weight weight, FILE *stream)
{
	struct page page = { .stream = stream };
	autofree struct profile_place **places = NULL;
	autofree struct profile_sample **samples = NULL;
	autofree char *text = NULL;
	autofree bool *used = NULL;
	size_t n_places, n_samples, size;
	FILE *rest = open_memstream(&text, &size);
	int result = rest ? sink_profile_places(profile, &places, &n_places) : -ENOMEM;

	if (!result)
		result = sink_profile_samples(profile, weight, &samples, &n_samples);
	used = result ? NULL : find_used(samples, n_samples, n_places);
	if (!result && !used)
		result = -ENOMEM;
	if (result) {
		if (rest)
			fclose(rest);
		return result;
	}
	table_init(&page.texts, 0, sizeof(const char *));
	fputs("<script id=\"data\" type=\"application/json\">{\"texts\":[", stream);
	fputs("\"places\":[", rest);
	print_places(&page, places, n_places, used, rest);
	fputs("],\"samples\":[", rest);
	print_samples(&page, samples, n_samples, rest);
	fputs("],", rest);
	print_weights(weight, rest);
	if (fclose(rest) != 0)
		page.result = -ENOMEM;
	if (!page.result)
		fprintf(stream, "],%s}</script>\n", text);
	table_clear_values(&page.texts, free);
	interned_clear(&page.interned);
	return page.result;
}

int profile_flame_print(struct sink_profile *profile, enum profile_weight weight, FILE *stream)
{
	int result = sink_profile_name_places(profile);

	if (result < 0)
		return result;
	PUT(stream, flame_html);
	fputs("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
	      "script-src '" FLAME_SCRIPT_HASH "'; style-src '" FLAME_STYLE_HASH
	      "'; base-uri 'none'; form-action 'none'\">\n<style>",
	      stream);
	PUT(stream, flame_css);
	fputs("</style>\n", stream);
	PUT(stream, flame_body);
	result = print_data(profile, weight, stream);
	fputs("<script>", stream);
	PUT(stream, flame_js);
	fputs("</script>\n</body>\n</html>\n", stream);
	return result;
}
