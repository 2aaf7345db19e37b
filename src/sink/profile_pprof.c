// SPDX-License-Identifier: GPL-2.0-only
#include "sink/profile_output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/interned.h"
#include "base/table.h"
#include "base/text.h"
#include "base/util.h"
#include "profile.pb-c.h"

enum { TYPE_FAULTS, TYPE_PAGES, TYPE_BYTES, TYPE_STALL, TYPE_COUNT };
enum { LABEL_KIND, LABEL_MAPPING, LABEL_COMM, LABEL_PID, LABEL_CALLERS, LABEL_COUNT };

/* A text and where it is in string_table. */
struct text {
	const char *text; /* first: the key; one of the interned */
	int64_t number;
};

/* All that goes into a sample, in one piece of memory. */
struct sample_parts {
	Faultmap__Pprof__Sample sample;
	Faultmap__Pprof__Label labels[LABEL_COUNT];
	Faultmap__Pprof__Label *label_list[LABEL_COUNT];
	int64_t values[TYPE_COUNT];
	uint64_t locations[KERNEL_FRAMES_MAX + FRAMES_MAX];
};

struct location_parts {
	Faultmap__Pprof__Location location;
	Faultmap__Pprof__Line line;
	Faultmap__Pprof__Line *line_list[1];
};

/* A profile in the making: what it points to, in lists. */
struct pprof {
	Faultmap__Pprof__Profile profile;
	Faultmap__Pprof__ValueType types[TYPE_COUNT], period;
	Faultmap__Pprof__ValueType *type_list[TYPE_COUNT];
	struct interned interned;
	struct table texts;
	char **strings;
	size_t n_strings, strings_capacity;
	struct table mappings; /* of struct mapping, by file */
	Faultmap__Pprof__Mapping **mapping_list;
	Faultmap__Pprof__Function **functions;
	Faultmap__Pprof__Location **locations;
	Faultmap__Pprof__Sample **samples;
	size_t n_functions, n_locations, n_samples;
	uint64_t *function_ids, *location_ids; /* by number and place_number; 0: none yet */
	bool is_short;                         /* of memory */
};

struct mapping {
	const char *file; /* first: the key; the profile's */
	Faultmap__Pprof__Mapping mapping;
};

/* The number of the text in string_table; 0, the empty one's, when out of memory. */
static int64_t text_number(struct pprof *pprof, const char *bytes)
{
	autofree char *escaped = text_escape(bytes);
	const char *own = escaped ? interned_add(&pprof->interned, escaped) : NULL;
	struct text *text = own ? table_get(&pprof->texts, &own) : NULL, new_text;

	if (text)
		return text->number;
	if (pprof->n_strings == pprof->strings_capacity) {
		size_t capacity = pprof->strings_capacity * 2 + 64;
		char **grown = realloc(pprof->strings, capacity * sizeof(*grown));

		if (!grown)
			own = NULL;
		else
			pprof->strings = grown;
		pprof->strings_capacity = grown ? capacity : pprof->strings_capacity;
	}
	new_text = (struct text){ .text = own, .number = (int64_t)pprof->n_strings };
	text = own ? table_add_copy(&pprof->texts, &new_text, sizeof(new_text)) : NULL;
	if (!text) {
		pprof->is_short = true;
		return 0;
	}
	pprof->strings[pprof->n_strings++] = (char *)own; /* protobuf-c only reads it */
	return text->number;
}

static void set_types(struct pprof *pprof, enum profile_weight weight)
{
	static const char *const names[TYPE_COUNT][2] = {
		[TYPE_FAULTS] = { "faults", "count" },
		[TYPE_PAGES] = { "pages", "count" },
		[TYPE_BYTES] = { "bytes", "bytes" },
		[TYPE_STALL] = { "stall", "nanoseconds" },
	};
	static const unsigned int defaults[WEIGHT_COUNT] = { [WEIGHT_FAULTS] = TYPE_FAULTS,
							     [WEIGHT_PAGES] = TYPE_PAGES,
							     [WEIGHT_MAJOR] = TYPE_FAULTS,
							     [WEIGHT_STALL] = TYPE_STALL };

	for (size_t i = 0; i < TYPE_COUNT; i++) {
		faultmap__pprof__value_type__init(&pprof->types[i]);
		pprof->types[i].type = text_number(pprof, names[i][0]);
		pprof->types[i].unit = text_number(pprof, names[i][1]);
		pprof->type_list[i] = &pprof->types[i];
	}
	pprof->profile.sample_type = pprof->type_list;
	pprof->profile.n_sample_type = TYPE_COUNT;
	pprof->profile.default_sample_type = pprof->types[defaults[weight]].type;
	pprof->period = pprof->types[TYPE_FAULTS];
	pprof->profile.period_type = &pprof->period;
	pprof->profile.period = 1; /* each fault is in it */
}

