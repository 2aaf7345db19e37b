#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# runs alone: it makes rows on both CPUs as fast as they go
# takes 120 s
# The kernel's table of rows needs room only for rows that move in a tick: others leave it, with exact counts,
# and come back. No process can fill it at the cost of others, and a lost exit record loses no row.

. "$(dirname "$0")/../lib.sh"

workload=$BUILD/workload/rows

# come_and_go DETAIL: 300,000 rows through a table of 4,096, from both CPUs at once. Behind all others, faultmap too: what
# fits in half of such a table is made in 6 ms, and on a busy machine faultmap waits longer for its turn.
come_and_go()
{
	local children

	children=$(fewer 60)
	"$FAULTMAP" run --json "--detail=$1" --max-rows 4096 -d 0.2 -o "$TMP/log" -- \
		nice -n 19 "$workload" "$children" 5000 2 >"$TMP/oracle"
	check_equal "$1: exit status" "$?" 0
	check_equal "$1: children that the oracle knows" "$(wc -l <"$TMP/oracle")" "$children"
	check_equal "$1: rows of 5,000 mappings of each through a table of 4,096: all exact, none lost" \
		"$(/usr/bin/python3 tests/live/rows.py "$TMP/log" "$TMP/oracle" 5000)" ""
	keep_part
}

# Enough lines for the schema: they are all alike.
keep_part()
{
	head -n 2000 "$TMP/log" >"$TMP/part"
	keep_log "$TMP/part"
}

# counter NAME: of the log's last interval.
counter()
{
	jq -s "map(select(.rec == \"interval\"))[-1].$1_total" "$TMP/log"
}

# sum_of PID FILTER: the faults of the process's rows that the filter takes.
sum_of()
{
	jq -s "[.[] | select(.rec == \"faults\" and .pid == $1) | select($2) | .minor + .major] | add // 0" \
		"$TMP/log"
}

# totals_of_processes: "PID FAULTS" of each, in rows of its own and by get_user_pages(), in one reading of the log.
totals_of_processes()
{
	jq -rn 'reduce inputs as $line ({};
			if $line.rec == "faults" then .["\($line.pid)"] += $line.minor + $line.major
			elif $line.rec == "exit" then .["\($line.pid)"] += $line.gup_total else . end) |
		to_entries[] | "\(.key) \(.value)"' "$TMP/log" | sort
}

# stop_log PID...: and keeps the lines of these processes, of the process "other", and of the intervals.
stop_log()
{
	local pids

	stop_background "$log_pid"
	pids=$(IFS='|'; echo "0|$*")
	grep -E "^\{\"rec\":\"(meta|interval)\"|\"pid\":($pids)," "$TMP/log" >"$TMP/lines"
	mv "$TMP/lines" "$TMP/log"
	keep_part
}

start_log()
{
	rm -f "$TMP/log" # an old one has intervals, too
	start_background "$FAULTMAP" log -o "$TMP/log" "$@" 2>"$TMP/messages"
	log_pid=$BACKGROUND_PID
	wait_for 120 grep -qs '"rec":"interval"' "$TMP/log"
}

# As nobody: one place after another, many more than the table has rows, and than one process may have in the snapshot.
test_one_fills_it()
{
	local filler other

	start_log -d 0.5
	setpriv --reuid nobody --clear-groups "$workload" 1 20000 1 >"$TMP/oracle"
	filler=$(cut -d ' ' -f 1 "$TMP/oracle")
	"$BUILD/workload/faultgen" demand_zero_write 3000 >"$TMP/case"
	other=$(jq .pid "$TMP/case")
	wait_for 120 have_ended "$TMP/log" "$filler" "$other"
	stop_log "$filler" "$other"
	check_equal "a process that fills the table: all of its faults, some of them in its [other]" \
		"$(totals_of_processes | grep "^$filler ")" "$(awk '{ print $1, $2 + $3 }' "$TMP/oracle")"
	check_equal "he has an [other], and what is in it is counted" \
		"$(sum_of "$filler" '.mapping == "[other]"')" "$(counter folded)"
	check "some are in it" test "$(counter folded)" -gt 0
	check_equal "the table was never full" "$(counter map_full)" 0
	check_equal "a process beside him has its mapping" \
		"$(jq -rs -L tests/live --slurpfile case "$TMP/case" 'include "faults"; got($case[0])' "$TMP/log")" \
		"$(jq -r -L tests/live 'include "faults"; want' "$TMP/case")"
	check_equal "it is said once" "$(grep -c 'further ones count in its "\[other\]"' "$TMP/messages")" 1
}

