#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# takes 20 s
# `run -p` and the filters of run, top and log choose the right processes and no others, with and without
# children. The counts of a process that faults on command equal the kernel's.

. "$(dirname "$0")/../lib.sh"

mkfifo "$TMP/step"
exec 4<>"$TMP/step"

# start_toucher MIB: starts a process that touches MIB on command, and waits before and after; sets $pid.
start_toucher()
{
	start_background python3 tests/workload/touch.py "$1" --wait <&4 >"$TMP/out"
	pid=$BACKGROUND_PID
	wait_for 120 grep -q 'ready to touch' "$TMP/out"
}

# faults PID: minor and major by the kernel.
faults()
{
	awk '{ print $10 + $12 }' "/proc/$1/stat"
}

is_watching()
{
	[ -e "$TMP/jsonl" ] && [ "$(wc -l <"$TMP/jsonl")" -ge "$1" ]
}

# attach FLAG...: the summary, JSON lines beside it, while the process touches; $before and $after.
attach()
{
	rm -f "$TMP/jsonl"
	before=$(faults "$pid")
	start_background "$FAULTMAP" run -d 0.2 -n 100000 --jsonl "$TMP/jsonl" -o "$TMP/summary" --by process --all "$@"
	attached=$BACKGROUND_PID
	wait_for 120 is_watching 3
	echo >&4
	wait_for 120 grep -q 'ready to end' "$TMP/out"
	after=$(faults "$pid")
}

# report QUERY: of what the JSON lines add up to.
report()
{
	"$FAULTMAP" report --by process --all --json "$TMP/jsonl" | jq "$1"
}

test_pid()
{
	start_toucher 16
	attach -p "$pid"
	kill -INT "$attached"
	wait "$attached"
	check_equal "run -p: Ctrl-C ends it with 0" "$?" 0
	check_equal "run -p: all that the kernel counted of it" \
		"$(report ".lines[] | select(.pid == $pid) | .minor + .major + .gup")" $((after - before))
	check_equal "run -p: nobody else" "$(report '[.lines[].pid] | length')" 1
	check_contains "run -p: names the process" "$TMP/summary" "^pid $pid\$"
	check_contains "run -p: and for how long" "$TMP/summary" '^attached for [0-9.]+ s; page faults took '
	attach_to_end
}

# It ends when all of them have.
attach_to_end()
{
	rm -f "$TMP/jsonl"
	start_background "$FAULTMAP" run -d 0.2 -n 100000 --jsonl "$TMP/jsonl" -o "$TMP/summary" -p "$pid"
	attached=$BACKGROUND_PID
	wait_for 120 is_watching 2
	echo >&4
	wait_for 120 process_ended "$attached"
	wait "$attached"
	check_equal "run -p: ends with the process, 0" "$?" 0
	check_equal "run -p: and has its exit line" "$(jq -c 'select(.rec == "exit") | .pid' "$TMP/jsonl")" "$pid"
}

# A shell that starts a child at each line.
test_children()
{
	local whether want

	for whether in yes no; do
		# shellcheck disable=SC2016
		start_background bash -c 'sleep 1000 & echo $!; while read -r; do /bin/true; echo started; done' <&4 >"$TMP/out"
		pid=$BACKGROUND_PID
		wait_for 120 test -s "$TMP/out"
		rm -f "$TMP/jsonl"
		start_background "$FAULTMAP" run -d 0.1 -n 100000 --jsonl "$TMP/jsonl" -o "$TMP/summary" \
			--children=$whether -p "$pid"
		attached=$BACKGROUND_PID
		wait_for 120 is_watching 2
		echo >&4
		wait_for 120 grep -q started "$TMP/out"
		kill -INT "$attached"
		wait "$attached"
		want="bash true"
		[ "$whether" = yes ] || want=bash
		check_equal "--children=$whether: the processes that were counted" "$(jq -r 'select(.rec == "faults") | .comm' \
			"$TMP/jsonl" | sort -u | xargs)" "$want"
		kill "$(head -n 1 "$TMP/out")"
		stop_background "$pid"
	done
}

test_filters()
{
	local flag

	start_toucher 4
	for flag in "-p $pid" "--comm python3" "--exe python3* --comm python3" "--uid 0 --comm pyth??3" "--cgroup / --comm python3"; do
		# shellcheck disable=SC2086
		"$FAULTMAP" top --once --all -d 0.2 --csv $flag >"$TMP/top" 2>"$TMP/err"
		check_equal "top $flag: exit status, stderr" "$? $(cat "$TMP/err")" "0 "
		check_contains "top $flag: has it" "$TMP/top" ",process,python3,$pid,python3,"
		check_equal "top $flag: nobody else" "$(tail -n +2 "$TMP/top" | cut -d, -f5 | sort -u)" python3
	done
	"$FAULTMAP" log -n 3 -d 0.2 --comm faultmap -o "$TMP/log"
	check_equal "log --comm: these lines alone" \
		"$(jq -r 'select(.comm) | .comm' "$TMP/log" | sort -u)" faultmap
	check_equal "log --comm: the interval's counts are theirs" \
		"$(jq -s '[.[] | select(.rec == "interval").minor] | add' "$TMP/log")" \
		"$(jq -s '[.[] | select(.rec == "faults").minor] | add' "$TMP/log")"
	for flag in "--comm nonesuch" "--unit nonesuch" "--exe nonesuch" "--cgroup /nonesuch" "--uid 3999999998"; do
		# shellcheck disable=SC2086
		"$FAULTMAP" top --once -d 0.1 $flag >"$TMP/top" 2>"$TMP/err"
		check_equal "top $flag: says that nobody is" "$? $(cat "$TMP/err")" \
			"0 faultmap: warning: no process matched: ${flag#--}"
	done
	check_status "2: no such process" 2 "$FAULTMAP" top --once -p 4194305
	check_status "2: no pid" 2 "$FAULTMAP" top --once -p 12,x
	check_status "2: a command and a filter" 2 "$FAULTMAP" run --comm x -- true
	echo >&4
	wait_for 120 grep -q 'ready to end' "$TMP/out"
	echo >&4
	wait_for 120 process_ended "$pid"
}

test_everything()
{
	"$FAULTMAP" run -a -d 0.3 --by comm -o "$TMP/summary"
	check_equal "run -a -d: ends by itself" "$?" 0
	check_contains "run -a: has faultmap itself" "$TMP/summary" ' faultmap( \([0-9]+\))?$'
	check_contains "run -a: says so" "$TMP/summary" '^all processes$'
	check_status "2: run without anything" 2 "$FAULTMAP" run
	check_status "2: -n with a command" 2 "$FAULTMAP" run -n 1 -- true
}

# What faults all the time: its counters and its rows are not read at the same moment, but the headline and the table
# say the same.
test_busy()
{
	local headline table

	start_background /usr/bin/python3 tests/workload/findings.py forever
	for _ in {1..3}; do
		"$FAULTMAP" run -p "$BACKGROUND_PID" -d 0.5 -o "$TMP/summary"
		headline=$(tr -s '\n ' ' ' <"$TMP/summary" | sed 's/ minor, .*//; s/.*: //')
		table=$(awk '$NF == "total" { print $1 }' "$TMP/summary")
		check_equal "a busy process: the headline and the table" "$headline" "$table"
		check "which are not empty" [ "${#table}" -gt 3 ]
	done
	kill "$BACKGROUND_PID"
}

test_pid
test_busy
test_children
test_filters
test_everything
done_testing
