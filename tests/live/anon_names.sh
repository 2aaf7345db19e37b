#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Names of anonymous memory that begin with the same bytes, and follow each other at the same kernel address: each row
# has its own name.

. "$(dirname "$0")/../lib.sh"

COUNT=200

"$FAULTMAP" run --json -o "$TMP/log" -- /usr/bin/python3 tests/workload/anon_names.py "$COUNT" >"$TMP/pid"
status=$?
if [ "$status" -eq 77 ]; then
	skip "each mapping has its own name" "this kernel has no names for anonymous memory"
	done_testing
fi
check_equal "the names are given" "$status" 0
keep_log "$TMP/log"
for ((i = 0; i < COUNT; i++)); do
	echo "[anon:a common beginning, then $i] 1"
done | sort >"$TMP/want"
jq -rn --argjson pid "$(cat "$TMP/pid")" 'inputs |
	select(.rec == "faults" and .pid == $pid and (.mapping | startswith("[anon:a common"))) |
	"\(.mapping) \(.minor)"' "$TMP/log" | sort >"$TMP/got"
check_equal "each of $COUNT mappings has its own name, and one fault" "$(diff "$TMP/want" "$TMP/got" | head -n 5)" ""
check_schema
done_testing
