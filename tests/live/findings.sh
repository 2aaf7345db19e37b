#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# takes 10 s
# The findings of run: each by a workload that has it, and none of what comes close, or of everyday programs.
. "$(dirname "$0")/../lib.sh"

# findings COMMAND...: the names of what run finds.
findings()
{
	"$FAULTMAP" run --jsonl "$TMP/lines" -o "$TMP/out" -- "$@" >"$TMP/stdout" 2>"$TMP/err"
	keep_log "$TMP/lines"
	jq -r 'select(.rec == "finding").finding' "$TMP/lines" | sort | tr '\n' ' '
}

workload=(/usr/bin/python3 tests/workload/findings.py)
check_equal "the same memory again and again" "$(findings "${workload[@]}" again)" "again "
check_equal "the summary says so" "$(grep -c '^again (likely): python3\[' "$TMP/out")" 1
check_equal "and what to do" "$(grep -c '^  do: ' "$TMP/out")" 1
check_equal "explain says the same of the log" "$("$FAULTMAP" explain "$TMP/lines")" \
	"$(sed -n '/^findings, /,$p' "$TMP/out")"
check_equal "more memory, but once" "$(findings "${workload[@]}" once)" ""
check_equal "the summary has no findings then" "$(grep -c '^findings, ' "$TMP/out")" 0
check_equal "copies after a fork" "$(findings "${workload[@]}" fork)" "cow-storm "
check_equal "what they cost is what was shared" \
	"$(jq 'select(.rec == "finding") | .cost_bytes >= 72 * 1048576 and .cost_bytes < 73 * 1048576' "$TMP/lines")" true
gzip <"$TMP/lines" >"$TMP/lines.gz"
check_equal "explain reads what logrotate leaves" "$("$FAULTMAP" explain "$TMP/lines.gz" | grep -c ^cow-storm)" 1
check_equal "a small fork" "$(findings "${workload[@]}" fork-small)" ""
check_equal "explain says that there is none" "$("$FAULTMAP" explain - <"$TMP/lines" | sed 's/in .* s of/in S of/')" \
	"no finding in S of --detail full"
echo nonsense >>"$TMP/lines"
check "explain fails with a line that is none" [ "$("$FAULTMAP" explain "$TMP/lines" >/dev/null 2>&1; echo $?)" = 1 ]
check_equal "denied faults as a mechanism" "$(findings "${workload[@]}" denied)" "denied-mechanism "
"$FAULTMAP" run --no-explain --json -o "$TMP/lines" -- "${workload[@]}" denied
check_equal "none with --no-explain" "$(jq -r 'select(.rec == "finding").finding' "$TMP/lines")" ""

# explain of what runs: it begins in the middle.
start_background "${workload[@]}" forever
"$FAULTMAP" explain -p "$BACKGROUND_PID" -d 2 >"$TMP/out" 2>"$TMP/err"
check_equal "explain of what runs: status and stderr" "$?:$(cat "$TMP/err")" 0:
check_contains "it finds what a run would" "$TMP/out" "^again \\(likely\\): python3\\[$BACKGROUND_PID\\]"
start_background sleep 100
check_equal "of what sleeps there is none" \
	"$("$FAULTMAP" explain -p "$BACKGROUND_PID" -d 0.2 | sed 's/in .* s of/in S of/')" \
	"no finding in S of --detail full"

check_equal "true has none" "$(findings true)" ""
check_equal "ls has none" "$(findings ls -R "$ROOT/src")" ""
check_equal "python3 has none" "$(findings /usr/bin/python3 -c pass)" ""
echo 'int main(void) { return 0; }' >"$TMP/a.c"
check_equal "a compile has none" "$(findings cc -O2 -o "$TMP/a" "$TMP/a.c")" ""
check_equal "a crash has none" "$(findings /usr/bin/python3 -c 'import ctypes; ctypes.string_at(0)')" ""
check_schema
done_testing