# As nobody, processes of which each stays below its own share of the table: together they get half of it. faultmap is
# stopped meanwhile, so that no row leaves: it is the kernel's side that folds. The other half has to do for one process
# of ours and for all that others do on this machine meanwhile: a busy one is tried again.
many_of_one_user()
{
	local beside lines

	start_log -d 0.5 --max-rows 16384
	kill -STOP "$log_pid"
	setpriv --reuid nobody --clear-groups "$workload" 40 400 2 >"$TMP/oracle"
	"$workload" 1 400 1 >"$TMP/beside"
	beside=$(cut -d ' ' -f 1 "$TMP/beside")
	kill -CONT "$log_pid"
	# shellcheck disable=SC2046 # a word for each
	wait_for 120 have_ended "$TMP/log" "$beside" $(cut -d ' ' -f 1 "$TMP/oracle")
	lines=$(grep -c '"rec":"faults"' "$TMP/log")
	# shellcheck disable=SC2046 # a word for each
	stop_log "$beside" $(cut -d ' ' -f 1 "$TMP/oracle")
	[ $((lines - $(grep -c '"rec":"faults"' "$TMP/log"))) -lt 4000 ]
}

test_many_of_one_user()
{
	local beside

	wait_for 600 many_of_one_user
	beside=$(cut -d ' ' -f 1 "$TMP/beside")
	check_equal "one user's processes: none of their faults is lost" \
		"$(comm -23 <(awk '{ print $1, $2 + $3 }' "$TMP/oracle" | sort) <(totals_of_processes))" ""
	check "some are in their [other]: the user has no more of the table" test "$(counter folded)" -gt 1000
	check_equal "another user's process beside them has all its mappings" \
		"$(sum_of "$beside" '.map_start | startswith("0x1000")') $(sum_of "$beside" '.mapping == "[other]"')" \
		"799 0"
	check_equal "and the table was never full" "$(counter map_full)" 0
}

# While faultmap is stopped, as by a debugger or the freezer, the ring fills with exit records; a process that then
# comes and goes is announced by nobody.
test_lost_exit()
{
	local lost

	start_log -d 0.5 --max-rows 131072 # what others on a busy machine do meanwhile has to find room, too
	kill -STOP "$log_pid"
	"$workload" 8000 0 1 >/dev/null
	"$workload" 1 3000 1 >"$TMP/oracle"
	lost=$(cut -d ' ' -f 1 "$TMP/oracle")
	kill -CONT "$log_pid"
	wait_for 120 have_ended "$TMP/log" "$lost"
	stop_log "$lost"
	check "exit records were lost" test "$(counter exits_lost)" -gt 0
	check_equal "its rows are still shown" \
		"$(sum_of "$lost" '.kind == "demand_zero" and (.map_start | startswith("0x1000"))')" \
		6000
	check "none of its 6,000 faults is in flight for ever" \
		test "$(jq -s 'map(select(.rec == "interval"))[-1].in_flight' "$TMP/log")" -lt 3000
	check_equal "its name is that of its program" \
		"$(jq -r "select(.rec == \"exit\" and .pid == $lost).comm" "$TMP/log")" rows
}

# follows_few MAP N
follows_few()
{
	[ "$(bpftool map dump id "$1" -j | jq length)" -lt "$2" ]
}

# run forgets ended processes at once: any number of them in one tick.
test_followed()
{
	local id count

	count=$(fewer 2000)
	start_background "$FAULTMAP" run -d 3600 -o "$TMP/summary" -- \
		bash -c '"$1" "$3" /bin/true >/dev/null; echo made >"$2"; read -r line' - \
		"$BUILD/workload/spawn" "$TMP/made" "$count" \
		< <(wait_for 300 test -e "$TMP/read"; echo)
	wait_for 300 test -e "$TMP/made"
	id=$(grep -lE '^map_type:\s1$' "/proc/$BACKGROUND_PID"/fdinfo/* | xargs grep -lE '^max_entries:\s65536$' |
		xargs sed -n 's/^map_id:\s//p' | head -n 1)
	check "those that are followed now are few, of $count" wait_for 120 follows_few "$id" $((count / 10))
	touch "$TMP/read"
	wait "$BACKGROUND_PID"
	unwrap "$TMP/summary"
	check_equal "all were followed, with some around them" \
		"$(sed -n 's/.*, in \([0-9,]*\)[0-9] processes$/\1/p' "$TMP/summary" | tr -d ,)" $((count / 10))
}

# huge_pages_of FILE: 1 or 0, from a copy of /proc/PID/status.
huge_pages_of()
{
	sed -n 's/^THP_enabled:\s*//p' "$1"
}

# While khugepaged copies memory into a huge page nobody can fault there. It runs at nice 19: beside programs that keep
# all CPUs busy that takes it seconds, and until then no row would leave the table.
test_huge_pages()
{
	start_log -d 0.5
	check_equal "the kernel makes no huge pages of faultmap's own memory" \
		"$(huge_pages_of "/proc/$log_pid/status")" 0
	stop_background "$log_pid"
	"$FAULTMAP" run -o "$TMP/summary" -- cat /proc/self/status >"$TMP/status"
	check_equal "of its command's as without faultmap" \
		"$(huge_pages_of "$TMP/status")" "$(huge_pages_of /proc/self/status)"
	"$FAULTMAP" run --user nobody -o "$TMP/summary" -- cat /proc/self/status >"$TMP/status"
	check_equal "with --user, too" "$(huge_pages_of "$TMP/status")" "$(huge_pages_of /proc/self/status)"
}

test_huge_pages
come_and_go fast
come_and_go full
test_one_fills_it
test_many_of_one_user
test_lost_exit
test_followed
check_schema
done_testing
