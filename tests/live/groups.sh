#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# takes 40 s
# Groups and the limit of series: 4,000 processes with random comms fault in files with the worst possible
# names. Prometheus' own parsers in Go and Python check each scrape.
# shellcheck source=tests/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

CHILDREN=$(fewer 4000)
OPENMETRICS='application/openmetrics-text; version=1.0.0; charset=utf-8'

# judge FILE [BEFORE]: what the parser of the format that FILE came in has to say, in $TMP/judgement.
judge()
{
	local form=text

	! grep -qi '^content-type: application/openmetrics-text' "$1.head" || form=openmetrics
	/usr/bin/python3 tests/live/exposition.py "$form" "$@" >"$TMP/judgement" 2>"$TMP/judge.err" ||
		{ tail -n 1 "$TMP/judge.err"; return 1; }
}

said()
{
	jq -c "$1" "$TMP/judgement"
}

has_ended()
{
	process_ended "$1"
}

# Scrapes as fast as it goes while the storm lasts.
test_storm()
{
	local storm scrapes=0 bad="" uneven="" down="" over=0 before

	mkdir "$TMP/files"
	start_background "$BUILD/workload/names" "$CHILDREN" "$TMP/files" >"$TMP/faults"
	storm=$BACKGROUND_PID
	scrape "$TMP/scrape.0"
	before=$TMP/scrape.0
	while ! has_ended "$storm"; do
		scrapes=$((scrapes + 1))
		scrape "$TMP/scrape.$scrapes"
		judge "$TMP/scrape.$scrapes" "$before" || { bad+=" $scrapes"; continue; }
		[ "$(said .series)" -le 2000 ] || over=$((over + 1))
		[ "$(said '[.faults, .accounted, .stalls, .processes]')" = \
			"$(said '[.group_faults + .ended_groups, .group_accounted + .ended_accounted,
				.group_stalls + .ended_stalls, .group_processes]')" ] &&
			[ "$(said .faults)" = "$(said '.mapping_faults + .ended_mappings')" ] || uneven+=" $(said .)"
		[ "$(said .down)" = "[]" ] || down+=" $(said .down)"
		before=$TMP/scrape.$scrapes
	done
	wait "$storm"
	check_equal "the storm ends well" "$?" 0
	await_ticks 2 # what has ended is counted then
	scrape "$TMP/last" || not_ok "it answers after the storm" "$(cat "$TMP/daemon.err")"
	judge "$TMP/last" "$before"
	check "it was scraped meanwhile" test "$scrapes" -ge 3
	check_equal "each scrape is valid to Prometheus' Python parser" "$bad" ""
	check_equal "no scrape is above --max-series" "$over" 0
	check_equal "sums over groups and mappings are those of everything, in each scrape" "$uneven" ""
	check_equal "no counter goes down" "$down$(said '.down[]')" ""
	check "the children's faults are all in the sums" test \
		$(($(said .accounted) - $(jq_accounted "$TMP/scrape.0"))) -ge "$(cat "$TMP/faults")"
	check "most of the names are in other" test "$(said .other_faults)" -gt "$CHILDREN"
	check "some have series of their own" test "$(value faultmap_groups "$TMP/last")" -gt 20
	check "no label is long" test "$(said .longest_label)" -lt 256
}

jq_accounted()
{
	judge "$1" && said .accounted
	judge "$TMP/last"
}

test_formats()
{
	promtool check metrics <"$TMP/last" >"$TMP/promtool" 2>&1
	check_equal "promtool says nothing" "$?$(cat "$TMP/promtool")" 0
	scrape "$TMP/openmetrics" -H "Accept: $OPENMETRICS"
	check_contains "OpenMetrics is sent when it is asked for" "$TMP/openmetrics.head" \
		'^Content-Type: application/openmetrics-text; version=1\.0\.0; charset=utf-8'
	check "it is valid to Prometheus' OpenMetrics parser" judge "$TMP/openmetrics"
	check_equal "faultmap_series is their number" "$(value faultmap_series "$TMP/openmetrics")" \
		"$(said .series)"
	check_equal "each family has its help" "$(said .no_help)" "[]"
	check "that is not above --max-series either" test "$(said .series)" -le 2000
}

# faultmap-metrics(7) has every metric that a scrape has, by the name that a query needs.
test_documentation()
{
	local name missing=""

	while read -r name; do
		grep -q "^\.It Cm $name\b" packaging/man/faultmap-metrics.7 || missing+=" $name"
	done < <(sed -n 's/^# TYPE \([^ ]*\) .*/\1/p' "$TMP/last")
	check_equal "faultmap-metrics(7) has every metric" "$missing" ""
	check_equal "no label is named type or region" \
		"$(grep -cE '[{,](type|region)="' "$TMP/last")" 0
}

# sum_of GROUP FILE
sum_of()
{
	awk -v group="group=\"$1\"" 'index($0, "faultmap_group_faults_total{" group) == 1 {
		sum += $NF } END { print sum + 0 }' "$2"
}

group_has_counted()
{
	scrape "$TMP/group" && [ "$(sum_of "$1" "$TMP/group")" -gt 0 ]
}

# The shell that enters the group may have faults there before it is sleep.
group_has_mapping()
{
	scrape "$TMP/group" && grep -qE "^faultmap_mapping_faults_total\{group=\"$1\",mapping=\"$2\"," "$TMP/group"
}

# A cgroup as docker makes one, if this machine has cgroup v2 at all.
test_unit()
{
	local root id cgroup

	root=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/self/mounts)
	id=$(sha256sum <<<"$$" | cut -c 1-64)
	cgroup=$root/docker-$id.scope
	if [ -z "$root" ] || ! mkdir "$cgroup" 2>"$TMP/mkdir.err"; then
		skip "a container has its group" "no cgroup v2 to write to: $(cat "$TMP/mkdir.err")"
		return
	fi
	start_daemon --interval 0.1 --mappings top=50
	wait_for 120 ticked 1
	# In the cgroup from its exec on, and there still when a tick sees it.
	# shellcheck disable=SC2016
	start_background sh -c 'echo $$ >"$1/cgroup.procs" && exec sleep 1000' sh "$cgroup"
	check "a container has its group" wait_for 120 group_has_counted "docker:${id:0:12}"
	check_contains "its id is in the info" "$TMP/group" \
		"^faultmap_group_info\{group=\"docker:${id:0:12}\",runtime=\"docker\",container_id=\"$id\""
	check "its mappings have series" wait_for 120 group_has_mapping "docker:${id:0:12}" '/.*sleep'
	stop_background "$BACKGROUND_PID"
	stop_background "$daemon"
	wait_for 120 rmdir "$cgroup"
}

test_usage()
{
	check_failure "a word that is no group" 2 "group-by.*(unit|comm)" daemon --group-by process
	check_failure "mappings without a number" 2 "mappings 'top'.*top=N" daemon --mappings top
	check_failure "no mapping at all" 2 "mappings 'top=0'.*none" daemon --mappings top=0
	check_failure "too many mappings" 2 "mappings 'top=101'.*100" daemon --mappings top=101
	check_failure "not a number" 2 "mappings 'top=5x'" daemon --mappings top=5x
	check_failure "too few series" 2 "max-series.*1300" daemon --max-series 100
}

test_usage
start_daemon --interval 0.1 --group-by comm
wait_for 120 ticked 1
test_storm
test_formats
test_documentation
stop_background "$daemon"
check_equal "the daemon ends with 0" "$?" 0
test_unit
done_testing
