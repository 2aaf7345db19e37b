#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# memory.high: what it makes a task sleep. After a fault that is on the way back to user space, and in no
# latency: the program's clock less the latencies is what the line of its own has. In a fault that charges a huge
# page it is the cause "throttle".
# shellcheck disable=SC2016

. "$(dirname "$0")/../../lib.sh"
. tests/live/limits.bash

cgroup=/sys/fs/cgroup/high
echo +memory >/sys/fs/cgroup/cgroup.subtree_control
mkdir "$cgroup" && echo 4M >"$cgroup/memory.high"
check_equal "there is a cgroup with memory.high" "$?" 0
check "the kernel keeps pressure statistics" test -e /proc/pressure/memory
groups=("$cgroup")

# 6 MiB in small pages: what is above it is charged 64 pages at a time, each of which sleeps up to 2 s, in all much
# longer than an emulated machine takes for the faults.
run_case full fill 1536
check_equal "the time after the faults is told of, and is not theirs" "$(query '
	(stall | total(.[])) as $stalled | ($case.waited_ns - $stalled) as $after
	| ([.[] | select(.rec == "interval").throttled_ns] | add) as $throttled
	| [$throttled > 1e9, $throttled <= $after, $throttled >= 0.9 * $after]
	| if all then . else {$throttled, $after, $stalled, $case} end')" "[true,true,true]"
check_equal "as often as it slept" "$(query '
	([.[] | select(.rec == "interval").throttled] | add) as $times
	| ([.[] | select(.rec == "interval").throttled_ns] | add) as $ns
	| [$times >= 1, $ns <= 2.5e9 * $times]')" "[true,true]"
"$FAULTMAP" report "$TMP/log" >"$TMP/report"
check "report has its line" grep -q '^throttled by memory.high .* after faults' "$TMP/report"

run_case full huge 24
check_equal "within a fault it is the cause throttle" "$(query 'stall as $stall
	| ($stall | del(.runqueue, .cpu) | total(.[])) as $rest
	| [$stall.throttle >= 0.9 * $rest, $rest > 1e9]
	| if all then . else {$stall, $case} end')" "[true,true]"
check_equal "nothing is unknown" "$(query 'unknown * 100 <= (stall | total(.[]))')" true
done_testing
