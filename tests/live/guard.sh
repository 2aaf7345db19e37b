#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# takes 12 s
# guard reports each fault of a guarded thread at once, and no other thread's, against the thread's own
# getrusage; and its exit status.
. "$(dirname "$0")/../lib.sh"

# order WORD [N]: to the workload; its answer is in $answer.
order()
{
	echo "$*" >&"${work[1]}"
	read -r -t 60 answer <&"${work[0]}"
}

# start_work: the workload; sets $pid and $tid.
start_work()
{
	coproc work { exec "$BUILD/workload/guarded"; }
	# shellcheck disable=SC2034 # the name is coproc's
	read -r -t 60 pid tid <&"${work[0]}"
	# What each order touches for the first time in the program itself is not of the test.
	for word in rt main bad spin sum map sum; do
		order "$word" 1
	done
}

end_work()
{
	local fd=${work[1]} process=${work_PID:-}

	exec {fd}>&-
	[ -z "$process" ] || wait "$process"
}

# start_guard FLAG...: until it guards; its lines go to $TMP/lines.
start_guard()
{
	start_background "$FAULTMAP" guard "$@" >"$TMP/lines" 2>"$TMP/err"
	wait_for 60 grep -q '"rec":"meta"' "$TMP/lines"
}

# end_guard: its exit status is in $status.
end_guard()
{
	kill -INT "$BACKGROUND_PID"
	wait "$BACKGROUND_PID"
	status=$?
	keep_log "$TMP/lines"
}

# count FILTER: guard lines for which the jq expression holds.
count()
{
	jq -s "map(select(.rec == \"guard\" and ($1))) | length" "$TMP/lines"
}

# shellcheck disable=SC2317 # wait_for calls it
has_lines()
{
	[ "$(grep -c '"rec":"guard"' "$TMP/lines")" -ge "$1" ]
}

# sums: the last line.
sums()
{
	jq -r 'select(.rec == "guarded") | "\(.minor) \(.major) \(.denied) \(.lost) \(.verdict)"' "$TMP/lines"
}

start_work
start_guard -p "$pid/$tid"
order spin
order main 5
end_guard
check_equal "a thread that does not fault: none, although others of its process do" \
	"$status:$(sums):$(count true):$(cat "$TMP/err")" "0:0 0 0 0 kept:0:"

order sum
start_guard -p "$pid/$tid" --prometheus-textfile "$TMP/guard.prom" --user root
check_equal "the counters are there before any fault" \
	"$(grep -c '^faultmap_guard_faults_total{guard="guarded",severity="minor"} 0$' "$TMP/guard.prom")" 1
order rt 7
check "faults are reported at once" wait_for 1 has_lines 7
order main 5
order bad 2
order sum
end_guard
minor=${answer% *}
check_equal "each fault of the thread, as it counts them itself" "$(sums)" "$minor 0 2 0 broken"
check_equal "the exit status says so" "$status" 3
check_equal "so does stderr" "$(cat "$TMP/err")" \
	"faultmap: guarded threads faulted: $minor minor, 0 major, 2 denied, 0 not reported one by one"
check_equal "each is of that thread" "$(count ".pid == $pid and .tid == $tid and .thread == \"rt\" and .comm == \"guarded\"")" \
	$((minor + 2))
check_equal "with mapping, kind, latency and code" "$(count '
	.outcome == "minor" and .mapping == "[anon]" and .kind == "demand_zero" and .access == "write"
	and .latency_ns > 0 and (.code.file | endswith("/guarded")) and (.code.offset | startswith("0x"))')" 7
check_equal "each in another page, one after the other" "$(jq -rs '
	[.[] | select(.rec == "guard" and .kind == "demand_zero").address[2:]] | unique | length' "$TMP/lines")" 7
check_equal "denied ones, too" "$(count '.outcome == "denied" and .kind == "denied_unmapped" and .address == "0x8"')" 2
check_equal "what a latency was for adds up to it" "$(count '.stall and ([.stall[]] | add) != .latency_ns')" 0
check_equal "the counters are for Prometheus" \
	"$(grep -c "^faultmap_guard_faults_total{guard=\"guarded\",severity=\"minor\"} $minor\$" "$TMP/guard.prom")" 1
check_equal "which others may read" "$(stat -c %a "$TMP/guard.prom")" 644

start_guard -p "$pid"
order main 5
order rt 3
end_guard
check_equal "of a process: all threads" "$status:$(count "
	.kind == \"demand_zero\" and .tid == $pid"):$(count ".kind == \"demand_zero\" and .tid == $tid")" 3:5:3

start_guard -p "$pid" --since-mlockall
order rt 3
check_equal "before mlockall nothing is guarded" "$(count true)" 0
order lock
order map 200
order spin
order rt 2
check "populated pages are reported as such" wait_for 120 grep -q '"rec":"gup"' "$TMP/lines"
order map 300
end_guard
check_equal "after it, faults are" "$status:$(count '.kind == "demand_zero"')" 3:2
check_equal "the kernel's own are counted apart, the last ones too" "$(jq -s 'map(select(.rec == "gup").faults) | add
	| if . >= 500 then "all" else . end' "$TMP/lines")" '"all"'
check_equal "the last line has their sum" \
	"$(jq -s '(map(select(.rec == "gup").faults) | add) == (.[] | select(.rec == "guarded").gup)' "$TMP/lines")" true
end_work

# All of them have ended: so does it.
start_work
"$FAULTMAP" guard -p "$pid" >"$TMP/lines" 2>"$TMP/err" &
guard=$!
wait_for 60 grep -q '"rec":"meta"' "$TMP/lines"
end_work
wait "$guard"
check_equal "it ends with its processes, with the sums" "$(grep -c '"rec":"guarded"' "$TMP/lines")" 1
keep_log "$TMP/lines"

"$FAULTMAP" guard --unit no-such-unit-here >"$TMP/lines" 2>"$TMP/err"
check_equal "a unit that is not there" "$?:$(cat "$TMP/err")" "1:faultmap: $(
	)the unit that is to be guarded has no cgroup; start it first, or look at systemd-cgls"

cgroup=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)/guarded-$$.service
if ! mkdir "$cgroup" 2>"$TMP/mkdir"; then
	skip "a unit is guarded" "no cgroup can be made: $(cat "$TMP/mkdir")"
else
	start_work
	mkdir "$cgroup/below"
	echo "$pid" >"$cgroup/below/cgroup.procs"
	start_guard --unit "guarded-$$"
	order rt 4
	"$BUILD/workload/faultgen" demand_zero_write 64 >/dev/null
	end_guard
	check_equal "a unit is guarded, and nobody else" "$status:$(count ".tid == $tid and .kind == \"demand_zero\""):$(
		)$(count ".pid != $pid")" 3:4:0
	end_work
	wait_for 120 rmdir "$cgroup/below"
	rmdir "$cgroup"
fi
check_schema
done_testing
