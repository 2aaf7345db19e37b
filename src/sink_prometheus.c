// SPDX-License-Identifier: GPL-2.0-only
#include "sink_prometheus.h"

#include <errno.h>
#include <inttypes.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "latency.h"
#include "losses.h"
#include "text.h"
#include "util.h"
#include "version.h"

enum severity { SEVERITY_MINOR, SEVERITY_MAJOR, SEVERITY_DENIED, SEVERITY_COUNT };

static const char *const severity_names[SEVERITY_COUNT] = { "minor", "major", "denied" };

/* One series of faultmap_mapping_faults_total. kind to mapping are the key. */
struct series {
	enum fault_kind kind;
	enum severity severity;
	const char *comm;    /* raw bytes, as the kernel has them */
	const char *mapping; /* likewise */
	uint64_t faults;
	char *labels; /* escaped, ready to print */
	char text[];  /* what comm and mapping point to */
};

struct sink_prometheus {
	uint64_t max_series;
	size_t n_series;
	size_t capacity;
	struct series **series; /* in the order of their birth, so that a scrape compresses well */
	void *index;            /* tsearch(3) tree over them */
	uint64_t other[KIND_COUNT][SEVERITY_COUNT];

	uint64_t faults[KIND_COUNT][SEVERITY_COUNT][ACCESS_COUNT][MODE_COUNT];
	struct latency_counts latency[KIND_COUNT];
	uint64_t accounted_minor, accounted_major;
	struct totals totals;
	uint64_t n_processes, n_rows;
	uint64_t ticks, tick_ns, scrapes;
	uint64_t resident_bytes;
};

static int compare_series(const void *left, const void *right)
{
	const struct series *a = left, *b = right;
	int order = (int)a->kind - (int)b->kind;

	if (!order)
		order = (int)a->severity - (int)b->severity;
	if (!order)
		order = strcmp(a->comm, b->comm);
	return order ? order : strcmp(a->mapping, b->mapping);
}

static void keep_node(void *series)
{
	(void)series; /* the array owns it */
}

struct sink_prometheus *sink_prometheus_new(uint64_t max_series)
{
	struct sink_prometheus *sink = calloc(1, sizeof(*sink));

	if (sink)
		sink->max_series = max_series;
	return sink;
}

void sink_prometheus_free(struct sink_prometheus *sink)
{
	if (!sink)
		return;
	tdestroy(sink->index, keep_node);
	for (size_t i = 0; i < sink->n_series; i++) {
		free(sink->series[i]->labels);
		free(sink->series[i]);
	}
	free(sink->series);
	free(sink);
}

/* Writes a label value: valid UTF-8 first, then what the text format wants escaped. */
static void print_value(FILE *stream, const char *bytes)
{
	autofree char *text = text_escape(bytes);

	for (const char *next = text ? text : "?"; *next; next++) {
		if (*next == '\n') {
			fputs("\\n", stream);
			continue;
		}
		if (*next == '\\' || *next == '"')
			fputc('\\', stream);
		fputc(*next, stream);
	}
}

/* The labels as they stand in the exposition: made once, printed on each scrape. */
static char *labels_of(const struct series *series)
{
	char *labels = NULL;
	size_t size;
	FILE *stream = open_memstream(&labels, &size);

	if (!stream)
		return NULL;
	fputs("comm=\"", stream);
	print_value(stream, series->comm);
	fputs("\",mapping=\"", stream);
	print_value(stream, series->mapping);
	fprintf(stream, "\",kind=\"%s\",severity=\"%s\"", kind_name(series->kind),
		severity_names[series->severity]);
	if (fclose(stream)) {
		free(labels);
		return NULL;
	}
	return labels;
}

static struct series *series_new(const struct series *key)
{
	size_t comm_size = strlen(key->comm) + 1;
	size_t mapping_size = strlen(key->mapping) + 1;
	struct series *series = malloc(sizeof(*series) + comm_size + mapping_size);

	if (!series)
		return NULL;
	*series = *key;
	series->comm = memcpy(series->text, key->comm, comm_size);
	series->mapping = memcpy(series->text + comm_size, key->mapping, mapping_size);
	series->labels = labels_of(series);
	if (!series->labels) {
		free(series);
		return NULL;
	}
	return series;
}

