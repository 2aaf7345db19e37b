#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Runs each libFuzzer target of DIRECTORY for SECONDS, from its corpus on. New inputs go to DIRECTORY/new,
# what a target died of to DIRECTORY/findings: then the exit status is 1.
# usage: tests/fuzz/run.sh DIRECTORY SECONDS      (make fuzz TIME=60)

set -u
cd "$(dirname "$(realpath "${BASH_SOURCE[0]}")")/../.." || exit 1
directory=${1:?usage: tests/fuzz/run.sh DIRECTORY SECONDS} seconds=${2:-60}
status=0

for source in tests/fuzz/fuzz_*.c; do
	name=$(basename "$source" .c)
	name=${name#fuzz_}
	mkdir -p "$directory/new/$name" "$directory/findings"
	if "$directory/fuzz/$name" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=4096 \
		-artifact_prefix="$directory/findings/$name-" -print_final_stats=1 -verbosity=0 \
		"$directory/new/$name" "tests/fuzz/corpus/$name" >"$directory/$name.log" 2>&1; then
		echo "$name: no finding in $(awk '/number_of_executed_units/ { print $2 }' \
			"$directory/$name.log") runs, $seconds s"
	else
		echo "$name: FINDING, see $directory/$name.log"
		status=1
	fi
done
exit "$status"
