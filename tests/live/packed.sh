#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# takes 40 s
# Compressed logs: gunzip and zstd read them as they are, `faultmap report` says the same of them as of the plain
# lines, and of a time it reads that part alone; they are put aside, opened again, and cut off as plain ones are.
# shellcheck source=tests/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

# unpacked FILE...: by the tool that made the format.
unpacked()
{
	local file

	for file in "$@"; do
		case $file in
		*.gz) gunzip -c <"$file" ;;
		*.zst) zstd -dcq <"$file" ;;
		esac
	done
}

# shellcheck disable=SC2317 # wait_for calls it
has_bytes()
{
	[ "$(stat -c %s "$1" 2>/dev/null || echo 0)" -gt "$2" ]
}

# bytes_read FILE COMMAND...: that it reads from the file, as the kernel sees it.
bytes_read()
{
	strace -f -o "$TMP/strace" -e trace=read,pread64 -P "$1" "${@:2}" >/dev/null
	awk '$NF > 0 { sum += $NF } END { print sum + 0 }' "$TMP/strace"
}

# check_whole NAME FILE: the tool finds nothing wrong with it; $TMP/whole has its lines, each of them JSON.
check_whole()
{
	check "$1: whole frames" eval "unpacked '$2' >'$TMP/whole'"
	check "$1: whole lines" jq -e . "$TMP/whole"
}

# check_no_gap NAME FILE: no interval is missing between its lines.
check_no_gap()
{
	check_equal "$1: no line lost" "$(jq -s -c '[.[] | select(.rec == "interval")] |
		[range(1; length) as $i | .[$i].entries_total - .[$i].entries - .[$i - 1].entries_total]
		| unique' "$2")" '[0]'
}

# has_grown FILE: to some frames, each 256 KiB of lines, of so many ticks that the smallest is a small part of it.
has_grown()
{
	has_bytes "$1" 250000 && [ "$(unpacked "$1" 2>/dev/null | grep -c '"rec":"interval"')" -ge 20 ]
}

# smallest_window FILE: the times of two ticks, one after the other, which have the fewest bytes of lines.
smallest_window()
{
	awk '/"rec":"interval"/ { match($0, /"ts":"[^"]+/); ts[++n] = substr($0, RSTART + 6, RLENGTH - 6) }
		{ bytes[n] += length($0) }
		END {
			for (i = 1; i < n; i++)
				if (!least || bytes[i] + bytes[i + 1] < bytes[least] + bytes[least + 1])
					least = i
			print ts[least], ts[least + 1]
		}' "$1"
}

# A log of some frames.
test_log()
{
	local suffix=$1 log=$TMP/log.$1 plain=$TMP/plain.$1 at window size part storm

	start_background bash -c 'while :; do /bin/true; done'
	storm=$BACKGROUND_PID
	start_background "$FAULTMAP" log -d 0.1 -o "$log"
	check "$suffix: it grows" wait_for 120 has_grown "$log"
	kill "$storm"
	stop_background "$BACKGROUND_PID"
	check_equal "$suffix: SIGTERM ends it with 0" "$?" 0
	unpacked "$log" >"$plain"
	check "$suffix: every line is JSON" jq -e . "$plain"
	check_no_gap "$suffix" "$plain"
	check_equal "$suffix: report says of it what it says of the plain lines" \
		"$("$FAULTMAP" report --by row "$log" | sha256sum)" "$("$FAULTMAP" report --by row "$plain" | sha256sum)"
	check_equal "$suffix: as it does of standard input" \
		"$("$FAULTMAP" report --by row - <"$log" | sha256sum)" "$("$FAULTMAP" report --by row "$plain" | sha256sum)"
	at=$(smallest_window "$plain")
	window=(--from "${at% *}" --to "${at#* }")
	check_equal "$suffix: so of one tick" "$("$FAULTMAP" report "${window[@]}" "$log")" \
		"$("$FAULTMAP" report "${window[@]}" "$plain")"
	check_equal "$suffix: so of one tick through a pipe" "$("$FAULTMAP" report "${window[@]}" - < <(cat "$log"))" \
		"$("$FAULTMAP" report "${window[@]}" "$plain")"
	size=$(stat -c %s "$log")
	check_equal "$suffix: all of it is read for all" "$(bytes_read "$log" "$FAULTMAP" report "$log")" "$size"
	part=$(bytes_read "$log" "$FAULTMAP" report "${window[@]}" "$log")
	if [ "$part" -gt 0 ] && [ "$part" -lt $((size / 3)) ]; then
		ok "$suffix: a part of it for one tick"
	else
		not_ok "$suffix: a part of it for one tick" "$part of $size bytes"
	fi
	echo "# $suffix: $(stat -c %s "$plain") bytes of lines are $size, of which one tick takes $part"
}

