#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# takes 25 s
# Findings of live commands, wherever they are shown: the page's JSON and its box, JSON lines, the stream, and
# `top` in all its forms. A process that returns memory and takes it again has one; one that sleeps has none.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/screen.bash
. tests/screen.bash

# Of the one process that is meant: others may have findings of their own on a busy machine.
ours="select(.finding == \"again\" and .pid == \$pid)"

# json_has FILE PID: it has a line of it.
json_has()
{
	jq -e -n --argjson pid "$2" "first(inputs | $ours)" "$1" >"$TMP/found" 2>/dev/null
}

# page_has PID
page_has()
{
	curl -s --noproxy '*' -m 10 -f "$url/overview.json" >"$TMP/overview" &&
		jq -e --argjson pid "$1" '.findings[] | select(.name == "again" and .pid == $pid)' "$TMP/overview" \
			>"$TMP/found"
}

start_background sleep 1000
idle=$BACKGROUND_PID
start_background /usr/bin/python3 tests/workload/findings.py forever
busy=$BACKGROUND_PID
start_daemon --interval 0.5 --stream --mappings-names all --jsonl "$TMP/log"
start_background curl -sN --noproxy '*' "$url/stream" -o "$TMP/stream"

check "the page's figures have it" wait_for 90 page_has "$busy"
check_equal "with its mapping, what it cost, and when" \
	"$(jq -c '[.mapping, .comm, .cost_bytes > 67108864, .seconds_ago < 60, (.do | length > 20)]' "$TMP/found")" \
	'[null,"python3",true,true,true]'
check_equal "and nothing of one that sleeps" "$(jq --argjson pid "$idle" '[.findings[] | select(.pid == $pid)] | length' \
	"$TMP/overview")" 0
check "a line of --jsonl has it" wait_for 60 json_has "$TMP/log" "$busy"
check_equal "of ten seconds" "$(jq '.seconds >= 9.5 and .seconds < 60' "$TMP/found")" true
check "a line of the stream has it" wait_for 60 json_has "$TMP/stream" "$busy"
line=$(jq -c . "$TMP/found")
check_equal "it is a line of the log" "$(grep -cxF "$line" "$TMP/log")" 1
if command -v chromium >/dev/null; then
	timeout 120 chromium --headless --no-sandbox --disable-gpu --disable-quic --no-first-run \
		--disable-background-networking --disable-component-update --disable-sync --no-proxy-server \
		--user-data-dir="$TMP/profile" --virtual-time-budget=3000 --dump-dom "$url/" >"$TMP/dom" 2>"$TMP/dom.err"
	check_contains "the page has a box of it" "$TMP/dom" \
		"<strong class=\"name\">again</strong>.*<span class=\"who\">python3\\[$busy\\]</span>"
	check_equal "which is shown" "$(grep -c '<section id="findings-box" aria-labelledby="findings-title">' "$TMP/dom")" 1
else
	skip "the page has a box of it" "chromium is not installed"
fi

"$FAULTMAP" top --once --json --connect "$target" >"$TMP/top" 2>"$TMP/err"
check_equal "top --connect: status and stderr" "$?:$(cat "$TMP/err")" 0:
check_equal "it has the findings of its interval" "$(jq '.findings | type' "$TMP/top")" '"array"'
"$FAULTMAP" top --once -d 3 --json -p "$busy" >"$TMP/top" 2>"$TMP/err"
check_equal "top --json has it" "$(jq -c --argjson pid "$busy" ".findings | map($ours.sure)" "$TMP/top")" '["likely"]'
"$FAULTMAP" top --once -d 1 --json -p "$idle" >"$TMP/top" 2>"$TMP/err"
check_equal "and none of what sleeps" "$(jq -c .findings "$TMP/top")" '[]'

open_screen 132 43
type_line "clear; $FAULTMAP top --connect $target"
# Ten seconds have to go by.
check "top --connect on a screen has it" wait_for 90 screen_has "again python3\\[$busy\\]"
press q
wait_for 30 screen_has '^\$'
stop_background "$daemon"
type_line "clear; $FAULTMAP top --replay $TMP/log"
wait_for 60 screen_has 'replay'
press + + + +
check "top --replay on a screen has it" wait_for 90 screen_has "again python3\\[$busy\\]"
close_screen
keep_log "$TMP/log"
check_schema
done_testing
