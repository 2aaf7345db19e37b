#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# takes 30 s
# New names all the time: a tick comes between a file's name and its first row again and again, or tens of
# thousands of names come between two ticks. Still every row has its name.
# shellcheck disable=SC2016

. "$(dirname "$0")/../lib.sh"

# More than are remembered; by several processes, as the rows of one are limited.
PROCESSES=4
files=$(fewer 10000)

# make_files: each process in its own directory; prints their pids.
make_files='for i in $(seq "$0"); do
	mkdir "$1/$i" && /usr/bin/python3 tests/workload/new_files.py "$1/$i" "$2" && rmdir "$1/$i"
done'

# names FILTER LOG PIDS: how many names the programs' rows have that the filter lets through.
names()
{
	jq -rn --slurpfile pids "$3" '
		($pids | map({ key: tostring, value: true }) | from_entries) as $is_one
		| inputs | select(.rec == "faults" and $is_one[.pid | tostring]) | .mapping' "$2" |
		grep "$1" | sort -u | wc -l
}

# counted COUNTER LOG
counted()
{
	jq -s --arg counter "$1" 'map(select(.rec == "interval")[$counter]) | add' "$2"
}

# judge NAME LOG PIDS
judge()
{
	local all=$((PROCESSES * files))

	check_equal "$1: no row is unnamed" "$(names '^\[unnamed\]' "$2" "$3")" 0
	# While the ring is more than half full, on a busy machine, only the last component arrives.
	check "$1: $all files have their names, whole or counted as cut" test \
		"$(names '/[0-9]/new[0-9]*$' "$2" "$3")" -ge $((all - $(counted names_cut "$2")))
	check_equal "$1: none is called lost" "$(counted names_lost "$2")" 0
	keep_log "$2"
}

mkdir "$TMP/files"
start_background "$FAULTMAP" log -d 0.1 -o "$TMP/log"
log=$BACKGROUND_PID
wait_for 120 grep -qs '"rec":"interval"' "$TMP/log"
bash -c "$make_files" "$PROCESSES" "$TMP/files" "$files" >"$TMP/pids"
wait_for 120 grep -q "^{\"rec\":\"exit\".*\"pid\":$(tail -n 1 "$TMP/pids")," "$TMP/log"
stop_background "$log"
judge "ten readings a second" "$TMP/log" "$TMP/pids"

"$FAULTMAP" run --json -d 3600 -o "$TMP/run" -- \
	bash -c "$make_files" "$PROCESSES" "$TMP/files" "$files" >"$TMP/pids"
judge "one reading" "$TMP/run" "$TMP/pids"
check_schema
done_testing
