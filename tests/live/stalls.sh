#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# runs alone: it adds swap, slows a disk down and makes a CPU busy
# takes 12 s
# Causes of stalls. Workloads wait for something known, and measure how long it took: that cause must have this
# time, and all causes must add up to the latency, to the nanosecond. Time in which another task had the CPU is
# "runqueue", which the kernel counts too (/proc/thread-self/schedstat).
# shellcheck disable=SC2016

. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/live/limits.bash
. "$(dirname "$0")/limits.bash"
find_lacks

slow_file=$directory/faultmap-slow.$$
trap 'undo; cleanup_test' EXIT

undo()
{
	umount "$TMP/slow_fs" 2>/dev/null
	umount "$TMP/dirty" 2>/dev/null
	undo_limits
	rm -f "$slow_file" "$slow_file.fs"
}

# slow_reads N: a cgroup that reads N times a second from the disk that $directory is on.
slow_reads()
{
	local device

	device=$(stat -c %d "$directory")
	device=$((device >> 8 & 0xfff)):$((device & 0xff))
	root_of io && make_group || return
	if [ "$version" = 2 ]; then
		echo "$device riops=$1" >"$group/io.max"
	else
		echo "$device $1" >"$group/blkio.throttle.read_iops_device"
	fi
} 2>/dev/null

# check_cause CAUSE [cpu]: it has 90 % of what is neither runqueue nor (with "cpu") the fault's own work. On an
# emulated machine that takes milliseconds.
check_cause()
{
	local work=${2-${WORK_DIVISOR:+cpu}}

	check_equal "$name: it was $1" "$(query 'stall as $stall
		| ($stall | del(.runqueue, .['"\"$work\""']) | total(.[])) as $rest
		| [$stall["'"$1"'"] >= 0.9 * $rest, $rest > 0]
		| if all then . else {$stall, $case} end')" "[true,true]"
	check_equal "$name: nothing is unknown" "$(query 'unknown * 100 <= (stall | total(.[]))')" true
}

# check_time: the program's clock says the same. It is not in the kernel for the rest, and its clock runs a little
# longer; on an emulated machine, milliseconds at each fault.
check_time()
{
	check_equal "$name: as long as the program's own clock says" "$(query '
		(stall | total(.[])) as $ns | [$ns <= $case.waited_ns, $ns >= '"${WORK_DIVISOR:+0.8 * }"'0.9 * $case.waited_ns]
		| if all then . else {$ns, $case} end')" "[true,true]"
}

# In fast detail minor faults have their time up to the last that was seen of them.
test_userfaultfd()
{
	run_case "$1" userfaultfd 20 5000
	check_cause userfaultfd
	check_time
	check_equal "$name: each of them waited 5 ms" "$(query '
		[total(in_case.latency.count), total(in_case.latency.buckets[15:][]),
		(stall.userfaultfd + stall.runqueue >= 20 * 5000000)]')" "[20,20,true]"
}

# In fast detail memory that cannot be in swap is counted as it faults.
test_lock()
{
	if lacks locks; then
		skip "$1, lock" "the feature locks is not there"
		return
	fi
	run_case "$1" lock 20 0
	check_cause lock cpu
	check_equal "$name: the thread that had it" "$(query '[in_case | .stall.lock // empty
		| .holder_tid == $case.other_tid] | unique')" '[true]'
}

test_runqueue()
{
	run_case "$1" runqueue 100 0
	check_time
	# It may have to wait once more between an access and asking the kernel: not for longer than the access took.
	check_equal "$name: the kernel says so, too" "$(query '(stall.runqueue // 0) as $ns
		| [$ns <= $case.queued_ns, $ns >= 0.5 * $case.within_ns]
		| if all then . else {$ns, $case} end')" "[true,true]"
}

test_remote()
{
	run_case "$1" file "$TMP/slow_fs/file" 20 5
	check_cause remote
	check_time
}

test_disk()
{
	run_case "$1" file "$slow_file" 12 4
	check_cause "$(lacks page_cache && echo page_wait || echo disk)"
	check_time
}

# Somebody else has begun to read the page: it is his read that is waited for.
test_page_wait()
{
	run_case "$1" behind "$slow_file" 12 4
	check_cause page_wait
	check_time
}

