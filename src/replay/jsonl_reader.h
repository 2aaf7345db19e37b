/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Turns JSON lines back into the snapshots that they were written from, interval by interval, for
 * the sinks: the log takes the place of the collector. The counts of lost lines are taken from the
 * running totals of later ones. A line that is not ours is reported and skipped. Memory is bounded,
 * whatever the lines say: rows and processes beyond a maximum are summed up, names are cut, and
 * both counted.
 */
#ifndef FAULTMAP_JSONL_READER_H
#define FAULTMAP_JSONL_READER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "model/snapshot.h"

struct jsonl_reader;

/* With each interval, sealed. 0 or a negative errno with the error set, which ends the reading. */
typedef int (*log_interval_fn)(void *context, const struct snapshot *snapshot, struct error *error);
/* The `run` line: the command as raw bytes, NULL-terminated, valid during the call. */
typedef int (*log_run_fn)(void *context, const char *const *command, int wait_status,
			  uint64_t wall_ns, struct error *error);
/* A `mark` line, after the interval before it was handed out: the phase begins, raw bytes, valid during
 * the call. As above. */
typedef int (*log_mark_fn)(void *context, const char *phase, struct error *error);
/* What is wrong with a line. line 0: with the file as a whole. */
typedef void (*log_complaint_fn)(void *context, const char *path, uint64_t line, const char *why);

struct jsonl_reader_options {
	int64_t from_ms, to_ms; /* since 1970: intervals that ended from then on, and before then */
	/* Of compressed logs, of which it can be passed over, the same as from_ms; 0: nothing. */
	int64_t skip_before_ms;
	log_interval_fn on_interval;
	log_run_fn on_run;   /* NULL: `run` lines are ignored */
	log_mark_fn on_mark; /* NULL: `mark` lines are ignored */
	log_complaint_fn on_complaint;
	void *context;
};

/* Of all that was read. */
struct jsonl_reader_info {
	char host[256]; /* escaped; as the last meta line has it */
	char kernel[256];
	char detail[16];
	uint64_t page_size;
	uint64_t n_intervals;
	uint64_t duration_ns; /* of these intervals */
	struct timespec first, last;
	uint64_t lines_lost;
	uint64_t n_folded;  /* lines without room for their process or row: in "[other]" */
	uint64_t names_cut; /* to keep within the budget of model/strings.h */
};

/* NULL when out of memory. Copies the options. */
struct jsonl_reader *jsonl_reader_new(const struct jsonl_reader_options *options);
void jsonl_reader_free(struct jsonl_reader *reader);

/* Reads one file; several in the order in which they were written. 0 or a negative errno with the
 * error set. */
int jsonl_reader_file(struct jsonl_reader *reader, const char *path, struct error *error);
/*
 * The same one interval at a time: jsonl_reader_open(), then jsonl_reader_step() until it says 0,
 * which closes the file. Each step that says 1 has handed out one interval, whose snapshot stays as
 * it is until the next.
 */
int jsonl_reader_open(struct jsonl_reader *reader, const char *path, struct error *error);
int jsonl_reader_step(struct jsonl_reader *reader, struct error *error);
/*
 * The same with lines as they come, of a /stream, whose intervals end with their `interval` line:
 * each is handed out with that. `name` is for complaints, and borrowed. A line may come in pieces.
 * 0 or a negative errno with the error set.
 */
void jsonl_reader_begin_stream(struct jsonl_reader *reader, const char *name);
int jsonl_reader_push(struct jsonl_reader *reader, const char *bytes, size_t size,
		      struct error *error);
/* Hands out the last interval. */
int jsonl_reader_end(struct jsonl_reader *reader, struct error *error);
const struct jsonl_reader_info *jsonl_reader_info(struct jsonl_reader *reader);

#endif
