#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# attack: cgroups: 10,000 that stand still, and one new a second
# What a tick costs does not grow with the cgroups that there are, nor do scrapes wait for them.
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

# measure PREFIX: sets $tick_us to the CPU time of a tick and its scrape, over so many, with a new cgroup for each,
# whose process faults; and $slowest_ms to what the slowest scrape took meanwhile. CPU time, for others may be busy here.
measure()
{
	local i began took before

	slowest_ms=0
	await_ticks 2
	before=$(cpu_us)
	for ((i = 0; i < TICKS; i++)); do
		mkdir "$top/$1$i.service"
		bash -c 'echo $$ >"$0/cgroup.procs" && exec true' "$top/$1$i.service"
		await_ticks 1
		began=$(date +%s%3N)
		scrape
		took=$(($(date +%s%3N) - began))
		((took <= slowest_ms)) || slowest_ms=$took
	done
	tick_us=$((($(cpu_us) - before) / TICKS))
}

start_daemon --interval 1 --max-series 20000
measure few
few=$tick_us
(cd "$top" && seq -f 'still%.0f.service' "$CGROUPS" | xargs mkdir)
measure many
echo "# a tick and its scrapes take $few us of CPU, $tick_us us beside $CGROUPS cgroups; the slowest scrape $slowest_ms ms"
check_equal "there are so many" "$(find "$top" -mindepth 1 -maxdepth 1 -type d | wc -l)" $((CGROUPS + 2 * TICKS))
check "a tick takes no more CPU beside them: $few us, $tick_us us" test "$tick_us" -le $((few * 2 + 1000))
check "no scrape waits: the slowest took $slowest_ms ms" test "$slowest_ms" -le "$(longer 1000)"
await_ticks 1
scrape
check_equal "each new one has its group" \
	"$(grep -o '^faultmap_group_faults_total{group="many[0-9]*\.service"' "$TMP/scrape" | sort -u | wc -l)" "$TICKS"
check_equal "none was lost" "$(value faultmap_cgroups_lost_total)" 0
stop_background "$daemon"
done_testing
