#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A cgroup above memory.high: a fault that charges a huge page sleeps before it ends, which is the cause
# "throttle".
# shellcheck disable=SC2016

. "$(dirname "$0")/../../lib.sh"
. tests/live/limits.bash

cgroup=/sys/fs/cgroup/high
echo +memory >/sys/fs/cgroup/cgroup.subtree_control
mkdir "$cgroup" && echo 8M >"$cgroup/memory.high"
check_equal "there is a cgroup with memory.high" "$?" 0
check "the kernel keeps pressure statistics" test -e /proc/pressure/memory
groups=("$cgroup")

run_case full huge 24
check_equal "it is the cause throttle" "$(query 'stall as $stall
	| ($stall | del(.runqueue, .cpu) | total(.[])) as $rest
	| [$stall.throttle >= 0.9 * $rest, $rest > 1e9]
	| if all then . else {$stall, $case} end')" "[true,true]"
check_equal "nothing is unknown" "$(query 'unknown * 100 <= (stall | total(.[]))')" true
done_testing
