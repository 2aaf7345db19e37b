// SPDX-License-Identifier: GPL-2.0-only
#include "model/totals.h"

#include "base/util.h"

#define AT(field) .name = #field, .offset = offsetof(struct totals, field)
#define ONLY_IF(flag) .has_offset = offsetof(struct totals, flag)

/* In the order of the JSON lines. */
const struct total totals_table[] = {
	{ AT(entries), .has_own_metric = true },
	{ AT(minor) },
	{ AT(major) },
	{ AT(denied) },
	{ AT(aborted), .words = "aborted", .in_no_row = true, .is_no_loss = true,
	  .has_own_metric = true },
	{ AT(gup), .words = "without an exception (GUP)", .in_no_row = true, .is_no_loss = true,
	  .has_own_metric = true },
	{ AT(lost_completions), .words = "completions lost", .has_own_metric = true },
	{ AT(map_full), .words = "in \"[other]\" rows (map full)", .has_own_metric = true },
	{ AT(folded), .words = "in their process's \"[other]\"", .has_own_metric = true,
	  .is_late = true },
	{ AT(late), .words = "after their process's end", .in_no_row = true, .has_own_metric = true,
	  .is_late = true },
	{ AT(latencies_lost), .words = "latencies lost", .has_own_metric = true, .is_late = true },
	{ AT(not_followed), .words = "processes not followed", .has_own_metric = true,
	  .is_late = true },
	{ AT(unresolved), .words = "without a mapping", .has_own_metric = true },
	{ AT(names_lost), .words = "names lost", .has_own_metric = true },
	{ AT(names_cut), .words = "names cut", .has_own_metric = true, .is_late = true },
	{ AT(contexts_lost), .words = "threads or code lost", .has_own_metric = true,
	  .is_late = true },
	{ AT(stacks_incomplete), .words = "with an incomplete stack", .has_own_metric = true,
	  .is_late = true },
	{ AT(stacks_sampled), .has_own_metric = true, .is_late = true },
	{ AT(stacks_lost), .words = "sampled stacks lost", .has_own_metric = true, .is_late = true },
	{ AT(cgroups_lost), .words = "cgroups lost", .has_own_metric = true, .is_late = true },
	{ AT(exits_lost), .words = "exits lost", .has_own_metric = true },
	{ AT(stamps_lost), .words = "stamps lost", .has_own_metric = true },
	{ AT(perf_minor), ONLY_IF(has_perf_minor) },
	{ AT(missed), .words = "missed", .in_no_row = true, ONLY_IF(has_perf_minor),
	  .has_own_metric = true },
	{ AT(perf_major), ONLY_IF(has_perf_major) },
};
const size_t totals_count = ARRAY_SIZE(totals_table);

uint64_t total_of(const struct totals *totals, const struct total *total)
{
	return *(const uint64_t *)((const char *)totals + total->offset);
}

uint64_t *total_in(struct totals *totals, const struct total *total)
{
	return (uint64_t *)((char *)totals + total->offset);
}

bool total_is_counted(const struct totals *totals, const struct total *total)
{
	return !total->has_offset || *(const bool *)((const char *)totals + total->has_offset);
}
