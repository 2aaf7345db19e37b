#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# takes 40 s
# `faultmap top --once` and `-b`: each view and order, with the kernel's numbers in the columns.

. "$(dirname "$0")/../lib.sh"

top()
{
	"$FAULTMAP" top "$@" >"$TMP/top" 2>"$TMP/err"
}

# column NAME PID: what the one-table file shows for the process; thousands without commas.
column()
{
	awk -v name="$1" -v pid="$2" '
		!at && /^ *PID / { at = index($0 " ", " " name " ") + 1 }
		at && $1 == pid {
			# Names begin where their title does, numbers end where it ends. A cell may be empty.
			cell = name ~ /^(USER|COMM)$/ ? substr($0, at) : substr($0, 1, at + length(name) - 1)
			n = split(cell, words, " ")
			cell = words[name ~ /^(USER|COMM)$/ ? 1 : n]
			gsub(",", "", cell)
			print cell
		}' "$TMP/top"
}

test_views()
{
	local by title

	for by in process:HOTTEST thread:THREAD mapping:MAPPING file:FILE kind:KIND unit:UNIT cgroup:CGROUP comm:COMM \
		exe:EXE uid:USER parent:PARENT row:MAPPING; do
		title=${by#*:}
		check "--by ${by%:*}: exit status 0" top --once -d 0.2 --by "${by%:*}"
		check_equal "--by ${by%:*}: one table with its column" \
			"$(grep -c "^.* MIN/s .* $title\$\|^ *MIN/s .* $title\$" "$TMP/top")" 1
	done
	top --once --all -d 0.1
	check_contains "by process, this shell is there" "$TMP/top" "^ *$$ "
}

# With every fault timed: a column of the time spent in them.
test_stalls()
{
	local by

	start_background bash -c 'while :; do /bin/true; done'
	for by in process mapping kind cgroup; do
		check "--detail full --by $by: exit status 0" top --once -d 0.3 --detail full --by "$by"
		check_contains "--by $by has the column" "$TMP/top" ' MAJ/s  +(DENY/s +)?STALL/s '
	done
	top --once -d 0.5 --detail full --by kind
	check_contains "short-lived programs stall" "$TMP/top" \
		'^ *[0-9,.]+ +[0-9,.]+( +0)? +[0-9.]+[num]?s +[0-9,]+ +0 +0  ([a-z]+)? *demand_zero$'
	stop_background "$BACKGROUND_PID"
}

test_sorts()
{
	local sort

	for sort in stall faults minor major denied bytes rate pages rss vsz pid name; do
		check "--sort $sort: exit status 0" top --once --all -d 0.1 --sort "$sort"
		check "--sort $sort: rows below the titles" grep -q "^ *$$ " "$TMP/top"
	done
	top --once --all -d 0.1 --sort pid
	check "--sort pid is ascending" sort -C -n <(awk '$1 == "PID" { below = 1; next }
		below && $1 ~ /^[0-9]+$/ { print $1 }' "$TMP/top")
	check_status "2: a kind has no RSS" 2 "$FAULTMAP" top --once --by kind --sort rss
	check_status "2: unknown order" 2 "$FAULTMAP" top --once --sort colour
}

# For programs: the same numbers as the table has, and the rest beside them.
test_records()
{
	check "--json: exit status 0" top -b -n 2 -d 0.2 --json --by kind
	check_equal "--json: an object for each tick" "$(jq -c '[.rec, .by]' "$TMP/top" | uniq -c | xargs)" \
		'2 [table,kind]'
	check_equal "--json: lines and rest are the total" "$(jq -s '[.[] | select(
		([.lines[].minor] | add // 0) + .rest.minor != .total.minor)] | length' "$TMP/top")" 0
	check "--csv: exit status 0" top --once -d 0.2 --csv --by process --all
	check_equal "--csv: as many fields as titles" \
		"$(python3 -c 'import csv, sys; print({len(row) for row in csv.reader(sys.stdin)})' <"$TMP/top")" '{27}'
	check_contains "--csv: this shell" "$TMP/top" "^[0-9T:.Z-]+,process,top.sh,$$,top.sh,1,"
	check_status "2: --csv and --json" 2 "$FAULTMAP" top --once --csv --json
	check "--color=always: titles are bold" top --once -d 0.1 --color=always
	check_equal "--color=always: and end so" "$(grep -c $'^\033\\[1m.*PID' "$TMP/top")" 1
	top --once -d 0.1
	check_equal "no terminal, no colour" "$(grep -c $'\033' "$TMP/top")" 0
}

test_modes()
{
	local number

	check "without a terminal it is as with -b" top -n 2 -d 0.1
	check_equal "a table at each tick" "$(grep -c '^faultmap ' "$TMP/top")" 2
	check_status "2: --once and -b" 2 "$FAULTMAP" top --once -b
	check_status "2: operand" 2 "$FAULTMAP" top --once x
	check "-b -n 5: exit status 0" top -b -n 5 -d 0.3
	check_equal "-b -n 5: five tables" "$(grep -c '^faultmap  ' "$TMP/top")" 5
	# A busy machine makes one longer and the next one shorter: none of them by itself says anything.
	check_equal "-d is the interval: none shorter on average, some are not longer" \
		"$(awk '/^faultmap  / { sum += $3; if (!n++ || $3 < shortest) shortest = $3 }
			END { print (sum >= 0.29 * n), (shortest < 0.9) }' "$TMP/top")" "1 1"
	for number in --rows -n; do
		check "--once $number 3: exit status 0" top --once $number 3 -d 0.1
		check_equal "--once $number 3: three rows and the rest" \
			"$(awk '/^ *PID / { below = 1; next } below && /^ *[0-9]+ / { rows++ }
				below && /\([0-9]+ more\)/ { rest++ } END { print rows, rest }' "$TMP/top")" "3 1"
	done
	check_equal "-n for rows: the note about --rows comes once" "$(grep -c 'say --rows,' "$TMP/err") $(wc -l <"$TMP/err")" "1 1"
	start_background "$FAULTMAP" top -b -d 0.1 >"$TMP/top"
	wait_for 120 grep -q '^faultmap ' "$TMP/top"
	kill -INT "$BACKGROUND_PID"
	wait_for 120 process_ended "$BACKGROUND_PID"
	wait "$BACKGROUND_PID"
	check_equal "SIGINT ends -b with status 0" "$?" 0
	"$FAULTMAP" top --once -d 0.1 >/dev/full 2>"$TMP/err"
	check_equal "1: stdout cannot be written, said in one line" "$? $(wc -l <"$TMP/err")" "1 1"
	"$FAULTMAP" top -b -d 0.1 2>"$TMP/err" | head -n 1 >"$TMP/top"
	check_equal "a reader that leaves ends -b without a message" \
		"$(wc -l <"$TMP/top") $(cat "$TMP/err")" "1 "
}

# A process that waits has numbers that stand still: ps must see the same.
test_numbers()
{
	mkfifo "$TMP/step"
	exec 4<>"$TMP/step"
	start_background python3 tests/workload/touch.py 16 --wait <&4 >"$TMP/out"
	local pid=$BACKGROUND_PID
	wait_for 120 grep -q 'ready to touch' "$TMP/out"
	echo >&4
	wait_for 120 grep -q 'ready to end' "$TMP/out"
	top --once --all -d 0.2
	check_equal "MINOR and MAJOR as ps shows them" \
		"$(column MINOR "$pid") $(column MAJOR "$pid")" \
		"$(ps -o min_flt=,maj_flt= -p "$pid" | awk '{ print $1, $2 }')"
	check_equal "USER and COMM as ps shows them" "$(column USER "$pid") $(column COMM "$pid")" \
		"$(ps -o user=,comm= -p "$pid" | awk '{ print $1, $2 }')"
	check_equal "it waits: no fault in the interval" "$(column MIN/s "$pid")" 0
	echo >&4
	wait_for 120 process_ended "$pid"
	exec 4>&-
}

test_views
test_stalls
test_sorts
test_modes
test_records
test_numbers
done_testing
