/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where lines go: a file, standard output, a FIFO, or a stream socket of a listener. Lines are
 * written whole or not at all, and nothing here waits: what a reader does not take at once is
 * queued, the loop writes it when there is room, and when the queue is full lines are lost. If a
 * full disk cuts a line off, its beginning is removed again. Lost lines are counted, and the outlet
 * remembers which count has been reported. It owns its descriptor, but never standard output. The
 * caller ignores SIGPIPE and SIGXFSZ.
 *
 * A file whose name ends in .gz or .zst is a compressed log (base/log_frame.h): queued lines become
 * a frame when there are enough of them, or after ten seconds; a crash loses those.
 */
#ifndef FAULTMAP_OUTLET_H
#define FAULTMAP_OUTLET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/feed.h"
#include "base/loop.h"

struct outlet;

enum outlet_open {
	OUTLET_REPLACE, /* a new file has mode 0600 */
	OUTLET_APPEND,  /* a new file has mode 0640: a log shipper may read it */
	OUTLET_PERSIST, /* append; a reader that is absent or goes away may come later */
};

/* target: NULL or "-" for standard output, unix:PATH, or a file's path; where anybody may have put
 * something in their place, neither links are followed nor others' files and listeners taken
 * (base/output_file.h). 0 or a negative errno with the error set. */
int outlet_open(struct outlet **ret_outlet, const char *target, enum outlet_open how,
		struct error *error);
/* The same for the readers of a feed, which is borrowed; it always has room. 0 or -ENOMEM. */
int outlet_open_feed(struct outlet **ret_outlet, struct feed *feed);
/* NULL is fine. What is still queued is lost: see outlet_drain. */
void outlet_free(struct outlet *outlet);
bool outlet_is_stdout(const struct outlet *outlet);
/* A regular file, by its own name. */
bool outlet_is_file(const struct outlet *outlet);
/* For messages. */
const char *outlet_name(const struct outlet *outlet);

/* Queued lines are written when the reader has room. NULL, before the loop is freed: no longer. */
void outlet_watch(struct outlet *outlet, struct loop *loop);
/* A regular file's owner becomes that user: output_file_give(). */
void outlet_give(const struct outlet *outlet, uid_t owner);
/* Opens a regular file again by its name, after it was renamed; true in *ret_opened. Others stay as
 * they are. 0, or a negative errno: the old one stays. */
int outlet_reopen(struct outlet *outlet, bool *ret_opened);
/* From now on a regular file that has grown to max_bytes is renamed to FILE.1, FILE.1 to FILE.2 and
 * so on (FILE.gz to FILE.1.gz), and the last of `keep` is removed. max_bytes 0: it grows without limit. */
void outlet_set_limit(struct outlet *outlet, uint64_t max_bytes, uint64_t keep);
/* To be called between two lines: if the file has grown to max_bytes, renames it and opens a new
 * one: true in *ret_opened. 0, or a negative errno: it keeps growing. */
int outlet_rotate(struct outlet *outlet, bool *ret_opened);
/* OUTLET_PERSIST without a reader looks for one: true in *ret_opened when it has come. 0 or a
 * negative errno: there is none. */
int outlet_connect(struct outlet *outlet, bool *ret_opened);

/* True while the queue takes another line; of those that must not be missing it takes as many
 * again. */
bool outlet_has_room(const struct outlet *outlet);
bool outlet_has_reserve(const struct outlet *outlet);
/* A part of a line: 0 or -ENOMEM. Then outlet_end_line, or outlet_drop_line to take it back. */
int outlet_add(struct outlet *outlet, const char *bytes, size_t size);
/* Of what time the lines are that end from now on, in ms since 1970; OUTLET_NO_TIME, as at first: of
 * none, whoever reads needs them. For compressed logs. */
#define OUTLET_NO_TIME INT64_MIN
void outlet_set_time(struct outlet *outlet, int64_t ms);
/* Ends the line and queues it. tells_losses: it says how many lines were lost (outlet_untold). 0 or
 * -ENOMEM: it is dropped. */
int outlet_end_line(struct outlet *outlet, bool tells_losses);
void outlet_drop_line(struct outlet *outlet);
/* Writes what can be written, of compressed lines what is due. 0 (some may stay queued), or a negative errno: the queue is lost. */
int outlet_flush(struct outlet *outlet);
/* Writes the last lines: waits as long as the reader takes something within each timeout_ms (-1:
 * without a limit). 0, or a negative errno: the rest is lost (-EAGAIN: the reader did not take
 * it). */
int outlet_drain(struct outlet *outlet, int timeout_ms);

/* Counts a line that was lost before it came here. */
void outlet_lose(struct outlet *outlet);
/* All lines that were lost; and those that no line has reported yet. */
uint64_t outlet_lost(const struct outlet *outlet);
uint64_t outlet_untold(const struct outlet *outlet);
/* Takes losses back: a line that will be sent again is not lost. */
void outlet_unlose(struct outlet *outlet, uint64_t lost_before);

#endif
