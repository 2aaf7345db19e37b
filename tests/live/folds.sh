#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# takes 12 s
# --min-faults, --top and --fold: of two logs of the same processes, one with all lines and one with sums, `faultmap
# report` prints exactly the same faults.
# shellcheck source=tests/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

# has_begun FILE: its programs are attached, and a tick has been.
has_begun()
{
	grep -q '"rec":"interval"' "$1"
}

# have_seen_all: all processes have ended in the full log, and as many in the folded one.
have_seen_all()
{
	local pids

	mapfile -t pids < <(sed -n 's/^{"rec":"process".*,"pid":\([1-9][0-9]*\),.*/\1/p' "$TMP/full.jsonl" | sort -u)
	have_ended "$TMP/full.jsonl" "$shell" "${pids[@]}" &&
		[ "$(n_ended "$TMP/folded.jsonl")" = "$(n_ended "$TMP/full.jsonl")" ]
}

n_ended()
{
	jq -s 'map(select(.rec == "exit" or .rec == "exits") | .processes // 1) | add' "$1"
}

# record FLAG...: $TMP/full.jsonl and, with these flags, $TMP/folded.jsonl of a shell and what it starts:
# programs that come and go, one that stays for some ticks, 16,384 pages.
record()
{
	local full folded

	rm -f "$TMP"/*.jsonl "$TMP/go"
	mkfifo "$TMP/go"
	# shellcheck disable=SC2016
	start_background bash -c 'read -r _ <"$1"
		for _ in {1..60}; do /bin/true; done
		python3 "$2" 64 >/dev/null
		for _ in {1..5}; do cat /etc/passwd; sleep 0.1; done >/dev/null
		bash -c "exit 7"
		:' - "$TMP/go" tests/workload/touch.py
	shell=$BACKGROUND_PID
	start_background "$FAULTMAP" log -p "$shell" -d 0.2 -o "$TMP/full.jsonl"
	full=$BACKGROUND_PID
	start_background "$FAULTMAP" log -p "$shell" -d 0.2 "$@" -o "$TMP/folded.jsonl"
	folded=$BACKGROUND_PID
	wait_for 120 has_begun "$TMP/full.jsonl"
	wait_for 120 has_begun "$TMP/folded.jsonl"
	echo >"$TMP/go"
	wait_for 120 have_seen_all
	stop_background "$full"
	stop_background "$folded"
	keep_log "$TMP/full.jsonl" "$TMP/folded.jsonl"
}

# sums FILE: of the faults, a line for each kind; how many processes ended, and what the kernel counted.
sums()
{
	jq -s -r '
		def sum(values): reduce values as $value (0; . + $value);
		(map(select(.rec == "other" or .rec == "faults")) | group_by([.kind, .access, .mode])[]
			| "\(.[0].kind) \(.[0].access) \(.[0].mode) \(sum(.[].minor)) \(sum(.[].major)) \(sum(.[].denied)) \(sum(.[].pages))"),
		(map(select(.rec == "process" or .rec == "exits"))
			| "kernel \(sum(.[].minor)) \(sum(.[].major)) \(sum(.[].gup))"),
		(map(select(.rec == "exit" or .rec == "exits"))
			| "ended \(sum(.[] | .processes // 1)), failed \(sum(.[] | .failed // if .exit_status > 0 then 1 else 0 end))")
		' "$1"
}

# count REC FILE
count()
{
	grep -c "\"rec\":\"$1\"" "$2"
}

# report FILE: what it says, without the memory of processes, which is as of a tick. Of units and users the
# sum: a process whose rows come a tick before its own line is nobody's there, in either log at another tick.
report()
{
	local by

	for by in kind unit uid; do
		"$FAULTMAP" report --by "$by" --all --json "$1" |
			jq -c --arg by $by '(if $by == "kind" then .lines[] else empty end), .total
				| {name, minor, major, gup, denied, bytes, kinds,
				processes: (if $by == "kind" then null else .processes end)}'
	done
}

# check_same NAME FLAG...
check_same()
{
	record "${@:2}"
	check_equal "$1: the same faults by kind, access and mode" \
		"$(sums "$TMP/folded.jsonl")" "$(sums "$TMP/full.jsonl")"
	check "$1: there are some" grep -q '^demand_zero write user [1-9][0-9]\{4\}' <(sums "$TMP/full.jsonl")
	report "$TMP/folded.jsonl" >"$TMP/folded"
	report "$TMP/full.jsonl" >"$TMP/full"
	check_equal "$1: report says so" "$(cat "$TMP/folded")" "$(cat "$TMP/full")"
	check "$1: and much of it" test "$(wc -l <"$TMP/full")" -gt 5
	check "$1: there are fewer lines" \
		test "$(count faults "$TMP/folded.jsonl")" -lt "$(count faults "$TMP/full.jsonl")"
}

check_same "few faults" --min-faults 50
check_equal "few faults: no line has fewer, unless one was denied" "$(jq -c '
	select(.rec == "faults" and .minor + .major < 50 and .denied == 0 and .pid > 0)' "$TMP/folded.jsonl")" ""
check_equal "few faults: meta says so" "$(head -n 1 "$TMP/folded.jsonl" | jq .min_faults)" 50

check_same "the top" --top 4
check "--top: at most that many lines at each tick" test -z "$(jq -r '
	select(.rec == "faults" and .pid > 0).ts' "$TMP/folded.jsonl" | uniq -c | awk '$1 > 4')"

check_same "brief processes" --fold exit
check "brief processes: true is in one line for many" test "$(jq -s '
	[.[] | select(.rec == "exits" and .comm == "true").processes] | max' \
	"$TMP/folded.jsonl")" -gt 1
check_equal "brief processes: a process that lived longer has lines of its own" \
	"$(jq "select(.rec == \"exit\" and .pid == $shell).exit_status" "$TMP/folded.jsonl")" 0

start_daemon --interval 0.1 --jsonl "$TMP/daemon.jsonl" --jsonl-top 1 --jsonl-fold exit --jsonl-min-faults 2
check "the daemon does it, too" wait_for 120 grep -q '"rec":"other"' "$TMP/daemon.jsonl"
stop_background "$daemon"
check_equal "and its meta line says so" "$(head -n 1 "$TMP/daemon.jsonl" | jq -c '[.top, .min_faults, .fold_exit]')" '[1,2,true]'
keep_log "$TMP/daemon.jsonl"
check_status "--fold takes no other word" 2 "$FAULTMAP" log --fold all
check_schema
done_testing
