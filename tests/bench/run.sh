#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What a page fault costs: bare, and with each profiler. One interleaved run: in each round every
# profiler is started, measured and ended once, so that a drift of the machine meets all of them.
# A new profiler is a name in `profilers` and a function start_NAME that returns when it counts; a new
# workload is a name in `workloads` and a function workload_NAME that prints one number per sample.
# usage: tests/bench/run.sh [ROUNDS]     MIB and CPU may say how much memory and which CPU.

ROUNDS=${1:-${ROUNDS:-15}}
MIB=${MIB:-256}
CPU=${CPU:-1}
PASSES=2

. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

profilers=(bare empty faultmap_fast bpftrace)
workloads=(storm)

# start_reporting COMMAND...: in the background, ready as soon as it prints a line.
start_reporting()
{
	: >"$TMP/ready"
	start_background "$@" >"$TMP/ready" 2>"$TMP/messages"
	wait_for 30 is_settled "$BACKGROUND_PID" && [ -s "$TMP/ready" ]
}

# is_settled PID: it has said something, or ended.
is_settled()
{
	[ -s "$TMP/ready" ] || process_ended "$1"
}

start_bare()
{
	BACKGROUND_PID=
}

start_empty()
{
	start_reporting "$BUILD/bench/empty" "$BUILD/bench/empty.bpf.o"
}

# The meta line comes when everything is attached.
start_faultmap_fast()
{
	start_reporting "$FAULTMAP" log -d 1
}

# It says nothing when it has attached: but the interval, attached after the event, does.
start_bpftrace()
{
	start_reporting bpftrace -q -B line -e '
		software:page-faults:1 { @[pid] = count(); }
		interval:ms:100 { printf("ready\n"); }'
}

workload_storm()
{
	"$BUILD/bench/storm" "$MIB" "$PASSES" "$CPU"
}

# measure WORKLOAD PROFILER: adds a line "WORKLOAD PROFILER NS" for each sample.
measure()
{
	local workload=$1 profiler=$2 status=0

	if ! "start_$profiler"; then
		echo "bench: $profiler did not start:" >&2
		cat "$TMP/messages" >&2
		status=1
	elif ! "workload_$workload" >"$TMP/numbers"; then
		status=1
	else
		sed "s/^/$workload $profiler /" "$TMP/numbers" >>"$TMP/samples"
	fi
	[ -z "$BACKGROUND_PID" ] || end_profiler "$BACKGROUND_PID"
	return "$status"
}

end_profiler()
{
	stop_background "$1"
	# shellcheck disable=SC2034 # of lib.sh: what has ended needs no end when the test exits
	background_pids=()
}

# summarize WORKLOAD: one line per profiler "NAME MEDIAN MINIMUM", in the order of `profilers`.
summarize()
{
	local profiler

	for profiler in "${profilers[@]}"; do
		awk -v w="$1" -v p="$profiler" '$1 == w && $2 == p { print $3 }' "$TMP/samples" |
			sort -g | awk -v p="$profiler" '
				{ v[NR] = $1 }
				END { print p, (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2, v[1] }'
	done
}

print_table()
{
	awk '
		NR == 1 { median = $2; minimum = $3 }
		NR == 1 { printf "%-16s %10s %10s %10s %10s\n", "ns per fault", "median", "minimum",
				"+median", "+minimum" }
		{ printf "%-16s %10.0f %10.0f %10.0f %10.0f\n", $1, $2, $3, $2 - median, $3 - minimum }'
}

# print_ratio SUMMARY WHAT OTHER TARGET: added cost against added cost, by minima and medians; the
# target is for the minima, which the machine's other work disturbs least.
print_ratio()
{
	awk -v what="$2" -v other="$3" -v target="$4" '
		NR == 1 { median = $2; minimum = $3 }
		$1 == what { a = $3 - minimum; m = $2 - median }
		$1 == other { b = $3 - minimum; n = $2 - median }
		END {
			if (a == "" || b <= 0 || n <= 0) {
				print what " / " other ": no ratio, one of them added nothing measurable"
				exit
			}
			printf "%s / %s: %.2f of minima, %.2f of medians; target %.2f: %s\n", what, other,
				a / b, m / n, target, a / b <= target ? "met" : "NOT MET"
		}' "$1"
}

: >"$TMP/samples"
echo "$(uname -sr), $(nproc) CPUs, $ROUNDS rounds of $PASSES x $MIB MiB on CPU $CPU"
for ((round = 0; round < ROUNDS; round++)); do
	for workload in "${workloads[@]}"; do
		for ((i = 0; i < ${#profilers[@]}; i++)); do
			# Each round begins with another one: none always comes after the same neighbour.
			measure "$workload" "${profilers[(round + i) % ${#profilers[@]}]}" || exit 1
		done
	done
done
for workload in "${workloads[@]}"; do
	summarize "$workload" >"$TMP/summary"
	echo
	echo "workload: $workload"
	print_table <"$TMP/summary"
	print_ratio "$TMP/summary" faultmap_fast empty 3.0
	print_ratio "$TMP/summary" faultmap_fast bpftrace 0.6
done
