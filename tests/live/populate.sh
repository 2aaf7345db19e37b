#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# takes 7 s
# Faults that the kernel resolves itself, without an exception: rows of the kind populate, as the workload's own
# getrusage() and mincore() have them, call for call. What is in no row is in gup, with the reason.

# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

populates=$BUILD/workload/populates
# A file has to lie on a disk: on tmpfs nothing is a major fault.
directory=$BUILD
if [ "$(stat -f -c %T "$directory")" = tmpfs ]; then
	directory=/var/tmp
fi
file=$directory/populates.$$
find_lacks

# run_populates FLAG...: the cases are in $TMP/cases, the lines in $TMP/log, the summary in $TMP/summary.
run_populates()
{
	rm -f "$TMP/log"
	"$FAULTMAP" run --jsonl "$TMP/log" -o "$TMP/summary" "$@" -- "$populates" "$file" >"$TMP/cases"
	check_equal "$name: exit status" "$?" 0
	keep_log "$TMP/log"
	tr '\n' ' ' <"$TMP/summary" | tr -s ' ' >"$TMP/unwrapped"
}

# query FILTER: with $cases, and the workload's process: $exit, $rows of the kind populate, $last interval.
query()
{
	jq -n -r --slurpfile cases "$TMP/cases" --slurpfile lines "$TMP/log" '
		def sum(of): reduce of as $x (0; . + $x);
		def number: ltrimstr("0x") | explode | reduce .[] as $c (0; . * 16 + $c - (if $c > 57 then 87 else 48 end));
		def is_in($row): .address >= ($row.map_start | number) and .address < ($row.map_end | number);
		def faults: .minor + .major;
		($lines | map(select(.rec == "interval")) | last) as $last
		| ($lines | map(select(.rec == "exit")) | max_by(.minor_total)) as $exit
		| ($lines | map(select(.rec == "faults" and .kind == "populate" and .pid == $exit.pid))) as $rows
		| '"$1"
}

# Of all that $name ran: nothing is counted twice, nothing is missing.
check_sums()
{
	check_equal "$name: the rows of each process and its gup are its own counters" \
		"$(query '[$lines[] | select(.rec == "exit") | .pid as $pid | .gup_total
			+ sum($lines[] | select(.rec == "faults" and .pid == $pid) | faults)] == [$lines[]
			| select(.rec == "exit") | .minor_total + .major_total]')" true
	check_equal "$name: gup of the processes is that of all" \
		"$(query 'sum($lines[] | select(.rec == "exit").gup_total)')" "$(query '$last.gup_total')"
	check_equal "$name: entries are what had an exception" \
		"$(query '$last.minor_total + $last.major_total - ($last.populated_total // 0)
			+ $last.denied_total + $last.aborted_total')" "$(query '$last.entries_total')"
	check_equal "$name: nothing is missed" "$(query '$last.missed_total // 0')" 0
}

# With rows: each case of the workload by itself.
check_rows()
{
	check_equal "$name: minor and major of each call that fills one mapping" \
		"$(query '$cases[] | select(.told == "row") | . as $case | [.case, (first($rows[]
			| select(. as $row | $case | is_in($row)).map_start) as $start
			| [$rows[] | select(.map_start == $start)] | sum(.[].minor), sum(.[].major))] | @csv')" \
		"$(query '$cases[] | select(.told == "row") | [.case, .minor, .major] | @csv')"
	check_equal "$name: pages that are resident then" \
		"$(query '$cases[] | select(.pages > 0 and .access != "any") | . as $case | [.case, ($rows[]
			| select(. as $row | $case | is_in($row)).pages)] | @csv')" \
		"$(query '$cases[] | select(.pages > 0 and .access != "any") | [.case, .pages] | @csv')"
	check_equal "$name: the access, in kernel mode" \
		"$(query '$cases[] | select(.told == "row" and .access != "any") | . as $case | [.case, ($rows[]
			| select(. as $row | $case | is_in($row)) | .access, .mode)] | @csv')" \
		"$(query '$cases[] | select(.told == "row" and .access != "any") | [.case, .access, "kernel"] | @csv')"
	check_equal "$name: no other rows" "$(query 'sum($rows[] | faults)')" \
		"$(query 'sum($cases[] | select(.told == "row") | faults)')"
	check_equal "$name: the interval has their sum" "$(query '$last.populated_total')" \
		"$(query 'sum($rows[] | faults)')"
	check_equal "$name: none for what is touched in the ordinary way" \
		"$(query '[$cases[] | select(.told == "none") | . as $case | $rows[]
			| select(. as $row | $case | is_in($row))] | length')" 0
	check_equal "$name: each row has the time of its call, and no more than the program's own clock" \
		"$(query '$cases[] | select(.told == "row") | . as $case | sum($rows[]
			| select(. as $row | $case | is_in($row)).latency.sum_ns) as $ns
			| select($ns == 0 or $ns > .ns) | [.case, .ns, $ns]')" ""
	# A tick within a call has its faults, and not its time.
	check_equal "$name: causes add up to it" \
		"$(query '[$rows[] | select(.latency) | select(([.stall[].sum_ns] | add) != .latency.sum_ns)] | length')" 0
	check_equal "$name: and the summary says so" "$(grep -c \
		"no latency of their own: $(query 'sum($rows[] | faults) | tostring | sub("(?<a>[0-9]{3})$"; ",\(.a)")') faults of the kind populate, major ones too" \
		"$TMP/unwrapped")" 1
}

