#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# faultmap's kernel memory, against what the kernel says of each map; and a start in a cgroup with a limit of
# memory: one that will not fit says so and is not killed; one that just fits works.
# shellcheck source=tests/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

# memlock PID: what the maps that it has open take, each map once.
memlock()
{
	cat "/proc/$1"/fdinfo/* 2>/dev/null | awk '/^memlock:/ { bytes = $2 } /^map_id:/ { map[$2] = bytes }
		END { for (id in map) sum += map[id]; print sum + 0 }'
}

# enter LIMIT COMMAND...: runs it in the group, with that limit.
enter()
{
	# shellcheck disable=SC2016
	bash -c 'echo "$1" >"$0/$2" && echo $$ >"$0/cgroup.procs" && exec "${@:3}"' "$group" "$1" "$limit_file" "${@:2}"
}

cleanup_group()
{
	[ -z "$group" ] || rmdir "$group" 2>/dev/null
}

# counts: a first tick, with faults.
counts()
{
	grep -q '"rec":"faults"' "$TMP/lines"
}

for detail in full fast; do
	start_daemon --interval 0.5 --detail "$detail"
	scrape
	told=$(value faultmap_kernel_memory_bytes)
	maps=$(memlock "$daemon")
	resident=$(awk '$1 == "VmRSS:" { print $2 }' "/proc/$daemon/status")
	stop_background "$daemon"
	if [ "$maps" -eq 0 ]; then
		skip "$detail: what the maps take" "this kernel does not tell (before Linux 6.4)"
		continue
	fi
	check_equal "$detail: the metric is what the kernel says of the maps" "$told" "$maps"
	if [ "$(nproc --all)" -gt 16 ]; then
		skip "$detail: 16 MiB" "the default is for up to 16 CPUs"
	else
		check "$detail: 16 MiB at most" test "$maps" -le $((16 << 20))
		check "$detail: $resident KiB of the daemon are resident after its start: 16 MiB at most" \
			test "$resident" -le $((16 << 10))
	fi
done

# file_pages PID: KiB of files, and of the maps that it shares with the kernel, that it has resident.
file_pages()
{
	awk '$1 == "RssFile:" { print $2 }' "/proc/$1/status"
}
# What only the start needed leaves the daemon after its first tick. `log` has the same maps, and keeps it: it has fewer
# libraries to set up, and more resident all the same.
start_daemon
scrape
start_background "$FAULTMAP" log -o "$TMP/lines"
log_pid=$BACKGROUND_PID
wait_for 120 grep -q '"rec":"interval"' "$TMP/lines"
here=$(file_pages "$daemon") there=$(file_pages "$log_pid")
check "clean pages leave the daemon: $here KiB of files are resident, $there in log" test $((here + 2048)) -le "$there"
stop_background "$log_pid"
stop_background "$daemon"

# What faultmap-daemon(8) says of 16, 32, 64 and more CPUs, whose tables are so large; other pages say the same.
mapfile -t documented < <(sed -n 's/^\([0-9]*\) MiB up to 16 CPUs, \([0-9]*\) MiB up to 32, \([0-9]*\) MiB up to 64 and \([0-9]*\) MiB beyond.*/\1\n\2\n\3\n\4/p' \
	packaging/man/faultmap-daemon.8)
sizes=(32768 65536 131072 262144)
for i in "${!sizes[@]}"; do
	[ "$maps" -gt 0 ] || continue
	start_daemon --max-rows "${sizes[i]}"
	scrape
	kib=$(($(value faultmap_kernel_memory_bytes | awk '{ printf "%d", $1 }') / 1024))
	stop_background "$daemon"
	check "${sizes[i]} rows take $kib KiB: at most ${documented[i]} MiB as documented, and not much less" \
		test "$kib" -le $((documented[i] * 1024)) -a $((kib * 11 / 10 + 1024)) -ge $((documented[i] * 1024))
done
check_equal "the unit and the DaemonSet say so, too" "$(grep -ohE '[0-9]+ MiB up to 16 CPUs, [0-9]+ up to 32, [0-9]+ up to 64, [0-9]+ beyond' \
	packaging/systemd/faultmap.service packaging/kubernetes/faultmap.yaml | uniq -c | tr -s ' ')" \
	" 2 ${documented[0]} MiB up to 16 CPUs, ${documented[1]} up to 32, ${documented[2]} up to 64, ${documented[3]} beyond"
check_contains "and the page on security" .github/SECURITY.md "beyond the maps, ${documented[0]} MiB up to 16 CPUs"
"$FAULTMAP" check >"$TMP/check"
size=$(sed -n 's/.*all maps take \([^ ]*\) of kernel memory/\1/p' "$TMP/check")

# Version 1 has a tree for memory; in version 2 the one tree has it, if it is handed down.
group=
trap 'cleanup_test; cleanup_group' EXIT
if mkdir "/sys/fs/cgroup/memory/faultmap-test-$$" 2>/dev/null; then
	group=/sys/fs/cgroup/memory/faultmap-test-$$ limit_file=memory.limit_in_bytes
elif mkdir "/sys/fs/cgroup/faultmap-test-$$" 2>/dev/null; then
	group=/sys/fs/cgroup/faultmap-test-$$ limit_file=memory.max
fi
if ! [ -w "$group/${limit_file:-none}" ]; then
	skip "limits of memory" "no cgroup whose memory can be limited here"
	done_testing
fi
enter 20M timeout "$(longer 60)" "$FAULTMAP" log -n 1 >"$TMP/out" 2>"$TMP/err"
check_equal "a limit of 20 MiB: exit status" "$?" 1
check_equal "one line" "$(wc -l <"$TMP/err")" 1
check_contains "with the limit, and where it is" "$TMP/err" "the limit of memory is 20M \\($group/$limit_file\\)"
[ "$maps" -eq 0 ] || check_contains "what it foretells is what check finds" "$TMP/err" "of which $size of maps stay"
needed=$(sed -n 's/.*to load them takes \([0-9]*\)M.*/\1/p' "$TMP/err")
check "it can be read how much it takes" test "${needed:-0}" -gt 20
enter 20M "$FAULTMAP" check >"$TMP/out" 2>&1
check_contains "check says it too" "$TMP/out" '^faultmap: .*the limit of memory is 20M'
mkdir "$group/below"
# shellcheck disable=SC2016
bash -c 'echo 20M >"$0/$1" && echo $$ >"$0/below/cgroup.procs" && exec "$2" log -n 1' "$group" "$limit_file" \
	"$FAULTMAP" >"$TMP/out" 2>"$TMP/err"
check_contains "a limit above its own cgroup is found" "$TMP/err" "\\($group/$limit_file\\)"
rmdir "$group/below"
if [ "${DEADLINE_FACTOR:-1}" -gt 1 ]; then
	skip "it goes with so much" "a sanitized program takes more"
else
	enter "$((needed + 2))M" "$FAULTMAP" log -d 0.5 -n 2 -o "$TMP/lines" 2>"$TMP/err"
	check_equal "with $((needed + 2)) MiB it goes" "$? $(cat "$TMP/err")" "0 "
	check "and counts" counts
fi
done_testing
