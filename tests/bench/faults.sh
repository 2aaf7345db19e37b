#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What page faults cost with each profiler, in two measures: the kernel's own run time of its BPF programs, and wall
# time over a bare run. In each round every profiler is started once, meets every workload and is ended, so that a
# drift of the machine meets all of them. Prints Markdown. A new profiler is a name in `profilers` and what
# profilers.bash says; a new workload is in workloads.bash.
# usage: tests/bench/faults.sh     ROUNDS, ONLY_PROFILERS="bare ..." and ONLY_WORKLOADS may be set.

. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
. "$ROOT/tests/bench/profilers.bash"
. "$ROOT/tests/bench/workloads.bash"
. "$ROOT/tests/bench/report.bash"

ROUNDS=${ROUNDS:-15}
RUN_TIMES=4 # undisturbed samples of run time wanted per round,
RUN_TRIES=12 # and taken at most
RUN_PASSES=4 # of the workload in each: what its start costs is in it, too, as that of fifty faults

profilers=(bare bare_again empty floor_run floor_mapping floor_row floor_full faultmap_fast faultmap_full
	faultmap_causeless faultmap_code faultmap_stacks bpftrace bpftrace_ustack perf_record perf_trace)
[ -z "${ONLY_PROFILERS:-}" ] || read -r -a profilers <<<"$ONLY_PROFILERS"
[ -z "${ONLY_WORKLOADS:-}" ] || read -r -a workloads <<<"$ONLY_WORKLOADS"

# passes PROFILER: perf's readers want a CPU for as long as the storm has had one.
passes()
{
	case $1 in
	perf_*) echo 1 ;;
	*) echo 4 ;;
	esac
}

# has_programs PROFILER: it is made of BPF programs.
has_programs()
{
	[[ $1 != bare* && $1 != perf_* ]]
}

# sample_wall WORKLOAD PROFILER: a line "WORKLOAD PROFILER NUMBER" for each sample of wall time.
sample_wall()
{
	local command

	"command_$1" "$(passes "$2")"
	"${command[@]}" >"$TMP/numbers" || return 1
	sed "s/^/$1 $2 /" "$TMP/numbers" >>"$TMP/samples"
}

# sample_run_time WORKLOAD PROFILER: a line "WORKLOAD_run PROFILER NS", per fault (per child), and one "WORKLOAD_runs
# PROFILER RUNS": how often programs ran in it. WORKLOAD_spoilt where more than 2 % of the machine's faults meanwhile
# were not the workload's: the programs' run time is the machine's, and what else faulted had costs of its own. So had
# what came back from the disk: no page of these workloads does, but faultmap has a hook more while any page does.
sample_run_time()
{
	local command

	"command_$1" "$RUN_PASSES"
	"$BUILD/bench/run_time" "$BACKGROUND_PID" "${command[@]}" >"$TMP/numbers" || return 1
	awk -v workload="$1" -v profiler="$2" -v children="$([ "$1" = execs ] && echo $((RUN_PASSES * CHILDREN)))" '
		NF == 4 { ns += $4; runs += $3 }
		$1 == "fault_refaults" { refaults = $3 }
		$1 == "faults" { own = $2; spoilt = $3 > own * 1.02 || refaults > own * 0.02 }
		END {
			per = children ? children : own
			printf "%s_%s %s %.1f\n", workload, (spoilt ? "spoilt" : "run"), profiler, ns / per
			if (!spoilt)
				printf "%s_runs %s %.4f\n", workload, profiler, runs / per
		}' \
		"$TMP/numbers" >>"$TMP/samples"
}

# sample_run_times WORKLOAD PROFILER
sample_run_times()
{
	local try before

	before=$(count_samples "$1_run" "$2")
	for ((try = 0; try < RUN_TRIES; try++)); do
		[ "$(count_samples "$1_run" "$2")" -lt $((before + RUN_TIMES)) ] || return 0
		sample_run_time "$1" "$2" || return 1
	done
}

# measure PROFILER
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
		sample_wall "$workload" "$profiler" || status=1
		! has_programs "$profiler" || sample_run_times "$workload" "$profiler" || status=1
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

