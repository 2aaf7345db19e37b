/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Bytes from one writer to a few readers that may be slow. All readers share one buffer, which
 * grows up to FEED_MAX_BYTES and holds what the slowest of them has yet to read: memory does not
 * grow with their number, and no reader waits for another. A reader that falls further behind is
 * dropped, and counted; the others lose nothing.
 */
#ifndef FAULTMAP_FEED_H
#define FAULTMAP_FEED_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct feed;
struct feed_reader;

/* A terminal or two, a log shipper, a script. */
#define FEED_READERS_MAX 8
/* More than one interval of a busy machine: the lines of 32,768 rows are 24 MiB. */
#define FEED_MAX_BYTES ((size_t)32 * 1024 * 1024)

/* There is something to read, or the reader was dropped. Must neither read nor leave. */
typedef void (*feed_wake_fn)(void *who);

/* NULL when out of memory. */
struct feed *feed_new(void);
/* NULL is fine. Its readers have left. */
void feed_free(struct feed *feed);

/* Reads what is written from now on. 0, -EBUSY: FEED_READERS_MAX are there; or -ENOMEM. */
int feed_join(struct feed *feed, feed_wake_fn wake, void *who, struct feed_reader **ret_reader);
/* NULL is fine. */
void feed_leave(struct feed_reader *reader);
/* How many bytes came, at most `size`; 0: nothing for now, -EPIPE: the reader was dropped. */
ssize_t feed_read(struct feed_reader *reader, char *bytes, size_t size);
/* Drops a reader that takes nothing. */
void feed_drop(struct feed_reader *reader);

/* Without readers the bytes are gone. */
void feed_write(struct feed *feed, const char *bytes, size_t size);
/* Wakes those that have something to read. */
void feed_wake(struct feed *feed);

size_t feed_readers(const struct feed *feed);
/* Readers that were dropped, ever. */
uint64_t feed_dropped(const struct feed *feed);

#endif
