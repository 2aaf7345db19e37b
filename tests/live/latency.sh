#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# takes 8 s
# Latency: with --detail=full every fault is in its row's histogram once, no stall is longer than the run, and a
# stall of a known length has that length. --detail=fast times major faults only.
# shellcheck disable=SC2016

. "$(dirname "$0")/../lib.sh"

faultgen=$BUILD/workload/faultgen
directory=$BUILD
if [ "$(stat -f -c %T "$directory")" = tmpfs ]; then
	directory=/var/tmp
fi

# run_case DETAIL CASE [PAGES]
run_case()
{
	local detail=$1
	shift

	"$FAULTMAP" run --json "--detail=$detail" -o "$TMP/log" -- "$faultgen" "$@" \
		--dir "$directory" >"$TMP/case" 2>"$TMP/err"
	check_equal "$detail, $1: exit status" "$?" 0
	keep_log "$TMP/log"
}

# query FILTER: $case is what faultgen printed; in_case its rows.
query()
{
	jq -c -s -L tests/live --slurpfile case "$TMP/case" --arg detail "${detail:-full}" '
		include "faults"; ($case[0] | in_detail($detail)) as $case
		| def in_case: faults_in($case.pid; $case.start; $case.end)
			| select(.kind == $case.kind);
		def sum: reduce .[] as $n (0; . + $n);
		'"$1" "$TMP/log"
}

# check_histograms NAME THREADED: the whole log, in which the process THREADED has 5 threads.
check_histograms()
{
	local name=$1 threaded=$2

	check_equal "$name: each of the 7 cases has its exit line" "$(query '[.[]
		| select(.rec == "exit" and .comm == "faultgen" and .minor_total + .major_total > 64)]
		| length >= 7')" true
	check_equal "$name: each fault is in its row's latency once" \
		"$(query '[.[] | select(.rec == "faults" and .minor + .major > 0
				and (.latency.count // 0) != .minor + .major)
			| {comm, mapping, kind, minor, major, count: .latency.count}][:5]')" "[]"
	check_histogram_shapes "$name"
	check_equal "$name: no process stalled longer than its threads had time" \
		"$(query '[.[] | select(.rec == "faults")] as $rows | .[] | select(.rec == "exit") | . as $exit
			| ([$rows[] | select(.pid == $exit.pid) | .latency.sum_ns] | sum) as $stalled
			| (.seconds * 1e9 * (if .pid == '"$threaded"' then 5 else 1 end)) as $time
			| select($stalled == 0 or $stalled > $time) | {comm, $stalled, $time}')" ""
}

# Buckets are not cumulative here; bucket i ends at 2^(8 + i) ns, so they bound the sum from below.
check_histogram_shapes()
{
	check_equal "$1: buckets add up to the count" \
		"$(query '[.[] | .latency? // empty | select((.buckets | sum) != .count)][:5]')" "[]"
	check_equal "$1: sum_ns and max_ns lie where the buckets allow" \
		"$(query '[.[] | .latency? // empty
			| (.buckets | to_entries | map(select(.value > 0))) as $used
			| select($used | length > 0)
			| ($used | map(.value * (if .key == 0 then 0 else pow(2; 7 + .key) end)) | sum)
				as $least
			| ($used | map(.value * pow(2; 8 + .key)) | sum) as $most
			| select(.sum_ns < $least or .sum_ns > $most
				or .max_ns * .count < .sum_ns)][:5]')" "[]"
}

# Each case is a process of its own.
test_full()
{
	"$FAULTMAP" run --json --detail=full -o "$TMP/log" -- sh -c '
		faultgen=$1 directory=$2
		for case in demand_zero_write cow_fork file_map_read file_map_major mkwrite shmem_anon; do
			"$faultgen" $case --dir "$directory" || exit
		done
		"$faultgen" threads 2000' - "$faultgen" "$directory" >"$TMP/cases"
	check_equal "full: exit status" "$?" 0
	keep_log "$TMP/log"
	tail -n 1 "$TMP/cases" >"$TMP/case"
	check_histograms full "$(jq .pid "$TMP/case")"
}

test_known_stall()
{
	run_case full userfaultfd_slow
	check_equal "full, userfaultfd_slow: each of the 4 waited 20 ms or more" \
		"$(query '[in_case] | [([.[] | .latency.count] | sum),
			([.[] | .latency.sum_ns] | sum) >= 80000000,
			([.[] | .latency.max_ns] | max) >= 20000000,
			([.[] | .latency.buckets[17:][]] | sum)]')" "[4,true,true,4]"
}

# Without perf events majors are counted, but not timed.
test_majors_in_fast()
{
	local detail=fast

	run_case fast file_map_major
	if ! grep -q '"rec":"meta".*"perf_event/page-faults-major"' "$TMP/log"; then
		skip "fast, file_map_major: latency of majors" "no perf events here"
		return
	fi
	check_equal "fast, file_map_major: latency of each major" \
		"$(query '[([in_case | .latency.count] | sum), ([in_case | .major] | sum)]')" "[64,64]"
	check_histogram_shapes "fast, file_map_major"
}

test_full
test_known_stall
test_majors_in_fast
check_schema
done_testing
