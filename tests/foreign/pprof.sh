#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# `go tool pprof` reads our profiles, and prints for each function what the workload callers says that it touched.

. "$(dirname "$0")/../lib.sh"

# top_of FILE FLAG...: as "FLAT NAME" of each function.
top_of()
{
	go tool pprof -top -nodefraction=0 -nodecount=10000 "${@:2}" "$1" 2>"$TMP/err" |
		awk 'table { print $1, $6 } /flat%/ { table = 1 }' | sort
}

said()
{
	awk '$1 == "code" { sum[$3] += $5 } $1 == "thread" { sum["touch"] += $6 }
		END { for (name in sum) print sum[name], name }' "$TMP/said" | sort
}

profile()
{
	"$FAULTMAP" stacks --pprof "$TMP/profile.pb.gz" --folded "$TMP/folded" -- "$BUILD/workload/callers" \
		>"$TMP/said" 2>"$TMP/table"
}

check "stacks" profile
check_equal "go tool pprof: each function has its faults" \
	"$(top_of "$TMP/profile.pb.gz" -sample_index=faults -tagfocus=kind=demand_zero | grep ' touch')" "$(said)"
check_equal "all functions together have as many as the call paths" \
	"$(top_of "$TMP/profile.pb.gz" -sample_index=faults | awk '{ sum += $1 } END { print sum }')" \
	"$(awk '{ sum += $NF } END { print sum }' "$TMP/folded")"
check "go tool pprof -raw" go tool pprof -raw "$TMP/profile.pb.gz"
check "go tool pprof -traces" go tool pprof -traces "$TMP/profile.pb.gz"
done_testing
