/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Findings of a command that writes marks: those of the whole run, and the phase that each of them
 * lies in. Takes every snapshot once, as a sink does. The caller reports each mark after the snapshot
 * that was taken for it.
 */
#ifndef FAULTMAP_FINDINGS_PHASES_H
#define FAULTMAP_FINDINGS_PHASES_H

#include "verdict/findings.h"

/* Phases with sums of their own; the last entry is for all others. Each may take 1 MiB. */
#define FINDINGS_PHASES_MAX 16

struct findings_phases;

/* As findings_new(). */
struct findings_phases *findings_phases_new(uint64_t page_size, findings_limit_fn limit_of);
/* NULL is fine. */
void findings_phases_free(struct findings_phases *phases);

/* 0, or -ENOMEM with the error set. */
int findings_phases_tick(struct findings_phases *phases, const struct snapshot *snapshot,
			 struct error *error);
extern const struct sink_ops findings_phases_ops;
/* A mark: the phase `name` begins, raw bytes, copied. 0 or -ENOMEM. */
int findings_phases_mark(struct findings_phases *phases, const char *name);
/* As findings_note_unused(). */
int findings_phases_note_unused(struct findings_phases *phases, uint32_t tgid, const char *comm,
				const char *mapping, uint64_t resident_bytes,
				uint64_t unused_bytes);
/* As findings_end(). Each finding has the phase with most of what it is about; none without a mark. */
int findings_phases_end(struct findings_phases *phases, uint64_t wall_ns,
			const struct finding **ret_list, size_t *ret_count);

#endif
