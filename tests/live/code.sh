#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# takes 8 s
# --threads, --code, --stacks: the workload callers says which of its threads and functions touched how many
# pages, and each of these rows has that number; the sum of all rows is the same without --code. nm says where
# the functions are.
# shellcheck disable=SC2016

. "$(dirname "$0")/../lib.sh"

callers=$(realpath "$BUILD/workload/callers")

# run_it FLAG...: runs it, with its lines in said and the log in log.
run_it()
{
	rm -f "$TMP/log"
	"$FAULTMAP" run "$@" --json -o "$TMP/log" -- "$callers" >"$TMP/said"
	keep_log "$TMP/log"
}

# As lines "START PAGES" of each mapping, threads as one.
said_mappings()
{
	awk '$1 == "code" { pages[$4] += $5 } $1 == "thread" { pages[$5] += $6 }
		END { for (at in pages) print at, pages[at] }' "$TMP/said" | sort
}

counted_mappings()
{
	jq -r 'select(.rec == "faults" and .kind == "demand_zero") | "\(.map_start) \(.minor)"' \
		"$TMP/log" |
		awk '{ pages[$1] += $2 } END { for (at in pages) print at, pages[at] }' |
		grep -F -f <(said_mappings | sed 's/ .*/ /') | sort
}

said_threads()
{
	sed -n 's/^thread //p' "$TMP/said" | sort
}

counted_threads()
{
	jq -r 'select(.rec == "faults" and has("tid"))
		| "\(.tid) \(.thread) \(.map_start)\t\(.minor)"' "$TMP/log" |
		awk -F '\t' '{ pages[$1] += $2 } END { for (thread in pages) print thread, pages[thread] }' |
		grep -F -f <(said_threads | sed 's/ [0-9]*$/ /') | sort
}

# Each function from its first byte on.
nm -S --defined-only "$callers" | awk 'NF == 4 && $3 ~ /[Tt]/ { print $1, $2, $4 }' >"$TMP/symbols"

# As "PID FUNCTION START PAGES"; each of these mappings was touched by one function.
said_code()
{
	awk '$1 == "code" { print $2, $3, $4, $5 }' "$TMP/said" | sort
}

counted_code()
{
	jq -r --arg file "$callers" 'select(.rec == "faults" and .code.file == $file)
		| "\(.code.offset) \(.pid) \(.map_start) \(.minor)"' "$TMP/log" |
		while read -r offset pid start minor; do
			echo "$pid $(function_at "$((offset))") $start $minor"
		done | awk '{ pages[$1 " " $2 " " $3] += $4 }
			END { for (row in pages) print row, pages[row] }' |
		grep -F -f <(said_code | awk '{ print $3 " " }') | sort
}

# An offset in the file is an address less what the segment's addresses are ahead: none for code that gcc puts first.
function_at()
{
	while read -r from size name; do
		((0x$from <= $1 && $1 < 0x$from + 0x$size)) && echo "$name"
	done <"$TMP/symbols"
}

# Rows, GUP and what the processes say of themselves.
check_sums()
{
	check_equal "$1: rows and GUP are the processes' own counters" \
		"$(jq -s 'map(select(.rec == "faults") | .minor + .major) + map(select(.rec == "exit").gup_total)
			| add' "$TMP/log")" \
		"$(jq -s '.[-1] | .minor_total + .major_total' "$TMP/log")"
	check_equal "$1: nothing was lost" \
		"$(jq -s 'map(select(.rec == "interval") | .contexts_lost + .names_lost) | add' "$TMP/log")" 0
}

check_it()
{
	local how="$*"

	run_it --threads "$@"
	check_equal "$how, --threads: each thread has its faults" "$(counted_threads)" "$(said_threads)"
	check_sums "$how, --threads"

	run_it --code "$@"
	check_equal "$how, --code: each function has its faults" "$(counted_code)" "$(said_code)"
	check_equal "$how, --code: its rows add up to the mapping's" "$(counted_mappings)" "$(said_mappings)"
	check_equal "$how, --code: each row has its code" \
		"$(jq -c 'select(.rec == "faults" and (.code.file | not) and .mapping != "[other]")' "$TMP/log")" ""
	check_sums "$how, --code"

	case $how in
	*maple_tree*) ;; # it takes the programs for kernels that cannot walk stacks
	*)
		run_it --stacks "$@"
		check_equal "$how, --stacks: each function has its faults" "$(counted_code)" "$(said_code)"
		check_equal "$how, --stacks: walking them is no fault" \
			"$(jq -s 'map(select(.rec == "interval").aborted) | add' "$TMP/log")" 0
		check_equal "$how, --stacks: every row has its stack, which came before" \
			"$(jq -c 'if .rec == "stack" then .stack elif .rec == "faults" then [.stack] else empty end' \
				"$TMP/log" | awk '/^"/ { seen["[" $0 "]"]; next } !($0 in seen)')" ""
		check_sums "$how, --stacks"
		;;
	esac

	run_it --threads --code --slice 16K "$@"
	check_equal "$how, both and slices: each thread has its faults" \
		"$(counted_threads)" "$(said_threads)"
	check_equal "$how, both and slices: each function has its faults" \
		"$(counted_mappings)" "$(said_mappings)"
	check_sums "$how, both and slices"
}

check_it --detail fast
check_it --detail full
check_it --detail fast --disable-feature fault_entry
if [ "$(uname -m)" = x86_64 ]; then # its kernels before Linux 6.1 alone are supported
	check_it --detail fast --disable-feature maple_tree
fi

run_it
check_equal "without them no row is split" \
	"$(jq -c 'select(.rec == "faults" and (has("context") or has("tid") or has("code")))' "$TMP/log")" ""
check_equal "and each mapping has the same faults" "$(counted_mappings)" "$(said_mappings)"

run_it --threads --code
check_equal "report adds up what it reads" \
	"$("$FAULTMAP" report --by kind --all --json "$TMP/log" |
		jq '[.lines[] | .minor + .major + .denied] | add')" \
	"$(jq -s 'map(select(.rec == "faults") | .minor + .major + .denied) | add' "$TMP/log")"

"$FAULTMAP" run --by thread --rows 1000 --csv -o "$TMP/table" --jsonl "$TMP/log" -- "$callers" >"$TMP/said"
keep_log "$TMP/log"
# By its number: what a thread is called may change.
check_equal "--by thread has what the rows of each thread have" \
	"$(python3 -c 'import csv, re, sys
for line in csv.DictReader(open(sys.argv[1])):
    if "[" in line["name"]: print(re.sub(".*\\[", "[", line["name"]), line["minor"])' "$TMP/table" | sort)" \
	"$(jq -r 'select(.rec == "faults" and .minor > 0) | "[\(.tid)]\t\(.minor)"' "$TMP/log" |
		awk -F '\t' '{ sum[$1] += $2 } END { for (thread in sum) print thread, sum[thread] }' | sort)"
check_equal "--by thread has the threads" "$(grep -c walker "$TMP/table")" 3

check_fails()
{
	"$FAULTMAP" run --stacks --disable-feature maple_tree -- true 2>"$TMP/err"
	[ $? -eq 77 ] && grep -q 'needs Linux 6.1' "$TMP/err"
}
check "what cannot walk stacks says so" check_fails

"$FAULTMAP" log --threads --code -n 1 -o "$TMP/log"
keep_log "$TMP/log"
check_equal "log says that rows are split" "$(jq -c 'select(.rec == "meta") | [.threads, .code]' "$TMP/log")" \
	"[true,true]"

check_schema
done_testing
