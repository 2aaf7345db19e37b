#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Without the capabilities that it needs, faultmap names the missing ones in one line; without perf events it
# goes on and still counts every major fault.

. "$(dirname "$0")/../lib.sh"
. tests/live/kinds.bash

# Before Linux 5.11 maps count as locked memory, of which another user has little.
ulimit -l unlimited 2>/dev/null

# Where anyone may execute it: the tree may lie in root's home.
chmod 755 "$TMP"
install -m 755 "$FAULTMAP" "$TMP/faultmap"
seconds=$(longer 300)
nobody=(timeout "$seconds" setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all "$TMP/faultmap")
only_bpf=(timeout "$seconds" setpriv "--bounding-set=-all,+bpf" "$TMP/faultmap")

# check_refusal NAME WANTED_CAPABILITY COMMAND...
check_refusal()
{
	local name=$1 capability=$2 status
	shift 2

	"$@" >"$TMP/out" 2>"$TMP/messages" </dev/null
	status=$?
	check_equal "$name: exit status" "$status" 77
	check_equal "$name: one line" "$(wc -l <"$TMP/messages")" 1
	check_contains "$name: names the capability" "$TMP/messages" "^faultmap: .*$capability"
}

check_refusal "run as nobody" CAP_BPF "${nobody[@]}" run -- true
check_refusal "log as nobody" CAP_BPF "${nobody[@]}" log -n 1
check_refusal "top as nobody" CAP_BPF "${nobody[@]}" top --once
check_refusal "daemon as nobody" CAP_BPF "${nobody[@]}" daemon --listen 127.0.0.1:0
check_refusal "log with CAP_BPF alone" CAP_PERFMON "${only_bpf[@]}" log -n 1

"${nobody[@]}" check >"$TMP/out" 2>&1
check_equal "check as nobody: exit status" "$?" 77
check_contains "check as nobody: names the capabilities" "$TMP/out" 'CAP_BPF'

# Another user, with CAP_BPF and CAP_PERFMON alone: everything works, as far as perf events are allowed.
# 3 is Debian's own level of perf_event_paranoid, which this kernel need not have.
bpf_perfmon=(timeout "$seconds" setpriv --reuid=65534 --regid=65534 --clear-groups
	"--inh-caps=-all,+bpf,+perfmon" "--ambient-caps=+bpf,+perfmon"
	"--bounding-set=-all,+bpf,+perfmon" "$TMP/faultmap")
install -m 755 "$BUILD/workload/faultgen" "$TMP/faultgen"

# wanted: what faultgen reported in $TMP/case, as faultmap should see it.
wanted()
{
	jq -r -L tests/live --arg detail full "include \"faults\"; $seen_as | want" "$TMP/case"
}

# seen: what $TMP/log has of it.
seen()
{
	jq -rs -L tests/live --slurpfile case "$TMP/case" 'include "faults"; got($case[0])' "$TMP/log"
}

# Without the tracepoints, fault entry is a perf event.
has_tracepoints()
{
	! lacks fault_entry
}

# check_unprivileged NAME [OPTION...]
check_unprivileged()
{
	local name="CAP_BPF and CAP_PERFMON, $1" case
	shift

	if ! has_tracepoints && ! "${bpf_perfmon[@]}" check --json "$@" 2>/dev/null |
		jq -en 'any(inputs; .feature == "perf_events" and .available)' >/dev/null; then
		check_refusal "$name: neither tracepoints nor perf events" \
			"(perf_event_open|--disable-feature perf_events)" \
			"${bpf_perfmon[@]}" run "$@" -- true
		return
	fi
	check "$name: check finds that the daemon would work" "${bpf_perfmon[@]}" check "$@"
	for case in demand_zero_write denied_unmapped; do
		"${bpf_perfmon[@]}" run --json "$@" -o /dev/stdout -- bash -c '"$@" >&3' - \
			"$TMP/faultgen" "$case" 300 3>"$TMP/case" >"$TMP/log" 2>"$TMP/messages"
		check_equal "$name: $case exact" "$(seen)" "$(wanted)"
	done
}

check_unprivileged "perf_event_paranoid $(cat /proc/sys/kernel/perf_event_paranoid)"
check_unprivileged "perf events refused, as at 3" --disable-feature perf_events
has_tracepoints || done_testing

# perf_event_open refused, as Debian's perf_event_paranoid=3 does without CAP_SYS_ADMIN.
"$FAULTMAP" run --disable-feature perf_events --json -o "$TMP/log" -- \
	"$BUILD/workload/faultgen" file_map_major 200 --dir "$BUILD" >"$TMP/case" 2>"$TMP/messages"
check_equal "without perf events: run goes on" "$?" 0
check_equal "without perf events: majors are still exact" "$(seen)" "$(wanted)"
check_equal "without perf events: no count of theirs, rather than zero" \
	"$(jq -n -c '[inputs | select(.rec == "interval") | keys[]
		| select(test("^(perf_|missed)"))]' "$TMP/log")" "[]"
check_contains "without perf events: run says that nothing tells of missed faults" "$TMP/messages" "no count of the kernel's to check the rows against"
check "without perf events: check still finds that the daemon would work" \
	"$FAULTMAP" check --disable-feature perf_events
"$FAULTMAP" check --disable-feature perf_events >"$TMP/out" 2>&1
check_contains "without perf events: check says so" "$TMP/out" 'perf'
check_contains "without perf events: and what is lost" "$TMP/out" 'latency|latencies'
# What it advises is true at any perf_event_paranoid, and says nothing of one that is low enough.
check_contains "without perf events: what to do" "$TMP/out" \
	'perf_events .*grant CAP_PERFMON, and CAP_SYS_ADMIN where kernel\.perf_event_paranoid is 3 or more; if they are there'
done_testing
