#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Names that are new at every moment: a reading comes between a file's name and its first row again and again, and
# still no row is without its name.

. "$(dirname "$0")/../lib.sh"

files=$(fewer 40000) # more than are remembered
mkdir "$TMP/files"
start_background "$FAULTMAP" log -d 0.1 -o "$TMP/log"
log=$BACKGROUND_PID
wait_for 120 grep -qs '"rec":"meta"' "$TMP/log"
pid=$(/usr/bin/python3 tests/workload/new_files.py "$TMP/files" "$files")
wait_for 120 grep -q "^{\"rec\":\"exit\".*\"pid\":$pid," "$TMP/log"
stop_background "$log"
keep_log "$TMP/log"

# names FILTER: how many names the program's rows have that the filter lets through.
names()
{
	jq -rn --argjson pid "$pid" 'inputs | select(.rec == "faults" and .pid == $pid) | .mapping' "$TMP/log" |
		grep "$1" | sort -u | wc -l
}

check_equal "no row is unnamed" "$(names '^\[unnamed\]')" 0
check_equal "each of $files files has its name" "$(names '/files/new[0-9]*$')" "$files"
check_schema
done_testing
