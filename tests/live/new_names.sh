#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Names that are new at every moment: a reading comes between a file's name and its first row again and again, or
# tens of thousands come between two readings, and still no row is without its name.

. "$(dirname "$0")/../lib.sh"

files=$(fewer 40000) # more than are remembered

# names FILTER LOG: how many names the program's rows have that the filter lets through.
names()
{
	jq -rn --argjson pid "$pid" 'inputs | select(.rec == "faults" and .pid == $pid) | .mapping' "$2" |
		grep "$1" | sort -u | wc -l
}

# counted COUNTER LOG
counted()
{
	jq -s --arg counter "$1" 'map(select(.rec == "interval")[$counter]) | add' "$2"
}

# judge NAME LOG
judge()
{
	check_equal "$1: no row is unnamed" "$(names '^\[unnamed\]' "$2")" 0
	check_equal "$1: each of $files files has its name" "$(names '/new[0-9]*$' "$2")" "$files"
	check_equal "$1: none is called lost" "$(counted names_lost "$2")" 0
	# While the ring is more than half full, on a busy machine, only the last component arrives.
	check "$1: they are whole, or counted as cut" test \
		"$(names '/files/new[0-9]*$' "$2")" -ge $((files - $(counted names_cut "$2")))
	keep_log "$2"
}

mkdir "$TMP/files"
start_background "$FAULTMAP" log -d 0.1 -o "$TMP/log"
log=$BACKGROUND_PID
wait_for 120 grep -qs '"rec":"meta"' "$TMP/log"
pid=$(/usr/bin/python3 tests/workload/new_files.py "$TMP/files" "$files")
wait_for 120 grep -q "^{\"rec\":\"exit\".*\"pid\":$pid," "$TMP/log"
stop_background "$log"
judge "ten readings a second" "$TMP/log"

pid=$("$FAULTMAP" run --json -d 3600 -o "$TMP/run" -- \
	/usr/bin/python3 tests/workload/new_files.py "$TMP/files" "$files")
judge "one reading" "$TMP/run"
check_schema
done_testing
