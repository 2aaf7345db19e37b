// SPDX-License-Identifier: GPL-2.0-only
#include "base/feed.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

/* The first size of the buffer, and what it may keep while it is empty. */
#define KEPT_BYTES ((size_t)256 * 1024)

struct feed_reader {
	struct feed *feed;
	feed_wake_fn wake;
	void *who;
	uint64_t position; /* of the next byte, as feed.begin counts */
	bool is_dropped;
};

struct feed {
	struct feed_reader *readers[FEED_READERS_MAX];
	size_t n_readers;
	uint64_t n_dropped;
	char *buffer;
	size_t capacity;
	uint64_t begin, end; /* of what is in the buffer, in bytes written ever */
};

struct feed *feed_new(void)
{
	return calloc(1, sizeof(struct feed));
}

void feed_free(struct feed *feed)
{
	if (!feed)
		return;
	free(feed->buffer);
	free(feed);
}

/* Where the slowest reader is. */
static uint64_t lowest(const struct feed *feed)
{
	uint64_t position = feed->end;

	for (size_t i = 0; i < feed->n_readers; i++) {
		if (!feed->readers[i]->is_dropped)
			position = min_of(position, feed->readers[i]->position);
	}
	return position;
}

/* Drops what every reader has read, if that is cheap: if at most half of the rest has to be
 * moved. */
static void forget_read(struct feed *feed)
{
	uint64_t needed = lowest(feed);
	size_t unread = (size_t)(feed->end - needed);

	if (unread && needed - feed->begin < unread)
		return;
	if (unread)
		memmove(feed->buffer, feed->buffer + (needed - feed->begin), unread);
	feed->begin = needed;
	if (!unread && feed->capacity > KEPT_BYTES) {
		free(TAKE_PTR(feed->buffer));
		feed->capacity = 0;
	}
}

int feed_join(struct feed *feed, feed_wake_fn wake, void *who, struct feed_reader **ret_reader)
{
	struct feed_reader *reader;

	if (feed->n_readers == FEED_READERS_MAX)
		return -EBUSY;
	reader = calloc(1, sizeof(*reader));
	if (!reader)
		return -ENOMEM;
	*reader = (struct feed_reader){ feed, wake, who, feed->end, false };
	feed->readers[feed->n_readers++] = reader;
	*ret_reader = reader;
	return 0;
}

void feed_leave(struct feed_reader *reader)
{
	struct feed *feed;

	if (!reader)
		return;
	feed = reader->feed;
	for (size_t i = 0; i < feed->n_readers; i++) {
		if (feed->readers[i] == reader) {
			feed->readers[i] = feed->readers[--feed->n_readers];
			break;
		}
	}
	free(reader);
	forget_read(feed);
}

void feed_drop(struct feed_reader *reader)
{
	if (reader->is_dropped)
		return;
	reader->is_dropped = true;
	reader->feed->n_dropped++;
}

ssize_t feed_read(struct feed_reader *reader, char *bytes, size_t size)
{
	struct feed *feed = reader->feed;
	size_t length = (size_t)min_of(size, feed->end - reader->position);

	if (reader->is_dropped)
		return -EPIPE;
	if (!length)
		return 0;
	memcpy(bytes, feed->buffer + (reader->position - feed->begin), length);
	reader->position += length;
	if (reader->position == feed->end)
		forget_read(feed);
	return (ssize_t)length;
}

/* Drops the readers that have more than this many bytes to read. */
static void drop_behind(struct feed *feed, size_t most)
{
	for (size_t i = 0; i < feed->n_readers; i++) {
		if (feed->end - feed->readers[i]->position > most)
			feed_drop(feed->readers[i]);
	}
}

/* Room for this many bytes behind what is there. False: there is none. */
static bool make_room(struct feed *feed, size_t size)
{
	size_t used, wanted;
	char *grown;

	forget_read(feed);
	used = (size_t)(feed->end - feed->begin);
	if (used + size <= feed->capacity)
		return true;
	/* What is read already may be as much as what is not. */
	wanted = (size_t)min_of(max_of(2 * (used + size), KEPT_BYTES), 2 * FEED_MAX_BYTES);
	grown = realloc(feed->buffer, wanted);
	if (!grown)
		return false;
	feed->buffer = grown;
	feed->capacity = wanted;
	return true;
}

void feed_write(struct feed *feed, const char *bytes, size_t size)
{
	drop_behind(feed, size < FEED_MAX_BYTES ? FEED_MAX_BYTES - size : 0);
	if (!feed->n_readers || !size)
		return;
	if (size > FEED_MAX_BYTES || !make_room(feed, size)) {
		for (size_t i = 0; i < feed->n_readers; i++)
			feed_drop(feed->readers[i]);
		return;
	}
	memcpy(feed->buffer + (feed->end - feed->begin), bytes, size);
	feed->end += size;
}

void feed_wake(struct feed *feed)
{
	for (size_t i = 0; i < feed->n_readers; i++) {
		struct feed_reader *reader = feed->readers[i];

		if (reader->is_dropped || reader->position < feed->end)
			reader->wake(reader->who);
	}
}

size_t feed_readers(const struct feed *feed)
{
	return feed->n_readers;
}

uint64_t feed_dropped(const struct feed *feed)
{
	return feed->n_dropped;
}