static int reserve(struct sink_prometheus *sink)
{
	size_t wanted = sink->capacity ? sink->capacity * 2 : 64;
	struct series **grown;

	if (sink->n_series < sink->capacity)
		return 0;
	grown = realloc(sink->series, wanted * sizeof(struct series *));
	if (!grown)
		return -ENOMEM;
	sink->series = grown;
	sink->capacity = wanted;
	return 0;
}

/* The counter for these labels; that of `other` when the limit, or memory, is reached. */
static uint64_t *counter_for(struct sink_prometheus *sink, const struct series *key)
{
	uint64_t *other = &sink->other[key->kind][key->severity];
	struct series **found = tfind(key, &sink->index, compare_series);
	struct series *series;

	if (found)
		return &(*found)->faults;
	/* A program that happens to be called "other", in a mapping "other", shares that series: the
	 * same labels twice would make the whole scrape invalid. */
	if (!strcmp(key->comm, "other") && !strcmp(key->mapping, "other"))
		return other;
	if (sink->n_series >= sink->max_series || reserve(sink) < 0)
		return other;
	series = series_new(key);
	if (!series)
		return other;
	if (!tsearch(series, &sink->index, compare_series)) {
		free(series->labels);
		free(series);
		return other;
	}
	sink->series[sink->n_series++] = series;
	return &series->faults;
}

static void count_row(struct sink_prometheus *sink, const struct row *row, enum severity severity,
		      uint64_t faults)
{
	enum fault_kind kind = row->kind < KIND_COUNT ? row->kind : KIND_UNKNOWN;
	enum fault_access access = row->access < ACCESS_COUNT ? row->access : ACCESS_UNKNOWN;
	enum fault_mode mode = row->mode < MODE_COUNT ? row->mode : MODE_USER;
	struct series key = {
		.kind = kind,
		.severity = severity,
		.comm = row->process->comm,
		.mapping = row->mapping,
	};

	if (!faults)
		return;
	sink->faults[kind][severity][access][mode] += faults;
	*counter_for(sink, &key) += faults;
}

static void count_latency(struct sink_prometheus *sink, const struct row *row)
{
	struct latency_counts delta = latency_delta(row);

	latency_add(&sink->latency[row->kind < KIND_COUNT ? row->kind : KIND_UNKNOWN], &delta);
}

