#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# takes 45 s
# JSON lines into rotated files, onto full disks, and to log shippers that are absent, slow or go away; and what
# `faultmap report` prints of them.
# shellcheck source=tests/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

reader=tests/live/jsonl_reader.py

# check_whole NAME FILE...: nothing but whole lines, each of them JSON.
check_whole()
{
	check "$1: whole lines only" jq -e . "${@:2}"
	check_equal "$1: the last one has its end" "$(tail -q -c 1 "${@:2}" | tr -d '\n')" ""
}

begins_anew()
{
	[ "$(head -n 1 "$1" | jq -r .rec)" = meta ] && [ "$(wc -l <"$1")" -gt 3 ]
}

test_rotation()
{
	local log=$TMP/logs/faultmap.jsonl i

	mkdir "$TMP/logs"
	start_daemon --interval 0.1 --jsonl "$log"
	sed -e "s|/var/log/faultmap|$TMP/logs|" -e "s|systemctl kill.*|kill -HUP $daemon|" \
		packaging/logrotate/faultmap >"$TMP/logrotate.conf"
	check "logrotate takes the file that ships" \
		logrotate --debug -s "$TMP/state" packaging/logrotate/faultmap
	for i in 1 2 3; do
		wait_for 120 begins_anew "$log"
		check "rotation $i" logrotate -f -s "$TMP/state" "$TMP/logrotate.conf"
	done
	check "the new file begins with a meta line" wait_for 120 begins_anew "$log"
	stop_background "$daemon"
	check_equal "rotated: SIGTERM ends it with 0" "$?" 0
	gunzip -c "$log.3.gz" "$log.2.gz" | cat - "$log.1" "$log" >"$TMP/all"
	check_whole rotated "$TMP/all"
	check_equal "rotated: four files, each with its meta line" \
		"$(grep -c '"rec":"meta"' "$TMP/all")" 4
	check_equal "rotated: no line lost between them" "$(jq -s -c '[.[] | select(.rec == "interval")] |
		[range(1; length) as $i | .[$i].entries_total - .[$i].entries - .[$i - 1].entries_total]
		| unique' "$TMP/all")" '[0]'
	"$FAULTMAP" report --by kind --json "$log.3.gz" "$log.2.gz" "$log.1" "$log" >"$TMP/report"
	check_equal "rotated: report reads them" "$?" 0
	check_equal "rotated: and all that is in them" \
		"$(jq .total.minor "$TMP/report")" \
		"$(jq -s '[.[] | select(.rec == "interval").minor] | add' "$TMP/all")"
	keep_log "$TMP/all"
}

put_aside()
{
	[ -e "$TMP/sized/log.3" ]
}

is_removed()
{
	[ "$(stat -c %h "$1")" -eq 1 ]
}

# check_sized NAME: the files of $TMP/sized, the oldest first, are one log.
check_sized()
{
	find "$TMP/sized" -name 'log.*' | sort -t. -k3 -rn | xargs cat >"$TMP/all"
	cat "$TMP/sized/log" >>"$TMP/all"
	check_whole "$1" "$TMP/all"
	check_equal "$1: each file begins with its meta line" \
		"$(head -q -n 1 "$TMP/sized"/* | jq -r .rec | sort -u)" meta
	check "$1: none that was put aside is smaller" \
		test -z "$(find "$TMP/sized" -name 'log.*' -size -64k)"
	check_equal "$1: no line lost between them" "$(jq -s -c '[.[] | select(.rec == "interval")] |
		[range(1; length) as $i | .[$i].entries_total - .[$i].entries - .[$i - 1].entries_total]
		| unique' "$TMP/all")" '[0]'
	keep_log "$TMP/all"
}

