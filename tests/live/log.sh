#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# takes 20 s
# `faultmap log` on the real kernel: jq parses every line, totals equal the sums of deltas, and it ends cleanly
# in each way.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

log=$TMP/log.jsonl

# check_jq NAME FILTER: the filter over all lines (an array) gives true; or what it gives is shown.
check_jq()
{
	check_equal "$1" "$(jq -s -r "$2" "$log" 2>&1)" true
}

# A log of a workload that began after it: children that come and go, and 16,384 pages touched.
record()
{
	start_background "$FAULTMAP" log -d 0.2 -o "$log"
	log_pid=$BACKGROUND_PID
	wait_for 120 grep -q '"rec":"interval"' "$log"
	read -r began_ns _ </proc/uptime
	began_ns=${began_ns/./}0000000
	for _ in {1..50}; do
		cat /etc/passwd >/dev/null
	done
	start_background python3 tests/workload/touch.py 64 >/dev/null
	touch_pid=$BACKGROUND_PID
	wait "$touch_pid"
	(ulimit -c 0 && bash -c 'kill -SEGV $$'; true) 2>/dev/null
	bash -c 'exit 7'
	check "an exit status is passed on" \
		wait_for 120 grep -q '"rec":"exit".*"exit_status":7,' "$log"
	wait_for 120 has_workload
	stop_background "$log_pid"
	check_equal "SIGTERM ends it with 0" "$?" 0
}

# has_workload: all that the workload started has its exit line.
has_workload()
{
	have_ended "$log" "$touch_pid" && grep -q '"rec":"exit".*"signal":11,' "$log" &&
		[ "$(grep -c "^{\"rec\":\"exit\",.*\"comm\":\"cat\",\"ppid\":$$," "$log")" -ge 50 ]
}

test_form()
{
	check "every line is a JSON object" jq -e 'type == "object"' "$log"
	check_equal "the file ends with a whole line" "$(tail -c 1 "$log" | xxd -p)" 0a
	check "the bytes are UTF-8" iconv -f UTF-8 -t UTF-8 "$log"
	check_jq "the first line, and no other, is meta" \
		'.[0].rec == "meta" and ([.[] | select(.rec == "meta")] | length) == 1'
	check_jq "the second line is an interval" '.[1].rec == "interval"'
	check_jq "meta says what it is" '.[0] | .v == 1 and .page_size >= 4096 and .detail == "fast" and
		.interval_seconds == 0.2 and (.hooks
		| any(IN("raw_tp/page_fault_user", "perf_event/page-faults")))'
	check_equal "meta names the kernel" "$(jq -r 'select(.rec == "meta").kernel' "$log")" \
		"$(uname -r)"
	check_jq "there is no other record" \
		'[.[].rec] | unique - ["meta", "interval", "faults", "process", "exit"] == []'
	check_jq "faults lines have all fields" '[.[] | select(.rec == "faults") |
		select(([.ts, .comm, .mapping, .mapping_id, .map_start, .map_end, .perms, .kind, .access, .mode] |
			all(type == "string")) and
			([.pid, .start_ns, .map_offset, .minor, .major, .denied, .pages, .minor_total,
			.major_total, .denied_total, .pages_total] | all(type == "number" and . >= 0)) |
			not)] | length == 0'
	check_jq "process lines have all fields" '[.[] | select(.rec == "process") |
		select(([.ts, .comm, .cgroup] | all(type == "string")) and
			([.pid, .start_ns, .ppid, .uid, .vsz_bytes, .rss_bytes, .minor, .major, .gup,
			.minor_total, .major_total, .gup_total] | all(type == "number" and . >= 0)) |
			not)] | length == 0'
	check_jq "exit lines have all fields" '[.[] | select(.rec == "exit") |
		select(([.ts, .comm, .cgroup] | all(type == "string")) and
			([.pid, .start_ns, .ppid, .uid, .exit_status, .seconds, .peak_rss_bytes,
			.minor_total, .major_total] | all(type == "number" and . >= 0)) |
			not)] | length == 0'
	check_jq "each faults line moved" '[.[] | select(.rec == "faults" and
		.minor + .major + .denied + (.latency.count // 0) == 0)] | length == 0'
}

