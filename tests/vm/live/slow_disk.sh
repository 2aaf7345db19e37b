#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A disk that serves 200 requests per second: stalls of major faults last as long as the disk takes.
# shellcheck disable=SC2016

. "$(dirname "$0")/../../lib.sh"
. tests/vm/live/disks.bash

# query FILTER: of the rows of the case.
query()
{
	jq -c -s -L tests/live --slurpfile case "$TMP/case" \
		"include \"faults\"; \$case[0] as \$case | . as \$log
			| [faults_in(\$case.pid; \$case.start; \$case.end)] | $1" "$TMP/log"
}

device=$(disk_of slow) && mkfs.ext4 -q -E lazy_itable_init=1 -O ^has_journal "$device" &&
	mount "$device" /mnt
check_equal "there is a slow disk" "$?" 0
for detail in fast full; do
	"$FAULTMAP" run --json "--detail=$detail" -o "$TMP/log" -- \
		"$BUILD/workload/faultgen" file_map_major 128 --dir /mnt >"$TMP/case"
	check_equal "$detail: exit status" "$?" 0
	check_equal "$detail: each of the 128 majors was timed" \
		"$(query '[total(.[].major), total(.[].latency.count // 0)]')" "[128,128]"
	# The bucket of the throttle holds a tenth of a second: 20 requests are free.
	check_equal "$detail: 108 requests at 200 per second took half a second, and the run was longer" \
		"$(query 'total(.[].latency.sum_ns) / 1e9 | . >= 0.5
			and . <= ($log[] | select(.rec == "run") | .seconds)')" true
	check_equal "$detail: the longest is at least 4 ms" \
		"$(query 'map(.latency.max_ns) | max >= 4e6')" true
done
umount /mnt
done_testing
