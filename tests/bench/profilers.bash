# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# The profilers that faults.sh compares, sourced after lib.sh. start_NAME returns 0 once NAME counts
# faults, with its pid in $BACKGROUND_PID (empty: none); available_NAME, where there is one, says
# whether it can be had at all; label_NAME is its name in the tables.

# shellcheck disable=SC2034 # labels: read by name in report.bash
{
	label_bare="bare"
	label_bare_again="bare again: noise"
	label_empty="empty program"
	label_floor_run="floor: still the same VMA"
	label_floor_mapping="floor: finds the VMA"
	label_floor_row="floor: a row per mapping"
	label_floor_full="floor: a clock at both ends"
	label_faultmap_fast="faultmap fast"
	label_faultmap_full="faultmap full"
	label_faultmap_causeless="faultmap full, no causes"
	label_faultmap_code="faultmap full, --code"
	label_faultmap_stacks="faultmap full, --stacks"
	label_bpftrace="bpftrace count by pid"
	label_bpftrace_ustack="bpftrace count by pid, ustack"
	label_perf_record="perf record -c 1"
	label_perf_trace="perf trace -F all"
}

# start_reporting COMMAND...: in the background, ready as soon as it prints a line.
start_reporting()
{
	: >"$TMP/ready"
	start_background "$@" >"$TMP/ready" 2>"$TMP/messages"
	wait_for 30 has_spoken "$BACKGROUND_PID" && [ -s "$TMP/ready" ]
}

# has_spoken PID: it has said something, or ended.
has_spoken()
{
	[ -s "$TMP/ready" ] || process_ended "$1"
}

# start_polling COMMAND...: in the background, ready as soon as it waits for its perf buffers.
start_polling()
{
	start_background "$@" >/dev/null 2>"$TMP/messages"
	wait_for 30 is_polling "$BACKGROUND_PID" && ! process_ended "$BACKGROUND_PID"
}

# is_polling PID: perf enables its events after it has mapped them and before it first polls.
is_polling()
{
	process_ended "$1" || { grep -q perf_event "/proc/$1/maps" && grep -q '^poll_' "/proc/$1/wchan"; }
}

# end_profiler: the one that was started last.
end_profiler()
{
	[ -z "$BACKGROUND_PID" ] || stop_background "$BACKGROUND_PID"
	# shellcheck disable=SC2034 # of lib.sh: what has ended needs no end when the test exits
	background_pids=()
	rm -f "$TMP/perf.data"
}

start_bare()
{
	BACKGROUND_PID=
}

start_bare_again()
{
	BACKGROUND_PID=
}

start_empty()
{
	start_reporting "$BUILD/bench/empty" "$BUILD/bench/empty.bpf.o"
}

start_floor_run()
{
	start_reporting "$BUILD/bench/empty" "$BUILD/bench/floor_run.bpf.o"
}

start_floor_mapping()
{
	start_reporting "$BUILD/bench/empty" "$BUILD/bench/floor_mapping.bpf.o"
}

start_floor_row()
{
	start_reporting "$BUILD/bench/empty" "$BUILD/bench/floor_row.bpf.o"
}

start_floor_full()
{
	start_reporting "$BUILD/bench/empty" "$BUILD/bench/floor_full.bpf.o"
}

# The meta line comes when everything is attached.
start_faultmap_fast()
{
	start_reporting "$FAULTMAP" log --detail fast -d 1
}

start_faultmap_full()
{
	start_reporting "$FAULTMAP" log --detail full -d 1
}

start_faultmap_causeless()
{
	start_reporting "$FAULTMAP" log --detail full --disable-feature switches -d 1
}

start_faultmap_code()
{
	start_reporting "$FAULTMAP" log --detail full --code -d 1
}

start_faultmap_stacks()
{
	start_reporting "$FAULTMAP" log --detail full --stacks -d 1
}

available_faultmap_full()
{
	timeout 20 "$FAULTMAP" log --detail full -n 1 -d 0.1 >/dev/null 2>&1
}

# It says nothing when it has attached: but the interval, attached after the event, does. What it
# counted is not printed at the end: that would take longer than the storm.
start_bpftrace()
{
	start_reporting bpftrace -q -B line -e '
		software:page-faults:1 { @[pid] = count(); }
		interval:ms:100 { printf("ready\n"); }
		END { clear(@); }'
}

start_bpftrace_ustack()
{
	start_reporting bpftrace -q -B line -e '
		software:page-faults:1 { @[pid, ustack] = count(); }
		interval:ms:100 { printf("ready\n"); }
		END { clear(@); }'
}

# -B -N: the recording is no other, only its end is faster, since it looks for no build ids.
start_perf_record()
{
	start_polling perf record -B -N -a -e page-faults -c 1 -o "$TMP/perf.data"
}

start_perf_trace()
{
	start_polling perf trace -a -F all -o /dev/null
}
