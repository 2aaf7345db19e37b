#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Two NUMA nodes: a process that moves away from its memory gets the hinting faults of the kernel's
# balancing, and --detail=full calls them numa_hint. /proc/vmstat counts them for the whole system.

. "$(dirname "$0")/../../lib.sh"

cat >"$TMP/move.py" <<'MOVE'
import mmap, os, time

def hinted():
    with open("/proc/vmstat") as stat:
        return dict(line.split() for line in stat)["numa_hint_faults"]

before = int(hinted())
os.sched_setaffinity(0, {0})
memory = mmap.mmap(-1, 64 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
memory.madvise(mmap.MADV_NOHUGEPAGE)
for at in range(0, len(memory), 4096):
    memory[at] = 1
os.sched_setaffinity(0, {1})
deadline = time.monotonic() + 300
while int(hinted()) - before < 4000 and time.monotonic() < deadline:
    for at in range(0, len(memory), 4096):
        memory[at]
MOVE

hinted()
{
	awk '$1 == "numa_hint_faults" { print $2 }' /proc/vmstat
}

check_equal "there are two nodes" "$(cat /sys/devices/system/node/online)" 0-1
before=$(hinted)
"$FAULTMAP" run --json --detail=full -o "$TMP/log" -- python3 "$TMP/move.py"
check_equal "exit status" "$?" 0
hints=$(($(hinted) - before))
got=$(jq -s '[.[] | select(.rec == "faults" and .kind == "numa_hint") | .minor] | add // 0' "$TMP/log")
check "the kernel balanced: $hints hinting faults" test "$hints" -ge 4000
# faultmap itself and this shell have the rest.
check "most of them are the rows' that are numa_hint, and no more: $got" \
	test "$got" -ge $((hints * 85 / 100)) -a "$got" -le "$hints"
check_equal "all of them are minor" "$(jq -s '[.[] | select(.rec == "faults" and .kind == "numa_hint")
	| .major + .denied] | add' "$TMP/log")" 0
done_testing