# Killed, and cut off as by a crash of the machine.
test_cut_off()
{
	local suffix=$1 log=$TMP/cut.$1

	start_background "$FAULTMAP" log -d 0.1 -o "$log"
	wait_for 120 has_bytes "$log" 60000
	kill -KILL "$BACKGROUND_PID"
	wait "$BACKGROUND_PID" 2>/dev/null
	check_whole "$suffix: after SIGKILL" "$log"
	truncate -s -100 "$log"
	"$FAULTMAP" report --by kind "$log" >"$TMP/report" 2>"$TMP/err"
	check_equal "$suffix: cut off: exit status" "$?" 1
	check_contains "$suffix: cut off: it is told" "$TMP/err" 'cut.*: it ends in the middle: what follows is missing'
	check_contains "$suffix: cut off: the rest is shown" "$TMP/report" ' total$'
	start_daemon --interval 0.1 --jsonl "$log"
	await_ticks 3
	stop_background "$daemon"
	check_equal "$suffix: SIGTERM ends the daemon with 0" "$?" 0
	check_whole "$suffix: a daemon goes on where it was whole" "$log"
	check_equal "$suffix: with a meta line of its own" "$(grep -c '"rec":"meta"' "$TMP/whole")" 2
	"$FAULTMAP" report "$log" >"$TMP/report" 2>"$TMP/err"
	check_equal "$suffix: report reads it" "$?" 0
}

# Below the daemon's filter of system calls: SIGHUP after a rename, and by size, which is that on the disk.
test_put_aside()
{
	local suffix=$1 logs=$TMP/aside.$1 file files

	mkdir "$logs"
	start_daemon --interval 0.1 --jsonl "$logs/log.$suffix" --jsonl-max 64K --jsonl-keep 100
	check "$suffix: it is put aside by size" wait_for 120 test -e "$logs/log.2.$suffix"
	mv "$logs/log.$suffix" "$logs/renamed"
	kill -HUP "$daemon"
	check "$suffix: and opened again" wait_for 120 test -e "$logs/log.$suffix"
	stop_background "$daemon"
	check_equal "$suffix: it ends with 0" "$?" 0
	mv "$logs/renamed" "$logs/log.renamed.$suffix"
	check "$suffix: none that was put aside is smaller" \
		test -z "$(find "$logs" -name 'log.[0-9]*' -size -64k)"
	# By the time of the first interval: it was put aside before and after.
	for file in "$logs"/*; do
		echo "$(unpacked "$file" | sed -n 2p | jq -r .ts) $file"
	done | sort | cut -d ' ' -f 2 >"$TMP/order"
	mapfile -t files <"$TMP/order"
	unpacked "${files[@]}" >"$TMP/all"
	check_equal "$suffix: each begins with its meta line" \
		"$(for file in "${files[@]}"; do unpacked "$file" | sed -n 1p; done | grep -c '"rec":"meta"')" ${#files[@]}
	check_no_gap "$suffix: put aside" "$TMP/all"
}

# A disk that has 64 KiB left, and later more.
test_full_disk()
{
	local suffix=$1 disk=$TMP/disk.$1

	mkdir "$disk"
	mount -t tmpfs -o size=2m tmpfs "$disk"
	head -c $((2 * 1048576 - 65536)) /dev/zero >"$disk/filler"
	start_daemon --interval 0.1 --jsonl "$disk/log.$suffix"
	check "$suffix: a full disk is told" wait_for 120 grep -q 'No space left on device' "$TMP/daemon.err"
	await_ticks 3
	check_whole "$suffix: a full disk" "$disk/log.$suffix"
	rm "$disk/filler"
	check "$suffix: and told when it is over" wait_for 120 grep -q 'works again' "$TMP/daemon.err"
	await_ticks 3
	stop_background "$daemon"
	check_whole "$suffix: after a full disk" "$disk/log.$suffix"
	umount "$disk"
	check_equal "$suffix: the lines after it say how many were lost" "$(jq -s -c '
		[.[] | select(.rec == "interval" and .lines_lost > 0)] |
		[length > 0, .[0].lines_lost == .[0].lines_lost_total]' "$TMP/whole")" '[true,true]'
}

start_background bash -c 'while :; do /bin/true; done'
storm=$BACKGROUND_PID
for suffix in zst gz; do
	test_log "$suffix"
	test_cut_off "$suffix"
	test_put_aside "$suffix"
	test_full_disk "$suffix"
done
stop_background "$storm"
"$FAULTMAP" run --jsonl "$TMP/run.zst" -o "$TMP/run.txt" -- true
unpacked "$TMP/run.zst" >"$TMP/run.jsonl"
keep_log "$TMP/run.jsonl"
check_equal "run --jsonl FILE.zst" "$(unpacked "$TMP/run.zst" | tail -n 1 | jq -c '[.rec, .command]')" '["run",["true"]]'
mkfifo "$TMP/fifo.gz"
check_failure "a FIFO is not compressed" 1 'fifo.gz for JSON lines: it is no regular file' log -n 1 -o "$TMP/fifo.gz" \
	< <(cat "$TMP/fifo.gz")
check_schema
done_testing
