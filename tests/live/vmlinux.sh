#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# takes 15 s
# vmlinux/vmlinux.h has exactly the types and fields in use, and the running kernel has each of them.
. "$(dirname "$0")/../lib.sh"

# check_header HEADER: leaves the findings in $TMP/findings.
check_header()
{
	python3 tests/live/vmlinux.py "$1" bpf >"$TMP/findings"
}

# check_finds NAME FINDING SED-SCRIPT: the checker finds what is wrong in a copy changed by the script.
check_finds()
{
	sed "$3" vmlinux/vmlinux.h >"$TMP/changed.h"
	check_header "$TMP/changed.h"
	check_contains "$1" "$TMP/findings" "^$2\$"
}

if [ ! -r /sys/kernel/btf/vmlinux ]; then
	skip "vmlinux.h against the kernel" "this kernel has no BTF"
	done_testing
fi

check "vmlinux.h compiles with a variable of each type" check_header vmlinux/vmlinux.h
check_contains "its types were seen" "$TMP/findings" '^checked: [1-9][0-9]+ types$'
check_equal "each type, field and enumerator is in the running kernel's BTF" \
	"$(grep '^absent' "$TMP/findings")" ""
check_equal "each is used by bpf/" "$(grep '^unused' "$TMP/findings")" ""

check_finds "an unknown field would be found" 'absent: mm_struct.no_such_field' \
	's/^struct mm_struct {/&\n\tint no_such_field;/'
check_finds "an unknown type would be found" 'absent: no_such_struct' \
	's/^struct mm_struct {/struct no_such_struct {\n\tint flags;\n};\n&/'
check_finds "an enumerator with another value would be found" 'absent: BPF_MAP_TYPE_HASH = 99' \
	's/BPF_MAP_TYPE_HASH = 1,/BPF_MAP_TYPE_HASH = 99,/'
check_finds "a field that nothing uses would be found" 'unused: mm_struct.stack_vm' \
	's/^struct mm_struct {/&\n\tunsigned long stack_vm;/'

done_testing
