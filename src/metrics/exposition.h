/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Writes samples in Prometheus' text format 0.0.4 or as OpenMetrics 1.0.0, which differ in the
 * names of families, _created, # UNIT and # EOF. Escapes label values; knows nothing of faults.
 * https://prometheus.io/docs/specs/om/open_metrics_spec/
 */
#ifndef FAULTMAP_EXPOSITION_H
#define FAULTMAP_EXPOSITION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include "metrics/metrics.h"
#include "model/snapshot.h"

struct writer {
	FILE *stream; /* NULL: only counts */
	bool openmetrics;
	/* Who reads this has seen the ticks up to `seen`: counters that were born later are 0 in it,
	 * so that rate() has something to count from. */
	bool is_next;
	uint64_t seen;
	size_t n_series; /* sample lines so far; the _created of OpenMetrics is one */
};

/* Of a counter or histogram. */
struct birth {
	struct timespec created; /* since when it counts; tv_sec 0: no _created is sent */
	uint64_t tick;           /* that showed it first; 0: it was always there */
};

struct label {
	const char *name;
	const char *value; /* valid UTF-8 */
};
#define LABELS(...) ((const struct label[]){ __VA_ARGS__, {} })
#define NO_LABELS ((const struct label[]){ {} })

/* Before the samples of a family, which must follow without those of another between them. */
void exposition_family(struct writer *writer, enum metric metric);
/* A counter that the reader has not seen yet is 0: struct writer. */
void exposition_counter(struct writer *writer, enum metric metric, const struct label *labels,
			uint64_t value, struct birth birth);
/* The counter's unit is seconds. */
void exposition_counter_ns(struct writer *writer, enum metric metric, const struct label *labels,
			   uint64_t ns, struct birth birth);
/* The family of a counter of struct totals, which has a metric, and its sample. */
void exposition_total(struct writer *writer, const struct total *total, uint64_t value,
		      struct birth birth);
void exposition_gauge(struct writer *writer, enum metric metric, const struct label *labels,
		      uint64_t value);
void exposition_gauge_ns(struct writer *writer, enum metric metric, uint64_t ns);
void exposition_info(struct writer *writer, enum metric metric, const struct label *labels);

/* The buckets with the bounds first, first + step, ... of a struct latency_counts, and +Inf. */
struct bucket_choice {
	unsigned int first, step;
};
void exposition_histogram(struct writer *writer, enum metric metric, const struct label *labels,
			  const struct latency_counts *latency, struct bucket_choice choice,
			  struct birth birth);
void exposition_end(struct writer *writer);

#define LABEL_LEN 256
/*
 * A label value out of any bytes: text_escape() of them, and when that is too long, its beginning
 * and a hash of all of it behind "\#", which text_escape() never makes: different bytes, different
 * value.
 */
void label_text(char buffer[LABEL_LEN], const char *bytes);
/* A hash of a name, as label_text uses it. */
uint64_t label_hash(const char *bytes);

#endif
