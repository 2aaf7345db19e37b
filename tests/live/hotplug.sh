#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# runs alone: it takes a CPU away for a while
# takes 25 s
# CPU hotplug: one CPU that is offline at the start, one that goes offline and comes back, and one that does
# both within a tick. Faults there are counted exactly, with the kinds and latencies that need that CPU's perf
# events; counts of a CPU that went offline are not lost; no descriptor is left open.

# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
. tests/live/kinds.bash

cpu=$(getconf _NPROCESSORS_ONLN)
cpu=$((cpu - 1))
online=/sys/devices/system/cpu/cpu$cpu/online
log=$TMP/log

# set_online 0|1
set_online()
{
	echo "$1" >"$online"
}

if [ "$cpu" -lt 1 ] || ! [ -w "$online" ] || [ "$(cat "$online")" != 1 ]; then
	skip "CPU hotplug" "no second CPU here that can be taken offline ($online)"
	done_testing
fi
trap 'set_online 1; cleanup_test' EXIT
if ! set_online 0 2>"$TMP/why"; then
	skip "CPU hotplug" "cannot take CPU $cpu offline: $(cat "$TMP/why")"
	done_testing
fi

wait_tick()
{
	await_intervals "$log" 2
	grep '}$' "$log" >"$TMP/whole" # its last line may be half written
}

# fault_there CASE PAGES: on that CPU.
fault_there()
{
	taskset -c "$cpu" "$faultgen" "$1" "$2" --dir "$directory" >"$TMP/$1.json" 2>"$TMP/$1.err"
}

# check_case_of NAME CASE
check_case_of()
{
	local want got

	want=$(jq -r -L tests/live 'include "faults"; in_detail("full") | want' "$TMP/$2.json")
	got=$(jq -rs -L tests/live --slurpfile case "$TMP/$2.json" 'include "faults";
		got($case[0] | in_detail("full"))' "$TMP/whole")
	check_equal "$1, $2: counted exactly" "$got" "$want"
}

# check_there NAME: minors of a kind that only the event at their end can tell, majors with latencies.
check_there()
{
	fault_there reuse 300
	fault_there file_map_major 100
	wait_tick
	check_case_of "$1" reuse
	check_case_of "$1" file_map_major
	check_equal "$1: each major has its latency" "$(jq -n --slurpfile case "$TMP/file_map_major.json" \
		'[inputs | select(.rec == "faults" and .pid == $case[0].pid and .major > 0)
			| .latency.count] | add' "$TMP/whole")" 100
}

# Those of its perf events: a hook on pages that come back may be there or not.
descriptors()
{
	find "/proc/$faultmap/fd" -lname '*perf_event*' | wc -l
}

have_descriptors()
{
	[ "$(descriptors)" -eq "$1" ]
}

start_background "$FAULTMAP" log --detail=full -d 0.5 -o "$log" 2>"$TMP/messages"
faultmap=$BACKGROUND_PID
wait_for 120 grep -q '"rec":"interval"' "$log"
check "faultmap starts while a CPU is offline" kill -0 "$faultmap"

set_online 1
wait_tick
before=$(descriptors)
check_there "offline at start, then online"

fault_there demand_zero_write 700
set_online 0
wait_tick
check_case_of "offline: what was counted before is not kept back" demand_zero_write

set_online 1
wait_tick
check_there "back online"

for _ in 1 2 3; do
	set_online 0
	set_online 1
done
wait_tick
check_there "offline and online within a tick"
check "as many descriptors as before ($before; now $(descriptors))" wait_for 120 have_descriptors "$before"
check_equal "no row lacks what perf events counted" \
	"$(jq -n '[inputs | select(.rec == "interval") | .missed_total] | last' "$TMP/whole")" 0
check_equal "no message" "$(cat "$TMP/messages")" ""
stop_background "$faultmap"

value_is()
{
	scrape && [ "$(value "$1")" = "$2" ]
}

grows()
{
	scrape && [ "$(value "$1")" -gt "$2" ]
}

# The daemon may not open events any more when the CPU comes: it says so, and counts on.
set_online 0
start_daemon --detail=full --interval 0.5 --jsonl "$log.daemon"
check "daemon: no CPU is missing while it is offline" wait_for 120 value_is faultmap_perf_cpus_missing 0
set_online 1
if [ "$(cat /proc/sys/kernel/perf_event_paranoid)" -le 0 ]; then
	skip "daemon: the CPU that came is missing" "kernel.perf_event_paranoid allows events to everybody"
	done_testing
fi
check "daemon: the CPU that came is missing" wait_for 120 value_is faultmap_perf_cpus_missing 1
check_equal "daemon: one line says so" "$(grep -c 'a CPU came online: .*continuing without' "$TMP/daemon.err")" 1
log=$log.daemon
fault_there demand_zero_write 700
fault_there file_map_major 100
wait_tick
for case in demand_zero_write file_map_major; do
	check_equal "daemon, CPU missing: $case counted exactly" \
		"$(jq -rs -L tests/live --slurpfile case "$TMP/$case.json" \
			'include "faults"; got($case[0])' "$TMP/whole")" \
		"$(jq -r -L tests/live 'include "faults"; want' "$TMP/$case.json")"
done
before=$(scrape && value 'faultmap_perf_faults_total{severity="minor"}')
check "daemon: events of the other CPUs count on" \
	wait_for 120 grows 'faultmap_perf_faults_total{severity="minor"}' "$before"
set_online 0
check "daemon: offline again, none is missing" wait_for 120 value_is faultmap_perf_cpus_missing 0
stop_background "$daemon"
done_testing
