#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# takes 22 s
# The kernel's counters of each process, read in both ways: by a walk over its list of processes, which skips
# processes that have not run, and by its iterator of tasks. More processes than one run of the walk reports
# (WALK_MAX) start, fault and are killed at once; and one process has several threads, some of which have ended.
# Their VSZ and RSS are those of /proc/PID/statm, which is not opened for that.

. "$(dirname "$0")/../lib.sh"

count=$(fewer 1200)
find_lacks
strace= # its pid

# totals COMM: pid, minor and major of its processes, as the last line of each that the log has.
totals()
{
	grep "\"rec\":\"process\".*\"comm\":\"$1\"" "$TMP/log" |
		jq -r '"\(.pid) \(.minor_total) \(.major_total)"' |
		awk '{ last[$1] = $0 } END { for (pid in last) print last[pid] }' | sort -n
}

# counted PID...: the same as /proc has it.
counted()
{
	local files=("${@/#//proc/}")

	awk '{ pid = $1; sub(/.*\) /, ""); print pid, $8, $10 }' "${files[@]/%//stat}" | sort -n
}

# memory COMM: pid, VSZ and RSS in bytes of its processes, as totals.
memory()
{
	grep "\"rec\":\"process\".*\"comm\":\"$1\"" "$TMP/log" | jq -r '"\(.pid) \(.vsz_bytes) \(.rss_bytes)"' |
		awk '{ last[$1] = $0 } END { for (pid in last) print last[pid] }' | sort -n
}

# resident PID...: the same as /proc has it.
resident()
{
	local files=("${@/#//proc/}")

	awk -v page="$(getconf PAGESIZE)" '
		{ split(FILENAME, part, "/"); printf "%s %.0f %.0f\n", part[3], $1 * page, $2 * page }' \
		"${files[@]/%//statm}" | sort -n
}

# start_watching: which files faultmap log opens from now on.
start_watching()
{
	start_background strace -f -p "$log" -e trace=open,openat -o "$TMP/opened" 2>"$TMP/strace"
	strace=$BACKGROUND_PID
	wait_for 60 grep -q attached "$TMP/strace"
}

# end_watching PID...: sets `opened` to how often it has opened files statm of these.
end_watching()
{
	kill "$strace"
	wait "$strace"
	opened=$(grep -o '/proc/[0-9]*/statm' "$TMP/opened" | grep -cFxf <(printf '/proc/%s/statm\n' "$@"))
}

# test_opened WAY
test_opened()
{
	if lacks direct_reads; then
		skip "$1: RSS without statm" "what CPUs hold back of a counter is not read here"
	else
		check "$1: $opened times statm was opened when $count processes moved" test "$opened" -lt $((count / 10))
	fi
}

# ended: the pids of the crowd that the log has exit lines of, a line each.
ended()
{
	grep '"rec":"exit".*"comm":"crowd"' "$TMP/log" | jq .pid | sort -n
}

crowd_has_ended()
{
	[ "$(grep -c '"rec":"exit".*"comm":"crowd"' "$TMP/log")" -ge "$1" ]
}

# start_log FLAG...: until the first interval has been written.
start_log()
{
	rm -f "$TMP/log" # an old one has intervals, too
	start_background "$FAULTMAP" log -d 0.5 -o "$TMP/log" "$@"
	log=$BACKGROUND_PID
	wait_for 120 grep -qs '"rec":"interval"' "$TMP/log"
}

# Each writes to two mappings at its start and on command, and otherwise sleeps.
test_crowd()
{
	local parent everybody

	start_background "$TMP/crowd" "$count" 2 >"$TMP/ready"
	parent=$BACKGROUND_PID
	wait_for 120 grep -q ready "$TMP/ready"
	await_intervals "$TMP/log" 2
	mapfile -t everybody < <(printf '%s\n' "$parent"; pgrep -P "$parent")
	check_equal "$1: all $count processes are there" "${#everybody[@]}" $((count + 1))
	check_equal "$1: processes that were born at once, as /proc counts them" \
		"$(totals crowd)" "$(counted "${everybody[@]}")"
	check_equal "$1: their VSZ and RSS, as statm has them" "$(memory crowd)" "$(resident "${everybody[@]}")"
	opened=
	! command -v strace >/dev/null || start_watching # the guests under QEMU have none
	kill -USR1 "$parent"
	wait_for 120 grep -q moved "$TMP/ready"
	await_intervals "$TMP/log" 2
	[ -z "$strace" ] || end_watching "${everybody[@]}"
	check_equal "$1: the same when all of them have moved" \
		"$(totals crowd)" "$(counted "${everybody[@]}")"
	check_equal "$1: VSZ and RSS then" "$(memory crowd)" "$(resident "${everybody[@]}")"
	[ -z "$opened" ] || test_opened "$1"
	kill "$parent"
	wait_for 120 crowd_has_ended $((count + 1))
	await_intervals "$TMP/log" 3
	check_equal "$1: each is reported as ended, once" "$(ended)" \
		"$(printf '%s\n' "${everybody[@]}" | sort -n)"
	wait "$parent"
}

# Threads that touch pages and end, and those that stay; told at a line each.
test_threads()
{
	local pid round

	coproc threads { exec "$TMP/threads" -c '
import mmap, sys, threading
def touch(pages):
    memory = mmap.mmap(-1, pages * 4096, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    for page in range(pages):
        memory[page * 4096] = 1
def stay():
    touch(50)
    ended.wait()
ended = threading.Event()
for _ in range(20):
    threading.Thread(target=stay).start()
for line in sys.stdin:
    for _ in range(10):
        thread = threading.Thread(target=touch, args=(30,))
        thread.start()
        thread.join()
    print("touched", flush=True)
ended.set()'; }
	# shellcheck disable=SC2154 # of coproc
	pid=$threads_PID
	background_pids+=("$pid")
	for round in first second third; do
		echo go >&"${threads[1]}"
		read -r <&"${threads[0]}"
		await_intervals "$TMP/log" 2
		check_equal "$1: 21 threads, and 10 that have ended, for the $round time" \
			"$(totals threads)" "$(counted "$pid")"
	done
	eval "exec ${threads[1]}>&-"
	wait "$pid"
}

# test_way NAME FLAG...
test_way()
{
	start_log "${@:2}"
	test_crowd "$1"
	test_threads "$1"
	kill "$log"
	wait "$log"
	check_equal "$1: faultmap log ended well" "$?" 0
	rm "$TMP/log"
}

cp "$BUILD/workload/sleepers" "$TMP/crowd"
ln -s /usr/bin/python3 "$TMP/threads"
if lacks task_walk; then
	skip "by the walk" "this kernel has none"
else
	test_way "walk"
fi
test_way "iterator" --disable-feature task_walk
done_testing
