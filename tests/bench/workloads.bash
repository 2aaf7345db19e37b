# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# shellcheck disable=SC2034 # command, workloads: for faults.sh
# The workloads that faults.sh runs, sourced after lib.sh. Each has a title, a unit, and a function
# command_NAME PASSES that sets $command to what runs it. The command prints one number per sample of wall time.

MIB=16       # of anonymous memory: 4,096 faults
FILE_MIB=256 # of a file: 4,096 faults
CHILDREN=100 # per pass
CPUS=$(nproc)
CPU=$((CPUS - 1)) # for the workloads on one; not 0, which has most of the interrupts
read -r -a PAIR <<<"$((CPUS > 1 ? CPUS - 2 : 0)) $CPU"
# Nothing takes the CPU away; perf's reader has another one.
[ "$CPUS" -gt 1 ] && undisturbed=(chrt -f 2) || undisturbed=()

workloads=(storm processes threads file execs)
[ "$CPUS" -gt 1 ] || workloads=(storm file execs)
# shellcheck disable=SC2034 # read by name
{
	title_storm="Anonymous storm, one thread"
	title_processes="Anonymous storm, two processes on two CPUs"
	title_threads="Anonymous storm, two threads of one process on two CPUs"
	title_file="Reads of a mapped file in the page cache"
	title_execs="Fork and exec of /bin/true"
	unit_storm="ns per fault" unit_processes="ns per fault" unit_threads="ns per fault"
	unit_file="ns per fault" unit_execs="us per child"
}

command_storm()
{
	command=("${undisturbed[@]}" "$BUILD/bench/storm" "$MIB" "$1" "$CPU")
}

command_processes()
{
	command=("$BUILD/bench/storm" "$MIB" "$1" "${PAIR[@]}")
}

command_threads()
{
	command=("$BUILD/bench/storm" -t "$MIB" "$1" "${PAIR[@]}")
}

command_file()
{
	command=("${undisturbed[@]}" "$BUILD/bench/storm" -f "$file" "$FILE_MIB" "$1" "$CPU")
}

# On one CPU: where the scheduler puts each child differs by more than what is measured here.
command_execs()
{
	command=("${undisturbed[@]}" "$BUILD/bench/execs" "$(($1 * CHILDREN))" "$CPU" /bin/true)
}
