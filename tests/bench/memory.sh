#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The memory of `faultmap daemon` while faultmap is compiled again and again for DURATION seconds: what it has resident,
# and what the kernel holds for its maps.
# usage: DURATION=3600 tests/bench/memory.sh

. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
. "$ROOT/tests/bench/report.bash"

DURATION=${DURATION:-60} # the targets are for an hour
MAX_RSS_MIB=16
MAX_MAPS_MIB=16

# Compiles until DURATION has passed; a line for each time in $TMP/compiled. timeout ends make and its compilers too.
start_compiling()
{
	# shellcheck disable=SC2016 # for the inner shell
	start_background timeout "$DURATION" bash -c '
		while rm -rf "$1/compile" && make -s -j "$(nproc)" BUILD="$1/compile" all; do
			echo >>"$1/compiled"
		done' - "$TMP" >"$TMP/messages" 2>&1
	compiler=$BACKGROUND_PID
}

# await_second SECOND: of $SECONDS, or the compiler's end.
await_second()
{
	while [ "$SECONDS" -lt "$1" ] && kill -0 "$compiler" 2>/dev/null; do
		read -r -t 0.2 -u "$never"
	done
}

# status_kib FIELD: of the daemon's status.
status_kib()
{
	awk -v field="$1:" '$1 == field { print $2 }' "/proc/$daemon/status"
}

# The kernel's memory for each map that the daemon holds, in KiB: a map's descriptor says it, and a map has many.
maps_kib()
{
	awk '
		FNR == 1 { bytes = 0 }
		$1 == "memlock:" { bytes = $2 }
		$1 == "map_id:" { of[$2] = bytes }
		END { for (id in of) sum += of[id]; printf "%.0f\n", sum / 1024 }' "/proc/$daemon/fdinfo"/*
}

# add_line WHEN
add_line()
{
	printf '| %-27s | %15d | %15d |\n' "$1" "$(status_kib VmRSS)" "$(maps_kib)"
}

: >"$TMP/compiled"
exec {never}<> <(:) # from which nothing comes: for pauses without a child
start_daemon --interval 1 || { cat "$TMP/daemon.err" >&2; exit 1; }
daemon=$BACKGROUND_PID
printf '\n### Memory of the daemon under a compile loop\n\n'
printf '| %-27s | %15s | %15s |\n' KiB resident "maps in kernel"
printf '| --------------------------- | --------------: | --------------: |\n'
add_line "at the start"
start_compiling
begin=$SECONDS
for part in 1 2 3 4; do
	await_second $((begin + DURATION * part / 4))
	add_line "after $((SECONDS - begin)) s"
done
wait "$compiler"
[ $? -eq 124 ] || { cat "$TMP/messages" >&2; exit 1; }
printf '\nfaultmap was compiled %d times meanwhile; at most %d KiB were resident.\n' \
	"$(wc -l <"$TMP/compiled")" "$(status_kib VmHWM)"
add_limit "$DURATION s" "resident memory of the daemon after a compile loop" \
	"$(awk -v kib="$(status_kib VmRSS)" 'BEGIN { print kib / 1024 }')" MiB "$MAX_RSS_MIB"
add_limit "memlock of its maps" "kernel memory of the daemon" \
	"$(awk -v kib="$(maps_kib)" 'BEGIN { print kib / 1024 }')" MiB "$MAX_MAPS_MIB"
print_targets
