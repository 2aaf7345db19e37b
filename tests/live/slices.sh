#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# --slice: parts.py faults in known parts of its mappings and counts them itself (and holds that against
# getrusage); the faults lines have these counts in these slices and none in others.
# shellcheck disable=SC2016

. "$(dirname "$0")/../lib.sh"

find_lacks

parts=(/usr/bin/python3 tests/workload/parts.py)

# Files have to lie on a disk: on tmpfs they would be shmem.
directory=$BUILD
if [ "$(stat -f -c %T "$directory")" = tmpfs ]; then
	directory=/var/tmp
fi

query()
{
	jq -r -s -L tests/live --slurpfile cases "$TMP/cases" "include \"faults\"; $1" \
		"${@:2}" "$TMP/log"
}

# check_case DETAIL CASE: where that case of parts.py faulted. One line for each fact, first as the log
# has them, then as parts.py does. (Pages are known in full detail only.)
check_case()
{
	query '($cases[] | select(.name == $name)) as $c
		| [faults_of($c.pid) | select(.map_start == $c.start and .map_end == $c.end)] as $rows
		| ($rows | group_by(.slice_start | hex)) as $slices
		| ($c.minor + $c.major),
		($slices | map([.[0].slice_start, .[0].slice_end,
			total(.[] | .minor + .major)]) | tojson),
		($rows | [(map(.mapping_id) | unique | length), total(.[].minor),
			total(.[].major), total(.[].denied)] | tojson),
		($slices | map(total(.[].pages)) | tojson),
		total($c.parts[][2]), ($c.parts | tojson), ([1, $c.minor, $c.major, 0] | tojson),
		($c.parts | map(.[2] * $c.pages_each) | tojson)' --arg name "$2" >"$TMP/facts"
	mapfile -t facts <"$TMP/facts"
	check_equal "$1, $2: the kernel counted what was touched" "${facts[0]}" "${facts[4]}"
	check_equal "$1, $2: each slice has its faults, no other has any" \
		"${facts[1]}" "${facts[5]}"
	check_equal "$1, $2: all slices are of one mapping, and add up to it" \
		"${facts[2]}" "${facts[6]}"
	# The 16 of a window are one where nothing tells of them.
	if [ "$2" = file_cached ] && lacks map_pages && lacks direct_reads; then
		facts[7]=$(jq -c 'map(. / 16)' <<<"${facts[7]}")
	fi
	[ "$1" != full ] || check_equal "$1, $2: pages are counted where the fault was" \
		"${facts[3]}" "${facts[7]}"
}

check_totals()
{
	check_equal "$1: rows and GUP are the processes' own counters" \
		"$(query 'total(.[] | select(.rec == "faults") | .minor + .major)
			+ total(.[] | select(.rec == "exit") | .gup_total)')" \
		"$(query '.[-1] | .minor_total + .major_total')"
	check_equal "$1: no row without a slice but those without a mapping" \
		"$(query '[.[] | select(.rec == "faults" and .slice_start == null) | .kind]
			| unique - ["denied_unmapped", "unknown"] | tojson')" "[]"
	check_equal "$1: every slice is at a multiple of its size and meets its mapping" \
		"$(query '[.[] | select(.rec == "faults" and .slice_start)
			| (.slice_start | hex) as $from | (.slice_end | hex) as $to
			| select($from % ($to - $from) != 0 or $from >= (.map_end | hex)
				or ($to <= (.map_start | hex) and .kind != "stack_growth"))]
			| tojson')" "[]"
}

