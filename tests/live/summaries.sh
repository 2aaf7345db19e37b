#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# takes 30 s
# No summary hides what matters. Over logs of all sorts (every kind of fault, denied faults, reads from the
# disk, many processes, threads, the whole machine) and every word of --by: denied faults have a line, so have
# major ones unless there are 40 lines already, the rest has at most a twentieth of stalls, faults and bytes,
# and lines and rest add up to the total. The same again for the text, as far as it can be read from there.

. "$(dirname "$0")/../lib.sh"

words=$("$FAULTMAP" report --by bogus x 2>&1 | sed -n 's/.*give one of //p' | tr -d , )
logs=("$TMP"/*.jsonl)

# Logs. `record NAME COMMAND...`: what run has of it.
record()
{
	"$FAULTMAP" run --threads -d 0.2 --jsonl "$TMP/$1.jsonl" -o /dev/null -- "${@:2}" >"$TMP/out" 2>&1
	keep_log "$TMP/$1.jsonl"
}

record_all()
{
	# shellcheck disable=SC2016
	record kinds bash -c 'for case in $("$0" --list | grep -E "^(denied|heap|threads|file_cow)"); do
		"$0" "$case" 64 --dir "$1"; done' "$BUILD/workload/faultgen" "$TMP"
	# shellcheck disable=SC2016
	record build bash -c 'for i in $(seq 8); do ls -R /usr/include >/dev/null & /bin/true; python3 -c "" ; done; wait'
	record denied bash -c 'for i in 1 2 3; do python3 -c "import ctypes; ctypes.string_at(1)"; ls / >/dev/null; done'
	record major "$BUILD/workload/faultgen" file_map_major
	"$FAULTMAP" log --detail full -d 0.2 -n 4 -o "$TMP/machine.jsonl"
	logs=("$TMP"/*.jsonl)
}

# What is wrong with the table, by its JSON: nothing.
# shellcheck disable=SC2016
hidden='def faults: .minor + .major + .denied + .gup;
	def sum(f): [.[] | f] | add // 0;
	.rest as $rest | .total as $total | .n_rest as $n | [
	(if $rest.denied > 0 then "denied \($rest.denied)" else empty end),
	(if $rest.major > 0 and (.lines | length) < 40 then "major \($rest.major)" else empty end),
	(if $rest.stall_ns * 20 > $total.stall_ns then "stall \($rest.stall_ns) of \($total.stall_ns)" else empty end),
	(if ($rest | faults) * 20 > ($total | faults) then "faults" else empty end),
	(if $rest.bytes * 20 > $total.bytes then "bytes" else empty end),
	(if (.lines | sum(faults)) + ($rest | faults) != ($total | faults) then "sum of faults" else empty end),
	(if (.lines | sum(.stall_ns)) + $rest.stall_ns != $total.stall_ns then "sum of stalls" else empty end),
	(if (.lines | sum(.bytes)) + $rest.bytes != $total.bytes then "sum of bytes" else empty end),
	(if [.lines[] | (.kinds | [.[]] | add // 0) != .minor + .major + .denied] | any then "kinds" else empty end)
	] | join(", ")'

check_log()
{
	local name=${1##*/} by text total found="" some="mapping kind process row"

	# What groups processes differs where there are several.
	[[ $name != @(build|machine).jsonl ]] || some=$words
	for by in $some; do
		found+=$("$FAULTMAP" report --by "$by" --json "$1" | jq -r "$hidden" | sed "s/^./--by $by: &/")
	done
	check_equal "$name: nothing is hidden, by any word" "$found" ""
	text=$("$FAULTMAP" report "$1")
	total=$("$FAULTMAP" report --by kind --all --json "$1" | jq .total.denied)
	check_equal "$name: denied faults have their cause" "$(sed -n 's/^denied: \([0-9,]*\) .*/\1/p' \
		<<<"$text" | tr -d , | awk '{ sum += $1 } END { print sum + 0 }')" "$total"
	check_equal "$name: what is said of it is said in 80 columns" "$(for by in $words; do
		[ "$by" = row ] || "$FAULTMAP" report --by "$by" "$1" | too_wide; done)" ""
}

# Lines of more than 80 columns, but for the command as it was typed, and single words, as paths are. By row all is shown.
too_wide()
{
	grep -vE "^(/|bash -c |ls |python3 )|^[^ ]*\$|^ +[^ ]+\$" | grep -E '.{81}'
}

record_all
# Of a summary that nobody's terminal shows, with findings and many processes.
"$FAULTMAP" run -o "$TMP/text" -- bash -c "for i in 1 2 3; do $BUILD/workload/faultgen denied_unmapped 8; done
	/usr/bin/python3 tests/workload/findings.py again" >/dev/null 2>&1
check_equal "run: the same" "$(sed 1,2d "$TMP/text" | too_wide)" ""
check_equal "it had findings" "$(grep -c '^findings, ' "$TMP/text")" 1
"$FAULTMAP" explain "$TMP/build.jsonl" | too_wide >"$TMP/wide"
check_equal "explain: the same" "$(cat "$TMP/wide")" ""
check "there are logs" test "${#logs[@]}" -ge 5
check "they have what may be hidden" test "$("$FAULTMAP" report --by kind --all --json "$TMP/major.jsonl" |
	jq .total.major)" -gt 0
check "and what was denied" test "$("$FAULTMAP" report --by kind --all --json "$TMP/denied.jsonl" |
	jq .total.denied)" -ge 3
for log in "${logs[@]}" tests/fuzz/corpus/jsonl_reader/run tests/fuzz/corpus/jsonl_reader/two_intervals; do
	check_log "$log"
done
done_testing
