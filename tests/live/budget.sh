#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# takes 8 s
# run --budget and FAULTMAP_MARK: each fault is counted in its phase, against a workload that knows how many pages it
# touches; which budgets are broken and which are kept; and which exit status wins.
# shellcheck disable=SC2016 # the shell of the command expands it
. "$(dirname "$0")/../lib.sh"

MARKS=$BUILD/workload/marks

# run_budget STATUS NAME ARG...: faultmap run ends so; its messages are in $TMP/err.
run_budget()
{
	local want=$1 name=$2 status=0

	shift 2
	"$FAULTMAP" run -o "$TMP/out" "$@" 2>"$TMP/err" || status=$?
	check_equal "$name" "$status" "$want"
}

"$MARKS" a:1 end:0 # what it executes is in memory from here on: no major fault
run_budget 0 "budgets that are kept to the last fault" --jsonl "$TMP/kept" --budget \
	'minor[phase=a]<=1000, minor[phase=b,mapping=[anon]]<=2000, minor<=150/it, major<=0, denied<=0' \
	--budget 'bytes[phase=b,kind=demand_zero]<=8000K' -- \
	"$MARKS" a:1000 b:2000 it:100 it:150 it:3 end:0
check_equal "nothing is said of them" "$(cat "$TMP/err")" ""
keep_log "$TMP/kept"
exact=$(jq -r 'select(.rec == "mark").exact' "$TMP/kept" | sort -u)
if [ "$exact" = true ]; then
	check_equal "marks have the sums since the mark before" \
		"$(jq -rj 'select(.rec == "mark" and .phase != "start") | "\(.phase) \(.minor) "' "$TMP/kept")" \
		"a 1000 b 2000 it 100 it 150 it 3 "
	check_equal "the run line has the phases" \
		"$(jq -rj 'select(.rec == "run").phases[1:4][] | "\(.phase) \(.times) \(.minor) "' "$TMP/kept")" \
		"a 1 1000 b 1 2000 it 3 253 "
	check_equal "so has the summary" "$(awk '/PHASE$/ { seen = 1 } seen && / [ab]$/ { print $1, $NF }' "$TMP/out")" \
		"$(printf '1,000 a\n2,000 b')"
	run_budget 3 "one fault less is broken" --budget 'minor<=1999' --phase b -- "$MARKS" a:1000 b:2000 c:0
	check_equal "which says what, and where most was" "$(cat "$TMP/err")" \
		"faultmap: budget minor<=1999: broken, 2,000 minor in phase b; most: 2,000 of [anon] demand_zero, by marks"
	run_budget 3 "the worst step counts" --budget 'minor<=149/it' -- "$MARKS" it:100 it:150 it:3 end:0
	check_equal "and is named" "$(cat "$TMP/err")" \
		"faultmap: budget minor<=149/it: broken, 150 minor in step 2 of 3 of it; most: 150 of [anon] demand_zero, by marks"
else
	skip "phases to the last fault" "/dev/fuse cannot be used here"
fi
run_budget 0 "other shells' idiom" --jsonl "$TMP/shell" -- \
	sh -c '[ -z "$FAULTMAP_MARK" ] || echo steady >&"$FAULTMAP_MARK"; :'
check_equal "marks" "$(jq -r 'select(.rec == "mark").mark' "$TMP/shell")" steady
keep_log "$TMP/shell"
check "the idiom without faultmap" sh -c '[ -z "$FAULTMAP_MARK" ] || echo steady >&"$FAULTMAP_MARK"'
run_budget 0 "Python's idiom" --jsonl "$TMP/python" -- /usr/bin/python3 -c \
	'import os
if m := os.environ.get("FAULTMAP_MARK"): os.write(int(m), b"steady\n")'
check_equal "marks, too" "$(jq -r 'select(.rec == "mark").mark' "$TMP/python")" steady
run_budget 0 "a mark without a newline" -- sh -c 'printf steady >&"$FAULTMAP_MARK"'
check_equal "is reported" "$(cat "$TMP/err")" \
	"faultmap: warning: the last mark does not end with a newline: it was ignored"
