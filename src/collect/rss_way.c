// SPDX-License-Identifier: GPL-2.0-only
#include "collect/rss_way.h"

#include "bpf/abi.h"

/* So many processes have to agree. By chance one that changed meanwhile agrees with the wrong
 * figure: the winner needs as many times the votes of the other. */
#define VOTES_ENOUGH 8
/* Of so many processes no CPU holds anything back: it never does, as before Linux 6.2. */
#define EQUAL_ENOUGH 64

static enum rss_way winner_of(const struct rss_votes *votes)
{
	if (votes->summed >= VOTES_ENOUGH && votes->summed >= VOTES_ENOUGH * votes->read)
		return RSS_SUMMED;
	if (votes->read >= VOTES_ENOUGH && votes->read >= VOTES_ENOUGH * votes->summed)
		return RSS_READ;
	if (votes->both >= EQUAL_ENOUGH && !votes->read && !votes->summed)
		return RSS_SUMMED;
	return RSS_BY_STATM;
}

void rss_vote(struct rss_votes *votes, uint64_t read, uint64_t summed, uint64_t statm)
{
	if (summed == RSS_UNKNOWN || votes->way != RSS_BY_STATM)
		return;
	votes->both += read == statm && summed == statm;
	votes->read += read == statm && summed != statm;
	votes->summed += summed == statm && read != statm;
	votes->way = winner_of(votes);
}