# What is in no row, by the reason. The next program's memory, at each exec, is another address space: of the command,
# that is all that differs.
check_reasons()
{
	local mlockall

	mlockall=$(query '$last.gup_several_total - sum($cases[] | select(.case == "direct_readv_two").minor)')
	check "$name: several mappings: of mlockall() all that had no exception" \
		test "$mlockall" -gt 0 -a "$mlockall" -le "$(query '$cases[] | select(.case == "mlockall") | faults')"
	check_equal "$name: calls that do not say where" "$(query '$last.gup_untold_total')" \
		"$(query 'sum($cases[] | select(.told == "untold") | faults)')"
	check "$name: another process's memory, and a handful of exec's" \
		test "$(query '$last.gup_elsewhere_total - sum($cases[] | select(.told == "elsewhere") | faults)')" -le 8
	check_equal "$name: these are all" "$(query '$last.gup_several_total + $last.gup_elsewhere_total
		+ $last.gup_untold_total')" "$(query '$last.gup_total')"
	check_equal "$name: the summary has the reasons" "$(grep -c \
		" of these in several mappings at once, .* of these in another address space, .* of these by calls that do not say where" \
		"$TMP/unwrapped")" 1
}

name=full
run_populates
check_sums
if lacks populate; then
	skip "rows of the kind populate" "this machine lacks the feature populate"
else
	check_rows
	check_reasons
	if [ "$(query 'sum($cases[].major)')" -gt 0 ]; then
		check "major faults are among them" test "$(query 'sum($rows[].major)')" -gt 0
	else
		skip "major faults are among them" "the file system keeps what it was asked to drop"
	fi
fi

# A page that comes late: nearly all of the call is between two parts, in which the lock is not held.
if ! [ -c /dev/fuse ]; then
	skip "a call that waits without the lock" "this kernel has no FUSE"
elif lacks populate; then
	skip "a call that waits without the lock" "this machine lacks the feature populate"
else
	mkdir "$TMP/slow_fs"
	start_background "$BUILD/workload/slow_fs" "$TMP/slow_fs" 200 1
	wait_for 60 test -f "$TMP/slow_fs/file"
	"$FAULTMAP" run --json -o "$TMP/log" -- /usr/bin/python3 -c 'import mmap, os, sys, time
fd = os.open(sys.argv[1], os.O_RDONLY)
begin = time.monotonic_ns()
mmap.mmap(fd, 4096, flags=mmap.MAP_SHARED | 0x8000, prot=mmap.PROT_READ)
print(time.monotonic_ns() - begin)' "$TMP/slow_fs/file" >"$TMP/took"
	umount "$TMP/slow_fs"
	check_equal "a call that waits without the lock: its time is that of the wait, and no longer than the call" \
		"$(jq -c --argjson took "$(cat "$TMP/took")" 'select(.rec == "faults" and .kind == "populate"
			and (.mapping | endswith("/slow_fs/file"))) | [.minor + .major,
			.latency.sum_ns >= 200000000, .latency.sum_ns <= $took]' "$TMP/log")" "[1,true,true]"
fi

series_is()
{
	scrape && [ "$(value "$1")" = "$2" ]
}

# The kind is one as any other: in tables, and in the series of a service.
check_views()
{
	local want

	run_populates
	want=$(query 'sum($rows[] | faults)')
	check_equal "report, by kind" "$("$FAULTMAP" report --by kind "$TMP/log" |
		awk '$NF == "populate" { gsub(",", ""); print $1 }')" "$want"
	"$FAULTMAP" top -b --by kind --rows 50 --replay "$TMP/log" >"$TMP/top" 2>&1
	check "top of the recording, by kind" grep -q ' populate$' "$TMP/top"
	cp "$populates" "$TMP/fm-populates"
	start_daemon --detail full --interval 0.5 --group-by comm --max-series 10000
	"$TMP/fm-populates" "$file" >"$TMP/cases"
	want=$(jq -n '[inputs | select(.told == "row")] | map(.minor) | add' "$TMP/cases")
	check "/metrics: the group's series of the kind" wait_for 120 series_is \
		'faultmap_group_faults_total{group="fm-populates",kind="populate",severity="minor"}' "$want"
	check "and those of all" test "$(awk '/^faultmap_faults_total\{.*kind="populate".*severity="minor"/ { sum += $2 }
		END { print sum + 0 }' "$TMP/scrape")" -ge "$want"
	check "its time has a cause" test "$(awk '$2 > 0 && /^faultmap_group_stall_cause_seconds_total\{.*group="fm-populates"/' \
		"$TMP/scrape" | wc -l)" -ge 1
	if command -v promtool >/dev/null; then
		promtool check metrics <"$TMP/scrape" >"$TMP/promtool" 2>&1
		check_equal "promtool says nothing" "$?$(cat "$TMP/promtool")" 0
	else
		skip "promtool says nothing" "promtool is not installed"
	fi
	stop_background "$daemon"
}

name=views
if lacks populate; then
	skip "the kind in tables and metrics" "this machine lacks the feature populate"
else
	check_views
fi

# Without the hooks there are no such rows, and the summary says why.
for flag in --disable-feature=populate --detail=fast; do
	name=$flag
	run_populates "$flag"
	check_sums
	check_equal "$name: no rows" "$(query '$rows | length')" 0
	check_equal "$name: nor counters of theirs" "$(query '$last | has("populated_total")')" false
	check "$name: all of them are gup" test "$(query '$last.gup_total')" \
		-ge "$(query 'sum($cases[] | select(.told == "row") | faults)')"
	why="this kernel does not tell"
	if [ "$flag" = --detail=fast ]; then
		why="fast detail does not tell"
	fi
	check_equal "$name: and why" "$(grep -c "at least, and $why where" "$TMP/unwrapped")" 1
done
rm -f "$file" "$file.other"
check_schema
done_testing
