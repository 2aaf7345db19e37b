#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Runs each libFuzzer target of DIRECTORY for SECONDS, from its corpus on, as many at once as there are CPUs.
# New inputs go to DIRECTORY/new, what a target died of to DIRECTORY/findings: then the exit status is 1.
# usage: tests/fuzz/run.sh DIRECTORY SECONDS      (make fuzz TIME=60)

set -u
cd "$(dirname "$(realpath "${BASH_SOURCE[0]}")")/../.." || exit 1
export directory=${1:?usage: tests/fuzz/run.sh DIRECTORY SECONDS} seconds=${2:-60}

# fuzz NAME
fuzz()
{
	mkdir -p "$directory/new/$1" "$directory/findings"
	if "$directory/fuzz/$1" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=4096 \
		-artifact_prefix="$directory/findings/$1-" -print_final_stats=1 \
		"$directory/new/$1" "tests/fuzz/corpus/$1" >"$directory/$1.log" 2>&1; then
		awk -v name="$1" -v seconds="$seconds" '
			/(INITED|DONE) / { for (i = 1; i < NF; i++) if ($i == "cov:") cov[$2] = $(i + 1) }
			/number_of_executed_units/ { runs = $2 }
			END { printf "%s: no finding in %d runs, %d s; %d edges covered, %d by the corpus\n",
				name, runs, seconds, cov["DONE"], cov["INITED"] }' "$directory/$1.log"
	else
		echo "$1: FINDING, see $directory/$1.log"
		return 1
	fi
}
export -f fuzz

for source in tests/fuzz/fuzz_*.c; do
	name=$(basename "$source" .c)
	printf '%s\0' "${name#fuzz_}"
done | xargs -0 -P "$(nproc)" -I '{}' bash -c 'fuzz {}' || exit 1
