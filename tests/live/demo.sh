#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# takes 15 s
# The demo: 512 MiB (64 on an emulated machine) reserved, then touched. Its numbers are exact, nothing is counted before the
# first touch, and sizes are those that ps prints.

. "$(dirname "$0")/../lib.sh"

mib=$(fewer 512)
pages=$((mib * 256))
touch=tests/workload/touch.py
# The interpreter itself: `python3` may be a script that looks for it, and so several processes. In the old layout,
# so that its memory is not where the process had other mappings before exec: arm64 puts all within the same GiB.
python=$(python3 -c 'import sys; print(sys.executable)')
program=(setarch -L "$python" "$touch")

# reserved_at FILE: the address that touch.py printed.
reserved_at()
{
	sed -n 's/^reserved .* at \(0x[0-9a-f]*\):.*/\1/p' "$1"
}

# rows LOG PID ADDRESS: what the log has in the reserved range.
rows()
{
	jq -rs -L tests/live --argjson pid "$2" --arg from "$3" \
		--arg to "$(printf '0x%x' $(($3 + (mib << 20))))" \
		'include "faults"; [faults_in($pid; $from; $to)] | describe' "$1"
}

# Where fault entry is a perf event, the access is not known.
access="write"

test_run()
{
	local pid address

	"$FAULTMAP" run --json -o "$TMP/run" -- "${program[@]}" "$mib" >"$TMP/out"
	check_equal "run: exit status" "$?" 0
	keep_log "$TMP/run"
	address=$(reserved_at "$TMP/out")
	pid=$(jq -s '[.[] | select(.rec == "exit")][0].pid' "$TMP/run")
	! grep -q '"hooks":.*"perf_event/page-faults"' "$TMP/run" || access="unknown"
	check_equal "run: one [anon] row, $pages demand_zero minor faults, no major" \
		"$(rows "$TMP/run" "$pid" "$address")" \
		"[anon] demand_zero $access user: $pages minor, 0 major, 0 denied"
	check_equal "run: one line for it" "$(jq -s --argjson n "$pages" \
		'[.[] | select(.rec == "faults" and .minor_total == $n)] | length' "$TMP/run")" 1
	check_equal "run: the command's stdout is its own" "$(wc -l <"$TMP/out")" 2
	check_equal "run: a process, and it ended well" \
		"$(jq -c 'select(.rec == "run") | [.processes, .exit_status]' "$TMP/run")" "[1,0]"
}

# take_lines PID: the process's own, of all that went before, in $TMP/own.
take_lines()
{
	await_intervals "$TMP/log" 2
	grep -F "\"pid\":$1," "$TMP/log" >"$TMP/own"
}

sizes_of_log()
{
	jq -rs --argjson pid "$1" '[.[] | select(.rec == "process" and .pid == $pid)][-1]
		| "\(.vsz_bytes / 1024) \(.rss_bytes / 1024)"' "$TMP/own"
}

sizes_of_ps()
{
	ps -o vsz=,rss= -p "$1" | awk '{ print $1, $2 }'
}

test_log()
{
	local log pid address

	mkfifo "$TMP/step"
	exec 3<>"$TMP/step"
	rm -f "$TMP/log" # an old one has its meta line, too
	start_background "$FAULTMAP" log -d 0.2 -o "$TMP/log"
	log=$BACKGROUND_PID
	wait_for 120 grep -qs '"rec":"meta"' "$TMP/log"
	start_background "${program[@]}" "$mib" --wait <&3 >"$TMP/out"
	pid=$BACKGROUND_PID
	wait_for 120 grep -q 'ready to touch' "$TMP/out"
	take_lines "$pid"
	address=$(reserved_at "$TMP/out")
	check_equal "log: no fault in the mapping before the first touch" \
		"$(rows "$TMP/own" "$pid" "$address")" ""
	check "log: though it has seen the process" \
		grep -q '"rec":"process"' "$TMP/own"
	echo >&3
	wait_for 120 grep -q 'ready to end' "$TMP/out"
	take_lines "$pid"
	check_equal "log: $pages faults after it" "$(rows "$TMP/own" "$pid" "$address")" \
		"[anon] demand_zero $access user: $pages minor, 0 major, 0 denied"
	check_equal "log: VSZ and RSS as ps prints them" "$(sizes_of_log "$pid")" "$(sizes_of_ps "$pid")"
	echo >&3
	wait_for 120 process_ended "$pid"
	take_lines "$pid"
	check_equal "log: the exit line has the process's totals" \
		"$(jq -c --argjson pid "$pid" 'select(.rec == "exit" and .pid == $pid)
			| [.minor_total, .major_total]' "$TMP/own")" \
		"$(jq -cs --argjson pid "$pid" '[.[] | select(.rec == "process" and .pid == $pid)][-1]
			| [.minor_total, .major_total]' "$TMP/own")"
	stop_background "$log"
	keep_log "$TMP/log"
	# By awk, line after line: the log is of the whole machine.
	check_equal "log: each total is the one before and the delta, for every row" \
		"$(jq -r 'select(.rec == "faults") | "\(.pid) \(.start_ns) \(.mapping_id) \(.kind) " +
			"\(.access) \(.mode) \(.minor) \(.minor_total)"' "$TMP/log" |
			awk '{ row = $1 " " $2 " " $3 " " $4 " " $5 " " $6 }
				row in total && total[row] + $7 != $8
				{ total[row] = $8 }' | head -n 5)" ""
	grep -F "\"pid\":$pid," "$TMP/log" >"$TMP/own"
	check_equal "log: the last totals are the sums of the deltas, in what began after the log" \
		"$(jq -cs --argjson pid "$pid" '[.[] | select(.rec == "faults" and .pid == $pid)]
			| [.[].minor] | add' "$TMP/own")" \
		"$(jq -cs --argjson pid "$pid" '[.[] | select(.rec == "faults" and .pid == $pid)]
			| group_by([.mapping_id, .kind, .access, .mode]) | map(.[-1].minor_total) | add' \
			"$TMP/own")"
}

test_run
test_log
check_schema
done_testing