static uint64_t mapping_id(struct pprof *pprof, const char *file, const char *build_id)
{
	struct mapping *mapping = table_get(&pprof->mappings, &file);

	if (mapping)
		return mapping->mapping.id;
	mapping = calloc(1, sizeof(*mapping));
	if (!mapping) {
		pprof->is_short = true;
		return 0;
	}
	mapping->file = file;
	faultmap__pprof__mapping__init(&mapping->mapping);
	mapping->mapping.id = pprof->mappings.count + 1;
	mapping->mapping.filename = text_number(pprof, file);
	mapping->mapping.build_id = build_id ? (int64_t)text_number(pprof, build_id) : 0;
	mapping->mapping.has_functions = true;
	mapping->mapping.has_filenames = true;
	mapping->mapping.has_line_numbers = true;
	pprof->mapping_list[mapping->mapping.id - 1] = &mapping->mapping;
	if (!table_add(&pprof->mappings, mapping))
		return mapping->mapping.id;
	free(mapping);
	pprof->is_short = true;
	return 0;
}

/* A function for each label; the place is one with it. 0 when out of memory. */
static uint64_t function_id(struct pprof *pprof, const struct profile_place *place)
{
	uint64_t *id = &pprof->function_ids[place->number];
	Faultmap__Pprof__Function *function = *id ? NULL : malloc(sizeof(*function));

	if (*id)
		return *id;
	if (!function) {
		pprof->is_short = true;
		return 0;
	}
	faultmap__pprof__function__init(function);
	function->name = function->system_name = text_number(pprof, place->label);
	function->filename = text_number(pprof, place->source ? place->source : place->file);
	pprof->functions[pprof->n_functions++] = function;
	return *id = function->id = pprof->n_functions;
}

/* Only what a sample has is in the profile: one that was cut is to be smaller. 0 when out of memory. */
static uint64_t location_id(struct pprof *pprof, const struct profile_place *place)
{
	uint64_t *id = &pprof->location_ids[place->place_number];
	struct location_parts *parts = *id ? NULL : calloc(1, sizeof(*parts));

	if (*id)
		return *id;
	if (!parts) {
		pprof->is_short = true;
		return 0;
	}
	faultmap__pprof__location__init(&parts->location);
	faultmap__pprof__line__init(&parts->line);
	parts->location.mapping_id = mapping_id(pprof, place->file, place->build_id);
	parts->location.address = place->offset;
	parts->line.function_id = function_id(pprof, place);
	parts->line.line = place->line;
	parts->line_list[0] = &parts->line;
	parts->location.line = parts->line_list;
	parts->location.n_line = 1;
	pprof->locations[pprof->n_locations++] = &parts->location;
	return *id = parts->location.id = pprof->n_locations;
}

static void set_labels(struct pprof *pprof, struct sample_parts *parts,
		       const struct profile_sample *sample)
{
	static const char *const names[LABEL_COUNT] = { "kind", "mapping", "comm", "pid",
							"callers" };
	const char *texts[LABEL_COUNT] = { kind_name((enum fault_kind)sample->kind),
					   sample->mapping, sample->comm, NULL, "sampled" };
	size_t count = sample->is_sampled ? LABEL_COUNT : LABEL_CALLERS;

	for (size_t i = 0; i < count; i++) {
		faultmap__pprof__label__init(&parts->labels[i]);
		parts->labels[i].key = text_number(pprof, names[i]);
		if (texts[i])
			parts->labels[i].str = text_number(pprof, texts[i]);
		else
			parts->labels[i].num = sample->tgid;
		parts->label_list[i] = &parts->labels[i];
	}
	parts->sample.label = parts->label_list;
	parts->sample.n_label = count;
}

static void add_sample(struct pprof *pprof, const struct profile_sample *sample, uint64_t page_size)
{
	struct sample_parts *parts = calloc(1, sizeof(*parts));
	const struct profile_stack *stack = sample->stack;

	if (!parts) {
		pprof->is_short = true;
		return;
	}
	faultmap__pprof__sample__init(&parts->sample);
	parts->values[TYPE_FAULTS] = (int64_t)sample->weights[WEIGHT_FAULTS];
	parts->values[TYPE_PAGES] = (int64_t)sample->weights[WEIGHT_PAGES];
	parts->values[TYPE_BYTES] = (int64_t)(sample->weights[WEIGHT_PAGES] * page_size);
	parts->values[TYPE_STALL] = (int64_t)sample->weights[WEIGHT_STALL];
	parts->sample.value = parts->values;
	parts->sample.n_value = TYPE_COUNT;
	for (size_t i = 0; stack && i < stack->n_places && i < ARRAY_SIZE(parts->locations); i++)
		parts->locations[parts->sample.n_location_id++] = location_id(pprof,
									      stack->places[i]);
	parts->sample.location_id = parts->locations;
	set_labels(pprof, parts, sample);
	pprof->samples[pprof->n_samples++] = &parts->sample;
}