# slow_writes: a file system of ours for which no more than 1 MiB may be dirty, 256 pages. Its file is $dirty_file.
slow_writes()
{
	local bdi

	truncate -s 64M "$slow_file.fs" && mkfs.ext4 -q -O ^has_journal "$slow_file.fs" &&
		mkdir "$TMP/dirty" && mount -o loop "$slow_file.fs" "$TMP/dirty" || return
	bdi=/sys/class/bdi/$(mountpoint -d "$TMP/dirty")
	dirty_file=$TMP/dirty/file
	dd if=/dev/zero of="$dirty_file" bs=1M count=32 conv=fsync 2>/dev/null &&
		echo 1 >"$bdi/strict_limit" && echo 1048576 >"$bdi/max_bytes"
} 2>/dev/null

test_writeback()
{
	run_case "$1" dirty "$dirty_file" 4096
	check_cause writeback cpu
}

test_swap()
{
	local kinds=^swap_in

	run_case "$1" again 12 256
	check_cause swap cpu # a fast disk answers in less time than the fault itself takes
}

test_reclaim()
{
	run_case "$1" huge 24
	check_cause reclaim cpu
}

# What no hook tells of: the kernel's path says where it slept, and has all of the time. `function` is where.
test_unknown()
{
	local function='^shmem_(falloc_wait|fault)'

	run_case "$1" punch 64 12
	check_equal "$name: some of it is unknown, and no more than the program waited" "$(query '
		[stall.unknown > 0, stall.unknown <= $case.waited_ns] | if all then . else {stall: stall, $case} end')" \
		"[true,true]"
	check_equal "$name: the kernel's paths have all of that" "$(query '
		[.[] | select(.rec == "stall_stack")] as $paths
		| [($paths | total(.[].sum_ns)) - unknown, ($paths | total(.[].count))
			- total(.[] | select(.rec == "faults") | .stall.unknown.count // 0)]')" "[0,0]"
	if lacks kernel_names; then
		function='^\[kernel\]'
	fi
	check_equal "$name: its path begins where it slept" "$(query '
		[.[] | select(.rec == "stall_stack")] | max_by(.sum_ns).kernel[0] | test("'"${function//\\/\\\\}"'")')" true
	"$FAULTMAP" report "$TMP/log" >"$TMP/report"
	check_contains "$name: report says where" "$TMP/report" "^unknown: asleep in ${function#^} [0-9]"
}

# Without the feature its time is told all the same.
test_unknown_without()
{
	"$FAULTMAP" run --json --disable-feature kernel_stacks --detail=full -o "$TMP/log" -- \
		"$stalls" punch 64 12 >"$TMP/case" 2>"$TMP/err"
	keep_log "$TMP/log"
	check_equal "without kernel_stacks: a path of no function has all of it" "$(query '
		[.[] | select(.rec == "stall_stack")] as $paths
		| [([$paths[].kernel] | unique), unknown > 0, ($paths | total(.[].sum_ns)) == unknown]')" \
		"[[[]],true,true]"
}

for detail in full fast; do
	lacks switches || lacks kernel_stacks || test_unknown "$detail"
done
lacks switches || test_unknown_without

for detail in full fast; do
	test_userfaultfd "$detail"
	lacks run_delay || test_runqueue "$detail"
done
test_lock full

mkdir "$TMP/slow_fs"
if ! [ -c /dev/fuse ]; then
	skip remote "this kernel has no FUSE"
else
	start_background "$BUILD/workload/slow_fs" "$TMP/slow_fs" 5 100
	wait_for 60 test -f "$TMP/slow_fs/file"
	test_remote full
	test_remote fast
	umount "$TMP/slow_fs"
fi

if slow_writes; then
	test_writeback full
	test_writeback fast
else
	skip writeback "no loop device, or no limit of what may be dirty on one file system (Linux 6.2)"
fi

dd if=/dev/urandom of="$slow_file" bs=4k count=48 conv=fsync 2>/dev/null
if slow_reads 50; then
	test_disk full
	test_disk fast
	test_page_wait full
	test_page_wait fast
else
	skip "disk, page_wait" "no cgroup can slow $directory's disk down"
fi

if limit_memory && add_swap; then
	test_swap full
	test_swap fast
	test_reclaim full
else
	skip "swap, reclaim" "no cgroup with a limit of memory, or no swap file"
fi
check_schema
done_testing
