// SPDX-License-Identifier: GPL-2.0-only
#include "model/totals.h"

#include "base/util.h"

#define AT(field) .name = #field, .offset = offsetof(struct totals, field)
#define ONLY_IF(flag) .has_offset = offsetof(struct totals, flag)

/* In the order of the JSON lines. */
const struct total totals_table[] = {
	{ AT(entries), .help = "Page-fault exceptions for user addresses." },
	{ AT(minor) },
	{ AT(major) },
	{ AT(denied) },
	{ AT(aborted), .words = "aborted", .in_no_row = true, .is_no_loss = true,
	  .help = "Faults that entered the handler and left without a result." },
	{ AT(populated), ONLY_IF(has_populate), .is_late = true },
	{ AT(gup), .words = "without an exception (GUP)", .in_no_row = true, .is_no_loss = true,
	  .help = "Faults that the kernel resolved itself, without an exception, and that are in no row." },
	{ AT(gup_several), .words = "of these in several mappings at once", .in_no_row = true,
	  .is_no_loss = true, ONLY_IF(has_populate), .is_late = true,
	  .help = "Of these, those of system calls that populate several mappings at once." },
	{ AT(gup_elsewhere), .words = "of these in another address space", .in_no_row = true,
	  .is_no_loss = true, ONLY_IF(has_populate), .is_late = true,
	  .help = "Of these, those in another process's memory, or in that of the next program." },
	{ AT(gup_untold), .words = "of these by calls that do not say where", .in_no_row = true,
	  .is_no_loss = true, ONLY_IF(has_populate), .is_late = true,
	  .help = "Of these, those of system calls that do not say which memory it is." },
	{ AT(lost_completions), .words = "completions lost",
	  .help = "Faults whose completion no BPF program saw: counted, but without latency." },
	{ AT(map_full), .words = "in \"[other]\" rows (map full)",
	  .help = "Faults counted without their mapping because a kernel map was full." },
	{ AT(folded), .words = "in their process's \"[other]\"",
	  .help = "Faults counted in their process's mapping [other], because it had too many rows.",
	  .is_late = true },
	{ AT(late), .words = "after their process's end", .in_no_row = true,
	  .help = "Faults counted after their process was reported as ended.", .is_late = true },
	{ AT(latencies_lost), .words = "latencies lost",
	  .help = "Stalls that are in no histogram, as too many rows have one.", .is_late = true },
	{ AT(throttled), .is_late = true,
	  .help = "Times that tasks slept for memory.high after a fault." },
	{ AT(throttled_ns), .is_late = true },
	{ AT(not_followed), .words = "processes not followed",
	  .help = "Processes that faultmap run could not follow.", .is_late = true },
	{ AT(unresolved), .words = "without a mapping",
	  .help = "Faults whose mapping could not be found." },
	{ AT(names_lost), .words = "names lost",
	  .help = "Rows whose mapping's name did not reach user space in time." },
	{ AT(names_cut), .words = "names cut",
	  .help = "Names of mappings and cgroups that were cut to keep memory bounded.",
	  .is_late = true },
	{ AT(contexts_lost), .words = "threads or code lost",
	  .help = "Rows whose thread or code did not reach user space in time.", .is_late = true },
	{ AT(stacks_incomplete), .words = "with an incomplete stack",
	  .help = "Faults whose callers are not known up to the thread's start.", .is_late = true },
	{ AT(stacks_sampled), .is_late = true,
	  .help = "Stacks that were copied and unwound, as frame pointers do not find their callers." },
	{ AT(stacks_lost), .words = "sampled stacks lost",
	  .help = "Stacks that were copied to be unwound, but were lost.", .is_late = true },
	{ AT(cgroups_lost), .words = "cgroups lost",
	  .help = "Processes whose cgroup's path did not reach user space in time.",
	  .is_late = true },
	{ AT(exits_lost), .words = "exits lost",
	  .help = "Processes whose exit record did not reach user space." },
	{ AT(stamps_lost), .words = "stamps lost",
	  .help = "Faults counted as minor at entry, as there was no memory to follow them to their end." },
	{ AT(perf_minor), ONLY_IF(has_perf_minor) },
	{ AT(missed), .words = "missed", .in_no_row = true, ONLY_IF(has_perf_minor),
	  .help = "Faults that perf events counted and no row has." },
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
