#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# takes 40 s
# Memory of which only single pages are free: a fault that wants a huge page first moves others' pages together.
# That is the cause "compaction" and a finding; neither is there where huge pages are free, nor where the
# kernel does as the finding says.
# shellcheck disable=SC2016

. "$(dirname "$0")/../../lib.sh"
. tests/live/limits.bash
. tests/vm/live/delays.bash

defrag=/sys/kernel/mm/transparent_hugepage/defrag

# of_vmstat COUNTER
of_vmstat()
{
	awk -v name="$1" '$1 == name { print $2 }' /proc/vmstat
}

# findings: of the last run.
findings()
{
	jq -r 'select(.rec == "finding").finding' "$TMP/log" | tr '\n' ' '
}

# with_defrag WORD: runs the program; $direct is how often the kernel compacted directly meanwhile, whoever wanted it.
with_defrag()
{
	echo "$1" >"$defrag"
	direct=$(of_vmstat compact_stall)
	run_case full huge 128
	direct=$(($(of_vmstat compact_stall) - direct))
	name="defrag is $1"
}

check "there is compaction" test -n "$(of_vmstat compact_stall)"
echo 0 >/proc/sys/vm/compaction_proactiveness # or the kernel does it before anybody waits for it
start_delays
with_defrag madvise
check_equal "huge pages are free: no finding" "$(findings)" ""

# All memory but what the kernel keeps for itself.
free_mib=$(awk '$1 == "MemAvailable:" { print int($2 / 1024) }' /proc/meminfo)
start_background "$stalls" fragment $((free_mib - 32)) >"$TMP/fragment"
check "memory is fragmented" wait_for 100 grep -q fragmented "$TMP/fragment"
sed 's/^/# /' /proc/buddyinfo

with_defrag madvise
check "$name: the kernel compacts as it faults, $direct times" test "$direct" -ge 16
check_equal "$name: it was compaction" "$(query 'stall as $stall
	| ($stall | del(.runqueue, .cpu) | total(.[])) as $rest
	| [$stall.compaction >= 0.5 * $rest, $rest > 0]
	| if all then . else {$stall, $case} end')" "[true,true]"
check_equal "$name: nothing is unknown" "$(query 'unknown * 100 <= (stall | total(.[]))')" true
take
compare "the kernel's own delay accounting says the same" '$c.compaction | . <= 1.1 * $d.compact, . >= 0.9 * $d.compact'
check_equal "$name: a finding" "$(findings)" "compaction "
"$FAULTMAP" report "$TMP/log" >"$TMP/report"
check "$name: report has it in WHY" grep -q ' compaction ' "$TMP/report"

with_defrag never
check_equal "$name: no compaction in its faults" "$(query '[in_case.stall.compaction // empty]')" "[]"
check_equal "$name: no finding" "$(findings)" ""
done_testing
