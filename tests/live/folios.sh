#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# runs alone: it changes which sizes of huge pages there are
# takes 3 s
# One fault that maps several pages (large folios of files, of shared and of private memory): full detail counts each
# page once. The oracle is that all pages of the mapping were touched.

. "$(dirname "$0")/../lib.sh"

huge=/sys/kernel/mm/transparent_hugepage
size=$huge/hugepages-64kB
directory=$BUILD
[ "$(stat -f -c %T "$directory")" != tmpfs ] || directory=/var/tmp
file=$directory/folios.$$
declare -A before=()

undo()
{
	local setting

	for setting in "${!before[@]}"; do
		echo "${before[$setting]}" >"$setting"
	done
	rm -f "$file"
	cleanup_test
}
trap undo EXIT

# allow SETTING WORD: until the end; what cannot be set stays.
allow()
{
	[ -w "$1" ] || return 0
	before[$1]=$(sed 's/.*\[\(.*\)\].*/\1/' "$1")
	echo "$2" >"$1" 2>"$TMP/err" || true
}

# check_way NAME ARGUMENT
check_way()
{
	"$FAULTMAP" run --json --detail=full -o "$TMP/log" -- "$BUILD/workload/folios" "$2" \
		>"$TMP/oracle" 2>"$TMP/err"
	case $? in
	77) skip "$1" "this kernel maps one page with each fault: $(<"$TMP/err")"; return ;;
	0) ;;
	*) not_ok "$1: runs" "$(<"$TMP/err")"; return ;;
	esac
	check_equal "$1: faults and pages" \
		"$(jq -c -s -L tests/live --slurpfile oracle "$TMP/oracle" 'include "faults"; $oracle[0] as $o
			| [.[] | select(.rec == "faults") | in_range($o.start; $o.end)]
			| [total(.[] | .minor + .major), total(.[].pages)]' "$TMP/log")" \
		"$(jq -c '[.faults, .pages]' "$TMP/oracle")"
	keep_log "$TMP/log"
}

# Written in one piece and in small ones: the page cache takes folios of all sizes.
for block in 16M 1M 24K 4K; do
	head -c 16M /dev/urandom | dd of="$file" bs="$block" iflag=fullblock status=none
	check_way "a file written by $block" "$file"
done
allow "$huge/shmem_enabled" advise
check_way "private memory, huge pages" anon
check_way "shared memory, huge pages" shmem
# Instead of huge pages, folios of 64 KiB.
allow "$huge/hugepages-2048kB/enabled" never
allow "$size/enabled" madvise
allow "$size/shmem_enabled" advise
check_way "private memory, 64 KiB each" anon
check_way "shared memory, 64 KiB each" shmem
check_schema
done_testing
