// SPDX-License-Identifier: GPL-2.0-only
#include "metrics/exposition.h"

#include <inttypes.h>

#include "model/latency.h"
#include "base/text.h"

#define NS_PER_SECOND 1000000000

static const char *const type_names[] = {
	[METRIC_COUNTER] = "counter",
	[METRIC_GAUGE] = "gauge",
	[METRIC_HISTOGRAM] = "histogram",
	[METRIC_INFO] = "info",
};

/* The suffix of a sample's name behind its family's. */
static const char *suffix_of(enum metric_type type)
{
	if (type == METRIC_COUNTER)
		return "_total";
	return type == METRIC_INFO ? "_info" : "";
}

static void print_family(struct writer *writer, const struct metric_family *family)
{
	/* To the text format, a family is named as its samples are, and an info is a gauge of 1. */
	const char *suffix = writer->openmetrics ? "" : suffix_of(family->type);
	enum metric_type type = family->type == METRIC_INFO && !writer->openmetrics ? METRIC_GAUGE :
										      family->type;

	if (!writer->stream)
		return;
	fprintf(writer->stream, "# HELP %s%s %s\n# TYPE %s%s %s\n", family->name, suffix,
		family->help, family->name, suffix, type_names[type]);
	if (family->unit && writer->openmetrics)
		fprintf(writer->stream, "# UNIT %s %s\n", family->name, family->unit);
}

void exposition_family(struct writer *writer, enum metric metric)
{
	print_family(writer, &metrics[metric]);
}

static void print_value(FILE *stream, const char *value)
{
	for (; *value; value++) {
		if (*value == '\n') {
			fputs("\\n", stream);
			continue;
		}
		if (*value == '\\' || *value == '"')
			fputc('\\', stream);
		fputc(*value, stream);
	}
}

/* Everything of a sample but its value. False when there is nothing to write to. */
static bool begin_sample(struct writer *writer, const char *name, const char *suffix,
			 const struct label *labels, const char *bound)
{
	FILE *stream = writer->stream;
	char separator = '{';

	writer->n_series++;
	if (!stream)
		return false;
	fprintf(stream, "%s%s", name, suffix);
	for (; labels->name; labels++) {
		fprintf(stream, "%c%s=\"", separator, labels->name);
		print_value(stream, labels->value);
		fputc('"', stream);
		separator = ',';
	}
	if (bound)
		fprintf(stream, "%cle=\"%s\"", separator, bound);
	fputs(bound || separator == ',' ? "} " : " ", stream);
	return true;
}

static void print_number(struct writer *writer, const char *name, const char *suffix,
			 const struct label *labels, const char *bound, uint64_t value)
{
	if (begin_sample(writer, name, suffix, labels, bound))
		fprintf(writer->stream, "%" PRIu64 "\n", value);
}

static void print_seconds(struct writer *writer, const char *name, const char *suffix,
			  const struct label *labels, uint64_t ns)
{
	if (begin_sample(writer, name, suffix, labels, NULL))
		fprintf(writer->stream, "%" PRIu64 ".%09" PRIu64 "\n", ns / NS_PER_SECOND,
			ns % NS_PER_SECOND);
}

/* Is it one that the reader has not seen? */
static bool is_newborn(const struct writer *writer, struct birth birth)
{
	return writer->is_next && birth.tick > writer->seen;
}

static void print_created(struct writer *writer, const char *name, const struct label *labels,
			  struct timespec created)
{
	if (writer->openmetrics && created.tv_sec &&
	    begin_sample(writer, name, "_created", labels, NULL))
		fprintf(writer->stream, "%jd.%03u\n", (intmax_t)created.tv_sec,
			(unsigned int)(created.tv_nsec / 1000000));
}

void exposition_counter(struct writer *writer, enum metric metric, const struct label *labels,
			uint64_t value, struct birth birth)
{
	print_number(writer, metrics[metric].name, "_total", labels, NULL,
		     is_newborn(writer, birth) ? 0 : value);
	print_created(writer, metrics[metric].name, labels, birth.created);
}

void exposition_total(struct writer *writer, const struct total *total, uint64_t value,
		      struct birth birth)
{
	char name[64];

	snprintf(name, sizeof(name), "faultmap_%s", total->name);
	print_family(writer, &(struct metric_family){ name, METRIC_COUNTER, NULL, total->help });
	print_number(writer, name, "_total", NO_LABELS, NULL, value);
	print_created(writer, name, NO_LABELS, birth.created);
}

void exposition_counter_ns(struct writer *writer, enum metric metric, const struct label *labels,
			   uint64_t ns, struct birth birth)
{
	print_seconds(writer, metrics[metric].name, "_total", labels,
		      is_newborn(writer, birth) ? 0 : ns);
	print_created(writer, metrics[metric].name, labels, birth.created);
}

void exposition_gauge(struct writer *writer, enum metric metric, const struct label *labels,
		      uint64_t value)
{
	print_number(writer, metrics[metric].name, "", labels, NULL, value);
}

void exposition_gauge_ns(struct writer *writer, enum metric metric, uint64_t ns)
{
	print_seconds(writer, metrics[metric].name, "", NO_LABELS, ns);
}

void exposition_info(struct writer *writer, enum metric metric, const struct label *labels)
{
	print_number(writer, metrics[metric].name, "_info", labels, NULL, 1);
}

void exposition_histogram(struct writer *writer, enum metric metric, const struct label *labels,
			  const struct latency_counts *latency, struct bucket_choice choice,
			  struct birth birth)
{
	static const struct latency_counts none;
	uint64_t below = 0, count;

	if (is_newborn(writer, birth))
		latency = &none;
	count = latency->count;
	for (unsigned int i = 0, next = choice.first; i < LATENCY_BUCKETS; i++) {
		char bound[32];

		below += latency->buckets[i];
		if (i != next)
			continue;
		next += choice.step;
		/* 2^34 has 11 digits, so %.11g is the bound exactly, and its shortest form. No
		 * bound is a whole number of seconds, which OpenMetrics would want with ".0". */
		snprintf(bound, sizeof(bound), "%.11g", (double)latency_bound_ns(i) / 1e9);
		print_number(writer, metrics[metric].name, "_bucket", labels, bound, below);
	}
	/* The kernel side is read while it counts: a bucket may be ahead of the count by a moment,
	 * a histogram's buckets may not. */
	if (count < below)
		count = below;
	print_number(writer, metrics[metric].name, "_bucket", labels, "+Inf", count);
	print_seconds(writer, metrics[metric].name, "_sum", labels, latency->sum_ns);
	print_number(writer, metrics[metric].name, "_count", labels, NULL, count);
	print_created(writer, metrics[metric].name, labels, birth.created);
}

void exposition_end(struct writer *writer)
{
	if (writer->openmetrics && writer->stream)
		fputs("# EOF\n", writer->stream);
}

/* FNV-1a, 64 bits. */
uint64_t label_hash(const char *bytes)
{
	uint64_t hash = 0xcbf29ce484222325;

	for (; *bytes; bytes++)
		hash = (hash ^ (unsigned char)*bytes) * 0x100000001b3;
	return hash;
}

void label_text(char buffer[LABEL_LEN], const char *bytes)
{
	enum { HASH_LEN = sizeof("\\#0123456789abcdef") - 1 };
	char head[LABEL_LEN - HASH_LEN];

	if (text_escape_to(buffer, LABEL_LEN, bytes) < LABEL_LEN)
		return;
	text_escape_to(head, sizeof(head), bytes);
	snprintf(buffer, LABEL_LEN, "%s\\#%016" PRIx64, head, label_hash(bytes));
}
