#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# takes 60 s
# Two NUMA nodes: a process that moves away from its memory gets the hinting faults of the kernel's
# balancing, and --detail=full calls them numa_hint. /proc/vmstat counts them for the whole system. One that
# always moves gets them without end, and that is a finding; one that stays where it went to has its memory
# moved after it once, and that is none.

. "$(dirname "$0")/../../lib.sh"

cat >"$TMP/move.py" <<'MOVE'
import mmap, os, sys, time

# How many hints within how many seconds, whether it goes on moving, for how long it then works where it is, and
# how many pages it has.
wanted, limit, moves, seconds, size = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "moves", int(sys.argv[4]), int(sys.argv[5])

def hinted():
    with open("/proc/vmstat") as stat:
        return int(dict(line.split() for line in stat)["numa_hint_faults"])

before = hinted()
os.sched_setaffinity(0, {0})
memory = mmap.mmap(-1, size << 12, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
memory.madvise(mmap.MADV_NOHUGEPAGE)
pages = range(0, len(memory), 4096)
for at in pages:
    memory[at] = 1
deadline = time.monotonic() + limit
node = 1
os.sched_setaffinity(0, {node})
while hinted() - before < wanted and time.monotonic() < deadline:
    for at in pages:
        memory[at]
    if moves:
        node = 1 - node
        os.sched_setaffinity(0, {node})
deadline = time.monotonic() + seconds
while time.monotonic() < deadline:
    for at in pages:
        memory[at]
MOVE

hinted()
{
	awk '$1 == "numa_hint_faults" { print $2 }' /proc/vmstat
}

# run_move ARGUMENT...: $hints is how many the kernel has counted meanwhile.
run_move()
{
	hints=$(hinted)
	"$FAULTMAP" run --json --detail=full -o "$TMP/log" -- python3 "$TMP/move.py" "$@" 2>"$TMP/err"
	check_equal "$1 hints, it $3: exit status" "$?" 0
	hints=$(($(hinted) - hints))
	echo "# $hints hints took $(jq -s '[.[] | select(.rec == "faults" and .kind == "numa_hint")
		| .latency.sum_ns] | add // 0' "$TMP/log") ns of $(jq -c 'select(.rec == "run").seconds' "$TMP/log") s"
}

findings()
{
	jq -r 'select(.rec == "finding").finding' "$TMP/log" | tr '\n' ' '
}

check_equal "there are two nodes" "$(cat /sys/devices/system/node/online)" 0-1
run_move 3000 300 stays 0 4096
got=$(jq -s '[.[] | select(.rec == "faults" and .kind == "numa_hint") | .minor] | add // 0' "$TMP/log")
check "the kernel balanced: $hints hinting faults" test "$hints" -ge 3000
# faultmap itself and this shell have the rest.
check "most of them are the rows' that are numa_hint, and no more: $got" \
	test "$got" -ge $((hints * 85 / 100)) -a "$got" -le "$hints"
check_equal "all of them are minor" "$(jq -s '[.[] | select(.rec == "faults" and .kind == "numa_hint")
	| .major + .denied] | add' "$TMP/log")" 0
run_move 400 300 stays 40 512
check_equal "its memory came after it, and that was all: no finding" "$(findings)" ""

# As often as the kernel is able to.
mount -t debugfs debugfs /sys/kernel/debug
for setting in scan_delay_ms scan_period_min_ms scan_period_max_ms; do
	echo 20 >"/sys/kernel/debug/sched/numa_balancing/$setting"
done
run_move 8000 300 moves 0 4096
check_equal "its memory comes after it again and again: a finding" "$(findings)" "numa-hints "
check_equal "it has how many there were" "$(jq -s '[.[] | select(.rec == "finding").seen
	| test("^[0-9,]+ faults asked which node uses a page")]' -c "$TMP/log")" "[true]"
echo 0 >/proc/sys/kernel/numa_balancing
run_move 8000 10 moves 0 4096
check_equal "without balancing, as it says to do: none" "$hints $(findings)" "0 "
done_testing