# The daemon does it itself, by size, below its filter of system calls; so does log.
test_size()
{
	local log=$TMP/sized/log storm

	mkdir "$TMP/sized"
	start_background bash -c 'while :; do /bin/true; done'
	storm=$BACKGROUND_PID
	start_daemon --interval 0.1 --jsonl "$log" --jsonl-max 64K --jsonl-keep 100
	check "by size: it is put aside" wait_for 120 put_aside
	stop_background "$daemon"
	check_equal "by size: SIGTERM ends it with 0" "$?" 0
	check_sized "by size"
	rm "$TMP/sized"/*
	start_background "$FAULTMAP" log -d 0.1 -o "$log" --jsonl-max 64K --jsonl-keep 2
	check "log by size: it is put aside" wait_for 120 test -e "$TMP/sized/log.2"
	ln "$TMP/sized/log.2" "$TMP/oldest"
	check "log by size: the oldest is removed" wait_for 120 is_removed "$TMP/oldest"
	stop_background "$BACKGROUND_PID"
	check_equal "log by size: SIGTERM ends it with 0" "$?" 0
	stop_background "$storm"
	check_sized "log by size"
	check_equal "log by size: the number of files that are kept" "$(find "$TMP/sized" -type f -printf '%f\n' | sort | paste -sd ' ')" \
		"log log.1 log.2"
}

# A disk that has 64 KiB left, and later more.
test_full_disk()
{
	local disk=$TMP/disk

	mkdir "$disk"
	mount -t tmpfs -o size=8m tmpfs "$disk"
	head -c $((8 * 1048576 - 65536)) /dev/zero >"$disk/filler"
	start_daemon --interval 0.1 --jsonl "$disk/log"
	start_background bash -c 'while :; do /bin/true; done'
	check "a full disk is reported" wait_for 120 grep -q 'No space left on device' "$TMP/daemon.err"
	stop_background "$BACKGROUND_PID"
	await_ticks 3
	check_whole "a full disk" "$disk/log"
	rm "$disk/filler"
	check "and told when it is over" wait_for 120 grep -q 'works again' "$TMP/daemon.err"
	cp "$disk/log" "$TMP/disk.log"
	stop_background "$daemon"
	umount "$disk"
	check_whole "after a full disk" "$TMP/disk.log"
	check_equal "the first interval after it says how many lines were lost" "$(jq -s -c '
		[.[] | select(.rec == "interval" and .lines_lost > 0)] |
		[length > 0, .[0].lines_lost == .[0].lines_lost_total]' "$TMP/disk.log")" '[true,true]'
	check_equal "no count was: the totals went on" "$(jq -s -c '[.[] | select(.rec == "interval")] |
		(map(.lines_lost > 0) | index(true)) as $i |
		.[$i].entries_total - .[$i].entries > .[$i - 1].entries_total' "$TMP/disk.log")" true
	keep_log "$TMP/disk.log"
}

# has_lost FILE: it tells of lost lines.
has_lost()
{
	grep -q '"lines_lost":[1-9]' "$1"
}

# 1,024 slices more, which are half a MiB of lines: has the service said that these are not taken?
flood_tells()
{
	/usr/bin/python3 tests/workload/touch.py 64 >/dev/null
	grep -q 'does not keep up' "$TMP/daemon.err"
}

test_socket()
{
	local shipper before

	start_daemon --interval 0.1 --jsonl "unix:$TMP/socket" --slice 4K
	check "without a log shipper the service runs" await_ticks 5
	check_contains "and says that there is none" "$TMP/daemon.err" 'nobody reads there'
	start_background "$reader" "$TMP/socket" "$TMP/shipped"
	shipper=$BACKGROUND_PID
	check "it is connected to when it comes" wait_for 120 begins_anew "$TMP/shipped.1"
	check "its first line says how many were lost" has_lost <(head -n 1 "$TMP/shipped.1")

	kill -STOP "$shipper"
	check "a shipper that stops is reported" wait_for 180 flood_tells
	before=$(ticks)
	check "and readings go on" await_ticks 5
	check "and pages are served" test "$(ticks)" -gt "$before"
	kill -CONT "$shipper"
	check "when it goes on it gets sums for lines" wait_for 120 grep -q '"rec":"other"' "$TMP/shipped.1"
	stop_background "$shipper"
	cp "$TMP/shipped.1" "$TMP/first"
	rm "$TMP/shipped.1"
	start_background "$reader" "$TMP/socket" "$TMP/shipped"
	check "another one is connected to" wait_for 120 begins_anew "$TMP/shipped.1"
	stop_background "$daemon"
	check_equal "SIGTERM ends it with 0" "$?" 0
	check_equal "the last line is whole" "$(tail -c 1 "$TMP/shipped.1" | xxd -p)" 0a
	# The one that was killed may have been in the middle of a line.
	sed -i '$d' "$TMP/first"
	check_whole "shipped" "$TMP/first" "$TMP/shipped.1"
	keep_log "$TMP/first" "$TMP/shipped.1"
}

# `faultmap log` into a pipe without a reader goes on, and SIGTERM ends it.
test_stalled_pipe()
{
	mkfifo "$TMP/pipe"
	exec 3<>"$TMP/pipe"
	start_background "$FAULTMAP" log --slice 4K -d 0.1 >"$TMP/pipe" 2>"$TMP/log.err"
	for _ in {1..8}; do
		python3 tests/workload/touch.py 64 >/dev/null
	done
	check "log: a reader that stops is reported" wait_for 120 grep -q 'does not keep up' "$TMP/log.err"
	stop_background "$BACKGROUND_PID"
	check_equal "log: SIGTERM ends it, and lines are lost" "$?" 1
	timeout 1 cat <&3 >"$TMP/piped"
	exec 3>&-
	check_whole "log: what the pipe holds" "$TMP/piped"
	keep_log "$TMP/piped"
}

# One that stops and goes on: it gets all the last lines, and sums of those for which there was no room, so
# that no fault is missing.
test_slow_pipe()
{
	local log reader

	mkfifo "$TMP/slow"
	exec 3<>"$TMP/slow"
	start_background "$FAULTMAP" log --slice 4K -d 0.1 >"$TMP/slow" 2>"$TMP/slow.err" 3>&-
	log=$BACKGROUND_PID
	check "log: a reader that pauses is reported" wait_for 180 slow_floods
	start_background cat "$TMP/slow" >"$TMP/slow.jsonl" 3>&-
	reader=$BACKGROUND_PID
	exec 3>&-
	check "log: it gets sums" wait_for 120 grep -q '"rec":"other"' "$TMP/slow.jsonl"
	stop_background "$log"
	check_equal "log: nothing is lost: exit status" "$?" 0
	wait "$reader"
	check_contains "log: the last word says how many lines are in sums" "$TMP/slow.err" \
		'[0-9] lines are summed up in `other` lines'
	check_equal "log: over all lines no fault is missing" \
		"$(jq -s -c 'map(select(.rec == "faults" or .rec == "other")) | [(map(.minor) | add), (map(.major) | add)]' "$TMP/slow.jsonl")" \
		"$(jq -s -c 'map(select(.rec == "interval")) | [(map(.minor - .late) | add), (map(.major) | add)]' "$TMP/slow.jsonl")"
	check_equal "log: no interval is" "$(jq -s -c 'map(select(.rec == "interval")) | map(.minor) | add' "$TMP/slow.jsonl")" \
		"$(jq -s 'map(select(.rec == "interval"))[-1].minor_total' "$TMP/slow.jsonl")"
	check_whole "log: what a slow reader gets" "$TMP/slow.jsonl"
	keep_log "$TMP/slow.jsonl"
}

slow_floods()
{
	/usr/bin/python3 tests/workload/touch.py 64 >/dev/null
	grep -q 'does not keep up' "$TMP/slow.err"
}

# report_fails NAME REGEX FILE...: status 1, and stderr says so.
report_fails()
{
	"$FAULTMAP" report "${@:3}" >"$TMP/report" 2>"$TMP/err"
	check_equal "$1: exit status" "$?" 1
	check_contains "$1: is reported" "$TMP/err" "$2"
}

# Commas in numbers are for people.
minor_of()
{
	unwrapped "$1" | sed -n 's/.*page faults.*: \([0-9,]*\) minor, .*/\1/p' | tr -d ,
}

