#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# takes 60 s
# Causes against the kernel's delay accounting, which keeps the same times by its own clocks: reclaim, sleeps for
# the disk and for swap, pages that were evicted.
# shellcheck disable=SC2016

. "$(dirname "$0")/../../lib.sh"
. tests/live/limits.bash
. tests/vm/live/delays.bash

file=$directory/faultmap-delays.$$
trap 'undo_limits; rm -f "$file"; cleanup_test' EXIT

start_delays
check "there is a cgroup with a limit" limit_memory
dd if=/dev/urandom of="$file" bs=4k count=4096 conv=fsync 2>/dev/null

# The kernel's "blkio" are all sleeps in io_schedule(), those in reclaim and outside of faults, too: of programs that
# are read from the disk first there are fewer when they run again.
run_case full file "$file" 200 16
run_case full file "$file" 200 16
take
compare "sleeps for the disk" '($c.disk // 0) + ($c.page_wait // 0) | . > 0, . <= 1.05 * $d.blkio, . >= 0.8 * $d.blkio'

check "there is swap" add_swap
run_case full again 12 256
take
compare "reclaim" '$c.reclaim > 0, $c.reclaim <= 1.05 * $d.freepages, $c.reclaim >= 0.9 * $d.freepages'
# "thrashing" is a wait for a page that was evicted, until the task has a CPU again.
compare "swap" '$c.swap > 0, $c.swap + $c.runqueue >= 0.9 * $d.thrashing'

run_case full rewrite 3072 3
take
compare "reclaim" '$c.reclaim > 0, $c.reclaim <= 1.05 * $d.freepages, $c.reclaim >= 0.9 * $d.freepages'
compare "swap" '$c.swap > 0, $c.swap + $c.runqueue >= 0.9 * $d.thrashing, $c.swap <= 1.05 * $d.blkio'
done_testing
