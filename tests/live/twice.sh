#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Two faultmaps at once do not disturb each other, and one that is killed leaves nothing in the kernel.

. "$(dirname "$0")/../lib.sh"

# start_log FILE: sets $BACKGROUND_PID; it counts when the meta line is there.
start_log()
{
	start_background "$FAULTMAP" log -d 0.2 -o "$1"
	wait_for 120 grep -qs '"rec":"meta"' "$1"
}

# has_faults LOG: the case's faults have arrived.
has_faults()
{
	[ -n "$(got "$1")" ]
}

got()
{
	jq -rs -L tests/live --slurpfile case "$TMP/case" 'include "faults"; got($case[0])' "$1"
}

# held_by PID: "prog ID", "map ID", "link ID" of all that the process has a descriptor of.
held_by()
{
	sed -nE 's/^(prog|map|link)_id:\s*([0-9]+)$/\1 \2/p' "/proc/$1"/fdinfo/* | sort -u
}

# all_gone LIST: none of its objects is in the kernel any more.
all_gone()
{
	local what id

	while read -r what id; do
		! bpftool "$what" show id "$id" || return 1
	done <"$1"
}

start_log "$TMP/a"
first=$BACKGROUND_PID
start_log "$TMP/b"
second=$BACKGROUND_PID
"$BUILD/workload/faultgen" demand_zero_write 3000 >"$TMP/case"
wait_for 120 has_faults "$TMP/a"
wait_for 120 has_faults "$TMP/b"
want=$(jq -r -L tests/live 'include "faults"; want' "$TMP/case")
check_equal "the first counts it all" "$(got "$TMP/a")" "$want"
check_equal "the second counts the same" "$(got "$TMP/b")" "$want"

held_by "$first" >"$TMP/held"
check_contains "bpftool sees the first one's programs" "$TMP/held" '^prog '
check_contains "and maps" "$TMP/held" '^map '
check_contains "and links" "$TMP/held" '^link '
held_by "$second" >"$TMP/held-by-second"
kill -KILL "$first"
wait "$first" 2>/dev/null
# The kernel frees them after a grace period, in its own time.
check "after SIGKILL none of them is left" wait_for 120 all_gone "$TMP/held"
check "what the other one holds is still there" test -s "$TMP/held-by-second"
"$BUILD/workload/faultgen" demand_zero_write 2000 >"$TMP/case"
wait_for 120 has_faults "$TMP/b"
check_equal "the second goes on counting" "$(got "$TMP/b")" \
	"$(jq -r -L tests/live 'include "faults"; want' "$TMP/case")"
stop_background "$second"
keep_log "$TMP/b"
check "after SIGTERM nothing of the second is left" wait_for 120 all_gone "$TMP/held-by-second"
check_schema
done_testing
