#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# How often each BPF program of `faultmap log` runs during a command and how long a run takes, by
# the kernel's own statistics (kernel.bpf_stats_enabled: two clock reads per run are in the figures).
# usage: tests/bench/programs.sh [fast|full] [COMMAND [ARG...]]    default: 2,000 times /bin/true

. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
. "$ROOT/tests/bench/profilers.bash"

detail=${1:-fast}
shift
[ $# -gt 0 ] || set -- "$BUILD/bench/execs" 2000 all /bin/true

restore_statistics()
{
	sysctl -qw "kernel.bpf_stats_enabled=$statistics"
	cleanup_test
}

# runs_of PID: "ID NAME RUNS NS" of each program that the process holds.
runs_of()
{
	local ids

	ids=$(awk '$1 == "prog_id:" { print $2 }' "/proc/$1/fdinfo"/* | sort -u | paste -s -d ,)
	bpftool -j prog show | jq -r --argjson ids "[$ids]" '.[]
		| select(.id | IN($ids[]))
		| "\(.id) \(.name) \(.run_cnt // 0) \(.run_time_ns // 0)"' | sort
}

statistics=$(sysctl -n kernel.bpf_stats_enabled) || exit 1
trap restore_statistics EXIT
sysctl -qw kernel.bpf_stats_enabled=1 || exit 1
"start_faultmap_$detail" || { cat "$TMP/messages" >&2; exit 1; }
runs_of "$BACKGROUND_PID" >"$TMP/before"
"$@" >/dev/null || exit 1
runs_of "$BACKGROUND_PID" >"$TMP/after"
end_profiler

printf '%-24s %10s %10s %12s\n' program runs 'ns/run' 'ns in all'
join -o '1.2 1.3 1.4 2.3 2.4' "$TMP/before" "$TMP/after" | sort -t ' ' -k 5,5nr | awk '
	$4 > $2 { printf "%-24s %10d %10.0f %12d\n", $1, $4 - $2, ($5 - $3) / ($4 - $2), $5 - $3 }'
