#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What a reading costs faultmap: the CPU time of one tick of `faultmap daemon` among thousands of
# sleeping processes and their rows, against that of one ps, alternating; and the memory that it takes.
# usage: tests/bench/ticks.sh     PROCESSES, MAPPINGS (written to by each) and ROUNDS may be set.

. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
. "$ROOT/tests/bench/profilers.bash"
. "$ROOT/tests/bench/report.bash"

PROCESSES=${PROCESSES:-5000}
MAPPINGS=${MAPPINGS:-0} # and four more: see sleepers.c
ROUNDS=${ROUNDS:-15}
SECONDS_PER_ROUND=3
TICK_SHARE=0.1
MAX_RSS_KIB=$((24 * 1024))

# Sets cpu_ns. Without a child: its faults would be in the next tick.
read_daemon_cpu()
{
	local ns file

	cpu_ns=0
	for file in "/proc/$daemon/task"/*/schedstat; do
		read -r ns _ <"$file" && cpu_ns=$((cpu_ns + ns))
	done
}

# Returns after a tick: the daemon runs, then it does not any more.
await_tick()
{
	local before moved=0

	read_daemon_cpu
	while :; do
		before=$cpu_ns
		read -r -t 0.1 -u "$never"
		read_daemon_cpu
		[ "$cpu_ns" -eq "$before" ] && [ "$moved" -eq 1 ] && return
		[ "$cpu_ns" -eq "$before" ] || moved=1
	done
}

# metric NAME
metric()
{
	curl -sf "http://$address/metrics" | awk -v name="$1" '$1 == name { print $2 }'
}

# has_ticked N: it has read its counters N times.
has_ticked()
{
	[ "$(metric faultmap_ticks_total)" -ge "$1" ]
}

# Nothing of ours moves meanwhile. The scrapes that count the ticks are outside, with no tick between
# them and the figures of the CPU. What they and ps left behind is gone when the rows are counted.
sample_tick()
{
	local ticks before after

	await_tick
	ticks=$(metric faultmap_ticks_total)
	read_daemon_cpu
	before=$cpu_ns
	read -r -t "$SECONDS_PER_ROUND" -u "$never"
	read_daemon_cpu
	after=$cpu_ns
	ticks=$(($(metric faultmap_ticks_total) - ticks))
	echo "tick tick $(((after - before) / ticks / 1000))"
	echo "tick rows $(metric faultmap_rows)"
}

sample_ps()
{
	local TIMEFORMAT='%3U %3S'

	{ time ps -eo pid,vsz,rss,min_flt,maj_flt >/dev/null; } 2>&1 |
		awk '{ printf "tick ps %.0f\n", ($1 + $2) * 1e6 }'
}

start_daemon()
{
	start_background "$FAULTMAP" daemon -v --listen 127.0.0.1:0 2>"$TMP/daemon"
	daemon=$BACKGROUND_PID
	wait_for 30 grep -q 'serving on http://' "$TMP/daemon" || return 1
	address=$(sed -n 's|.*serving on http://\(.*\)/metrics.*|\1|p' "$TMP/daemon")
	wait_for 30 has_ticked 2
}

: >"$TMP/samples"
exec {never}<> <(:) # from which nothing comes: for pauses without a child
start_daemon || { cat "$TMP/daemon" >&2; exit 1; }
start_reporting "$BUILD/bench/sleepers" "$PROCESSES" "$MAPPINGS" || {
	cat "$TMP/messages" >&2
	exit 1
}
# The news of so many births is read, and the ticks are those of quiet.
wait_for 30 has_ticked $(($(metric faultmap_ticks_total) + 3)) || exit 1
full=$(metric faultmap_map_full_total)
processes=$(metric faultmap_processes)
for ((round = 0; round < ROUNDS; round++)); do
	sample_tick >>"$TMP/samples"
	sample_ps >>"$TMP/samples"
done
rss=$(awk '$1 == "VmRSS:" { print $2 }' "/proc/$daemon/status")

read -r tick_median tick_low _ <<<"$(statistics tick tick)"
read -r ps_median ps_low _ <<<"$(statistics tick ps)"
read -r rows _ <<<"$(statistics tick rows)"
rows=${rows%.*}
printf '\n### A reading among %d processes with %d rows, the sleepers still\n\n' "$processes" "$rows"
printf '| %-38s | %9s | %9s |\n' "us of CPU time" median low
printf '| -------------------------------------- | --------: | --------: |\n'
printf '| %-38s | %9.0f | %9.0f |\n' "ps -eo pid,vsz,rss,min_flt,maj_flt" "$ps_median" "$ps_low" \
	"one tick of faultmap daemon" "$tick_median" "$tick_low"
printf '\nThe daemon has %d KiB resident then.\n' "$rss"
[ "$full" -eq 0 ] || echo "$full faults were counted without their mapping: the table was full."
add_target "CPU time of one tick / of one ps (medians), with $processes processes and $rows rows" \
	"$tick_median" "$ps_median" "$TICK_SHARE"
add_target "the daemon's memory there in KiB / 24 MiB" "$rss" "$MAX_RSS_KIB" 1
# Alone, without run.sh, which prints all targets last.
[ "$TARGETS" != "$TMP/targets" ] || { echo; cat "$TARGETS"; }
