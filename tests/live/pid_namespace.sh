#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# takes 10 s
# In a PID namespace of its own faultmap shows the PIDs of that namespace, also of processes in nested
# namespaces, and no process outside of it. If /proc is another namespace's, it refuses to start.

. "$(dirname "$0")/../lib.sh"
. tests/live/kinds.bash

inside=(timeout "$(longer 300)" unshare --pid --fork --mount-proc --kill-child)
if ! "${inside[@]}" true 2>"$TMP/why"; then
	skip "PID namespaces" "$(cat "$TMP/why")"
	done_testing
fi

# Does what is asked in $TMP/case*.json, each with a pid as the case itself saw it, agree with $TMP/log?
check_cases()
{
	local case

	for case in "$@"; do
		check_equal "$detail: $case: counted exactly, under the pid that it saw" \
			"$(jq -rs -L tests/live --slurpfile case "$TMP/$case.json" --arg detail "$detail" \
				'include "faults"; got($case[0] | in_detail($detail))' "$TMP/log")" \
			"$(jq -r -L tests/live --arg detail "$detail" \
				'include "faults"; in_detail($detail) | want' "$TMP/$case.json")"
	done
}

# `run`, in full detail; one process is in a namespace below, where its pid is 1.
detail=full
cat >"$TMP/cases.sh" <<'END'
for case in demand_zero_write threads exec_chain file_map_major denied_bus; do
	"$1" "$case" --dir "$2" >"$3/$case.json"
done
cp "$1" "$3/below"
unshare --pid --fork "$3/below" shmem_anon 200 >"$3/below.json" &
wait
bash -c 'echo $PPID $$' >"$3/pids"
END
"${inside[@]}" "$FAULTMAP" run --json --detail=full -o "$TMP/log" -- \
	bash "$TMP/cases.sh" "$faultgen" "$directory" "$TMP" 2>"$TMP/messages"
check_equal "run: works, without a message" "$? $(cat "$TMP/messages")" "0 "
check_cases demand_zero_write threads exec_chain file_map_major denied_bus
read -r parent child <"$TMP/pids"
check_equal "run: pid and parent are those of the namespace" \
	"$(jq -c "select(.rec == \"exit\" and .pid == $child) | [.ppid]" "$TMP/log")" "[$parent]"
check_equal "run: a process in a namespace below is there once, not as pid 1" \
	"$(jq -c -n '[inputs | select(.rec == "exit" and .comm == "below") | .pid > 1 and .pid < 1000]' \
		"$TMP/log")" "[true]"
# By address: $TMP may be on tmpfs, and then the faults of its text are shmem as well.
check_equal "run: its faults too" "$(jq -n -L tests/live --slurpfile case "$TMP/below.json" 'include "faults";
	[inputs | select(.rec == "faults" and .comm == "below" and .kind == $case[0].exact)
		| in_range($case[0].start; $case[0].end) | .minor] | add' "$TMP/log")" \
	"$(jq .faults "$TMP/below.json")"
check_equal "run: rows are what perf events and tasks counted" \
	"$(jq -nr -L tests/live 'include "faults"; discrepancies("full")' "$TMP/log")" ""

# `log`, of the whole namespace, while a process outside of it faults.
detail=fast
cp "$faultgen" "$TMP/outsider"
rm "$TMP/log" "$TMP/demand_zero_write.json"
# shellcheck disable=SC2016
start_background "${inside[@]}" bash -c '"$1" log -d 0.2 -o "$3/log" 2>"$3/messages" & log=$!
	until grep -qs interval "$3/log"; do sleep 0.02; done
	"$2" demand_zero_write 400 >"$3/demand_zero_write.json"
	until [ -e "$3/outsider.json" ]; do sleep 0.02; done
	until grep -q "\"rec\":\"exit\".*\"comm\":\"faultgen\"" "$3/log"; do sleep 0.02; done
	kill "$log"; wait "$log"; status=$?
	cat /proc/sys/kernel/ns_last_pid >"$3/last"; exit $status' - "$FAULTMAP" "$faultgen" "$TMP"
wait_for 120 test -s "$TMP/demand_zero_write.json"
"$TMP/outsider" demand_zero_write 400 >"$TMP/outside" && mv "$TMP/outside" "$TMP/outsider.json"
wait "$BACKGROUND_PID"
check_equal "log: ends in time" "$?" 0
check_contains "log: says that it sees this namespace only" "$TMP/messages" 'warning: .*namespace'
check_cases demand_zero_write
check_equal "log: nothing of the process outside, or of any that this namespace has not" \
	"$(jq -c -n --slurpfile last "$TMP/last" '[inputs
		| select(.pid and (.comm == "outsider" or .pid > $last[0])) | .pid] | unique' "$TMP/log")" "[]"
check_equal "log: the first process has no parent here" \
	"$(jq -c -n '[inputs | select(.rec == "process" and .pid == 1) | .ppid] | unique - [0]' \
		"$TMP/log")" "[]"
check_equal "log: interval lines have no counts of perf events, which are of the whole machine" \
	"$(jq -c -n '[inputs | select(.rec == "interval") | keys[] | select(test("^(perf_|missed)"))]' \
		"$TMP/log")" "[]"

# Without --mount-proc.
timeout "$(longer 300)" unshare --pid --fork "$FAULTMAP" log -n 1 >"$TMP/out" 2>"$TMP/messages"
check_equal "another namespace's /proc: status 77, and one line" "$? $(wc -l <"$TMP/messages")" "77 1"
check_contains "another namespace's /proc: what to do" "$TMP/messages" '/proc shows another.*mount'
done_testing
