#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Each kind of fault that this machine can provoke: faultgen makes an exact number of them in a
# mapping (and holds its own count against getrusage); faultmap reports that number, in that mapping,
# with that kind, access and mode, and nothing else there. Where --detail=fast can't prove the kind, it
# has to say the coarser one; --detail=full has to say the exact one, and the pages that each fault
# mapped.

. "$(dirname "$0")/../lib.sh"

faultgen=$BUILD/workload/faultgen
zram=
swap_file=
hugepages=
detail=
trap 'undo_swap; undo_hugepages; cleanup_test' EXIT

# A compressed RAM disk of our own as swap: pages that come back from it are major faults.
set_up_swap()
{
	local number

	number=$(cat /sys/class/zram-control/hot_add 2>/dev/null) || return 1
	zram=zram$number
	wait_for 5 test -b "/dev/$zram" || return 1
	echo 64M >"/sys/block/$zram/disksize" && mkswap "/dev/$zram" &&
		swapon --priority 32767 "/dev/$zram"
}

# On a disk: pages that were just swapped out are still in the swap cache, and come back as minor.
set_up_swap_file()
{
	swap_file=$directory/faultgen-swap
	dd if=/dev/zero of="$swap_file" bs=1M count=32 && chmod 600 "$swap_file" &&
		mkswap "$swap_file" && swapon --priority 32767 "$swap_file"
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

set_up_hugepages()
{
	local before

	before=$(cat /proc/sys/vm/nr_hugepages) || return 1
	hugepages=$before
	echo $((before + 8)) >/proc/sys/vm/nr_hugepages
}

undo_hugepages()
{
	[ -n "$hugepages" ] || return 0
	echo "$hugepages" >/proc/sys/vm/nr_hugepages
	hugepages=
}

# run_case CASE [PAGES]
run_case()
{
	local case=$1 status

	"$FAULTMAP" run --json "--detail=$detail" -o "$TMP/log" -- "$faultgen" "$@" --dir "$directory" \
		>"$TMP/case" 2>"$TMP/messages"
	status=$?
	case $status in
	0) check_case "$case" ;;
	77) skip "$detail, $case" "$(head -n 1 "$TMP/messages")" ;;
	*) not_ok "$detail, $case: runs" "exit status $status" "$(cat "$TMP/messages")" ;;
	esac
}

check_case()
{
	local name="$detail, $1"

	jq -c -L tests/live --arg detail "$detail" 'include "faults"; in_detail($detail)' \
		"$TMP/case" >"$TMP/expected"
	check_equal "$name: counted exactly, in its mapping" \
		"$(jq -rs -L tests/live --slurpfile case "$TMP/expected" \
			'include "faults"; got($case[0])' "$TMP/log")" \
		"$(jq -r -L tests/live 'include "faults"; want' "$TMP/expected")"
	check_equal "$name: nothing without a kind or a mapping in the whole run" \
		"$(jq -s -L tests/live 'include "faults"; unexplained' "$TMP/log")" 0
}

# What populate brings in is in no row: the kernel faults it in itself, without an exception.
check_populate()
{
	local gup want

	run_case populate 1024
	want=$(jq .gup "$TMP/case")
	gup=$(jq -s --slurpfile case "$TMP/case" \
		'.[] | select(.rec == "exit" and .pid == $case[0].pid) | .gup_total' "$TMP/log")
	check "$detail, populate: gup is $want and the handful that exec takes (got $gup)" \
		test "$gup" -ge "$want" -a "$gup" -le $((want + 16))
}

# Files have to lie on a disk: on tmpfs they would be shmem.
directory=$BUILD
if [ "$(stat -f -c %T "$directory")" = tmpfs ]; then
	directory=/var/tmp
fi

run_all()
{
	local case

	for case in $("$faultgen" --list); do
		case $case in
		swap_in)
			set_up_swap >/dev/null 2>&1
			run_case "$case"
			undo_swap
			;;
		swap_cached)
			set_up_swap_file >/dev/null 2>&1
			run_case "$case"
			undo_swap
			;;
		hugetlb)
			set_up_hugepages
			run_case "$case"
			undo_hugepages
			;;
		populate) check_populate ;;
		*) run_case "$case" ;;
		esac
	done
	# The numbers are no accident of the default size.
	run_case demand_zero_write 5000
	run_case file_map_major 300
	run_case denied_unmapped 1000
}

for detail in fast full; do
	run_all
done
done_testing
