#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# takes 20 s
# Children that live for a millisecond: the sum of their faults is exactly what the kernel told their parent by
# getrusage(RUSAGE_CHILDREN).
# shellcheck disable=SC2016

. "$(dirname "$0")/../lib.sh"

spawn=$BUILD/workload/spawn
# `log` does not count minor faults apart from the rows. exec copies the arguments to the new stack before
# there is anyone to fault: 2 or 3 pages.
gup_max=3
few=$(fewer 200)
many=$(fewer 2000)

# query FILTER [LOG]: $o is what spawn printed.
query()
{
	jq -c -s -L tests/live --slurpfile oracle "$TMP/oracle" \
		"include \"faults\"; \$oracle[0] as \$o | $1" "${2:-$TMP/log}"
}

# check_sums NAME PROCESSES LOG SELECT: SELECT says which lines are the children's. The log is read once.
check_sums()
{
	local name=$1 processes=$2

	query "[.[] | select($4)] as \$children
		| [\$children[] | select(.rec == \"exit\")] as \$exits
		| [\$children[] | select(.rec == \"faults\")] as \$rows
		| {exits: (\$exits | length),
			minor: total(\$exits[].minor_total), major: total(\$exits[].major_total),
			counted: (total(\$rows[] | .minor + .major) + total(\$exits[].gup_total)),
			beyond: [\$exits[] | select(.gup_total > $gup_max) | {pid, comm, gup_total}],
			unexplained: unexplained,
			entries: total(.[] | select(.rec == \"interval\") | .entries)}" \
		"$3" >"$TMP/sums"
	check_equal "$name: $processes exit lines" "$(jq .exits "$TMP/sums")" "$processes"
	check_equal "$name: minor and major of the exit lines as getrusage has them" \
		"$(jq -c '[.minor, .major]' "$TMP/sums")" "$(jq -c '[.minor, .major]' "$TMP/oracle")"
	check_equal "$name: rows and gup add up to the same" \
		"$(jq .counted "$TMP/sums")" "$(jq '.minor + .major' "$TMP/oracle")"
	# Of all entries: an interval line of `log` is about every process of the machine.
	check_equal "$name: below 1 fault in 10,000 without a kind or a mapping" \
		"$(jq '.unexplained * 10000 <= .entries' "$TMP/sums")" true
}

# under_run NAME PROCESSES N COMMAND...: spawn runs the command N times, PROCESSES all in all.
under_run()
{
	local name=$1 processes=$2
	shift 2

	"$FAULTMAP" run --json -o "$TMP/log" -- "$spawn" "$@" >"$TMP/oracle"
	check_equal "$name: exit status" "$?" 0
	keep_log "$TMP/log"
	check_sums "$name" "$processes" "$TMP/log" '.pid != null and .pid != $o.pid'
	check_equal "$name: perf events counted what is in rows, and the rest of the tasks' counters is gup" \
		"$(jq -n -r -L tests/live 'include "faults"; discrepancies("full")' "$TMP/log")" ""
	check_equal "$name: the run line counts them and spawn" \
		"$(tail -n 1 "$TMP/log" | jq 'select(.rec == "run") | .processes')" $((processes + 1))
}

# has_children LOG N PARENT: so many have their exit lines.
has_children()
{
	[ "$(grep -c "^{\"rec\":\"exit\",.*\"ppid\":$3," "$1")" -ge "$2" ]
}

# The whole system at the same time; the children are known by their parent.
under_log()
{
	start_background "$FAULTMAP" log -d 0.5 -o "$TMP/system"
	wait_for 120 grep -qs '"rec":"meta"' "$TMP/system"
	"$spawn" "$many" /bin/true >"$TMP/oracle"
	wait_for 120 has_children "$TMP/system" "$many" "$(jq .pid "$TMP/oracle")"
	stop_background "$BACKGROUND_PID"
	keep_log "$TMP/system"
	jq -s -c --slurpfile oracle "$TMP/oracle" '
		($oracle[0].pid) as $parent
		| ([.[] | select(.rec == "exit" and .ppid == $parent)
			| {key: "\(.pid) \(.start_ns)", value: true}] | from_entries) as $children
		| .[] | select(.rec == "interval" or $children["\(.pid) \(.start_ns)"])' \
		"$TMP/system" >"$TMP/children"
	check_sums "log, $many x true" "$many" "$TMP/children" '.rec != "interval"'
	check_equal "log, $many x true: no process has more than $gup_max faults in no row" \
		"$(jq -c .beyond "$TMP/sums")" "[]"
	check_equal "log, $many x true: no exit, name or row lost" \
		"$(query 'total(.[] | select(.rec == "interval") | .exits_lost + .names_lost + .map_full)' \
			"$TMP/children")" 0
}

under_run "sh with $few children" $((few + 1)) 1 \
	sh -c 'i=0; while [ $i -lt "$0" ]; do /bin/true; i=$((i + 1)); done' "$few"
under_run "$many x true" "$many" "$many" /bin/true
under_log
check_schema
done_testing
