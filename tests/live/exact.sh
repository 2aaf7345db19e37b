#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# takes 30 s
# However a process lives and ends, its `exit` line has the minor and major faults that wait4(2) told its
# parent, and its rows and GUP add up to the same.
# shellcheck disable=SC2016

. "$(dirname "$0")/../lib.sh"
find_lacks

lives=$BUILD/workload/lives
# --detail=fast, where nothing counts minor faults apart from the rows: the kernel takes 2 or 3 itself for
# the arguments at exec, and one for each thread's last word.
gup_max=8

# What the checks need of a log of 60 MB, in one pass: python3 reads JSON twice as fast as jq.
#   $TMP/rows: "row PID START FAULTS KIND", "interval ENTRIES UNRESOLVED"
#   $TMP/all-exits: the exit lines, $TMP/last: the last interval line
read_log()
{
	python3 - "$TMP" <<'END'
import json, sys
tmp = sys.argv[1]
rows, exits = open(tmp + "/rows", "w"), open(tmp + "/all-exits", "w")
last = ""
for text in open(tmp + "/log"):
    line = json.loads(text)
    if line["rec"] == "faults":
        print("row", line["pid"], line["start_ns"], line["minor"] + line["major"], line["kind"],
              file=rows)
    elif line["rec"] == "interval":
        print("interval", line["entries"], line["unresolved"], file=rows)
        last = text
    elif line["rec"] == "exit":
        exits.write(text)
open(tmp + "/last", "w").write(last)
END
}

# children PARENTS: the exit lines of their children.
children()
{
	jq -c --argjson parents "$1" 'select(.ppid | IN($parents[]))' "$TMP/all-exits" >"$TMP/exits"
}

# check_lives NAME N: the log against the oracle's lines in $TMP/oracle.
check_lives()
{
	local name=$1 n=$2

	children "$(jq -s -c 'map(.parent) | unique' "$TMP/oracle")"
	jq -r '"\(.pid) \(.minor) \(.major)"' "$TMP/oracle" | sort >"$TMP/want"
	jq -r '"\(.pid) \(.minor_total) \(.major_total)"' "$TMP/exits" | sort >"$TMP/got"
	check_equal "$name: the oracle has $n processes" "$(wc -l <"$TMP/want")" "$n"
	check_same "$name: pid, minor and major of each as wait4 has them"
	check_rows "$name"
}

# check_same NAME: $TMP/got against $TMP/want.
check_same()
{
	if cmp -s "$TMP/want" "$TMP/got"; then
		ok "$1"
	else
		not_ok "$1" "$(diff "$TMP/want" "$TMP/got" | grep -c '^<') differ; wanted <, got >:" \
			"$(diff "$TMP/want" "$TMP/got" | head -n 12)"
	fi
}

# The last: one pid, fifty processes; what tells them apart is when they began.
all_lives=(vfork spawn fork threads_first leader_first exec_thread exec_orphan killed unmapped same_pid)
# By how many faults the rows of a process may exceed what the kernel accounted.
abandoned_max=0

# Sums by awk: jq would copy an object of 4,000 processes for each of 100,000 rows.
check_rows()
{
	local name=$1

	jq -r '"exit \(.pid) \(.start_ns) \(.minor_total + .major_total - .gup_total)"' \
		"$TMP/exits" >"$TMP/sums"
	check_equal "$name: rows and gup add up to it, process by process" \
		"$(awk -v abandoned_max="$abandoned_max" '{ process = $2 " " $3 }
			$1 == "exit" { left[process] = $4 }
			$1 == "row" && process in left { left[process] -= $4 }
			END {
				for (process in left)
					if (left[process] > 0 || left[process] < -abandoned_max)
						print process, left[process]
			}' \
			"$TMP/sums" "$TMP/rows" | head -n 5)" ""
	[ "${name%%,*}" = full ] ||
		check_equal "$name: no process has more than $gup_max faults in no row" \
			"$(jq -s -c "[.[] | select(.gup_total > $gup_max)
				| {pid, comm, minor_total, gup_total}][:5]" "$TMP/exits")" "[]"
	check_equal "$name: fewer than 1 in 10,000 without a kind" \
		"$(awk '{ process = $2 " " $3 }
			$1 == "exit" { child[process] = 1 }
			$1 == "row" && process in child {
				faults += $4
				if ($5 == "unknown")
					unknown += $4
			}
			END {
				if (!faults || unknown * 10000 > faults)
					print unknown " of " faults
			}' "$TMP/sums" "$TMP/rows")" ""
}

