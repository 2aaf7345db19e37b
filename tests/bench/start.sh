#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What it takes to start: the CPU time of `faultmap run -- true` (user and system, with the kernel's verifier, and
# the command's own), of perf and bpftrace doing the same, and the time from the daemon's start to its first scrape.
# usage: tests/bench/start.sh     ROUNDS may be set.

. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
. "$ROOT/tests/bench/report.bash"

ROUNDS=${ROUNDS:-15}
MAX_CPU_SECONDS=0.2
MAX_SCRAPE_SECONDS=0.35

# sample_cpu NAME COMMAND...: a line "start NAME MS" of CPU time.
sample_cpu()
{
	local name=$1 TIMEFORMAT='%3U %3S'
	shift

	{ time "$@" >/dev/null 2>"$TMP/messages"; } 2>"$TMP/time" || { cat "$TMP/messages" >&2; return 1; }
	awk -v name="$name" '{ printf "start %s %.0f\n", name, ($1 + $2) * 1e3 }' "$TMP/time" >>"$TMP/samples"
}

# is_scraped PORT: /metrics is served. Without a child, which would take as long as what is measured.
is_scraped()
{
	local status=

	{
		exec {client}<>"/dev/tcp/127.0.0.1/$1" || return 1
	} 2>/dev/null
	printf 'GET /metrics HTTP/1.0\r\n\r\n' >&"$client"
	read -r _ status _ <&"$client"
	exec {client}>&-
	[ "$status" = 200 ]
}

# A line "start scrape MS": the program's start and its first answer.
sample_scrape()
{
	local port begin daemon

	port=$(free_port)
	begin=${EPOCHREALTIME/./}
	"$FAULTMAP" daemon --listen "127.0.0.1:$port" 2>"$TMP/messages" &
	daemon=$!
	background_pids=("$daemon")
	until is_scraped "$port"; do
		kill -0 "$daemon" 2>/dev/null || { cat "$TMP/messages" >&2; return 1; }
		read -r -t 0.002 -u "$never"
	done
	echo "start scrape $(((${EPOCHREALTIME/./} - begin) / 1000))" >>"$TMP/samples"
	stop_background "$daemon"
	background_pids=()
}

run_rounds()
{
	local round

	for ((round = 0; round < ROUNDS; round++)); do
		sample_cpu perf perf stat -e page-faults -- true || return 1
		sample_cpu bpftrace bpftrace -q -e 'software:page-faults:1 { @[pid] = count(); }' -c /bin/true || return 1
		sample_cpu run "$FAULTMAP" run -- true || return 1
		sample_scrape || return 1
	done
}

# print_line LABEL NAME
print_line()
{
	awk -v label="$1" -v row="$(statistics start "$2")" -v perf="$(low_of start perf)" \
		-v bpftrace="$(low_of start bpftrace)" 'BEGIN {
		split(row, a, " ")
		printf "| %-46s | %9.0f | %9.0f | %11.1f | %10.2f |\n", label, a[1], a[2], a[2] / perf, a[2] / bpftrace
	}'
}

: >"$TMP/samples"
exec {never}<> <(:) # from which nothing comes: for pauses without a child
run_rounds || exit 1
printf '\n### Start-up\n\n| %-46s | %9s | %9s | %11s | %10s |\n' "ms of CPU time" median low "x perf stat" "x bpftrace"
printf '| ---------------------------------------------- | --------: | --------: | ----------: | ---------: |\n'
print_line "perf stat -e page-faults -- true" perf
print_line "bpftrace, count by pid, -c /bin/true" bpftrace
print_line "faultmap run -- true" run
read -r median low _ <<<"$(statistics start scrape)"
printf '\nFrom the start of the daemon to its first scrape: median %.0f ms, low %.0f ms.\n' "$median" "$low"
add_limit "CPU time, low" "faultmap run -- true" "$(awk -v ms="$(low_of start run)" 'BEGIN { print ms / 1e3 }')" \
	s "$MAX_CPU_SECONDS"
add_limit "wall time, low" "the daemon's start to its first scrape" \
	"$(awk -v ms="$low" 'BEGIN { print ms / 1e3 }')" s "$MAX_SCRAPE_SECONDS"
print_targets
