#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Two NUMA nodes: a process that moves away from its memory gets the hinting faults of the kernel's
# balancing, and --detail=full calls them numa_hint. /proc/vmstat counts them for the whole system.

. "$(dirname "$0")/../../lib.sh"

cat >"$TMP/move.py" <<'MOVE'
import json, mmap, os, time

def hinted():
    with open("/proc/vmstat") as stat:
        return dict(line.split() for line in stat)["numa_hint_faults"]

before = int(hinted()) # the rows have what comes while memory is touched, too
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
print(json.dumps({"pid": os.getpid(), "hints": int(hinted()) - before}))
MOVE

check_equal "there are two nodes" "$(cat /sys/devices/system/node/online)" 0-1
"$FAULTMAP" run --json --detail=full -o "$TMP/log" -- python3 "$TMP/move.py" >"$TMP/oracle"
check_equal "exit status" "$?" 0
hints=$(jq .hints "$TMP/oracle")
got=$(jq -s '[.[] | select(.rec == "faults" and .kind == "numa_hint") | .minor] | add // 0' "$TMP/log")
check "the kernel balanced: $hints hinting faults" test "$hints" -ge 1000
# Those of the moment before and after the two readings are the difference.
check "as many rows' faults are numa_hint: $got" \
	test "$got" -ge $((hints * 98 / 100)) -a "$got" -le $((hints * 102 / 100 + 50))
check_equal "all of them are minor" "$(jq -s '[.[] | select(.rec == "faults" and .kind == "numa_hint")
	| .major + .denied] | add' "$TMP/log")" 0
done_testing
