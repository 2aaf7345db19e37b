#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Faults are counted in the right mapping when mappings grow, split, move and replace each other: the workload
# moves knows how many faults each took.
# shellcheck disable=SC2016

. "$(dirname "$0")/../lib.sh"

# A line for each case: its name, why it is skipped, and a line for each mapping that lies in its area, as it is to
# be and as it is. All by one look at the log.
judged()
{
	jq -rs -L tests/live --slurpfile cases "$TMP/cases" 'include "faults";
		. as $log | $cases[] | . as $case
		| [.case, .skip, (.rows | tojson), ($log
			| [[faults_in($case.pid; $case.start; $case.end)] | group_by(.mapping_id)[]
				| "\(.[0].mapping | split("/") | last) \(.[0].perms): \(total(.[] | .minor + .major))"]
			| sort | tojson)]
		| join("\u0001")' "$TMP/log"
}

# segments_want: a line for each segment that faults: address, perms, offset, faults. readelf knows where.
segments_want()
{
	readelf -lW "$TMP/segments" | awk '
		function hex(digits,  i, value) {
			digits = tolower(substr(digits, 3))
			for (i = 1; i <= length(digits); i++)
				value = value * 16 + index("0123456789abcdef", substr(digits, i, 1)) - 1
			return value
		}
		$1 == "LOAD" && $7 == "R" && $8 == "E" { printf "%d r-xp %d 8\n", hex($3), hex($2) }
		$1 == "LOAD" && $7 == "R" && $8 != "E" { header = constants
			constants = sprintf("%d r--p %d 8\n", hex($3), hex($2)) }
		$1 == "LOAD" && $7 == "RW" {
			printf "%d rw-p %d 20\n", hex($3), hex($2)
			printf "%d rw-p 0 30 [anon]\n", hex($3) + hex($5) }
		END { printf "%s", constants }' | sort -n
}

# The same of faultmap: segments is linked to addresses that nothing else has.
segments_got()
{
	jq -rs -L tests/live 'include "faults";
		[.[] | select(.rec == "faults" and .comm == "segments" and (.map_start | hex) < 1073741824
			and (.mapping == "[anon]" or (.mapping | endswith("/segments"))))]
		| group_by(.mapping_id)[]
		| "\(.[0].map_start | hex) \(.[0].perms) \(.[0].map_offset) \(total(.[] | .minor + .major))"
		+ if .[0].mapping == "[anon]" then " [anon]" else "" end' "$TMP/log" | sort -n
}

# pages_shown CASE: of the address range of its writable memory.
pages_shown()
{
	jq -rs -L tests/live --slurpfile cases "$TMP/cases" --arg name "$1" 'include "faults";
		($cases[] | select(.case == $name)) as $case
		| [faults_in($case.pid; $case.start; $case.end) | select(.perms == "rw-p")]
		| [.[] | ((.map_end | hex) - (.map_start | hex)) / 4096] | unique[]' "$TMP/log"
}

# check_case NAME SKIP WANT GOT
check_case()
{
	local want=$3

	# Nothing tells there that the one with the single fault is gone.
	if [ "$1" = "place used again" ] && { lacks mm_sequence || lacks fault_entry; }; then
		want='["[anon] rw-p: 10","[anon] rw-p: 13","[anon] rw-p: 2","[anon] rw-p: 20"]'
	fi
	if [ "$2" ]; then
		skip "$detail, $1" "$2"
	else
		check_equal "$detail, $1" "$4" "$want"
	fi
}

# Page by page: a fault maps all of a large folio, which larger writes would make.
copy_segments()
{
	dd if="$BUILD/workload/segments" of="$TMP/segments" bs=4K status=none && chmod +x "$TMP/segments"
}

check_segments()
{
	local name="$detail, text, constants, data and bss of one program"

	if [ -e "$TMP/segments" ]; then
		check_equal "$name" "$(segments_got)" "$(segments_want)"
	else
		skip "$name" "segments.S is written for x86-64"
	fi
}

find_lacks
[ "$(uname -m)" != x86_64 ] || copy_segments || exit 1
for detail in fast full; do
	(cd "$TMP" && "$FAULTMAP" run --json "--detail=$detail" -o log -- \
		sh -c '"$0" >cases && { [ ! -e segments ] || ./segments; }' "$BUILD/workload/moves")
	check_equal "$detail: the cases run" "$?" 0
	judged >"$TMP/judged"
	check_equal "$detail: each case is judged" "$(wc -l <"$TMP/judged")" "$(wc -l <"$TMP/cases")"
	while IFS=$'\x01' read -r name skip want got; do
		check_case "$name" "$skip" "$want" "$got"
	done <"$TMP/judged"
	check_segments
	check_equal "$detail: what was split is shown from its first part to its last" \
		"$(pages_shown "split by munmap") $(pages_shown "split by mprotect")" "50 30"
done
done_testing
