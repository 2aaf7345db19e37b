#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What page faults cost: bare, and with each profiler; then what a reading costs faultmap
# (ticks.sh). One interleaved run: in each round every profiler is started once, meets every
# workload and is ended, so that a drift of the machine meets all of them. Prints Markdown.
# A new profiler is a name in `profilers` and what profilers.bash says; a new workload is a name in
# `workloads`, its title and unit, and a function workload_NAME that prints one number per sample.
# usage: tests/bench/run.sh [ROUNDS]     or ROUNDS=3 make bench

# shellcheck disable=SC2317 # workload_NAME are called by name
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
. "$ROOT/tests/bench/profilers.bash"
. "$ROOT/tests/bench/report.bash"

ROUNDS=${1:-${ROUNDS:-15}}
MIB=64       # of anonymous memory: 16,384 faults
FILE_MIB=256 # of a file: 4,096 faults
CHILDREN=2000
CPUS=$(nproc)
CPU=$((CPUS - 1)) # for the workloads on one; not 0, which has most of the interrupts
read -r -a PAIR <<<"$((CPUS > 1 ? CPUS - 2 : 0)) $CPU"

profilers=(bare empty floor_mapping floor_row floor_full faultmap_fast faultmap_full bpftrace bpftrace_ustack perf_record perf_trace)
workloads=(storm processes threads file execs)
# shellcheck disable=SC2034 # read by name
{
	title_storm="Anonymous storm, one thread"
	title_processes="Anonymous storm, two processes on two CPUs"
	title_threads="Anonymous storm, two threads of one process on two CPUs"
	title_file="Reads of a mapped file in the page cache"
	title_execs="$CHILDREN times fork and exec of /bin/true"
	unit_storm="ns per fault" unit_processes="ns per fault" unit_threads="ns per fault"
	unit_file="ns per fault" unit_execs="us per child"
}

# passes PROFILER: perf's readers want a CPU for as long as the storm has had one.
passes()
{
	case $1 in
	perf_*) echo 1 ;;
	*) echo 4 ;;
	esac
}

workload_storm()
{
	"$BUILD/bench/storm" "$MIB" "$(passes "$1")" "$CPU"
}

workload_processes()
{
	"$BUILD/bench/storm" "$MIB" "$(passes "$1")" "${PAIR[@]}"
}

workload_threads()
{
	"$BUILD/bench/storm" -t "$MIB" "$(passes "$1")" "${PAIR[@]}"
}

workload_file()
{
	"$BUILD/bench/storm" -f "$file" "$FILE_MIB" "$(passes "$1")" "$CPU"
}

# On one CPU: where the scheduler puts each child differs by more than what is measured here.
workload_execs()
{
	"$BUILD/bench/execs" "$((CHILDREN * $(passes "$1") / 4))" "$CPU" /bin/true
}

# measure PROFILER: adds a line "WORKLOAD PROFILER NUMBER" for each sample.
measure()
{
	local profiler=$1 workload status=0

	if ! "start_$profiler"; then
		echo "bench: $profiler did not start:" >&2
		cat "$TMP/messages" >&2
		status=1
	fi
	for workload in "${workloads[@]}"; do
		[ "$status" -eq 0 ] || break
		"workload_$workload" "$profiler" >"$TMP/numbers" || status=1
		sed "s/^/$workload $profiler /" "$TMP/numbers" >>"$TMP/samples"
	done
	end_profiler
	return "$status"
}

# The profilers that can be had here.
find_available()
{
	local profiler

	for profiler in "${profilers[@]}"; do
		if ! declare -F "available_$profiler" >/dev/null || "available_$profiler"; then
			available+=("$profiler")
		fi
	done
}

run_rounds()
{
	local round i

	for ((round = 0; round < ROUNDS; round++)); do
		echo "bench: round $((round + 1)) of $ROUNDS" >&2
		for ((i = 0; i < ${#available[@]}; i++)); do
			# Each round begins with another one: none always comes after the same neighbour.
			measure "${available[(round + i) % ${#available[@]}]}" || return 1
		done
	done
}

# judge_scaling WORKLOAD TITLE: whether a fault is dearer on two CPUs than on one. What is added is a small
# difference of large numbers, most of all on two CPUs: the empty program's tells how far to believe it.
judge_scaling()
{
	add_target "a fault with faultmap fast, $2 on two CPUs / one" \
		"$(low_of "$1" faultmap_fast)" "$(low_of storm faultmap_fast)" 1.1
	add_target "of that, added by faultmap fast" \
		"$(credible_added "$1" faultmap_fast)" "$(credible_added storm faultmap_fast)" 1.1
	add_target "of that, added by the empty program" \
		"$(credible_added "$1" empty)" "$(credible_added storm empty)" 1.1
}

judge()
{
	local added_storm

	added_storm=$(credible_added storm faultmap_fast)
	add_target "anonymous storm, added by faultmap fast / by the empty program" \
		"$added_storm" "$(added_to storm empty)" 2.2
	add_target "anonymous storm, added by faultmap fast / by bpftrace's count" \
		"$added_storm" "$(added_to storm bpftrace)" 0.35
	add_target "anonymous storm, added by faultmap full / by perf record -c 1" \
		"$(credible_added storm faultmap_full)" "$(added_to storm perf_record)" 0.7
	add_floor "programs that read the clock at both ends of a fault" \
		"$(added_to storm floor_full)" "$(added_to storm perf_record)"
	add_target "fork and exec, wall time with faultmap fast / bare" \
		"$(low_of execs faultmap_fast)" "$(low_of execs bare)" 1.03
	add_floor "the empty program" "$(low_of execs empty)" "$(low_of execs bare)"
	add_floor "a program that finds each fault's VMA" \
		"$(low_of execs floor_mapping)" "$(low_of execs bare)"
	add_floor "a program that also adds one to a row for each mapping" \
		"$(low_of execs floor_row)" "$(low_of execs bare)"
	[ "$CPUS" -gt 1 ] || return 0
	judge_scaling processes "two processes"
	judge_scaling threads "two threads"
}

: >"$TMP/samples"
: >"$TARGETS"
export TARGETS
available=()
load=$(cut -d ' ' -f 1 /proc/loadavg) # other work on the machine would be in the figures
# Not in $TMP, which may be a tmpfs: that would be another kind of fault.
file=$(mktemp "$BUILD/bench/file.XXXXXX") || exit 1
trap 'rm -f "$file"; cleanup_test' EXIT
head -c "${FILE_MIB}M" /dev/zero >"$file"
find_available
[ "$CPUS" -gt 1 ] || workloads=(storm file execs)

run_rounds || exit 1
echo "$(awk -F ': ' '/^model name/ { print $2; exit }' /proc/cpuinfo), $CPUS CPUs$(
	grep -qw hypervisor /proc/cpuinfo && echo ' of a virtual machine'), $(uname -sr);" \
	"$ROUNDS interleaved rounds; load average before it: $load"
for workload in "${workloads[@]}"; do
	title=title_$workload unit=unit_$workload
	print_table "$workload" "${!title}" "${!unit}" "${profilers[@]}"
done
judge
"$ROOT/tests/bench/ticks.sh"
status=$?
printf '\n### Targets (of low samples, but for the reading)\n\n'
cat "$TARGETS"
exit "$status"
