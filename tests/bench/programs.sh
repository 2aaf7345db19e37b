#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# How often each BPF program of a profiler runs during a command and how long a run takes, by the kernel's own
# statistics: see run_time.c.
# usage: tests/bench/programs.sh [PROFILER [COMMAND [ARG...]]]
# PROFILER: as in profilers.bash, by default faultmap_fast; COMMAND: by default 2,000 times /bin/true

. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
. "$ROOT/tests/bench/profilers.bash"

profiler=${1:-faultmap_fast}
shift
[ $# -gt 0 ] || set -- "$BUILD/bench/execs" 2000 all /bin/true

"start_$profiler" || { cat "$TMP/messages" >&2; exit 1; }
"$BUILD/bench/run_time" "$BACKGROUND_PID" "$@" >"$TMP/programs" || exit 1
end_profiler

printf '%-24s %10s %10s %12s\n' program runs 'ns/run' 'ns in all'
sort -k 4,4nr "$TMP/programs" | awk 'NF == 4 { printf "%-24s %10d %10.0f %12d\n", $1, $3, $4 / $3, $4 }'
