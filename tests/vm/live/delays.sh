#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# takes 60 s
# Causes against the kernel's delay accounting, which keeps the same times by its own clocks: reclaim, sleeps for
# the disk and for swap, and copies. (What it calls thrashing is a part of the waits for what was evicted.)
# shellcheck disable=SC2016

. "$(dirname "$0")/../../lib.sh"
. tests/live/limits.bash
. tests/vm/live/delays.bash
. tests/vm/live/disks.bash

trap 'undo_limits; umount "$TMP/slow"; cleanup_test' EXIT

start_delays
check "there is a cgroup with a limit" limit_memory
mkdir "$TMP/slow" && device=$(disk_of slow) && mkfs.ext4 -q -E lazy_itable_init=1 -O ^has_journal "$device" && mount "$device" "$TMP/slow" &&
	dd if=/dev/urandom of="$TMP/slow/file" bs=4k count=512 conv=fsync 2>/dev/null
check_equal "there is a slow disk" "$?" 0

# The kernel's "blkio" are all sleeps in io_schedule(), those in reclaim and outside of faults, too: of programs that
# are read from the disk first there are none when they run again.
run_case full file "$TMP/slow/file" 2 16
run_case full file "$TMP/slow/file" 128 4
take
compare "sleeps for the disk" '($c.disk // 0) + ($c.page_wait // 0) | . > 1e8, . <= 1.1 * $d.blkio, . >= 0.8 * $d.blkio'

directory=$TMP/slow
check "there is swap" add_swap
run_case full again 12 256
take
compare "reclaim" '$c.reclaim | . > 0, . <= 1.1 * $d.freepages, . >= 0.9 * $d.freepages'
compare "swap" '$c.swap | . > 0, . <= 1.1 * $d.blkio, . + $c.reclaim >= 0.8 * $d.blkio'
# The kernel times the copy alone, not the rest of the fault.
run_case full rewrite 512 1
take
compare "copies" '$d.wpcopy > 0, $d.wpcopy <= '"$(query '[.[] | select(.rec == "faults" and .pid == $case.pid
	and (.kind | test("cow"))) | .latency.sum_ns // 0] | add')"
done_testing
