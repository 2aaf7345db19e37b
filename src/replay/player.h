/* SPDX-License-Identifier: GPL-2.0-only */
/* Plays recorded logs interval by interval, forward and back, for a view like the live one. */
#ifndef FAULTMAP_PLAYER_H
#define FAULTMAP_PLAYER_H

#include "replay/jsonl_reader.h"

struct player;

/* The files, the oldest first, NULL-terminated and borrowed; none is standard input, which cannot
 * be read again. NULL when out of memory. */
struct player *player_new(char *const files[], log_complaint_fn on_complaint, void *context);
void player_free(struct player *player);

/* The next interval: 1, with the snapshot, which stays until the next call; 0 at the end, where the
 * snapshot before stays; or a negative errno with the error set. */
int player_next(struct player *player, const struct snapshot **ret_snapshot, struct error *error);
/* Goes back to before the first interval; the snapshot is freed. What compressed logs have of the time
 * before from_ms (since 1970) may be left out; 0: nothing is. 0 or a negative errno with the error
 * set. */
int player_rewind(struct player *player, int64_t from_ms, struct error *error);
/* How many intervals were given out since then. */
uint64_t player_position(const struct player *player);
const struct jsonl_reader_info *player_info(struct player *player);

#endif
