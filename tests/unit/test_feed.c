// SPDX-License-Identifier: GPL-2.0-only
/* Bytes for readers of any speed: a slow one is dropped, and the others lose nothing. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/feed.h"

#define PIECE (1024 * 1024)

static void count_wake(void *who)
{
	++*(unsigned int *)who;
}

static struct feed_reader *join(struct feed *feed, unsigned int *wakes)
{
	struct feed_reader *reader = NULL;

	assert_int_equal(feed_join(feed, count_wake, wakes, &reader), 0);
	return reader;
}

/* Each piece is of one letter, which moves on. */
static void write_piece(struct feed *feed, unsigned int number)
{
	static char piece[PIECE];

	memset(piece, 'a' + (int)(number % 26), sizeof(piece));
	feed_write(feed, piece, sizeof(piece));
}

/* All that is there, which must be these pieces. */
static void assert_reads(struct feed_reader *reader, unsigned int first, unsigned int end)
{
	static char bytes[64 * 1024];
	uint64_t position = (uint64_t)first * PIECE;
	ssize_t n;

	while ((n = feed_read(reader, bytes, sizeof(bytes))) > 0) {
		for (ssize_t i = 0; i < n; i++, position++) {
			if (bytes[i] != 'a' + (int)(position / PIECE % 26))
				fail_msg("another byte at %llu", (unsigned long long)position);
		}
	}
	assert_int_equal(n, 0);
	assert_int_equal(position, (uint64_t)end * PIECE);
}

static void readers_get_what_is_written_from_then_on(void **state)
{
	struct feed *feed = feed_new();
	unsigned int wakes = 0, others = 0;
	struct feed_reader *reader, *other;
	char bytes[16];

	(void)state;
	feed_write(feed, "nobody", 6);
	reader = join(feed, &wakes);
	feed_write(feed, "one", 3);
	other = join(feed, &others);
	feed_write(feed, "two", 3);
	assert_int_equal(wakes, 0);
	feed_wake(feed);
	assert_int_equal(wakes, 1);
	assert_int_equal(feed_read(reader, bytes, 4), 4);
	assert_memory_equal(bytes, "onet", 4);
	assert_int_equal(feed_read(reader, bytes, sizeof(bytes)), 2);
	assert_memory_equal(bytes, "wo", 2);
	assert_int_equal(feed_read(reader, bytes, sizeof(bytes)), 0);
	assert_int_equal(feed_read(other, bytes, sizeof(bytes)), 3);
	assert_memory_equal(bytes, "two", 3);
	feed_wake(feed);
	assert_int_equal(wakes, 1); /* there is nothing to read */
	feed_leave(reader);
	feed_leave(other);
	assert_int_equal(feed_readers(feed), 0);
	feed_free(feed);
}

static void only_the_reader_that_is_too_far_behind_is_dropped(void **state)
{
	struct feed *feed = feed_new();
	unsigned int wakes = 0, slow_wakes = 0, pieces = FEED_MAX_BYTES / PIECE;
	struct feed_reader *reader = join(feed, &wakes), *slow = join(feed, &slow_wakes);
	char byte;

	(void)state;
	for (unsigned int i = 0; i < pieces; i++) {
		write_piece(feed, i);
		assert_reads(reader, i, i + 1);
	}
	assert_int_equal(feed_dropped(feed), 0); /* so far it could still read all of it */
	feed_write(feed, "x", 1);
	assert_int_equal(feed_dropped(feed), 1);
	feed_wake(feed);
	assert_int_equal(slow_wakes, 1); /* to hear of it */
	assert_int_equal(feed_read(slow, &byte, 1), -EPIPE);
	assert_int_equal(feed_read(reader, &byte, 1), 1);
	assert_int_equal(byte, 'x');
	feed_leave(slow);
	feed_leave(reader);
	feed_free(feed);
}

static void a_reader_within_the_bound_loses_nothing(void **state)
{
	struct feed *feed = feed_new();
	unsigned int wakes = 0, pieces = FEED_MAX_BYTES / PIECE, done = 0;
	struct feed_reader *reader = join(feed, &wakes);

	(void)state;
	for (unsigned int round = 1; round <= 3; round++) {
		for (unsigned int i = 0; i < pieces; i++)
			write_piece(feed, done + i);
		assert_reads(reader, done, done + pieces);
		done += pieces;
	}
	assert_int_equal(feed_dropped(feed), 0);
	feed_leave(reader);
	feed_free(feed);
}

static void the_number_of_readers_is_bounded(void **state)
{
	struct feed *feed = feed_new();
	struct feed_reader *readers[FEED_READERS_MAX], *one_more;
	unsigned int wakes = 0;

	(void)state;
	for (size_t i = 0; i < FEED_READERS_MAX; i++)
		readers[i] = join(feed, &wakes);
	assert_int_equal(feed_join(feed, count_wake, &wakes, &one_more), -EBUSY);
	feed_leave(readers[0]);
	readers[0] = join(feed, &wakes);
	for (size_t i = 0; i < FEED_READERS_MAX; i++)
		feed_leave(readers[i]);
	feed_leave(NULL);
	feed_free(feed);
	feed_free(NULL);
}

static void a_piece_that_is_too_long_drops_all(void **state)
{
	struct feed *feed = feed_new();
	unsigned int wakes = 0;
	struct feed_reader *reader = join(feed, &wakes);
	char *bytes = calloc(1, FEED_MAX_BYTES + 1), byte;

	(void)state;
	feed_write(feed, bytes, FEED_MAX_BYTES + 1);
	assert_int_equal(feed_read(reader, &byte, 1), -EPIPE);
	feed_drop(reader); /* once is enough */
	assert_int_equal(feed_dropped(feed), 1);
	feed_leave(reader);
	feed_free(feed);
	free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(readers_get_what_is_written_from_then_on),
		cmocka_unit_test(only_the_reader_that_is_too_far_behind_is_dropped),
		cmocka_unit_test(a_reader_within_the_bound_loses_nothing),
		cmocka_unit_test(the_number_of_readers_is_bounded),
		cmocka_unit_test(a_piece_that_is_too_long_drops_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
