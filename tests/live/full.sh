#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# takes 10 s
# A full table (64 rows) loses no fault: rows of process 0 sum up the rest, totals still equal getrusage's, and every
# sink says that detail is missing.
# shellcheck disable=SC2016

# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

spawn=$BUILD/workload/spawn
# Files have to lie on a disk: on tmpfs nothing is a major fault.
directory=$BUILD
if [ "$(stat -f -c %T "$directory")" = tmpfs ]; then
	directory=/var/tmp
fi

query()
{
	jq -c -s -L tests/live --slurpfile oracle "$TMP/oracle" \
		"include \"faults\"; \$oracle[0] as \$o | $1" "$TMP/log"
}

# spawn itself is in the rows too, but not in its own getrusage(RUSAGE_CHILDREN): its exit line, the
# kernel's count of that process, is taken off.
test_run()
{
	local detail=$1 rows='(.[] | select(.rec == "faults"))'
	local last='([.[] | select(.rec == "interval")] | last)'

	"$FAULTMAP" run --json "--detail=$detail" --max-rows 1 -o "$TMP/log" -- \
		"$spawn" 200 /bin/true >"$TMP/oracle"
	check_equal "$detail: exit status" "$?" 0
	keep_log "$TMP/log"
	check_equal "$detail: exit lines as getrusage has them" \
		"$(query 'def children: .[] | select(.rec == "exit" and .pid != $o.pid);
			[total(children | .minor_total), total(children | .major_total)]')" \
		"$(query '[$o.minor, $o.major]')"
	check_equal "$detail: all rows and all gup are what getrusage has" \
		"$(query "total($rows | .minor + .major) + $last.gup_total
			- total(.[] | select(.rec == \"exit\" and .pid == \$o.pid)
				| .minor_total + .major_total)")" \
		"$(query '$o.minor + $o.major')"
	check_equal "$detail: entries = minor + major + denied + aborted" \
		"$(query "$last | .entries_total")" \
		"$(query "$last | .minor_total + .major_total - (.populated_total // 0) + .denied_total + .aborted_total")"
	check_equal "$detail: the table was full" "$(query "$last.map_full_total > 0")" true
	check_equal "$detail: the rows of [other] are what map_full says" \
		"$(query "total($rows | select(.pid == 0 and .mapping == \"[other]\")
			| .minor + .major + .denied)")" "$(query "$last.map_full_total")"
	check_equal "$detail: kinds stay known in [other]" \
		"$(query "[$rows | select(.pid == 0) | .kind] | (length > 2) and (index(\"unknown\") == null)")" \
		true
}

# With one row nearly all is in [other]: majors and denied faults as well, each as what it was.
test_other()
{
	local detail=$1

	"$FAULTMAP" run --json "--detail=$detail" --max-rows 1 -o "$TMP/log" -- sh -c '
		"$0" file_map_major 200 --dir "$1" && "$0" denied_unmapped 100' \
		"$BUILD/workload/faultgen" "$directory" >"$TMP/oracle"
	check_equal "$detail, one row: exit status" "$?" 0
	keep_log "$TMP/log"
	check_equal "$detail, one row: as many majors as the kernel counted, 200 in [other] at least" \
		"$(query 'total(.[] | select(.rec == "faults") | .major) as $all
			| total(.[] | select(.rec == "faults" and .pid == 0) | .major) as $other
			| [$all, $other >= 200]')" \
		"$(query '[total(.[] | select(.rec == "exit") | .major_total), true]')"
	check_equal "$detail, one row: the denied ones are in [other]" \
		"$(query '[.[] | select(.rec == "faults" and .pid == 0 and .denied > 0) | [.kind, .denied]]')" \
		'[["denied_unmapped",100]]'
}

test_summary()
{
	"$FAULTMAP" run --max-rows 1 -o "$TMP/summary" -- "$spawn" 200 /bin/true >/dev/null
	check_contains "the summary of run has a row [other]" "$TMP/summary" ' \[other\]'
	check_contains "the summary of run says that the table was full" "$TMP/summary" 'full'
}

is_full()
{
	scrape && [ "$(value faultmap_map_full_total)" -gt 0 ] &&
		grep -q '^faultmap_group_faults_total{group="other",' "$TMP/scrape"
}

test_daemon()
{
	start_daemon --max-rows 1 --interval 0.1
	"$spawn" 200 /bin/true >/dev/null
	check "/metrics: map_full counts, and so does the group other" wait_for 120 is_full
	stop_background "$BACKGROUND_PID"
}

test_top()
{
	start_background "$spawn" 100000 /bin/true >/dev/null
	"$FAULTMAP" top --once -d 1 --by mapping --all --max-rows 1 >"$TMP/top"
	check_equal "top: exit status" "$?" 0
	stop_background "$BACKGROUND_PID"
	check_contains "top --by mapping: a row [other]" "$TMP/top" ' \[other\]'
	check_contains "top: says that the table was full" "$TMP/top" 'full'
}

test_run fast
test_run full
test_other fast
test_other full
test_summary
test_daemon
test_top
check_schema
done_testing
