#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Swap on a disk, and a memory cgroup that is too small for its program: swapped pages come back as swap_in, the
# count of major faults is the kernel's, and each fault is in a row.
# shellcheck disable=SC2016

. "$(dirname "$0")/../../lib.sh"
. tests/vm/live/disks.bash

cgroup=/sys/fs/cgroup/thrash

# query FILTER: $o is what thrash printed.
query()
{
	jq -c -s -L tests/live --slurpfile oracle "$TMP/oracle" \
		"include \"faults\"; \$oracle[0] as \$o | $1" "$TMP/log"
}

thrash()
{
	local detail=$1

	# shellcheck disable=SC2016
	"$FAULTMAP" run --json "--detail=$detail" -o "$TMP/log" -- sh -c \
		'echo $$ >"$0/cgroup.procs" && exec "$1" 48 2' "$cgroup" "$BUILD/workload/thrash" \
		>"$TMP/oracle"
	check_equal "$detail: exit status" "$?" 0
	check "$detail: it did thrash: $(query '$o.major') majors" test "$(query '$o.major')" -gt 1000
	check_equal "$detail: the majors of the mapping are swap_in, as many as getrusage has" \
		"$(query '[faults_in($o.pid; $o.start; $o.end) | select(.major > 0)]
			| [(map(.kind) | unique), total(.[].major)]')" \
		"$(query '[["swap_in"], $o.major]')"
	check_equal "$detail: so are the minors of the mapping" \
		"$(query 'total(faults_in($o.pid; $o.start; $o.end) | .minor)')" "$(query '$o.minor')"
	check_equal "$detail: rows and gup add up to the process's totals" \
		"$(query 'total(faults_of($o.pid) | .minor + .major)
			+ (.[] | select(.rec == "exit" and .pid == $o.pid) | .gup_total)')" \
		"$(query '.[] | select(.rec == "exit" and .pid == $o.pid) | .minor_total + .major_total')"
}

device=$(disk_of swap) && mkswap "$device" >/dev/null && swapon "$device"
check_equal "there is swap on a disk" "$?" 0
echo +memory >/sys/fs/cgroup/cgroup.subtree_control
mkdir "$cgroup"
echo 16M >"$cgroup/memory.max"
thrash fast
thrash full
done_testing
