#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# An unprivileged user maps thousands of files with paths of 3.9 KiB, each a row of its own. That costs the
# daemon at most that user's share of the memory for names, and only while the process lives. No fault is lost,
# each name that is cut is counted, and other users' names stay whole. tests/attack/names.sh is the long form.

. "$(dirname "$0")/../lib.sh"

FILES=${FILES:-$(fewer 8000)}
# All of the daemon, in KiB; and what may be left of it in the end, beyond what it had before.
RSS_MAX=24576
RSS_LEFT=4096

# figure NAME: a metric without labels.
figure()
{
	curl -s --noproxy '*' -m 30 "http://$target/metrics" | awk -v name="faultmap_$1" '$1 == name { print $2 }'
}

resident()
{
	awk '/^VmRSS/ { print $2 }' "/proc/$daemon/status"
}

peak()
{
	awk '/^VmHWM/ { print $2 }' "/proc/$daemon/status"
}

has_given_back()
{
	[ "$(resident)" -le $((before + RSS_LEFT)) ]
}

# query FILTER: over the lines of the process's files.
query()
{
	jq -rs "map(select(.mapping | test(\"ffff|^\\\\.\\\\.\\\\.\$|unnamed\"))) | $1" "$TMP/files"
}

mkdir "$TMP/deep" && chmod 777 "$TMP" "$TMP/deep"
start_daemon --interval 0.5 --jsonl "$TMP/lines"
await_ticks 2
before=$(resident)
cut_before=$(figure names_cut_total)
mkfifo "$TMP/stdin"
exec 7<>"$TMP/stdin"
start_background setpriv --reuid=65534 --regid=65534 --clear-groups "$BUILD/workload/long_paths" "$TMP/deep" "$FILES" \
	>"$TMP/attack" <"$TMP/stdin"
attacker=$BACKGROUND_PID
# Someone else's file beside it, with a path of more than the short form.
other=$TMP/$(printf 'another_users_directory_with_a_long_name_%.0s' 1 2 3)
mkdir -p "$other" && head -c 8192 /dev/zero >"$other/file"
wait_for 300 grep -q done "$TMP/attack"
await_ticks 2 # else the ring may be half full still, and short names are sent
setpriv --reuid=1 --regid=1 --clear-groups "$BUILD/workload/mapfile" open "$other/file" read 1 >"$TMP/other"
await_ticks 2
pid=$(head -n 1 "$TMP/attack")
most=$(peak)
cut=$(($(figure names_cut_total) - cut_before))
lost=$(figure names_lost_total)
stop_background "$attacker"
await_ticks 2
if wait_for 120 has_given_back; then
	ok "the memory is given back when the process has ended"
else
	not_ok "the memory is given back when the process has ended" "$before KiB before, $(resident) KiB now"
fi
stop_background "$daemon"
grep "^{\"rec\":\"faults\".*\"pid\":$pid," "$TMP/lines" >"$TMP/files"
grep -v "\"pid\":$pid," "$TMP/lines" >"$TMP/others"
head -n 300 "$TMP/files" | cat - "$TMP/others" >"$TMP/some" && keep_log "$TMP/some"

if [ "${DEADLINE_FACTOR:-1}" -gt 1 ]; then
	skip "the daemon stays small" "a sanitized program or an emulated machine has other sizes"
else
	# On a busy machine it has more before: rows and names of the other processes.
	[ $((before + 12288)) -le "$RSS_MAX" ] || RSS_MAX=$((before + 12288))
	check "the daemon stays small: $before KiB before, at most $most KiB" test "$most" -le "$RSS_MAX"
fi
# Of one process half of the table's rows; the rest is in its [other], with the few others of its faults that come then.
in_other=$(jq -rs 'map(select(.mapping == "[other]") | .minor + .major) | add // 0' "$TMP/files")
faults=$(($(query '[.[].minor, .[].major] | add') + in_other))
if [ "$in_other" -eq 0 ]; then
	check_equal "each file's fault is there" "$faults" "$FILES"
else
	check "each file's fault is there: $faults of $FILES, $in_other of them in [other]" \
		test "$faults" -ge "$FILES" -a "$faults" -le $((FILES + 100))
fi
# At least: while the ring is half full, short names are sent of what others map, too.
whole=$(query '[.[] | select(.mapping | length > 3000)] | length')
check "each name that is not whole was counted as cut: $((FILES - whole)) of $cut" \
	test "$cut" -ge $((FILES - whole))
check "the first are whole" test "$whole" -ge 250
check_equal "no name is lost" "$lost $(query '[.[] | select(.mapping == "[unnamed]")] | length')" "0 0"
check_equal "another user's name is whole" "$(jq -rn --argjson pid "$(jq .pid "$TMP/other")" \
	'inputs | select(.rec == "faults" and .pid == $pid and .map_offset == 0 and .perms == "rw-p").mapping' "$TMP/others" |
	grep -c -x -F "$other/file")" 1
check_schema
done_testing