/* 0 or -ENOMEM. */
static int fill(struct pprof *pprof, struct sink_profile *profile, uint64_t page_size)
{
	autofree struct profile_place **places = NULL;
	autofree struct profile_sample **samples = NULL;
	int n_functions = sink_profile_name_places(profile);
	size_t n_places, n_samples;

	if (n_functions < 0 || sink_profile_places(profile, &places, &n_places) < 0 ||
	    sink_profile_samples(profile, WEIGHT_FAULTS, &samples, &n_samples) < 0)
		return -ENOMEM;
	pprof->functions = calloc((size_t)n_functions + 1, sizeof(*pprof->functions));
	pprof->locations = calloc(n_places + 1, sizeof(*pprof->locations));
	pprof->function_ids = calloc((size_t)n_functions + 1, sizeof(*pprof->function_ids));
	pprof->location_ids = calloc(n_places + 1, sizeof(*pprof->location_ids));
	pprof->mapping_list = calloc(n_places + 1, sizeof(*pprof->mapping_list));
	pprof->samples = calloc(n_samples + 1, sizeof(*pprof->samples));
	if (!pprof->functions || !pprof->locations || !pprof->function_ids ||
	    !pprof->location_ids || !pprof->mapping_list || !pprof->samples)
		return -ENOMEM;
	for (size_t i = 0; i < n_samples && !pprof->is_short; i++)
		add_sample(pprof, samples[i], page_size);
	return pprof->is_short ? -ENOMEM : 0;
}

/* In one piece: a profile of 200,000 samples is some 20 MiB. */
static int write_gzipped(const Faultmap__Pprof__Profile *profile, size_t bytes_max, FILE *stream)
{
	size_t size = faultmap__pprof__profile__get_packed_size(profile);
	z_stream zip = {};
	autofree uint8_t *plain = NULL, *zipped = NULL;

	if (bytes_max && size > bytes_max)
		return -E2BIG;
	plain = malloc(size ? size : 1);
	if (!plain)
		return -ENOMEM;
	faultmap__pprof__profile__pack(profile, plain);
	if (deflateInit2(&zip, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) !=
	    Z_OK)
		return -ENOMEM;
	zip.avail_out = (uInt)deflateBound(&zip, size);
	zipped = malloc(zip.avail_out);
	if (!zipped) {
		deflateEnd(&zip);
		return -ENOMEM;
	}
	zip.next_in = plain;
	zip.avail_in = (uInt)size;
	zip.next_out = zipped;
	if (deflate(&zip, Z_FINISH) != Z_STREAM_END) {
		deflateEnd(&zip);
		return -EIO;
	}
	fwrite(zipped, 1, zip.total_out, stream);
	deflateEnd(&zip);
	return 0;
}

static void clear(struct pprof *pprof)
{
	for (size_t i = 0; pprof->samples && i < pprof->n_samples; i++)
		free(pprof->samples[i]); /* the first member of its parts */
	for (size_t i = 0; pprof->locations && i < pprof->n_locations; i++)
		free(pprof->locations[i]);
	for (size_t i = 0; pprof->functions && i < pprof->n_functions; i++)
		free(pprof->functions[i]);
	free(pprof->samples);
	free(pprof->locations);
	free(pprof->functions);
	free(pprof->function_ids);
	free(pprof->location_ids);
	free(pprof->mapping_list);
	free(pprof->strings);
	table_clear_values(&pprof->mappings, free);
	table_clear_values(&pprof->texts, free);
	interned_clear(&pprof->interned);
}

int profile_pprof_write(struct sink_profile *profile, enum profile_weight weight,
			uint64_t page_size, size_t bytes_max, FILE *stream)
{
	struct pprof pprof = {};
	struct timespec end = sink_profile_end(profile);
	uint64_t duration_ns = sink_profile_duration_ns(profile);
	int result;

	faultmap__pprof__profile__init(&pprof.profile);
	table_init(&pprof.texts, 0, sizeof(const char *));
	table_init(&pprof.mappings, 0, sizeof(const char *));
	text_number(&pprof, "");
	set_types(&pprof, weight);
	result = fill(&pprof, profile, page_size);
	pprof.profile.sample = pprof.samples;
	pprof.profile.n_sample = pprof.n_samples;
	pprof.profile.location = pprof.locations;
	pprof.profile.n_location = pprof.n_locations;
	pprof.profile.function = pprof.functions;
	pprof.profile.n_function = pprof.n_functions;
	pprof.profile.mapping = pprof.mapping_list;
	pprof.profile.n_mapping = pprof.mappings.count;
	pprof.profile.string_table = pprof.strings;
	pprof.profile.n_string_table = pprof.n_strings;
	pprof.profile.time_nanos =
		(int64_t)(end.tv_sec * 1000000000LL + end.tv_nsec - (int64_t)duration_ns);
	pprof.profile.duration_nanos = (int64_t)duration_ns;
	if (!result)
		result = write_gzipped(&pprof.profile, bytes_max, stream);
	clear(&pprof);
	return result;
}
