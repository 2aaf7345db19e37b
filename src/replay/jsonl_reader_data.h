/* SPDX-License-Identifier: GPL-2.0-only */
/* What jsonl_reader.c (files, intervals, processes) and jsonl_faults.c (rows, their latencies and
 * stacks) share; nobody else includes it. */
#ifndef FAULTMAP_JSONL_READER_DATA_H
#define FAULTMAP_JSONL_READER_DATA_H

#include "base/interned.h"
#include "base/table.h"
#include "base/text.h"
#include "replay/jsonl_line.h"
#include "replay/jsonl_reader.h"
#include "replay/jsonl_totals.h"

/* The most rows of an interval: some 50 MiB. Further ones count in the process "other". */
#define MAX_ROWS 200000
#define MAX_PROCESSES 50000
/* A result that is no error: the line is counted elsewhere, or its process not at all. */
#define NO_ROOM 1
/* At least totals_count. */
#define COUNTERS_MAX 32

struct jsonl_reader {
	struct jsonl_reader_options options;
	struct jsonl_reader_info info;
	struct snapshot *snapshot;
	struct jsonl_file *file;
	const char *path;
	uint64_t line_number;
	char since[TEXT_TIME_LEN];
	bool is_foreign;   /* lines of another version, up to the next meta */
	bool has_interval; /* one that was not handed out yet */
	bool has_totals;   /* last_totals are of this faultmap */
	bool went_back;    /* in this file: said so already */
	bool by_step;      /* jsonl_reader_step() reads, which stops between intervals */
	char *held;        /* the line that it stopped at */
	size_t held_length;
	bool is_stream; /* jsonl_stream.c: the `interval` line is an interval's last */
	char *pending;  /* of a line whose end has not come */
	size_t pending_length, pending_capacity;
	char *mark; /* the last one since the interval was entered; NULL: none */
	int64_t ts_ms;
	uint64_t last_totals[COUNTERS_MAX];
	struct jsonl_totals last;  /* of rows and processes */
	struct table stacks;       /* contexts that have a stack alone, by its id */
	struct interned build_ids; /* of their files */
	size_t n_build_ids;
	struct interned kernel_names; /* of functions, in stacks */
	size_t n_kernel_names;
	struct slept_paths last_slept; /* totals, as `last` */
};

/* What was added since the last line that was read, even if lines in between were lost. */
uint64_t jsonl_gain(uint64_t delta, uint64_t total, bool is_known, uint64_t *last);
/* The process of the line. NULL: the line is wrong, or *ret_result says why: NO_ROOM, or no
 * memory. */
struct process *jsonl_get_process(struct jsonl_line *line, int *ret_result);
/* Takes a `faults` line, and a `stack` line that later ones refer to. 0, NO_ROOM or -ENOMEM; what
 * is wrong with the line is in it. */
int jsonl_read_faults(struct jsonl_line *line);
int jsonl_read_stack(struct jsonl_line *line);
int jsonl_read_stack_sample(struct jsonl_line *line);
/* The same for a `stall_stack` line. */
int jsonl_read_stall_stack(struct jsonl_line *line);
/* The functions of `kernel` into ret_names, KERNEL_FRAMES_MAX of them at most; the reader's. Returns
 * how many. */
size_t jsonl_get_kernel(struct jsonl_line *line, const char **ret_names);
/* `other` and `exits` lines: sums, of the process that stands for theirs. As above. */
int jsonl_read_other(struct jsonl_line *line);
int jsonl_read_exits(struct jsonl_line *line);
/* Takes a line. 0, or a negative errno with the error set. */
int jsonl_read_line(struct jsonl_reader *reader, const char *text, size_t length,
		    struct error *error);
/* Frees one of reader->stacks. */
void jsonl_drop_stack(void *stack);

#endif
