#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# runs alone: it switches NUMA balancing on
# takes 20 s
# NUMA balancing unmaps pages to see which thread uses them, also on one node if a process has several threads.
# The kernel decides how many and when; /proc/vmstat counts them for the whole system.
# shellcheck disable=SC2016

. "$(dirname "$0")/../lib.sh"

sysctl=/proc/sys/kernel/numa_balancing
trap 'restore_balancing; cleanup_test' EXIT

restore_balancing()
{
	[ -z "${balancing-}" ] || echo "$balancing" >"$sysctl"
}

hinted()
{
	awk '$1 == "numa_hint_faults" { print $2 }' /proc/vmstat
}

cat >"$TMP/share.py" <<'SHARE'
import ctypes, json, mmap, os, resource, threading, time

PAGES = 4096
# Write-only, so that it does not become one mapping with a thread's stack beside it.
memory = mmap.mmap(-1, PAGES * 4096, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, prot=mmap.PROT_WRITE)
memory.madvise(mmap.MADV_NOHUGEPAGE)
start = ctypes.addressof(ctypes.c_char.from_buffer(memory))
deadline = time.monotonic() + 100
enough = False

def touch():
    global enough
    for page in range(PAGES):
        memory[page * 4096] = 1
    # From here on what faults was taken away.
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    while not enough and time.monotonic() < deadline:
        for page in range(PAGES):
            memory[page * 4096] = 1
        enough = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before >= PAGES

threads = [threading.Thread(target=touch) for _ in range(2)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(json.dumps({"pid": os.getpid(), "start": hex(start), "end": hex(start + PAGES * 4096)}))
SHARE

# rows FILTER: prints the minor faults of matching rows, and their other counts.
rows()
{
	jq -c -s -L tests/live --slurpfile case "$TMP/case" "include \"faults\"; \$case[0] as \$case
		| [$1] | [total(.[].minor), total(.[] | .major + .denied)]" "$TMP/log"
}

if ! balancing=$(cat "$sysctl" 2>/dev/null); then
	skip "numa_hint" "this kernel has no NUMA balancing (CONFIG_NUMA_BALANCING)"
	done_testing
	exit
fi
start_background "$FAULTMAP" log --detail full -d 0.2 -o "$TMP/log"
wait_for 120 grep -qs '"rec":"meta"' "$TMP/log"
echo 1 >"$sysctl"
before=$(hinted) # not earlier: what was taken away before it was last switched off, the kernel tells of nowhere else
/usr/bin/python3 "$TMP/share.py" >"$TMP/case"
check_equal "the workload ran" "$?" 0
hints=$(($(hinted) - before))
restore_balancing
stop_background "$BACKGROUND_PID"
keep_log "$TMP/log"

check "the kernel balanced: $hints hinting faults" test "$hints" -ge 3000
# The whole machine's: some come between a reading of vmstat and faultmap's own, or in get_user_pages().
got=$(rows '.[] | select(.rec == "faults" and .kind == "numa_hint")')
check "rows have as many that are numa_hint: $got" \
	test "$(jq '.[0]' <<<"$got")" -ge $((hints * 95 / 100 - 8)) \
	-a "$(jq '.[0]' <<<"$got")" -le $((hints * 105 / 100 + 8))
check_equal "all of them are minor" "$(jq '.[1]' <<<"$got")" 0
ours='faults_in($case.pid; $case.start; $case.end)'
got=$(rows "$ours | select(.kind == \"numa_hint\")")
check "3,000 or more are in the 4,096 pages of the workload: $got" test "$(jq '.[0]' <<<"$got")" -ge 3000
check_equal "where each page came as demand_zero once, and nothing else happened" \
	"$(rows "$ours | select(.kind == \"demand_zero\")") $(rows "$ours | select(.kind != \"demand_zero\" and .kind != \"numa_hint\")")" \
	"[4096,0] [0,0]"
check_schema
done_testing