# A THP that cannot be had is no fault of ours.
test_parts()
{
	local detail=$1 cases=(quarter unaligned scattered file_cached file_major) case

	grep -q '\[never\]' /sys/kernel/mm/transparent_hugepage/enabled || cases+=(huge)
	"$FAULTMAP" run --json --slice 2M "--detail=$detail" -o "$TMP/log" -- \
		"${parts[@]}" 2097152 "$directory" "${cases[@]}" >"$TMP/cases"
	check_equal "$detail: exit status" "$?" 0
	keep_log "$TMP/log"
	check_equal "$detail: meta says how mappings are split" \
		"$(query '.[0] | [.slice_bytes, .slices_max] | tojson')" '[2097152,1024]'
	for case in "${cases[@]}"; do
		check_case "$detail" "$case"
	done
	[ ${#cases[@]} -eq 6 ] || skip "$detail, huge" "transparent huge pages are off"
	check_totals "$detail"
}

# The same faults with small slices: many rows, each with its own part of each count.
test_small()
{
	local case

	"$FAULTMAP" run --json --slice 64k --detail=full -o "$TMP/log" -- \
		"${parts[@]}" 65536 "$directory" unaligned scattered >"$TMP/cases"
	keep_log "$TMP/log"
	for case in unaligned scattered; do
		check_case full "$case"
	done
}

# 2^28 pages and 1,024 rows: the slices of this mapping are larger, those of others are not.
test_terabyte()
{
	"$FAULTMAP" run --json --slice 4K --detail=fast -o "$TMP/log" -- \
		"${parts[@]}" 4096 "$directory" terabyte unaligned >"$TMP/cases"
	keep_log "$TMP/log"
	check_case "fast, 4K" terabyte
	check_equal "fast, 4K: a mapping of 1,280 pages has slices of 8K" \
		"$(query '$cases[1] as $c | [faults_in($c.pid; $c.start; $c.end)
			| (.slice_end | hex) - (.slice_start | hex)] | unique | tojson')" '[8192]'
	check_equal "fast, 4K: the table had room" "$(query \
		'[.[] | select(.rec == "interval")] | last.map_full_total')" 0
	check_totals "fast, 4K"
}

# The stack grows by the fault itself: its slice is below the mapping as it was.
test_stack()
{
	"$FAULTMAP" run --json --slice 4K -o "$TMP/log" -- \
		"$BUILD/workload/faultgen" stack_growth >"$TMP/cases"
	keep_log "$TMP/log"
	check_equal "the stack grows page by page, a slice each" \
		"$(query '$cases[0] as $c | [faults_of($c.pid) | select(.kind == "stack_growth")
			| select((.slice_start | hex) >= ($c.start | hex)
				and (.slice_end | hex) <= ($c.end | hex)) | .minor] | unique + [length] | tojson')" \
		"$(query '[1, $cases[0].faults] | tojson')"
}

# strip_of FILE: the strip of the mapping of 64 MiB in which 4,096 pages were touched, and its maximum.
strip_of()
{
	sed -n 's/^ *4,096 *\([0-9.]*\) *\([0-9.MK]*\) .*|\(.*\)|.* \[anon\]$/\1 \2 |\3|/p' "$1"
}

times()
{
	printf "%${2}s" '' | sed "s/ /$1/g"
}

test_strips()
{
	"$FAULTMAP" run --by row --slice 2M --slices --detail=fast -o "$TMP/summary" -- \
		"${parts[@]}" 2097152 "$directory" quarter >"$TMP/cases"
	check_equal "--slices: a cell for each slice, the second quarter is hot" \
		"$(strip_of "$TMP/summary")" "1.00 2.0M |$(times ' ' 8)$(times █ 8)$(times ' ' 16)|"
	check_contains "--slices: says how mappings are split" "$TMP/summary" '^slices: of 2.0M, or '
	check_contains "the summary has the mapping in one row" "$TMP/summary" \
		'^ +4,096 .* 64M +[0-9a-f]+  \[anon\]$'
	check_equal "the summary: nothing is unexplained" "$(grep '^unexplained' "$TMP/summary")" ""
	LC_ALL=C "$FAULTMAP" run --by row --slices -o "$TMP/summary" -- \
		"${parts[@]}" 2097152 "$directory" quarter >"$TMP/cases"
	check_equal "--slices alone: 64 cells; in ASCII where the locale has no UTF-8" \
		"$(strip_of "$TMP/summary")" "1.00 1.0M |$(times ' ' 16)$(times @ 16)$(times ' ' 32)|"
	check_contains "--slices alone: says so" "$TMP/summary" '^slices: sized automatically, at most 64 '
	check_equal "--slices: the faults of all strips are those in rows" \
		"$(tr -d , <"$TMP/summary" | awk '/^slices:/ { on = 1 } on && $1 + 0 { sum += $1 }
			END { print sum }')" \
		"$(tr -d , <"$TMP/summary" | awk '$NF == "total" { print $1 + $2; exit }')"
}

test_log()
{
	"$FAULTMAP" log --slice 1G -d 0.1 -n 2 -o "$TMP/log"
	keep_log "$TMP/log"
	: >"$TMP/cases"
	check_equal "log --slice: meta says so" "$(query '.[0].slice_bytes')" 1073741824
	"$FAULTMAP" log -d 0.1 -n 2 -o "$TMP/log"
	keep_log "$TMP/log"
	check_equal "log alone: nothing of slices" "$(query '[.[] | has("slice_start", "slice_bytes")]
		| any')" false
}

test_parts fast
test_parts full
test_small
test_terabyte
test_stack
test_strips
test_log
check_schema
done_testing