# What began after the log, a line for each counter: REC FIELD, five words that name the row, DELTA, TOTAL.
counters()
{
	jq -r --argjson began "$began_ns" '
		select((.rec == "faults" or .rec == "process") and .start_ns > $began)
		| "\(.pid),\(.start_ns) \(.mapping_id) \(.kind) \(.access) \(.mode)" as $row
		| (if .rec == "faults" then ["minor", "major", "denied", "pages"]
			else ["minor", "major", "gup"] end) as $fields
		| . as $line | $fields[]
		| "\($line.rec) \(.) \($row) \($line[.]) \($line[. + "_total"])"' "$log"
}

# broken_series REC FIELD: those whose last total is not the sum of their deltas.
broken_series()
{
	awk -v rec="$1" -v field="$2" '
		$1 != rec || $2 != field { next }
		{
			row = $3 " " $4 " " $5 " " $6 " " $7
			sum[row] += $8
			total[row] = $9
			seen++
		}
		END {
			if (!seen)
				print "none at all"
			for (row in sum)
				if (sum[row] != total[row])
					print row, sum[row], total[row]
		}' "$TMP/counters" | head -n 5
}

test_sums()
{
	local field

	counters >"$TMP/counters"
	for field in minor major denied pages; do
		check_equal "faults: $field totals are the sums of deltas" \
			"$(broken_series faults $field)" ""
	done
	for field in minor major gup; do
		check_equal "process: $field totals are the sums of deltas" \
			"$(broken_series process $field)" ""
	done
	check_jq "interval: totals are the sums of deltas" '
		[.[] | select(.rec == "interval")] | . as $lines |
		[.[0] | keys[] | select(endswith("_total")) | rtrimstr("_total")] |
		all(. as $field | ($lines | map(.[$field]) | add) ==
			$lines[-1][$field + "_total"] - $lines[0][$field + "_total"] + $lines[0][$field])'
	check_jq "interval: entries are minor, major, denied, aborted or in flight" '
		[.[] | select(.rec == "interval") | .in_flight >= 0 and .entries_total ==
		.minor_total + .major_total - (.populated_total // 0) + .denied_total + .aborted_total + .in_flight] | all'
	# What other programs fault while the rows are read is in flight.
	check_equal "interval: little is in flight at the end" "$(jq -s -c '
		[.[] | select(.rec == "interval")][-1] | [.in_flight, .entries] |
		select(.[0] > 1000 + .[1] / 10)' "$log")" ""
	test_losses
}

# All that can be lost, by name, of the whole machine: where others take the CPU for seconds, something is.
test_losses()
{
	local name="nothing was lost" apart

	apart=$(jq -s '[.[] | select(.rec == "interval").seconds] | max' "$log")
	if [ "${apart%.*}" -ge 2 ]; then
		skip "$name" "the machine is busy: two readings were $apart s apart, not 0.2"
		return
	fi
	check_equal "$name" "$(jq -s -c '[.[] | select(.rec == "interval") |
		{ map_full, names_lost, names_cut, contexts_lost, cgroups_lost, exits_lost, stamps_lost, lines_lost } | to_entries[] |
		select(.value > 0)]' "$log")" "[]"
}

test_workload()
{
	local access=write

	# Where fault entry is a perf event, the access is not known.
	! grep -q '"hooks":.*"perf_event/page-faults"' "$log" || access=unknown
	check_equal "the touched mapping has exactly its faults" "$(jq -s -c --argjson pid "$touch_pid" '
		[.[] | select(.rec == "faults" and .pid == $pid and .minor_total > 10000)][-1] |
		[.mapping, .kind, .access, .minor_total, .major_total]' "$log")" \
		"[\"[anon]\",\"demand_zero\",\"$access\",16384,0]"
	check_jq "each process has one exit line" '[.[] | select(.rec == "exit")] |
		group_by([.pid, .start_ns]) | all(length == 1)'
	check_jq "a killed process names its signal" '
		[.[] | select(.rec == "exit" and .signal == 11)] |
		length > 0 and all(.exit_status == 139)'
	check_equal "every short-lived child has its exit line" "$(jq -s --argjson began "$began_ns" '
		[.[] | select(.rec == "exit" and .comm == "cat" and .start_ns > $began)] |
		length >= 50' "$log")" true
	check_equal "an exit line repeats the last totals of its process" "$(jq -s -c \
		--argjson began "$began_ns" '
		(map(select(.rec == "process") |
			{ key: "\(.pid) \(.start_ns)", value: .minor_total }) | from_entries) as $last |
		[.[] | select(.rec == "exit" and .start_ns > $began) |
			select(.minor_total != ($last["\(.pid) \(.start_ns)"] // 0))]' "$log" |
		cut -c -1000)" "[]"
}

# A row's stalls: deltas add up to the totals, buckets to the count, and the longest is one of them.
test_latency()
{
	local log_pid touch_pid

	start_background "$FAULTMAP" log --detail full -d 0.2 -o "$TMP/full.jsonl"
	log_pid=$BACKGROUND_PID
	wait_for 120 grep -q '"rec":"interval"' "$TMP/full.jsonl"
	start_background python3 tests/workload/touch.py 64 >/dev/null
	touch_pid=$BACKGROUND_PID
	wait "$touch_pid"
	wait_for 120 have_ended "$TMP/full.jsonl" "$touch_pid"
	stop_background "$log_pid"
	check_equal "--detail full: each of the touched pages' faults was timed" "$(jq -s -c \
		--argjson pid "$touch_pid" '[.[] | select(.rec == "faults" and .pid == $pid and
		.minor_total > 10000)][-1] | [.kind, .minor_total, .latency.count_total]' \
		"$TMP/full.jsonl")" '["demand_zero",16384,16384]'
	check_equal "--detail full: buckets add up to the count, the maximum is no more than the sum" \
		"$(jq -s -c '[.[] | select(.rec == "faults" and .latency) | .latency |
		select((.buckets | length) != 27 or (.buckets | add) != .count or
		.max_ns > .sum_ns_total or .sum_ns > .max_ns * .count)]' "$TMP/full.jsonl" |
		cut -c -1000)" "[]"
	check_equal "--detail full: meta says so" "$(jq -r 'select(.rec == "meta").detail' \
		"$TMP/full.jsonl")" full
}

