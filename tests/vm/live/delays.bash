# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# The kernel's own account of what tasks wait for (delay accounting), of tasks that have ended. After
# tests/live/limits.bash.

# start_delays: of what starts from here on.
start_delays()
{
	echo 1 >/proc/sys/kernel/task_delayacct
	start_background python3 tests/vm/live/delays.py >"$TMP/delays"
	check "the kernel's delay accounting" wait_for 60 grep -q ready "$TMP/delays"
}

# shellcheck disable=SC2317 # wait_for calls it
has_delays()
{
	grep -q "^{\"pid\": $(jq .pid "$TMP/case")," "$TMP/delays"
}

# take_delays: $delays is what the kernel says of the process of the last case, in nanoseconds.
take_delays()
{
	wait_for 5 has_delays || return
	# shellcheck disable=SC2034 # for the caller
	delays=$(grep "^{\"pid\": $(jq .pid "$TMP/case")," "$TMP/delays" | tail -n 1)
}

# causes: of all faults of that process, in nanoseconds.
causes()
{
	query '[.[] | select(.rec == "faults" and .pid == $case.pid) | .stall // {} | to_entries[]]
		| group_by(.key) | map({key: .[0].key, value: total(.[].value.sum_ns)}) | from_entries'
}

# compare NAME FILTER: of $causes and $delays.
compare()
{
	check_equal "$name: $1" "$(jq -cn --argjson causes "$causes" --argjson delays "$delays" \
		'$causes as $c | $delays as $d | [('"$2"')]
			| if all then "yes" else {$causes, $delays} end')" '"yes"'
}

# take: both, of the last case.
take()
{
	take_delays
	causes=$(causes)
	echo "# $name: causes $causes"
	echo "# $name: kernel $delays"
}
