#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# runs alone: its hammer keeps perf-event programs of every faultmap from running
# takes 30 s
# Fault storms with disturbances: another task's BPF map system calls, which keep perf-event programs on that CPU from
# running, and a thread that changes the address space all the time. Every fault is accounted for, in its mapping.
# shellcheck disable=SC2016

. "$(dirname "$0")/../lib.sh"

# Before Linux 5.11 hammer's map counts as locked memory.
ulimit -l unlimited 2>/dev/null
find_lacks

workload=$BUILD/workload

hammer()
{
	start_background "$workload/hammer" >"$TMP/hammer"
	check "the hammer beats" wait_for 120 grep -q ready "$TMP/hammer"
}

# query FILTER: $o is what the workload printed.
query()
{
	jq -r -c -s -L tests/live --slurpfile oracle "$TMP/oracle" \
		"include \"faults\"; \$oracle[0] as \$o | $1" "$TMP/log"
}

# check_identity NAME: all that was followed has ended, so nothing may be open any more.
check_identity()
{
	local last='[.[] | select(.rec == "interval")] | last'

	check_equal "$1: entries = minor + major + denied + aborted at the end" \
		"$(query "$last | .entries_total")" \
		"$(query "$last | .minor_total + .major_total - (.populated_total // 0) + .denied_total + .aborted_total")"
	check_equal "$1: perf events counted what is in rows, and the rest of the tasks' counters is gup" \
		"$(jq -n -r -L tests/live "include \"faults\"; discrepancies(\"${1%%,*}\")" "$TMP/log")" ""
	check_equal "$1: the deltas add up to the totals" \
		"$(query '[.[] | select(.rec == "interval")]
			| ["entries", "minor", "major", "denied", "aborted", "gup"] as $names
			| [$names[] as $n | total(.[] | .[$n]) - last["\($n)_total"]] | unique')" '[0]'
	check_equal "$1: rows add up to the interval lines" \
		"$(query 'total(.[] | select(.rec == "faults") | .minor + .major + .denied)')" \
		"$(query "$last | .minor_total + .major_total + .denied_total")"
	check_equal "$1: fewer than 1 in 10,000 without a kind or a mapping" \
		"$(query 'unexplained as $n | total(.[] | select(.rec == "interval") | .entries)
			| select($n * 10000 > .) | {unexplained: $n, entries: .}')" ""
	check_equal "$1: nothing lost on the way" "$(query "$last
		| [.map_full_total, .names_lost_total, .exits_lost_total, .stamps_lost_total]")" \
		"[0,0,0,0]"
}

# check_area NAME AREA: all of its faults are rows of that address range, with the one kind.
check_area()
{
	check_equal "$1: $2 has exactly its faults" \
		"$(query "\$o[\"$2\"] as \$a | [faults_in(\$o.pid; \$a.start; \$a.end)] | describe")" \
		"$(query "\"[anon] demand_zero write user: \(\$o[\"$2\"].faults) minor, 0 major, 0 denied\"")"
}

# run_storm NAME DETAIL COMMAND...
run_storm()
{
	local name=$1 detail=$2
	shift 2

	"$FAULTMAP" run --json "--detail=$detail" -o "$TMP/log" -- "$@" >"$TMP/oracle" 2>"$TMP/err"
	check_equal "$name: exit status" "$? $(cat "$TMP/err")" "0 "
	keep_log "$TMP/log"
	check_identity "$name"
}

remap_storm()
{
	local name="$1, $2" area

	run_storm "$name" "$1" "$workload/remap" "$(fewer 60)"
	for area in fault0 fault1 fault2 remap; do
		check_area "$name" "$area"
	done
}

# Whether a fault is served or denied is decided after its entry, by another thread.
replaced_storm()
{
	local name="$1, replaced" rows='.[] | select(.rec == "faults" and .pid == $o.pid)'

	"$FAULTMAP" run --json "--detail=$1" -o "$TMP/log" -- "$workload/replaced" 1 >"$TMP/oracle" 2>"$TMP/err"
	check_equal "$name: exit status" "$? $(cat "$TMP/err")" "0 "
	check_equal "$name: a fault is denied for each signal" \
		"$(query "total($rows | .denied)")" "$(query '$o.denied')"
	check_equal "$name: entries = minor + major + denied + aborted at the end" \
		"$(query "last(.[] | select(.rec == \"interval\")) | .entries_total")" \
		"$(query "last(.[] | select(.rec == \"interval\"))
			| .minor_total + .major_total - (.populated_total // 0) + .denied_total + .aborted_total")"
	check_equal "$name: all that were served are in rows" \
		"$(query "total($rows | .minor + .major)")" \
		"$(query 'last(.[] | select(.rec == "exit" and .pid == $o.pid)) | .minor_total + .major_total - .gup_total')"
	# In full detail the mapping is looked up at the fault's end, while it cannot be unmapped.
	[ "$1" = fast ] || check_equal "$name: nothing without a kind" \
		"$(query "total($rows | select(.kind == \"unknown\") | .minor + .major)")" 0
}

# What waits for a disk page by page: each major needs its perf event, or the kernel's own count.
major_storm()
{
	local name="$1, majors beside $2"

	run_storm "$name" "$1" "$workload/faultgen" file_map_major "$(fewer 4000)" --dir "$directory"
	check_equal "$name: counted exactly, in its mapping" \
		"$(query 'got($o)')" "$(query '$o | want')"
}

anon_storm()
{
	local name="$1, faults beside $2"

	run_storm "$name" "$1" "$workload/faultgen" demand_zero_write "$(fewer 200000)"
	check_equal "$name: counted exactly, in its mapping" \
		"$(query 'got($o)')" "$(query '$o | want')"
}

directory=$BUILD
if [ "$(stat -f -c %T "$directory")" = tmpfs ]; then
	directory=/var/tmp
fi

for detail in fast full; do
	remap_storm "$detail" "nothing else"
	replaced_storm "$detail"
done
hammer
for detail in fast full; do
	anon_storm "$detail" "map system calls"
	major_storm "$detail" "map system calls"
	remap_storm "$detail" "map system calls"
done
check_schema
done_testing
