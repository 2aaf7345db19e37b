#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Which mapping a fault belongs to, when mappings grow, split, move and take each other's places: moves
# knows how many faults each took.

. "$(dirname "$0")/../lib.sh"

# rows_of CASE: a line for each mapping that lies in the case's area: name, perms, faults.
rows_of()
{
	jq -cs -L tests/live --argjson case "$1" 'include "faults";
		[[faults_in($case.pid; $case.start; $case.end)] | group_by(.mapping_id)[]
		| "\(.[0].mapping | split("/") | last) \(.[0].perms): \(total(.[] | .minor + .major))"]
		| sort' "$TMP/log"
}

for detail in fast full; do
	(cd "$TMP" && "$FAULTMAP" run --json "--detail=$detail" -o log -- "$BUILD/workload/moves" >cases)
	check_equal "$detail: the cases run" "$?" 0
	while read -r case; do
		check_equal "$detail, $(jq -r .case <<<"$case")" "$(rows_of "$case")" \
			"$(jq -c .rows <<<"$case")"
	done <"$TMP/cases"
done
done_testing
