#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# takes 20 s
# Each kind of fault that this machine can provoke: faultgen makes an exact number in a mapping, and checks it
# against getrusage. faultmap must report that number in that mapping, with that kind, access and mode, and
# nothing else there. Where --detail=fast cannot prove the kind, it must report the coarser one; --detail=full
# must report the exact one, and the pages that each fault mapped. Cases that change the machine are in
# kinds_alone.sh.

. "$(dirname "$0")/../lib.sh"
. tests/live/kinds.bash

list_cases
# The numbers are no accident of the default size.
cases+=("demand_zero_write 5000" "file_map_major 300" "denied_unmapped 1000")
for detail in fast full; do
	run_cases "$detail" "${cases[@]}"
	check_populate "$detail"
done
check_heap
check_schema
done_testing
