// SPDX-License-Identifier: GPL-2.0-only
/* Which figure is the RSS of statm, by processes of each kind of kernel. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "bpf/abi.h"
#include "collect/rss_way.h"

static struct rss_votes vote_times(struct rss_votes votes, int times, uint64_t read,
				   uint64_t summed, uint64_t statm)
{
	for (int i = 0; i < times; i++)
		rss_vote(&votes, read, summed, statm);
	return votes;
}

static void figures_that_differ_decide_soon(void **state)
{
	const struct rss_votes none = {};

	(void)state;
	assert_int_equal(vote_times(none, 7, 64, 80, 80).way, RSS_BY_STATM);
	assert_int_equal(vote_times(none, 8, 64, 80, 80).way, RSS_SUMMED);
	assert_int_equal(vote_times(none, 7, 64, 80, 64).way, RSS_BY_STATM);
	assert_int_equal(vote_times(none, 8, 64, 80, 64).way, RSS_READ);
}

static void chance_needs_more_to_outvote_it(void **state)
{
	struct rss_votes votes = vote_times((struct rss_votes){}, 2, 64, 80, 64);

	(void)state;
	votes = vote_times(votes, 15, 64, 80, 80);
	assert_int_equal(votes.way, RSS_BY_STATM);
	assert_int_equal(vote_times(votes, 1, 64, 80, 80).way, RSS_SUMMED);
}

static void where_nothing_is_held_back_both_are_right(void **state)
{
	struct rss_votes votes = vote_times((struct rss_votes){}, 63, 80, 80, 80);

	(void)state;
	assert_int_equal(votes.way, RSS_BY_STATM);
	assert_int_equal(vote_times(votes, 1, 80, 80, 80).way, RSS_SUMMED);
	votes = vote_times(votes, 1, 64, 80, 64); /* something is held back */
	votes = vote_times(votes, 100, 80, 80, 80);
	assert_int_equal(votes.way, RSS_BY_STATM);
}

static void what_changed_or_is_unknown_does_not_count(void **state)
{
	const struct rss_votes none = {};

	(void)state;
	assert_int_equal(vote_times(none, 1000, 64, 80, 90).way, RSS_BY_STATM);
	assert_int_equal(vote_times(none, 1000, 64, RSS_UNKNOWN, 64).way, RSS_BY_STATM);
}

static void a_decision_stays(void **state)
{
	struct rss_votes votes = vote_times((struct rss_votes){}, 8, 64, 80, 80);

	(void)state;
	assert_int_equal(vote_times(votes, 1000, 64, 80, 64).way, RSS_SUMMED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(figures_that_differ_decide_soon),
		cmocka_unit_test(chance_needs_more_to_outvote_it),
		cmocka_unit_test(where_nothing_is_held_back_both_are_right),
		cmocka_unit_test(what_changed_or_is_unknown_does_not_count),
		cmocka_unit_test(a_decision_stays),
	};

	return cmocka_run_group_tests_name("rss_way", tests, NULL, NULL);
}