# A table of one row: the rest is in "[other]", and nothing is missing from the totals.
test_map_full()
{
	start_background "$FAULTMAP" log --max-rows 1 -d 0.2 -o "$TMP/small.jsonl"
	wait_for 120 grep -q '"rec":"interval"' "$TMP/small.jsonl"
	python3 tests/workload/touch.py 8 >/dev/null
	for _ in {1..20}; do
		cat /etc/passwd >/dev/null
	done
	check "a full table is said" wait_for 120 grep -q '"map_full":[1-9]' "$TMP/small.jsonl"
	stop_background "$BACKGROUND_PID"
	check_equal "a full table has rows of other" "$(jq -s -c '[.[] | select(.rec == "faults" and
		.pid == 0) | [.comm, .mapping]] | unique' "$TMP/small.jsonl")" '[["other","[other]"]]'
	check_equal "a full table: rows add up to the totals" "$(jq -s -c 'map(select(.rec == "faults"))
		| [(map(.minor) | add), (map(.major) | add), (map(.denied) | add)]' "$TMP/small.jsonl")" \
		"$(jq -s -c 'map(select(.rec == "interval"))[-1] |
		[.minor_total, .major_total, .denied_total]' "$TMP/small.jsonl")"
	check_equal "a full table: no process line for other" \
		"$(jq -s '[.[] | select(.rec != "faults" and .pid == 0)] | length' "$TMP/small.jsonl")" 0
}

