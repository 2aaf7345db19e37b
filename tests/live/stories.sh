#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# takes 25 s
# Four common questions, each answered by one command on one screen. The figures are exact: the workloads touch
# a known number of pages on command.

. "$(dirname "$0")/../lib.sh"

# A server that answers each line that it reads: `reuse` from a buffer that it keeps, `fresh` (the deploy)
# from one that it maps for each answer, `idle` not at all. Each has 4 MiB, a page touched at a time.
cat >"$TMP/server.py" <<'END'
import mmap, sys

def fresh():
    return mmap.mmap(-1, 4 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)

def touch(buffer):
    for at in range(0, 4 << 20, 4096):
        buffer[at] = 1

mode, kept = sys.argv[1], fresh()
kept.madvise(mmap.MADV_NOHUGEPAGE)
touch(kept)
print("ready", flush=True)
for line in sys.stdin:
    for request in range(32 if mode != "idle" else 0):
        buffer = kept
        if mode == "fresh":
            buffer = fresh()
            buffer.madvise(mmap.MADV_NOHUGEPAGE)
        touch(buffer)
        if mode == "fresh":
            buffer.close()
    print("answered", flush=True)
END
# By a name of its own, so that what else runs in Python here is not in the answers.
ln -s "$(python3 -c 'import os, sys; print(os.path.realpath(sys.executable))')" "$TMP/storyteller"
pages=$((32 * 4 * 1024 * 1024 / 4096))
n_servers=0

# start_server MODE ARG...: $pid; it reads requests from the descriptor $requests, its answers are in $TMP/out.
start_server()
{
	n_servers=$((n_servers + 1))
	mkfifo "$TMP/requests.$n_servers"
	exec {requests}<>"$TMP/requests.$n_servers"
	start_background "$TMP/storyteller" "$TMP/server.py" "$@" <&"$requests" >"$TMP/out"
	pid=$BACKGROUND_PID
	wait_for 120 grep -q ready "$TMP/out"
}

is_watching()
{
	[ -e "$TMP/jsonl" ] && [ "$(wc -l <"$TMP/jsonl")" -ge 2 ]
}

# watch FLAG...: `run` with these attaches, one request comes and is answered; the summary is in $TMP/summary.
watch()
{
	rm -f "$TMP/jsonl"
	start_background "$FAULTMAP" run -d 0.2 -n 100000 --jsonl "$TMP/jsonl" -o "$TMP/summary" "$@"
	local watcher=$BACKGROUND_PID
	wait_for 120 is_watching
	echo request >&"$requests"
	wait_for 120 grep -q answered "$TMP/out"
	kill -INT "$watcher"
	wait "$watcher"
}

# line NUMBER: of the table.
line()
{
	awk -v number="$1" '/^ *FAULTS / { at = NR } at && NR == at + number' "$TMP/summary"
}

# My service is slow since the deploy: what is new, and what does it cost?
test_deploy()
{
	local mode

	for mode in reuse fresh; do
		start_server $mode
		watch -p "$pid"
		stop_background "$pid"
		if [ $mode = reuse ]; then
			check_equal "before: no memory is faulted in for a request" \
				"$("$FAULTMAP" report --by kind --json "$TMP/jsonl" |
					jq '[.lines[] | select(.name == "demand_zero").minor] | add // 0 | . < 100')" true
			continue
		fi
		check "after: the first line is the new memory, and what it cost" \
			grep -Eq "^ *32,7[0-9]{2} +(0 +)?[0-9.]+[num]?s +[0-9]+M +([0-9]+x +)?demand_zero.* \[anon\]" <(line 1)
		check_equal "after: each request's pages, none twice" \
			"$("$FAULTMAP" report --by kind --json "$TMP/jsonl" |
				jq "[.lines[] | select(.name == \"demand_zero\").minor] | add - $pages | . >= 0 and . < 100")" true
		check_contains "after: it says that it is the same memory again" "$TMP/summary" \
			'the same memory again and again'
	done
}

# Who eats the memory?
test_memory()
{
	local idle=() i

	for i in 1 2 3; do
		start_server idle --number $i
		idle+=("$pid")
	done
	start_server fresh --number 4
	watch --comm storyteller --by process --sort bytes -c
	check "the eater is the first line, with its command" \
		grep -Eq "^ *32,[0-9]{3} .* [0-9]+M .* $pid +.*fresh --number 4\$" <(line 1)
	for i in "${idle[@]}" "$pid"; do
		stop_background "$i"
	done
}

# Why was it killed by SIGBUS?
test_sigbus()
{
	"$FAULTMAP" run -o "$TMP/summary" -- python3 -c '
import mmap, sys
path = sys.argv[1]
with open(path, "wb") as file:
    file.truncate(8 << 20)
with open(path, "r+b") as file:
    shared = mmap.mmap(file.fileno(), 8 << 20)
    file.truncate(4096)
shared[1 << 20] = 1' "$TMP/cut.db"
	check_equal "SIGBUS: the status is the command's" "$?" $((128 + 7))
	check_contains "SIGBUS: the first line says so" <(unwrapped "$TMP/summary") \
		'^killed by SIGBUS.* after .*, 1 denied'
	check_contains "SIGBUS: which file" "$TMP/summary" "^ *1 .* denied_bus .*/cut\.db\$"
	check_contains "SIGBUS: and why" "$TMP/summary" \
		"^denied: 1 denied_bus: SIGBUS or EFAULT, no page there \(beyond the end of a file\)\$"
}

# Which of 20 of one name is it?
test_twenty()
{
	local servers=() i busy

	for i in $(seq 20); do
		[ "$i" = 7 ] || start_server idle --worker "$i"
		[ "$i" != 7 ] || start_server fresh --worker 7
		[ "$i" != 7 ] || busy=$requests
		servers+=("$pid")
	done
	start_background "$FAULTMAP" top -b -d 0.5 -c --comm storyteller --rows 1 >"$TMP/top"
	local top=$BACKGROUND_PID
	wait_for 120 grep -q '^faultmap ' "$TMP/top"
	echo request >&"$busy"
	check "which of 20: the first line is the one, by its command" \
		wait_for 60 grep -Eq "^ *${servers[6]} .* demand_zero.*server\.py fresh --worker 7\$" "$TMP/top"
	stop_background "$top"
	for i in "${servers[@]}"; do
		stop_background "$i"
	done
}

test_deploy
test_memory
test_sigbus
test_twenty
done_testing
