/* SPDX-License-Identifier: GPL-2.0-only */
/* The members of the records that sink_jsonl.h writes at each tick, behind `rec` and `ts`. */
#ifndef FAULTMAP_JSONL_RECORDS_H
#define FAULTMAP_JSONL_RECORDS_H

#include <stdint.h>

#include "model/snapshot.h"
#include "sink/folds.h"
#include "sink/json_line.h"

void jsonl_put_uint(struct json_line *line, const char *name, uint64_t value);
void jsonl_put_seconds(struct json_line *line, const char *name, uint64_t duration_ns);
/* Under NAME_total. */
void jsonl_put_total(struct json_line *line, const char *name, uint64_t now);
/* The delta under the plain name, the running total under NAME_total. */
void jsonl_put_counter(struct json_line *line, const char *name, uint64_t now, uint64_t before);
/* A member, or (name NULL) a value of a list: {"file", "offset"} or {"file", "address"}. */
void jsonl_put_code(struct json_line *line, const char *name, const struct code_place *place);
/* "kernel": names of the kernel's functions. */
void jsonl_put_kernel(struct json_line *line, const char *const *names, size_t count);
void jsonl_put_slept(struct json_line *line, const struct slept_path *path);
/* exit_status as in a shell's $?; `signal` only if one killed the process. */
void jsonl_put_exit_status(struct json_line *line, int wait_status);

/* left_out, also below: counts that are in sums, so the totals leave them out; or NULL. */
void jsonl_put_faults(struct json_line *line, const struct row *row,
		      const struct row_left_out *left_out);
/* The call path of one fault. Its process may have no line of its own. */
void jsonl_put_sample(struct json_line *line, const struct sampled_path *path);
void jsonl_put_process(struct json_line *line, const struct process *process,
		       const struct process_left_out *left_out);
void jsonl_put_exit(struct json_line *line, const struct process *process,
		    const struct process_left_out *left_out);
/* A sum, of faults or of processes. */
void jsonl_put_other(struct json_line *line, const struct fold *fold);
void jsonl_put_exits(struct json_line *line, const struct fold *fold);

#endif