test_ends()
{
	"$FAULTMAP" log -n 2 -d 0.1 >"$TMP/count.jsonl"
	check_equal "-n ends with 0" "$?" 0
	check_equal "-n counts intervals" "$(grep -c '"rec":"interval"' "$TMP/count.jsonl")" 2

	start_background "$FAULTMAP" log -d 60 -o "$TMP/int.jsonl"
	wait_for 120 grep -q '"rec":"meta"' "$TMP/int.jsonl"
	kill -INT "$BACKGROUND_PID"
	wait "$BACKGROUND_PID"
	check_equal "SIGINT ends it with 0" "$?" 0
	check "a last interval is written on the way out" grep -q '"rec":"interval"' "$TMP/int.jsonl"
	# The kernel tells its last counters some 20 ms after that, or seconds after on a busy machine.
	for _ in {1..5}; do
		start_background "$FAULTMAP" log -d 60 -o "$TMP/just.jsonl"
		wait_for 120 grep -q '"rec":"meta"' "$TMP/just.jsonl"
		bash -c 'exit 9'
		kill -TERM "$BACKGROUND_PID"
		wait "$BACKGROUND_PID"
		check_equal "a process that ended just before SIGTERM has its exit line" \
			"$(grep -c '"rec":"exit".*"exit_status":9,' "$TMP/just.jsonl")" 1
	done

	timeout "$(longer 120)" "$FAULTMAP" log -d 0.1 2>"$TMP/err" | head -n 2 >"$TMP/head"
	check_equal "a reader that leaves is no failure" "${PIPESTATUS[0]}" 0
	check_equal "and no message" "$(cat "$TMP/err")" ""
}

# none_in_flight LINES: whether an interval after the first LINES lines of the file says so.
none_in_flight()
{
	tail -n "+$(($1 + 1))" "$TMP/asleep.jsonl" | jq -e -n '
		[inputs | select(.rec == "interval" and .in_flight == 0)] | length > 0'
}

# The last faults of a sleeping task are counted at the next tick by its own counters, whatever it does
# not do: twenty processes that wait for a gate to open have no fault in flight.
test_asleep()
{
	local lines

	mkfifo "$TMP/gate"
	exec 9<>"$TMP/gate"
	# shellcheck disable=SC2016
	start_background "$FAULTMAP" run --json --detail=fast -o "$TMP/asleep.jsonl" -- sh -c '
		for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do cat <"$0" & done
		: >"$0.ready" && wait' "$TMP/gate" 9>&-
	wait_for 120 test -e "$TMP/gate.ready"
	lines=$(wc -l <"$TMP/asleep.jsonl")
	check "the last faults of a sleeping process are counted at a tick" \
		wait_for 120 none_in_flight "$lines"
	exec 9>&-
	wait "$BACKGROUND_PID"
	check_equal "they end when the gate opens" "$?" 0
}

# check_refused NAME REGEX COMMAND...: one line that says why, and root's file is as it was.
check_refused()
{
	timeout "$(longer 60)" "${@:3}" >"$TMP/out" 2>"$TMP/err"
	check_equal "$1: exit status" "$?" 1
	check_contains "$1: says why" "$TMP/err" "^faultmap: .*$2"
	check_equal "$1: the file behind it stays" "$(cat "$TMP/precious" "$TMP/shared/theirs")" "precious"
}

