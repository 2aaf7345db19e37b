/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The series of /metrics: cumulative, fed with the deltas of each snapshot and kept when their
 * processes are gone, so that none ever goes down. Rendering reads only what the last tick left:
 * its cost depends neither on the number of processes nor on that of clients.
 *
 * Bounded: a scrape never has more than max_series series, faultmap's own included. Series with
 * fixed labels are always there; groups, and the mappings with the most faults, share the rest (see
 * groups.h, top_mappings.h). Everything else counts as `other`, and the counts of series that have
 * ended are shown too: sums stay exact.
 */
#ifndef FAULTMAP_SINK_PROMETHEUS_H
#define FAULTMAP_SINK_PROMETHEUS_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "base/exposition_format.h"
#include "metrics/group_label.h"
#include "model/program_stats.h"
#include "model/sink.h"

/* What everything but groups may come to, with every kind of fault in every mode (the unit test
 * says so), and some groups. */
#define PROMETHEUS_LEAST_MAX_SERIES 1300

/* What faultmap knows of itself at a tick. */
struct self_figures {
	uint64_t tick_ns;                /* what the collector took for it */
	uint64_t rows_capacity;          /* of the kernel's table */
	uint64_t map_bytes;              /* of kernel memory; 0: not known */
	uint64_t stream_clients;         /* of /stream */
	uint64_t stream_clients_dropped; /* because they were too slow */
	uint64_t n_hooks;                /* that BPF programs are attached to */
	/* Their names must outlive the sink's last rendering. */
	struct program_stats programs[PROGRAMS_MAX];
	size_t n_programs;
};

struct sink_prometheus_options {
	enum group_by group_by;
	const char *pod_logs;    /* see pod_names_new(); NULL: the default */
	uint64_t top_mappings;   /* of each group; 0: no series of mappings */
	uint64_t max_series;     /* at least PROMETHEUS_LEAST_MAX_SERIES */
	struct timespec started; /* CLOCK_REALTIME: since when everything counts */
	/* Asked at each tick; NULL: all zero. */
	void (*get_self)(void *context, struct self_figures *ret_self);
	void *context;
};

struct sink_prometheus;
struct groups;

/* NULL: no memory. */
struct sink_prometheus *sink_prometheus_new(const struct sink_prometheus_options *options);
/* Names of files that not everybody may see are not shown (metrics/public_names.h). Before the
 * first tick. 0 or -ENOMEM. */
int sink_prometheus_hide_private(struct sink_prometheus *sink);
/* See groups_set_rules(). */
void sink_prometheus_set_rules(struct sink_prometheus *sink, struct group_rules *rules);
/* NULL is fine. */
void sink_prometheus_free(struct sink_prometheus *sink);

/* Counts the snapshot in. Always 0. */
int sink_prometheus_tick(struct sink_prometheus *sink, const struct snapshot *snapshot,
			 struct error *error);
extern const struct sink_ops sink_prometheus_ops;
/* Its groups, as the last tick left them. */
const struct groups *sink_prometheus_groups(const struct sink_prometheus *sink);
/* The exposition, allocated with malloc. reader: which Prometheus server asks (readers.h); 0:
 * somebody else, who sees what is. 0 or -ENOMEM. */
int sink_prometheus_render(struct sink_prometheus *sink, enum exposition format, uint64_t reader,
			   char **ret_text, size_t *ret_size);

#endif
