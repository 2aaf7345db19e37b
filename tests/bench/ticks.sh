#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What a tick costs faultmap: the CPU time of one tick of `faultmap daemon` among thousands of sleeping processes,
# while their rows stand still and when all have moved, against that of one ps, alternating; and the memory that it takes.
# usage: tests/bench/ticks.sh     PROCESSES and ROUNDS may be set.

. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
. "$ROOT/tests/bench/profilers.bash"
. "$ROOT/tests/bench/report.bash"

PROCESSES=${PROCESSES:-5000}
ROUNDS=${ROUNDS:-15}
ROWS=4 # of each: see workload/sleepers.c
STILL_SECONDS=2 # between two ticks
MOVE_SECONDS=4  # the same: all sleepers move in that time
STILL_SHARE=0.03
MOVING_SHARE=0.1

# Sets cpu_ns. Without a child: its faults would be in the next tick.
read_daemon_cpu()
{
	local ns file

	cpu_ns=0
	for file in "/proc/$daemon/task"/*/schedstat; do
		read -r ns _ <"$file" && cpu_ns=$((cpu_ns + ns))
	done
}

# metric NAME
metric()
{
	curl -sf "http://$target/metrics" | awk -v name="$1" '$1 == name { print $2 }'
}

# has_ticked N: it has read its counters N times.
has_ticked()
{
	[ "$(metric faultmap_ticks_total)" -ge "$1" ]
}

# Returns soon after a tick; sets ticks, and tick_end: the time in us.
await_tick()
{
	local before

	before=$(metric faultmap_ticks_total)
	until
		ticks=$(metric faultmap_ticks_total)
		[ "$ticks" -gt "$before" ]
	do
		read -r -t 0.1 -u "$never"
	done
	tick_end=${EPOCHREALTIME/./}
}

# await_microsecond US: of $EPOCHREALTIME.
await_microsecond()
{
	while [ "${EPOCHREALTIME/./}" -lt "$1" ]; do
		read -r -t 0.05 -u "$never"
	done
}

# sample_tick STATE SECONDS FAULTS COMMAND...: after a tick and the command, the CPU time of the tick that comes next, after
# SECONDS, with at least FAULTS. The scrapes that count the ticks and the command are outside. No sample if something
# took so long that it was another tick.
sample_tick()
{
	local state=$1 seconds=$2 wanted=$3 faults before after
	shift 3

	await_tick
	faults=$(metric faultmap_entries_total)
	"$@"
	[ "${EPOCHREALTIME/./}" -lt $((tick_end + seconds * 800000)) ] || return
	read_daemon_cpu
	before=$cpu_ns
	await_microsecond $((tick_end + seconds * 1500000))
	read_daemon_cpu
	after=$cpu_ns
	[ $(($(metric faultmap_ticks_total) - ticks)) -eq 1 ] || return
	[ $(($(metric faultmap_entries_total) - faults)) -ge "$wanted" ] || return
	echo "$state tick $(((after - before) / 1000))"
}

move_sleepers()
{
	: >"$TMP/ready"
	kill -USR1 "$sleepers"
	until [ -s "$TMP/ready" ]; do
		read -r -t 0.02 -u "$never"
	done
}

# sample_ps STATE
sample_ps()
{
	local TIMEFORMAT='%3U %3S'

	{ time ps -eo pid,vsz,rss,min_flt,maj_flt >/dev/null; } 2>&1 |
		awk -v state="$1" '{ printf "%s ps %.0f\n", state, ($1 + $2) * 1e6 }'
}

# sample_rounds STATE...: as many samples as there are rounds, of at most three tries for each.
sample_rounds()
{
	local try

	for ((try = 0; try < 3 * ROUNDS; try++)); do
		[ "$(count_samples "$1" tick)" -lt "$ROUNDS" ] || return
		sample_tick "$@" >>"$TMP/samples"
		sample_ps "$1" >>"$TMP/samples"
	done
}

# start_ticking INTERVAL
start_ticking()
{
	start_daemon --interval "$1" || { cat "$TMP/daemon.err" >&2; return 1; }
	daemon=$BACKGROUND_PID
	wait_for 60 has_ticked 2
}

# start_sleepers MAPPINGS
start_sleepers()
{
	start_reporting "$BUILD/workload/sleepers" "$PROCESSES" "$1" || { cat "$TMP/messages" >&2; return 1; }
	sleepers=$BACKGROUND_PID
}

# print_state STATE TITLE SHARE: the table and the target.
print_state()
{
	local tick_median tick_low ps_median ps_low rows processes

	read -r tick_median tick_low _ <<<"$(statistics "$1" tick)"
	read -r ps_median ps_low _ <<<"$(statistics "$1" ps)"
	rows=$(metric faultmap_rows) processes=$(metric faultmap_processes)
	printf '\n### A tick among %.0f processes with %.0f rows, %s\n\n' "$processes" "$rows" "$2"
	printf '| %-38s | %9s | %9s |\n' "us of CPU time" median low
	printf '| -------------------------------------- | --------: | --------: |\n'
	printf '| %-38s | %9.0f | %9.0f |\n' "ps -eo pid,vsz,rss,min_flt,maj_flt" "$ps_median" "$ps_low" \
		"one tick of faultmap daemon" "$tick_median" "$tick_low"
	printf '\nThe daemon has %d KiB resident then; %d faults were counted without their mapping.\n' \
		"$(awk '$1 == "VmRSS:" { print $2 }' "/proc/$daemon/status")" "$(metric faultmap_map_full_total)"
	add_target "CPU time, medians" "one tick / one ps with $(printf '%.0f processes and %.0f rows' "$processes" "$rows"), $2" \
		"$tick_median" "$ps_median" "$3"
}

# The daemon sees the sleepers' births, which are their rows; then the ticks are those of quiet.
measure_still()
{
	start_ticking "$STILL_SECONDS" && start_sleepers 0 || return 1
	wait_for 60 has_ticked $(($(metric faultmap_ticks_total) + 3)) || return 1
	sample_rounds still "$STILL_SECONDS" 0 true
	print_state still "which stand still" "$STILL_SHARE"
}

# The daemon comes after the births, so that all rows are of what moves.
measure_moving()
{
	start_sleepers "$ROWS" && start_ticking "$MOVE_SECONDS" || return 1
	sample_rounds moving "$MOVE_SECONDS" $((PROCESSES * ROWS)) move_sleepers
	print_state moving "which all move" "$MOVING_SHARE"
}

end_all()
{
	stop_background "$sleepers"
	stop_background "$daemon"
	background_pids=()
}

: >"$TMP/samples"
exec {never}<> <(:) # from which nothing comes: for pauses without a child
measure_still || exit 1
end_all
measure_moving || exit 1
end_all
print_targets