# In a directory where everybody may write, somebody else has been first.
test_planted_names()
{
	if ! may 0; then
		skip "names that another user has planted" "no CAP_CHOWN to be somebody else"
		return
	fi
	mkdir "$TMP/shared"
	chmod 1777 "$TMP/shared"
	echo precious >"$TMP/precious"
	ln -s "$TMP/precious" "$TMP/shared/link"
	: >"$TMP/shared/theirs"
	chmod 666 "$TMP/shared/theirs"
	chown -h 65534:65534 "$TMP/shared/link" "$TMP/shared/theirs"
	check_refused "log -o: a link" 'link.*: a symbolic link' "$FAULTMAP" log -n 1 -o "$TMP/shared/link"
	check_refused "log -o: another user's file" "theirs.*: another user's" \
		"$FAULTMAP" log -n 1 -o "$TMP/shared/theirs"
	check_refused "run -o: a link" 'link.*: a symbolic link' "$FAULTMAP" run -o "$TMP/shared/link" -- true
	check_refused "run --json -o: another user's file" "theirs.*: another user's" \
		"$FAULTMAP" run --json -o "$TMP/shared/theirs" -- true
	check_refused "daemon --jsonl: a link" 'link.*: a symbolic link' \
		"$FAULTMAP" daemon --listen 127.0.0.1:0 --jsonl "$TMP/shared/link"
	check_refused "daemon --jsonl: another user's file" "theirs.*: another user's" \
		"$FAULTMAP" daemon --listen 127.0.0.1:0 --jsonl "$TMP/shared/theirs"
	chmod 711 "$TMP"
	start_background setpriv --reuid=65534 --regid=65534 --clear-groups /usr/bin/python3 -c 'import socket, sys
server = socket.socket(socket.AF_UNIX)
server.bind(sys.argv[1])
server.listen()
print("heard", len(server.accept()[0].recv(1)), flush=True)' "$TMP/shared/socket" >"$TMP/heard"
	wait_for 120 test -S "$TMP/shared/socket"
	check_refused "log -o: another user's listener" "socket.*another user's" \
		"$FAULTMAP" log -n 1 -o "unix:$TMP/shared/socket"
	wait "$BACKGROUND_PID"
	check_equal "which has heard nothing" "$(cat "$TMP/heard")" "heard 0"
	(umask 0 && "$FAULTMAP" run -o "$TMP/shared/new" -- true)
	(umask 0 && "$FAULTMAP" run --json -o "$TMP/shared/new.jsonl" -- true)
	check_equal "a file that run makes is for its user only, whatever the umask" \
		"$(stat -c %a "$TMP/shared/new" "$TMP/shared/new.jsonl" | paste -sd ' ')" "600 600"
}

# What a thread had counted that ended before faultmap came is no news, by either way of listing tasks.
test_ended_thread()
{
	local without name

	start_background /usr/bin/python3 -uc 'import mmap, sys, threading
def touch():
    memory = mmap.mmap(-1, 4 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    for at in range(0, 4 << 20, 4096):
        memory[at] = 1
thread = threading.Thread(target=touch)
thread.start()
thread.join()
print("idle")
sys.stdin.read()' < <(wait_for 300 test -e "$TMP/logged") >"$TMP/idle"
	wait_for 120 grep -qs idle "$TMP/idle"
	for without in task_walk task_iterator; do
		name="an idle process that had a thread, without $without"
		"$FAULTMAP" log --disable-feature "$without" -d 0.2 -n 3 -o "$TMP/idle.jsonl"
		check_equal "$name: no news of it" \
			"$(jq -s -c "map(select(.pid == $BACKGROUND_PID) | [.rec, .minor, .gup])" "$TMP/idle.jsonl")" "[]"
	done
	touch "$TMP/logged"
	wait "$BACKGROUND_PID"
}

record
test_form
test_ended_thread
test_sums
test_workload
test_latency
test_map_full
test_ends
test_asleep
test_planted_names
check_failure "full disk" 1 '/dev/full: No space left on device' log -n 1 -d 0.1 -o /dev/full
check_failure "unwritable file" 1 '/nowhere/x .*No such file' log -n 1 -o /nowhere/x
check_failure "no interval at all" 2 'count|-n' log -n 0
check_failure "interval too short" 2 'delay|-d' log -d 0
check_failure "an operand" 2 'operand' log something
keep_log "$TMP"/*.jsonl
check_schema
done_testing