# One run, told by run itself and by its lines: every figure, latency, address and name.
test_same_run()
{
	"$FAULTMAP" run --all --jsonl "$TMP/same.jsonl" -d 0.1 -o "$TMP/summary" -- sh -c \
		'python3 tests/workload/touch.py 16 >/dev/null; "$0" file_map_major >/dev/null; exit 3' \
		"$BUILD/workload/faultgen"
	check_equal "run --jsonl: the exit status is the command's" "$?" 3
	keep_log "$TMP/same.jsonl"
	check "run --jsonl: the summary has the faults" grep -q '4,096 .* demand_zero ' "$TMP/summary"
	"$FAULTMAP" report --all "$TMP/same.jsonl" >"$TMP/report"
	check_equal "report: what run printed of the same run" \
		"$(diff "$TMP/summary" "$TMP/report")" ""
	check_status "run --json --jsonl is refused" 2 "$FAULTMAP" run --json --jsonl "$TMP/x" -- true
	check_status "run --jsonl where there is no such directory fails" 1 \
		"$FAULTMAP" run --jsonl /nowhere/x -- true
}

test_report()
{
	local log=$TMP/run.jsonl middle

	"$FAULTMAP" run --json -d 0.1 -o "$log" -- sh -c \
		'python3 tests/workload/touch.py 64 >/dev/null; cat /dev/null; exit 3'
	keep_log "$log"
	"$FAULTMAP" report "$log" >"$TMP/report" 2>"$TMP/err"
	check_equal "report: exit status, stderr" "$? $(cat "$TMP/err")" "0 "
	check_contains "report: how the command ended" "$TMP/report" '^exit status 3 after '
	check_contains "report --all: one row for the mapping, as run prints it" \
		<("$FAULTMAP" report --all "$log") \
		'^ +16,384 +0 +64M( +[0-9.]+[num]?s){2} +demand_zero +write +rw-p +[0-9]+ +64M +[0-9a-f]+ +\[anon\]$'
	check_equal "report: the totals of the run line" \
		"$(unwrapped "$TMP/report" | sed -n 's/,//g;s/^exit.*page faults.*: \(.*minor [0-9]* major\) .* in \(.*\)/\1 \2/p')" \
		"$(jq -r 'select(.rec == "run") | "\(.minor_total) minor \(.major_total) major \(.processes) processes"' "$log")"
	check_equal "report: nothing is unexplained" "$(grep -c '^unexplained' "$TMP/report")" 0
	gzip -c "$log" >"$TMP/run.gz"
	check "report: gzipped, it is the same" cmp "$TMP/report" <("$FAULTMAP" report "$TMP/run.gz")
	check "report: from stdin too" cmp "$TMP/report" <("$FAULTMAP" report - <"$log")
	check_equal "report --by process: the process has what its exit line says" \
		"$("$FAULTMAP" report --by process --all --json "$log" |
			jq '.lines[] | select(.comm == "python3") | .minor + .major + .gup')" \
		"$(jq -s '[.[] | select(.rec == "exit" and .comm == "python3")][-1] | .minor_total + .major_total' "$log")"

	middle=$(jq -s -r '[.[] | select(.rec == "interval").ts] | .[length / 2 | floor]' "$log")
	"$FAULTMAP" report --to "$middle" "$log" >"$TMP/before"
	"$FAULTMAP" report --from "$middle" "$log" >"$TMP/after"
	check_equal "report: --to and --from are two halves of the whole" \
		"$(($(minor_of "$TMP/before") + $(minor_of "$TMP/after")))" "$(minor_of "$TMP/report")"
	check_status "report: a time when nothing was" 1 "$FAULTMAP" report --from 2100-01-01 "$log"

	head -c -20 "$log" >"$TMP/cut"
	report_fails "cut off" "cut:$(wc -l <"$log"): the line has no end" "$TMP/cut"
	check_equal "cut off: the rest is reported" "$(minor_of "$TMP/report")" \
		"$(jq 'select(.rec == "run").minor_total' "$log")"
	{ sed -n 1,5p "$log"; echo '{"rec":"faults","ts":12}'; echo 'garbage'; sed 1,5d "$log"; } >"$TMP/bad"
	report_fails "a damaged line" 'bad:6: "ts" is no' "$TMP/bad"
	check_contains "a line that is no JSON" "$TMP/err" 'bad:7: no JSON: '
	check_equal "damaged: the rest is reported" "$(minor_of "$TMP/report")" \
		"$(jq 'select(.rec == "run").minor_total' "$log")"
	sed '1s/"v":1/"v":2/' "$log" >"$TMP/v2"
	report_fails "another version" 'v2:1: schema version 2, this faultmap reads 1' "$TMP/v2"
	head -c 3000 "$TMP/run.gz" >"$TMP/cut.gz"
	report_fails "a gzipped file that is cut off" 'cut\.gz:[0-9]+: it ends in the middle' "$TMP/cut.gz"
	report_fails "no such file" '/nowhere/x: No such file' /nowhere/x
}

# The validators must be able to say no.
test_schema()
{
	local edit

	"$FAULTMAP" log --schema >"$TMP/schema"
	for edit in '.extra = 1' 'del(.rec)' '.rec = "fault"' '.minor = -1' '.minor = "1"' \
		'.kind = "moo"' '.ts = "yesterday"' '.comm = "\n"' 'del(.pid)'; do
		jq -c "select(.rec == \"faults\") | $edit" "$TMP/run.jsonl" | head -n 1 >"$TMP/wrong"
		check_status "the schema refuses $edit" 1 \
			/usr/bin/python3 tests/live/schema.py "$TMP/schema" "$TMP/wrong"
	done
}

test_same_run
test_report
test_schema
test_rotation
test_size
test_full_disk
test_socket
test_stalled_pipe
test_slow_pipe
check_schema
done_testing
