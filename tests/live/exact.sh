#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# However a process lives and ends, its `exit` line has the minor and major faults that wait4(2) told
# its parent, process by process, and its rows and GUP add up to the same.
# shellcheck disable=SC2016

. "$(dirname "$0")/../lib.sh"

lives=$BUILD/workload/lives
# The kernel takes 2 or 3 faults itself for the arguments at exec, and one for each thread's last word.
gup_max=8

# The lines of a log that say anything of the children of `lives`, small enough to read at once.
children()
{
	jq -c --argjson parents "$1" \
		'select(.rec == "exit" and (.ppid | IN($parents[])))' "$TMP/log" >"$TMP/exits"
}

# check_lives NAME N: the log in $TMP/log against the oracle's lines in $TMP/oracle.
check_lives()
{
	local name=$1 n=$2 parents

	parents=$(jq -s -c 'map(.parent) | unique' "$TMP/oracle")
	children "$parents"
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

# By how many faults the rows of a process may exceed what the kernel accounted.
abandoned_max=0

# Sums by awk: jq would copy an object of 10,000 processes for each of 100,000 rows.
check_rows()
{
	local name=$1

	jq -r 'if .rec == "faults" then "row \(.pid) \(.start_ns) \(.minor + .major) \(.kind)"
		elif .rec == "interval" then "interval \(.entries) \(.unresolved)"
		else empty end' "$TMP/log" >"$TMP/rows"
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
	check_equal "$name: no process has more than $gup_max faults in no row" \
		"$(jq -s -c "[.[] | select(.gup_total > $gup_max)
			| {pid, comm, minor_total, gup_total}][:5]" "$TMP/exits")" "[]"
	check_equal "$name: fewer than 1 in 10,000 without a kind or a mapping" \
		"$(awk '$1 == "row" && $5 == "unknown" { unknown += $4 }
			$1 == "interval" { entries += $2; unresolved += $3 }
			END {
				lost = unknown > unresolved ? unknown : unresolved # mostly both
				if (!entries || lost * 10000 > entries)
					print lost " of " entries
			}' "$TMP/rows")" ""
}

# under_run DETAIL LIFE N
under_run()
{
	local detail=$1 life=$2 n=$3 status

	"$FAULTMAP" run --json "--detail=$detail" -o "$TMP/log" -- "$lives" "$life" "$n" \
		>"$TMP/oracle" 2>"$TMP/err"
	status=$?
	case $status in
	0) check_lives "$detail, $life" "$n" ;;
	77) skip "$detail, $life" "$(head -n 1 "$TMP/err")" ;;
	*) not_ok "$detail, $life: runs" "exit status $status" "$(cat "$TMP/err")" ;;
	esac
}

# Two parents at once keep both CPUs busy.
ten_thousand()
{
	local detail=$1

	"$FAULTMAP" run --json "--detail=$detail" -o "$TMP/log" -- sh -c '
		"$0" spawn 5000 >"$1.1" & "$0" spawn 5000 >"$1.2" && wait' "$lives" "$TMP/oracle"
	check_equal "$detail, 10,000 short lives: exit status" "$?" 0
	cat "$TMP/oracle.1" "$TMP/oracle.2" >"$TMP/oracle"
	check_lives "$detail, 10,000 short lives" 10000
	check_equal "$detail, 10,000 short lives: no exit or name lost, no map full" \
		"$(jq -n -c '[inputs | select(.rec == "interval")] | last
			| [.exits_lost_total, .names_lost_total, .map_full_total]' "$TMP/log")" "[0,0,0]"
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
	children "$(jq -s -c '[.[] | select(.rec == "exit" and .comm == "lives") | .pid]' "$TMP/log")"
	check_equal "$name: the oracle has 600 processes of 310 pids at most" \
		"$(jq -s -c '[length, (map(.pid) | unique | length <= 310)]' "$TMP/oracle")" "[600,true]"
	jq -r '"\(.minor) \(.major)"' "$TMP/oracle" | sort >"$TMP/want"
	jq -r '"\(.minor_total) \(.major_total)"' "$TMP/exits" | sort >"$TMP/got"
	check_same "$name: minor and major of the 600 as wait4 has them"
	check_rows "$name"
}

for detail in fast full; do
	ten_thousand "$detail"
	for life in vfork spawn fork threads_first leader_first exec_thread exec_orphan; do
		under_run "$detail" "$life" 50
	done
	# The kernel does not account the fault that SIGKILL finds a thread in. Fast detail counted it at its
	# entry: one for each of the five threads at most.
	[ "$detail" = full ] || abandoned_max=5
	under_run "$detail" killed 50
	abandoned_max=0
	# One pid, fifty processes: what tells them apart is when they began.
	under_run "$detail" same_pid 50
done
pid_namespace
done_testing
