#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# runs alone: it adds swap and huge pages to the machine
# takes 10 s
# As kinds.sh, for the kinds that need swap, a limit of memory or a pool of huge pages.

. "$(dirname "$0")/../lib.sh"
. tests/live/kinds.bash

zram=
swap_file=
hugepages=
limited=
trap 'undo_limit; undo_swap; undo_hugepages; cleanup_test' EXIT

# A compressed RAM disk of our own as swap: pages that come back from it are major faults.
set_up_swap()
{
	local number

	number=$(cat /sys/class/zram-control/hot_add 2>/dev/null) || return 1
	zram=zram$number
	wait_for 120 test -b "/dev/$zram" || return 1
	echo 64M >"/sys/block/$zram/disksize" && mkswap "/dev/$zram" &&
		swapon --priority 32767 "/dev/$zram"
}

# On a disk: pages that were just swapped out are still in the swap cache, and come back as minor. Nothing is
# swapped to when faultmap starts.
set_up_swap_file()
{
	swap_file=$directory/faultgen-swap
	dd if=/dev/zero of="$swap_file" bs=1M count=32 && chmod 600 "$swap_file" &&
		mkswap "$swap_file"
}

undo_swap()
{
	if [ -n "$swap_file" ]; then
		swapoff "$swap_file" 2>/dev/null
		rm -f "$swap_file"
		swap_file=
	fi
	[ -n "$zram" ] || return 0
	swapoff "/dev/$zram" 2>/dev/null
	echo 1 >"/sys/block/$zram/reset"
	echo "${zram#zram}" >/sys/class/zram-control/hot_remove
	zram=
}

# A cgroup of 8 MiB of memory.
set_up_limit()
{
	local root limit=memory.max

	root=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
	if ! grep -qsw memory "$root/cgroup.controllers"; then
		root=$(awk '$3 == "cgroup" && $4 ~ /(^|,)memory(,|$)/ { print $2; exit }' /proc/mounts)
		limit=memory.limit_in_bytes
	fi
	[ -n "$root" ] || return 1
	[ "$limit" != memory.max ] || echo +memory >"$root/cgroup.subtree_control" || return 1
	mkdir "$root/faultmap-test.$$" || return 1
	limited=$root/faultmap-test.$$
	echo 8M >"$limited/$limit"
}

undo_limit()
{
	[ -n "$limited" ] || return 0
	wait_for 120 rmdir "$limited"
	limited=
}

# add_hugepages N: what others add or take meanwhile stays.
add_hugepages()
{
	echo $(($(cat /proc/sys/vm/nr_hugepages) + $1)) >/proc/sys/vm/nr_hugepages
}

set_up_hugepages()
{
	add_hugepages 8 && hugepages=8
}

undo_hugepages()
{
	[ -n "$hugepages" ] || return 0
	add_hugepages -8
	hugepages=
}

set_up_swap >/dev/null 2>&1
set_up_hugepages
for detail in fast full; do
	run_cases "$detail" swap_in hugetlb
done
undo_hugepages

# A fault in the middle of a process's end, which the exit hook does not see: it is of the kernel, a read, and major.
check_swapped_at_exit()
{
	local detail=$1 name="$1, a page that comes back from swap as the process exits"

	"$FAULTMAP" run --json "--detail=$detail" -o "$TMP/log" -- \
		"$BUILD/workload/lives" swapped 20 >"$TMP/oracle" 2>"$TMP/err"
	if [ $? -eq 77 ]; then
		skip "$name" "$(cat "$TMP/err")"
		return
	fi
	check_equal "$name: as wait4 has it, and all of it in rows" \
		"$(jq -c -s --slurpfile oracle "$TMP/oracle" '($oracle | map(.pid)) as $children
			| map(select(.rec == "exit" and (.pid | IN($children[]))) | [.pid, .minor_total, .major_total, .gup_total])
			| sort' "$TMP/log")" \
		"$(jq -c -s 'map([.pid, .minor, .major, 0]) | sort' "$TMP/oracle")"
	check_equal "$name: a row of its own" \
		"$(jq -c -s --slurpfile oracle "$TMP/oracle" '($oracle | map(.pid)) as $children
			| map(select(.rec == "faults" and .major_total > 0 and (.pid | IN($children[])))
			| [.kind, .access, .mode, .minor_total, .major_total]) | group_by(.)
			| map(.[0] + [length])' "$TMP/log")" '[["swap_in","read","kernel",0,1,20]]'
}
for detail in fast full; do
	check_swapped_at_exit "$detail"
done
# check_clean_pages: of our own pages, which of a file's go when one of it is on swap.
check_clean_pages()
{
	local name="a private copy that is on swap stays when clean pages go" status test=$BUILD/tests/unit/test_clean_pages

	if [ ! -x "$test" ]; then
		skip "$name" "no unit test was built"
		return
	fi
	CMOCKA_MESSAGE_OUTPUT=TAP "$test" >"$TMP/out" 2>"$TMP/err"
	status=$?
	if grep -q 'SKIP test_swapped' "$TMP/out"; then
		skip "$name" "no page can be swapped out here"
	else
		check_equal "$name" "$status$(grep -hc '^ok .*test_swapped' "$TMP/out")" 01
	fi
}
check_clean_pages
set_up_limit >/dev/null 2>&1
for detail in fast full; do
	run_cases "$detail" reclaim
done
undo_limit
undo_swap
for detail in fast full; do
	set_up_swap_file >/dev/null 2>&1
	run_cases "$detail" swap_cached
	undo_swap
done
check_schema
done_testing