/* statm's second field; the last value stays where it cannot be read. */
static void read_resident(struct sink_prometheus *sink)
{
	autofclose FILE *statm = fopen("/proc/self/statm", "re");
	uint64_t pages;

	if (statm && fscanf(statm, "%*u %" SCNu64, &pages) == 1)
		sink->resident_bytes = pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

void sink_prometheus_tick(struct sink_prometheus *sink, const struct snapshot *snapshot,
			  uint64_t tick_ns)
{
	sink->n_processes = 0;
	for (size_t i = 0; i < snapshot->n_touched; i++) {
		const struct row *row = snapshot->rows[i];
		struct fault_counts delta = row_delta(row);

		count_row(sink, row, SEVERITY_MINOR, delta.minor);
		count_row(sink, row, SEVERITY_MAJOR, delta.major);
		count_row(sink, row, SEVERITY_DENIED, delta.denied);
		if (latency_moved(row))
			count_latency(sink, row);
	}
	for (size_t i = 0; i < snapshot->n_processes; i++) {
		const struct process *process = snapshot->processes[i];

		sink->accounted_minor += process->minor - process->minor_before;
		sink->accounted_major += process->major - process->major_before;
		sink->n_processes += !process->ended && !losses_is_other(process);
	}
	sink->totals = snapshot->totals;
	sink->n_rows = snapshot->n_rows;
	sink->ticks++;
	sink->tick_ns = tick_ns;
	read_resident(sink);
}

static void print_head(FILE *stream, const char *name, const char *type, const char *help)
{
	fprintf(stream, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void print_single(FILE *stream, const char *name, const char *type, const char *help,
			 uint64_t value)
{
	print_head(stream, name, type, help);
	fprintf(stream, "%s %" PRIu64 "\n", name, value);
}

static void print_faults(FILE *stream, const struct sink_prometheus *sink, enum fault_kind kind,
			 enum severity severity)
{
	for (int access = 0; access < ACCESS_COUNT; access++) {
		for (int mode = 0; mode < MODE_COUNT; mode++) {
			uint64_t faults = sink->faults[kind][severity][access][mode];

			if (faults)
				fprintf(stream,
					"faultmap_faults_total{kind=\"%s\",severity=\"%s\","
					"access=\"%s\",mode=\"%s\"} %" PRIu64 "\n",
					kind_name(kind), severity_names[severity],
					access_name(access), mode_name(mode), faults);
		}
	}
}

static void print_all_faults(FILE *stream, const struct sink_prometheus *sink)
{
	print_head(stream, "faultmap_faults_total", "counter",
		   "Page faults by kind, severity, access and mode.");
	for (int kind = 0; kind < KIND_COUNT; kind++)
		for (int severity = 0; severity < SEVERITY_COUNT; severity++)
			print_faults(stream, sink, kind, severity);
}

static void print_mapping_faults(FILE *stream, const struct sink_prometheus *sink)
{
	print_head(
		stream, "faultmap_mapping_faults_total", "counter",
		"Page faults by program and mapping; beyond the series limit in comm and mapping "
		"other.");
	for (size_t i = 0; i < sink->n_series; i++)
		fprintf(stream, "faultmap_mapping_faults_total{%s} %" PRIu64 "\n",
			sink->series[i]->labels, sink->series[i]->faults);
	for (int kind = 0; kind < KIND_COUNT; kind++)
		for (int severity = 0; severity < SEVERITY_COUNT; severity++)
			if (sink->other[kind][severity])
				fprintf(stream,
					"faultmap_mapping_faults_total{comm=\"other\","
					"mapping=\"other\",kind=\"%s\",severity=\"%s\"} %" PRIu64
					"\n",
					kind_name(kind), severity_names[severity],
					sink->other[kind][severity]);
}

static void print_latency(FILE *stream, const char *kind, const struct latency_counts *latency)
{
	const char *name = "faultmap_fault_latency_seconds";
	uint64_t below = 0, count = latency->count;

	for (unsigned int i = 0; i < LATENCY_BUCKETS; i++) {
		below += latency->buckets[i];
		/* 2^34 has 11 digits, so %.11g is the bound exactly, and its shortest form. */
		fprintf(stream, "%s_bucket{kind=\"%s\",le=\"%.11g\"} %" PRIu64 "\n", name, kind,
			(double)latency_bound_ns(i) / 1e9, below);
	}
	/* The kernel side is read while it counts: a bucket may be ahead of the count by a moment,
	 * a histogram's buckets may not. */
	if (count < below)
		count = below;
	fprintf(stream,
		"%s_bucket{kind=\"%s\",le=\"+Inf\"} %" PRIu64 "\n"
		"%s_sum{kind=\"%s\"} %" PRIu64 ".%09" PRIu64 "\n"
		"%s_count{kind=\"%s\"} %" PRIu64 "\n",
		name, kind, count, name, kind, latency->sum_ns / 1000000000,
		latency->sum_ns % 1000000000, name, kind, count);
}

static void print_all_latency(FILE *stream, const struct sink_prometheus *sink)
{
	print_head(stream, "faultmap_fault_latency_seconds", "histogram",
		   "How long page faults stalled, of those that were timed.");
	for (int kind = 0; kind < KIND_COUNT; kind++)
		if (sink->latency[kind].count)
			print_latency(stream, kind_name(kind), &sink->latency[kind]);
}

/* Absent where it is not counted: a zero would say that no fault was. */
static void print_perf(FILE *stream, const struct totals *totals)
{
	if (!totals->has_perf_major)
		return;
	print_head(stream, "faultmap_perf_faults_total", "counter",
		   "Completed page faults by the kernel's own perf software events.");
	fprintf(stream, "faultmap_perf_faults_total{severity=\"major\"} %" PRIu64 "\n",
		totals->perf_major);
	if (!totals->has_perf_minor)
		return;
	fprintf(stream, "faultmap_perf_faults_total{severity=\"minor\"} %" PRIu64 "\n",
		totals->perf_minor);
	print_single(stream, "faultmap_missed_total", "counter",
		     "Faults that perf events counted and no row has.", totals->missed);
}

static void print_totals(FILE *stream, const struct sink_prometheus *sink)
{
	const struct totals *totals = &sink->totals;

	print_head(stream, "faultmap_process_faults_accounted_total", "counter",
		   "Page faults of all processes as the kernel itself accounts them.");
	fprintf(stream,
		"faultmap_process_faults_accounted_total{severity=\"minor\"} %" PRIu64 "\n"
		"faultmap_process_faults_accounted_total{severity=\"major\"} %" PRIu64 "\n",
		sink->accounted_minor, sink->accounted_major);
	print_single(stream, "faultmap_entries_total", "counter",
		     "Page-fault exceptions for user addresses.", totals->entries);
	print_single(stream, "faultmap_aborted_total", "counter",
		     "Faults that entered the handler and left without a result.", totals->aborted);
	print_single(stream, "faultmap_gup_total", "counter",
		     "Faults that the kernel took itself, without an exception.", totals->gup);
	print_single(stream, "faultmap_lost_completions_total", "counter",
		     "Faults whose completion no program saw: counted, without latency.",
		     totals->lost_completions);
	print_single(stream, "faultmap_map_full_total", "counter",
		     "Faults counted without their mapping because a kernel map was full.",
		     totals->map_full);
	print_single(stream, "faultmap_unresolved_total", "counter",
		     "Faults whose mapping could not be found.", totals->unresolved);
	print_single(stream, "faultmap_names_lost_total", "counter",
		     "Mappings whose name did not reach user space.", totals->names_lost);
	print_single(stream, "faultmap_exits_lost_total", "counter",
		     "Processes whose exit record did not reach user space.", totals->exits_lost);
	print_single(stream, "faultmap_stamps_lost_total", "counter",
		     "Faults counted as minor at entry: no memory to remember them.",
		     totals->stamps_lost);
	print_perf(stream, totals);
	print_single(stream, "faultmap_in_flight", "gauge",
		     "Entries without an end yet when the counters were read.",
		     losses_in_flight(totals));
}

static void print_self(FILE *stream, const struct sink_prometheus *sink)
{
	print_head(stream, "faultmap_build_info", "gauge", "1, with the version as label.");
	fprintf(stream, "faultmap_build_info{version=\"%s\"} 1\n", FAULTMAP_VERSION);
	print_single(stream, "faultmap_processes", "gauge", "Live processes known.",
		     sink->n_processes);
	print_single(stream, "faultmap_rows", "gauge",
		     "Rows of process, mapping, kind, access and mode at the last tick.",
		     sink->n_rows);
	print_single(stream, "faultmap_series", "gauge",
		     "Series of faultmap_mapping_faults_total in use.", sink->n_series);
	print_single(stream, "faultmap_series_limit", "gauge",
		     "Series of faultmap_mapping_faults_total before other takes the rest.",
		     sink->max_series);
	print_single(stream, "faultmap_ticks_total", "counter",
		     "Readings of the kernel's counters.", sink->ticks);
	print_head(stream, "faultmap_tick_duration_seconds", "gauge",
		   "How long the last reading took.");
	fprintf(stream, "faultmap_tick_duration_seconds %.9f\n", (double)sink->tick_ns / 1e9);
	print_single(stream, "faultmap_scrapes_total", "counter",
		     "Expositions made, this one included.", sink->scrapes);
	print_single(stream, "faultmap_resident_memory_bytes", "gauge",
		     "Resident memory of faultmap at the last tick.", sink->resident_bytes);
}

int sink_prometheus_render(struct sink_prometheus *sink, char **ret_text, size_t *ret_size)
{
	char *text = NULL;
	size_t size;
	FILE *stream = open_memstream(&text, &size);

	if (!stream)
		return -ENOMEM;
	sink->scrapes++;
	print_all_faults(stream, sink);
	print_mapping_faults(stream, sink);
	print_all_latency(stream, sink);
	print_totals(stream, sink);
	print_self(stream, sink);
	if (ferror(stream) | fclose(stream)) {
		free(text);
		return -ENOMEM;
	}
	*ret_text = text;
	*ret_size = size;
	return 0;
}
