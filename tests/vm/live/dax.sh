#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Files on persistent memory that are mapped without the page cache (ext4 -o dax): huge pages where the file
# lies so, small ones where not. The guest has memory for it by the kernel's argument memmap=. Oracles: all pages
# of the mapping were touched, and getrusage(2)'s faults.

# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../../lib.sh"

mount=$TMP/dax
trap 'umount "$mount" 2>/dev/null; cleanup_test' EXIT

# check_way NAME KIND FAULTS FILE [write]: FAULTS is a condition of jq on the oracle.
check_way()
{
	"$FAULTMAP" run --json --detail=full -o "$TMP/log" -- "$BUILD/workload/folios" "${@:4}" >"$TMP/oracle" 2>"$TMP/err"
	check "$1: as many faults as its pages need" jq -e "$3" "$TMP/oracle"
	check_equal "$1: kinds, faults and pages" \
		"$(jq -c -s -L tests/live --slurpfile oracle "$TMP/oracle" 'include "faults"; $oracle[0] as $o
			| [.[] | select(.rec == "faults") | in_range($o.start; $o.end)]
			| [([.[].kind] | unique | join(" ")), total(.[] | .minor + .major), total(.[].pages)]' "$TMP/log")" \
		"$(jq -c --arg kind "$2" '[$kind, .faults, .pages]' "$TMP/oracle")"
	check_equal "$1: the mapping is the file" "$(jq -r -s -L tests/live --slurpfile oracle "$TMP/oracle" 'include "faults"; $oracle[0] as $o
			| [.[] | select(.rec == "faults") | in_range($o.start; $o.end).mapping] | unique[]' "$TMP/log")" "$4"
	keep_log "$TMP/log"
}

if ! [ -b /dev/pmem0 ]; then
	not_ok "the guest has persistent memory" "$(grep -i persistent /proc/iomem)" "$(cat /proc/cmdline)"
	done_testing
fi
mkdir "$mount"
mkfs.ext4 -q -b 4096 -E stride=512,stripe_width=512 /dev/pmem0 >"$TMP/out" 2>&1
check "ext4 is mounted with dax" mount -o dax /dev/pmem0 "$mount"
fallocate -l 16M "$mount/huge" && dd if=/dev/urandom of="$mount/huge" bs=16M count=1 iflag=fullblock conv=notrunc status=none
dd if=/dev/urandom of="$mount/small" bs=1M count=1 status=none
cp "$mount/small" "$TMP/cached"
check_way "huge pages, read" file_map '.faults < .pages / 100' "$mount/huge"
check_way "huge pages, written" file_map '.faults < .pages / 100' "$mount/huge" write
check_way "small pages, read" file_map '.faults == .pages' "$mount/small"
check_way "small pages, written" file_map '.faults == .pages' "$mount/small" write
check_schema
done_testing
