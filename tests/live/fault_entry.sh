#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# takes 40 s
# Fault entry by the perf event page-faults, as on a kernel without exceptions:page_fault_user (arm64): counts and
# mappings are as exact as with the tracepoints; the access is unknown, and kinds are as coarse as the
# feature table says. On a kernel without the tracepoints this is how all tests run.
# shellcheck disable=SC2016

. "$(dirname "$0")/../lib.sh"
. tests/live/kinds.bash

run_options=(--disable-feature fault_entry)
seen_as='without_error_code($detail)'
spawn=$BUILD/workload/spawn

test_kinds()
{
	list_cases
	run_cases "$1" "${cases[@]}"
	check_populate "$1"
	check_equal "$1: entry is a perf event" \
		"$(jq -c 'select(.rec == "meta") | .hooks | map(select(test("page_?-?fault"))) | sort' \
			"$TMP/log" | head -n 1)" \
		'["perf_event/page-faults","perf_event/page-faults-major","perf_event/page-faults-minor"]'
	check_counted "$1, kinds"
}

# What perf counted is in rows, in fast detail too.
check_counted()
{
	check_equal "$1: perf events counted what is in rows, and the rest of the tasks' counters is gup" \
		"$(jq -n -r -L tests/live 'include "faults"; discrepancies("full")' "$TMP/log")" ""
}

test_children()
{
	"$FAULTMAP" run "${run_options[@]}" --json "--detail=$1" -o "$TMP/log" -- \
		"$spawn" 1000 /bin/true >"$TMP/oracle"
	check_equal "$1, 1,000 x true: exit status" "$?" 0
	check_equal "$1, 1,000 x true: minor and major of the exit lines as getrusage has them" \
		"$(jq -c -n --slurpfile oracle "$TMP/oracle" -L tests/live 'include "faults";
			[inputs | select(.rec == "exit" and .pid != $oracle[0].pid)]
			| [length, total(.[].minor_total), total(.[].major_total)]' "$TMP/log")" \
		"$(jq -c '[1000, .minor, .major]' "$TMP/oracle")"
	check_equal "$1, 1,000 x true: rows and gup add up to the same" \
		"$(jq -n --slurpfile oracle "$TMP/oracle" -L tests/live 'include "faults";
			[inputs | select((.rec == "exit" or .rec == "faults") and .pid != $oracle[0].pid)]
			| total(.[] | .gup_total // (.minor + .major))' "$TMP/log")" \
		"$(jq '.minor + .major' "$TMP/oracle")"
	check_counted "$1, 1,000 x true"
	check_equal "$1, 1,000 x true: each fault was seen to begin" \
		"$(jq -c 'select(.rec == "interval")
			| [.stamps_lost_total, .lost_completions_total, .missed_total, .in_flight]' \
			"$TMP/log" | tail -n 1)" "[0,0,0,0]"
}

# A page touched by the program, the next by the kernel for it, in one mapping.
test_modes()
{
	"$FAULTMAP" run "${run_options[@]}" --json -o "$TMP/log" -- /usr/bin/python3 -c '
import ctypes, mmap, os
memory = mmap.mmap(-1, 64 * 4096, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
print(hex(ctypes.addressof(ctypes.c_char.from_buffer(memory))))
with open("/dev/zero", "rb", buffering=0) as zero:
    for page in range(0, 64, 2):
        memory[page * 4096] = 1
        os.readv(zero.fileno(), [memoryview(memory)[(page + 1) * 4096:][:1]])' >"$TMP/start"
	check_equal "modes: pages of one mapping that the program and the kernel touched in turn" \
		"$(jq -c -n --arg start "$(cat "$TMP/start")" '
			[inputs | select(.rec == "faults" and .map_start == $start)]
			| group_by(.mode) | map([.[0].mode, (map(.minor) | add)])' "$TMP/log")" \
		'[["kernel",32],["user",32]]'
}

# Without perf events there is neither.
test_refused()
{
	"$FAULTMAP" check "${run_options[@]}" --disable-feature perf_events >"$TMP/out" 2>"$TMP/err"
	check_equal "without perf events: cannot run" "$?" 77
	check_contains "without perf events: says what is missing" "$TMP/err" \
		'fault_entry, and .*perf_events'
}

for detail in fast full; do
	test_kinds "$detail"
	test_children "$detail"
done
check_heap
test_modes
test_refused
done_testing