run_budget 3 "a phase that never came is broken" --budget 'minor<=9' --phase never -- true
check_equal "because nothing was measured" "$(cat "$TMP/err")" \
	"faultmap: budget minor<=9: broken, no mark never came"
run_budget 7 "the command's own failure comes first" --budget 'minor<=0' -- sh -c 'exit 7'
check "the budget is still reported" grep -q 'budget minor<=0: broken' "$TMP/err"
run_budget 127 "a command that is not there" --budget 'minor<=0' -- "$TMP/nothing"

printf '# for a project\ndenied<=0\n\nminor<=0 # nothing at all\n' >"$TMP/terms"
run_budget 3 "terms from a file" --budget-file "$TMP/terms" --jsonl "$TMP/file" --junit "$TMP/junit.xml" -- true
keep_log "$TMP/file"
check_equal "have a line each" "$(jq -rj 'select(.rec == "budget") | "\(.term) \(.verdict) "' "$TMP/file")" \
	"denied<=0 kept minor<=0 broken "
check_equal "what was seen is what the kernel counted" "$(jq 'select(.rec == "budget" and .figure == "minor").seen' \
	"$TMP/file")" "$(jq 'select(.rec == "run").minor_total' "$TMP/file")"
check_equal "and a test case each" "$(/usr/bin/python3 -c 'import sys, xml.etree.ElementTree as tree
suite = tree.parse(sys.argv[1]).getroot()[0]
print(suite.get("tests"), suite.get("failures"), [(case.get("name"), len(case)) for case in suite])' "$TMP/junit.xml")" \
	"2 1 [('denied<=0', 0), ('minor<=0', 1)]"

# Where /dev/fuse is something else, marks are recorded a moment late.
if unshare -m true 2>/dev/null; then
	check "without /dev/fuse" unshare -m sh -c 'mount --bind /dev/null /dev/fuse && exec "$@"' sh \
		"$FAULTMAP" run --jsonl "$TMP/late" -o "$TMP/out" -- \
		sh -c 'echo one >&"$FAULTMAP_MARK"; echo two >&"$FAULTMAP_MARK"'
	check_equal "marks come, and are not called exact" \
		"$(jq -r 'select(.rec == "mark") | "\(.mark) \(.exact)"' "$TMP/late")" "$(printf 'one null\ntwo null')"
	keep_log "$TMP/late"
	check "without /dev/fuse, many at once" unshare -m sh -c 'mount --bind /dev/null /dev/fuse && exec "$@"' sh \
		"$FAULTMAP" run --jsonl "$TMP/many" -o "$TMP/out" -- \
		/usr/bin/python3 -c 'import os; os.write(int(os.environ["FAULTMAP_MARK"]), b"%60d\n" % 1 * 300)'
	check_equal "all of them come, though the command has ended" \
		"$(jq -r 'select(.rec == "mark").mark' "$TMP/many" | wc -l)" 300
else
	skip "without /dev/fuse" "this machine makes no mount namespace"
fi
if [ "$exact" = true ]; then
	run_budget 0 "a finding and marks" --jsonl "$TMP/phases" -- /usr/bin/python3 tests/workload/findings.py again-marked
	keep_log "$TMP/phases"
	check_equal "it says which phase has most of it" "$(jq -r 'select(.rec == "finding")
		| "\(.finding) \(.phase) \(.phase_share >= 0.9 and .phase_share < 1)"' "$TMP/phases")" "again loop true"
	check_contains "so does the summary" "$TMP/out" '[0-9] % of it in phase loop'
	check_equal "and explain, of the log" "$("$FAULTMAP" explain "$TMP/phases")" "$(sed -n '/^findings, /,$p' "$TMP/out")"
	jq -c 'select(.rec != "mark")' "$TMP/phases" >"$TMP/unmarked"
	check_equal "without marks there is no phase" "$("$FAULTMAP" explain "$TMP/unmarked" | tr -d '\n' |
		grep -Ec '^findings.*again .likely.*in phase')" 0
fi
check_equal "report reads the log of such a run, and has no complaint" \
	"$("$FAULTMAP" report "$TMP/kept" 2>&1 >/dev/null)" ""
check_schema
done_testing