# check_whole NAME: all that was followed. Names begin with the detail, or it is fast.
check_whole()
{
	local detail=fast

	[ "${1%%,*}" != full ] || detail=full
	check_equal "$1: perf events counted what is in rows, and the rest of the tasks' counters is gup" \
		"$(jq -n -r -L tests/live "include \"faults\"; discrepancies(\"$detail\")" \
			"$TMP/all-exits" "$TMP/last")" ""
	check_equal "$1: fewer than 1 in 10,000 without a kind or a mapping" \
		"$(awk '$1 == "row" && $5 == "unknown" { unknown += $4 }
			$1 == "interval" { entries += $2; unresolved += $3 }
			END {
				lost = unknown > unresolved ? unknown : unresolved # mostly both
				if (!entries || lost * 10000 > entries)
					print lost " of " entries
			}' "$TMP/rows")" ""
	check_equal "$1: no exit or name lost, no map full" \
		"$(jq -c '[.exits_lost_total, .names_lost_total, .map_full_total]' "$TMP/last")" "[0,0,0]"
}

# Fifty processes of each life under one faultmap.
all_lives()
{
	local detail=$1 life status

	rm -rf "$TMP/lives"
	mkdir "$TMP/lives"
	"$FAULTMAP" run --json "--detail=$detail" -o "$TMP/log" -- sh -c '
		lives=$1 output=$2
		shift 2
		for life; do
			"$lives" "$life" 50 >"$output/$life" 2>"$output/$life.err"
			echo $? >"$output/$life.status"
		done' - "$lives" "$TMP/lives" "${all_lives[@]}"
	check_equal "$detail, lives: exit status" "$?" 0
	keep_log "$TMP/log"
	read_log
	check_whole "$detail, lives"
	for life in "${all_lives[@]}"; do
		status=$(cat "$TMP/lives/$life.status")
		# The kernel does not account the fault that SIGKILL finds a thread in. Fast detail counted it
		# at its entry: one for each of the five threads at most.
		abandoned_max=0
		[ "$detail:$life" != fast:killed ] || abandoned_max=5
		cp "$TMP/lives/$life" "$TMP/oracle"
		case $status in
		0) check_lives "$detail, $life" 50 ;;
		77) skip "$detail, $life" "$(head -n 1 "$TMP/lives/$life.err")" ;;
		*) not_ok "$detail, $life: runs" "exit status $status" "$(cat "$TMP/lives/$life.err")" ;;
		esac
	done
	abandoned_max=0
}

# Others fork as fast as they can: ticks come late, and rows leave the table while one reads.
start_storm()
{
	storm=()
	for _ in 1 2; do
		start_background "$BUILD/workload/rows" 10000000 0 1 >/dev/null
		storm+=("$BACKGROUND_PID")
	done
}

stop_storm()
{
	for pid in "${storm[@]}"; do
		stop_background "$pid"
	done
}

# Two parents at once keep both CPUs busy. Of some 25 rows each: 100,000 rows come and go through a table of
# 65,536.
short_lives()
{
	local detail=$1 each n name

	each=$(fewer 2000)
	n=$((2 * each))
	name="$detail, $n short lives"
	"$FAULTMAP" run --json "--detail=$detail" -o "$TMP/log" -- sh -c '
		"$0" spawn "$2" >"$1.1" & "$0" spawn "$2" >"$1.2" && wait' "$lives" "$TMP/oracle" "$each"
	check_equal "$name: exit status" "$?" 0
	# All of its lines look alike.
	keep_log <(head -n 5000 "$TMP/log") <(tail -n 500 "$TMP/log")
	cat "$TMP/oracle.1" "$TMP/oracle.2" >"$TMP/oracle"
	read_log
	check_lives "$name" "$n"
	check_whole "$name"
}

# A pid namespace with few pids to give, which starts over at 300 when it has given them. Its pids are not those
# that faultmap sees, so the counts are compared without them.
pid_namespace()
{
	local name="a pid namespace of 310 pids"

	if ! unshare --pid --fork --mount-proc sh -c 'echo 310 >/proc/sys/kernel/pid_max' 2>/dev/null ||
		[ "$(cat /proc/sys/kernel/pid_max)" = 310 ]; then
		skip "$name" "no kernel.pid_max of its own there: Linux before 6.14"
		return
	fi
	"$FAULTMAP" run --json --detail=fast -o "$TMP/log" -- unshare --pid --fork --mount-proc \
		sh -c 'echo 310 >/proc/sys/kernel/pid_max && exec "$0" spawn 600' "$lives" \
		>"$TMP/oracle"
	check_equal "$name: exit status" "$?" 0
	keep_log "$TMP/log"
	read_log
	check_whole "$name"
	children "$(jq -s -c '[.[] | select(.comm == "lives") | .pid]' "$TMP/all-exits")"
	check_equal "$name: the oracle has 600 processes of 310 pids at most" \
		"$(jq -s -c '[length, (map(.pid) | unique | length <= 310)]' "$TMP/oracle")" "[600,true]"
	jq -r '"\(.minor) \(.major)"' "$TMP/oracle" | sort >"$TMP/want"
	jq -r '"\(.minor_total) \(.major_total)"' "$TMP/exits" | sort >"$TMP/got"
	check_same "$name: minor and major of the 600 as wait4 has them"
	check_rows "$name"
}

start_storm
short_lives fast
stop_storm
short_lives full
for detail in fast full; do
	all_lives "$detail"
done
pid_namespace
check_schema
done_testing
