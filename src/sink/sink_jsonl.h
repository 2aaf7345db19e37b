/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * JSON lines, schema version 1 (packaging/faultmap.schema.json): one object per line, `rec` says
 * which. The sink never waits for readers (outlet.h): what a slow one leaves no room for is summed up
 * (folds.h); lines that cannot be written are lost as a whole, counted, and reported as lines_lost by the next `meta`, `interval` or `run` line that is
 * written. The caller ignores SIGPIPE and SIGXFSZ, so that a closed pipe or a size limit is an
 * error here.
 */
#ifndef FAULTMAP_SINK_JSONL_H
#define FAULTMAP_SINK_JSONL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "sink/folds.h"
#include "sink/outlet.h"
#include "model/sink.h"
#include "sink/json_line.h"
#include "verdict/phases.h"
#include "verdict/recent_findings.h"

struct sink_jsonl;

/* What the `meta` line says beside host, kernel and versions. */
struct sink_jsonl_meta {
	const char *detail;
	const char *const *hooks;
	size_t n_hooks;
	uint64_t interval_ms;  /* 0: no fixed interval (`run`) */
	uint64_t slice_bytes;  /* --slice; 0: mappings are not split */
	uint64_t slices_max;   /* of one mapping */
	bool threads;          /* --threads */
	bool code;             /* --code */
	bool stacks;           /* --stacks */
	uint64_t sample_every; /* --stack-samples; 0: stacks are not copied */
};

/* The last line of `run --json`. */
struct sink_jsonl_run {
	const char *const *command; /* raw bytes, NULL-terminated */
	int wait_status;            /* as wait(2) gives it */
	uint64_t wall_ns;
	uint64_t processes;
	uint64_t minor_total;
	uint64_t major_total;
	const struct phase *phases; /* left out unless there was a mark */
	size_t n_phases;
};

/* The schema that every line is valid against, as JSON. Static. */
const char *sink_jsonl_schema(void);

/* target: as outlet_open takes it. 0 or a negative errno with the error set. */
int sink_jsonl_new(struct sink_jsonl **ret_sink, const char *target, enum outlet_open how,
		   struct error *error);
/*
 * For the readers of a feed, which is borrowed: each interval's `interval` line comes last, so that
 * a reader knows when it has all of it. 0 or -ENOMEM.
 */
int sink_jsonl_new_feed(struct sink_jsonl **ret_sink, struct feed *feed);
/* One more reader: begins as with a new file, with a meta line. 0 or a negative errno with the
 * error set. */
int sink_jsonl_restart(struct sink_jsonl *sink, struct error *error);
/* Each window's findings get a line. Borrowed; they take each snapshot before this sink does. */
void sink_jsonl_set_findings(struct sink_jsonl *sink, const struct recent_findings *findings);
/* NULL is fine. */
void sink_jsonl_free(struct sink_jsonl *sink);
/* As outlet_watch and outlet_drain, the latter with the error set, and with the sums that wait. */
void sink_jsonl_watch(struct sink_jsonl *sink, struct loop *loop);
int sink_jsonl_drain(struct sink_jsonl *sink, int timeout_ms, struct error *error);
/* As outlet_give(). */
void sink_jsonl_give(const struct sink_jsonl *sink, uid_t owner);
/* Opens a file again that was renamed, and begins with a meta line. 0, or a negative errno with the
 * error set: lines still go to the old file. */
int sink_jsonl_reopen(struct sink_jsonl *sink, struct error *error);
/* As outlet_set_limit(): each file begins with a meta line, and has whole intervals. */
void sink_jsonl_set_limit(struct sink_jsonl *sink, uint64_t max_bytes, uint64_t keep);
/* What has no line of its own from the next tick on; the meta line that follows says so. */
void sink_jsonl_set_folding(struct sink_jsonl *sink, const struct fold_options *options);
bool sink_jsonl_is_stdout(const struct sink_jsonl *sink);
/* Not standard output, a FIFO or a socket. */
bool sink_jsonl_is_file(const struct sink_jsonl *sink);
/* Lines, so far. */
uint64_t sink_jsonl_lost(const struct sink_jsonl *sink);
/* Lines that are in sums because their reader did not keep up. */
uint64_t sink_jsonl_folded(const struct sink_jsonl *sink);

/*
 * Each returns 0, or a negative errno with the error set when a line was lost (-EPIPE: the reader
 * went away; -EAGAIN: it does not keep up); the sink stays usable and tries again with the next
 * call.
 *
 * The meta line is written at once; while that fails it goes before the next lines, and it begins
 * each file and connection.
 */
int sink_jsonl_meta(struct sink_jsonl *sink, const struct sink_jsonl_meta *meta,
		    struct error *error);
/* interval, faults, process, exit, other and exits lines; nothing for tick 0. */
int sink_jsonl_tick(struct sink_jsonl *sink, const struct snapshot *snapshot, struct error *error);
extern const struct sink_ops sink_jsonl_ops;
int sink_jsonl_run(struct sink_jsonl *sink, const struct sink_jsonl_run *run, struct error *error);

/*
 * A record that is made elsewhere (verdict_lines.h): begin, put its members, end. The line stays
 * the sink's. As above.
 */
struct json_line *sink_jsonl_begin(struct sink_jsonl *sink, const char *rec);
int sink_jsonl_end(struct sink_jsonl *sink, struct error *error);

#endif
