#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The whole bench, as Markdown: what faults cost with each profiler, what it takes to start, what a tick costs,
# and the memory under a compile loop. Each part can be run alone too; all targets come last.
# usage: tests/bench/run.sh [ROUNDS]     or make bench ROUNDS=3 DURATION=3600

. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
. "$ROOT/tests/bench/report.bash"

export ROUNDS=${1:-${ROUNDS:-15}}
export TARGETS # for all parts
load=$(cut -d ' ' -f 1 /proc/loadavg) # other work on the machine would be in the figures
status=0

echo "$(date -u +%F), $(git rev-parse --short HEAD 2>/dev/null):" \
	"$(awk -F ': ' '/^model name/ { print $2; exit }' /proc/cpuinfo), $(nproc) CPUs$(
		grep -qw hypervisor /proc/cpuinfo && echo ' of a virtual machine'), $(uname -sr);" \
	"$ROUNDS interleaved rounds; load average before it: $load$(
		[ "$(sysctl -n kernel.bpf_stats_enabled)" = 0 ] || echo '; kernel.bpf_stats_enabled is on: wall time is longer')"
for part in faults start ticks screen memory; do
	echo "bench: $part" >&2
	"$ROOT/tests/bench/$part.sh" || status=1
done
print_targets
exit "$status"
