#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# attack: cgroups: 10,000 idle ones, and a new one each second
# The cost of a tick does not grow with the number of cgroups, and scrapes do not wait for them.
# shellcheck disable=SC2016
. "$(dirname "$0")/../lib.sh"

CGROUPS=${CGROUPS:-10000}
TICKS=${TICKS:-20}
ROOT_OF_CGROUPS=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/self/mounts)
top=$ROOT_OF_CGROUPS/faultmap-test-$$.slice

if [ -z "$ROOT_OF_CGROUPS" ] || ! mkdir "$top" 2>"$TMP/mkdir.err"; then
	skip "ticks beside many cgroups" "no cgroup v2 to write to: $(cat "$TMP/mkdir.err")"
	done_testing
fi

remove_cgroups()
{
	find "$top" -mindepth 1 -depth -type d -exec rmdir {} + 2>/dev/null
	rmdir "$top"
	cleanup_test
}
trap remove_cgroups EXIT

# cpu_us: what all threads of the daemon have run for.
cpu_us()
{
	cat "/proc/$daemon"/task/*/schedstat | awk '{ ns += $1 } END { printf "%d\n", ns / 1000 }'
}

# ticks_us: what all ticks took so far, by the last scrape, and how many there were.
ticks_us()
{
	awk '$1 == "faultmap_tick_seconds_total" { us = $2 * 1e6 } $1 == "faultmap_ticks_total" { n = $2 }
		END { printf "%d %d\n", us, n }' "$TMP/ticks"
}

# measure PREFIX: sets $tick_us to the mean of so many ticks, with a new cgroup for each, whose process faults; $second_us
# to the CPU time of all threads meanwhile, for each tick; and $slowest_ms to what the slowest scrape took.
measure()
{
	local i began took before us n us_before n_before

	slowest_ms=0
	await_ticks 2
	before=$(cpu_us)
	read -r us_before n_before < <(ticks_us)
	for ((i = 0; i < TICKS; i++)); do
		mkdir "$top/$1$i.service"
		bash -c 'echo $$ >"$0/cgroup.procs" && exec true' "$top/$1$i.service"
		await_ticks 1
		began=$(date +%s%3N)
		scrape
		took=$(($(date +%s%3N) - began))
		((took <= slowest_ms)) || slowest_ms=$took
	done
	second_us=$((($(cpu_us) - before) / TICKS))
	read -r us n < <(ticks_us)
	tick_us=$(((us - us_before) / (n - n_before)))
}

# Each of the last ones has its group.
has_groups()
{
	scrape && [ "$(grep -o '^faultmap_group_faults_total{group="many[0-9]*\.service"' "$TMP/scrape" | sort -u |
		wc -l)" -eq "$TICKS" ]
}

start_daemon --interval 1 --max-series 20000
measure few
few=$tick_us few_second=$second_us few_slowest=$slowest_ms
(cd "$top" && seq -f 'still%.0f.service' "$CGROUPS" | xargs mkdir)
measure many
echo "# a tick takes $few us, $tick_us us beside $CGROUPS cgroups; a second's CPU is $few_second and $second_us us;" \
	"the slowest scrape $slowest_ms ms"
check_equal "there are that many cgroups" "$(find "$top" -mindepth 1 -maxdepth 1 -type d | wc -l)" $((CGROUPS + 2 * TICKS))
check "a second takes no more CPU beside them: $few_second us, $second_us us" \
	test "$second_us" -le $((few_second * 2 + 1000))
check "no scrape waits: the slowest took $few_slowest ms, $slowest_ms ms" \
	test "$slowest_ms" -le $((few_slowest * 3 + 500))
check "each new one has its group" wait_for 60 has_groups
stop_background "$daemon"
done_testing
