#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# runs alone: it adds swap
# takes 20 s
# Pages that were evicted and come back, of files and from swap, are counted in their rows: as many as the
# kernel counts in memory.stat of the program's cgroup. A cold start has none. What comes back from
# swap is a finding, too.
# shellcheck disable=SC2016

. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/live/limits.bash
. "$(dirname "$0")/limits.bash"
file=$directory/faultmap-reread.$$
trap 'undo_limits; rm -f "$file"; cleanup_test' EXIT

# counted: what the kernel has of $counter for the group. Other CPUs' part of it may be two seconds late
# (flush_memcg_stats_dwork(), mm/memcontrol.c).
counted()
{
	awk -v name="$counter" '$1 == name { print $2 }' "$group/memory.stat"
}

# bounds: the refaults of the mapping's rows, and of all rows of the program. Between them lies what the group has:
# the program began outside of it, and what it executes may have been evicted, too.
bounds()
{
	query '[[in_case.refaults // 0], [.[] | select(.rec == "faults" and .pid == $case.pid).refaults // 0]]
		| map(add // 0)'
}

same_as_kernel()
{
	jq -ne --argjson bounds "$(bounds)" --argjson kernel $(($(counted) - before)) \
		'$bounds[0] <= $kernel and $kernel <= $bounds[1]' >"$TMP/out"
}

# check_kernel SECONDS: within that time the log has as many as the kernel.
check_kernel()
{
	if wait_for "$1" same_as_kernel; then
		ok "$name: as many as $counter"
	else
		not_ok "$name: as many as $counter" "rows: $(bounds), kernel: $(($(counted) - before))"
	fi
}

# check_case DETAIL CASE ARGUMENT...
check_case()
{
	before=$(counted)
	run_case "$@"
	check_kernel 10
}

# check_full DETAIL CASE ARGUMENT...: the same, and most reads after the first round were refaults.
check_full()
{
	check_case "$@"
	check_equal "$name: they are in the mapping's rows" \
		"$(query '[in_case.refaults // 0] | add >= $case.pages')" true
	check_equal "$name: the deltas of a row make its total" "$(query '[.[] | select(.rec == "faults" and .refaults)]
		| group_by([.pid, .mapping_id, .kind, .access, .mode])
		| map(select((map(.refaults) | add) != .[-1].refaults_total))')" "[]"
}

# findings: of the last run.
findings()
{
	jq -r 'select(.rec == "finding").finding' "$TMP/log" | sort | tr '\n' ' '
}

find_lacks
if lacks refaults; then
	skip "pages that come back" "this kernel does not tell of them"
	done_testing
fi
if ! limit_memory; then
	skip "pages that come back" "no cgroup with a limit of memory"
	done_testing
fi
# What is executed in the group may have been evicted, by an earlier test's limit for one: reading its head again is a
# refault, too, and in no fault.
cat "$stalls" "$(command -v bash)" >/dev/null
pages=4096 # twice the limit
dd if=/dev/urandom of="$file" bs=4k count=$pages conv=fsync 2>/dev/null

counter=workingset_refault_file
check_case full file "$file" $((pages / 4)) 1
check_equal "$name: it fits, and this is a cold start" "$(query '[in_case.refaults // 0] | add')" 0
check_full full reread "$file" $pages 4

counter=workingset_refault_anon
if add_swap; then
	# Many ticks before its end: below version 1 the limit is read while it lives.
	run_flags=(-d 0.05)
	check_full full rewrite $pages 12
	run_flags=()
	check_equal "$name: a finding" "$(findings)" "swap-in "
	jq -r 'select(.rec == "finding").seen' "$TMP/log" >"$TMP/seen"
	check_contains "$name: whose limit" "$TMP/seen" \
		"brought memory back from swap, [0-9,]+ of them what had been read ahead; its limit is 8.0M \($group/"
	check_case full rewrite 1024 6
	check_equal "$name: memory that fits has none" "$(findings)" ""
else
	skip "from swap" "no swap file"
fi
counter=workingset_refault_file
has_refaults()
{
	run_in_groups reread "$file" $pages 2
	grep -q '"refaults":' "$TMP/log"
}

# Of all processes the hook comes with the machine's first refaults: those of the first program.
for detail in fast full; do
	start_background "$FAULTMAP" log --comm stalls --comm bash --detail $detail -d 0.2 -o "$TMP/log" 2>"$TMP/err"
	log=$BACKGROUND_PID
	name="$detail, all processes, reread"
	wait_for 60 has_refaults
	before=$(counted)
	run_in_groups reread "$file" $pages 4
	check_kernel 20
	check_equal "$name: the number of pages that came back" \
		"$(query '[in_case.refaults // 0] | add >= $case.pages')" true
	check_equal "$name: the hook was not there at the start" \
		"$(query '[.[] | select(.rec == "meta")][0].hooks | any(test("mod_memcg_lruvec_state"))')" false
	stop_background "$log"
	keep_log "$TMP/log"
done

check_schema
done_testing