judge_storm()
{
	local fast empty bpftrace

	fast=$(run_time_of storm faultmap_fast) empty=$(run_time_of storm empty) bpftrace=$(run_time_of storm bpftrace)
	add_target "run time" "a fault with faultmap fast / with the empty program" "$fast" "$empty" 1.6
	add_floor "a program that adds one as long as the VMA is the same" "$(run_time_of storm floor_run)" "$empty"
	add_target "run time" "a fault with faultmap fast / with bpftrace's count by pid" \
		"$fast" "$bpftrace" 0.25
	add_floor "a program that adds one as long as the VMA is the same" "$(run_time_of storm floor_run)" "$bpftrace"
	add_less_empty storm faultmap_fast bpftrace
	add_target "run time" "a fault with faultmap full / without causes of stalls" \
		"$(run_time_of storm faultmap_full)" "$(run_time_of storm faultmap_causeless)" 1.15
	add_target "run time" "a fault with faultmap full --code / without" \
		"$(run_time_of storm faultmap_code)" "$(run_time_of storm faultmap_full)" 1.3
	add_target "run time" "a fault with faultmap full --stacks / without" \
		"$(run_time_of storm faultmap_stacks)" "$(run_time_of storm faultmap_full)" 2
	add_target "run time" "a fault with faultmap full --stacks / with bpftrace's count by stack" \
		"$(run_time_of storm faultmap_stacks)" "$(run_time_of storm bpftrace_ustack)" 0.5
	add_less_empty storm faultmap_stacks bpftrace_ustack
	if is_quiet storm perf_record; then
		add_target "wall time" "added to a fault by faultmap full / by perf record -c 1" \
			"$(added_to storm faultmap_full)" "$(added_to storm perf_record)" 0.6
		add_floor "programs that read the clock at both ends of a fault" \
			"$(added_to storm floor_full)" "$(added_to storm perf_record)"
	else
		add_unknown "added to a fault by faultmap full / by perf record -c 1" 0.6 \
			"perf has only wall time, and $(noise_text storm perf_record)"
	fi
}

# What is not in its programs' run time (the misses of the cache that they cause, the ring's reader on the same CPU) is
# in the wall time.
judge_execs()
{
	local what="added to fork and exec by faultmap fast / by bpftrace's count by pid"

	if is_quiet execs bpftrace; then
		add_target "wall time" "$what" "$(added_to execs faultmap_fast)" "$(added_to execs bpftrace)" 1
		add_floor "a program that adds one to a row for each mapping" \
			"$(added_to execs floor_row)" "$(added_to execs bpftrace)"
	else
		add_target "run time, since in wall time $(noise_text execs bpftrace)" "$what" \
			"$(run_time_of execs faultmap_fast)" "$(run_time_of execs bpftrace)" 1
		add_floor "a program that adds one to a row for each mapping" \
			"$(run_time_of execs floor_row)" "$(run_time_of execs bpftrace)"
	fi
}

# judge_scaling WORKLOAD TITLE: whether a fault is dearer on two CPUs than on one.
judge_scaling()
{
	add_target "run time" "a fault with faultmap fast, $2 on two CPUs / one" \
		"$(run_time_of "$1" faultmap_fast)" "$(run_time_of storm faultmap_fast)" 1.1
	add_floor "the empty program" "$(run_time_of "$1" empty)" "$(run_time_of storm empty)"
}

judge()
{
	judge_storm
	judge_execs
	[ "$CPUS" -gt 1 ] || return 0
	judge_scaling processes "two processes"
	judge_scaling threads "two threads"
}

: >"$TMP/samples"
available=()
# Not in $TMP, which may be a tmpfs: that would be another kind of fault.
file=$(mktemp "$BUILD/bench/file.XXXXXX") || exit 1
trap 'rm -f "$file"; cleanup_test' EXIT
head -c "${FILE_MIB}M" /dev/zero >"$file"
find_available

run_rounds || exit 1
for workload in "${workloads[@]}"; do
	title=title_$workload unit=unit_$workload
	print_run_times "$workload" "${!title}" "${!unit##* }" "${profilers[@]}"
	print_table "$workload" "${!title}, wall time" "${!unit}" "${profilers[@]}"
done
judge
print_targets
