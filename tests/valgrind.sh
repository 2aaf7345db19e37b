#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The unit tests under valgrind: no bad access, no use of what was never set, no leak. Its own TAP line for
# each; as many at once as there are CPUs. usage: tests/valgrind.sh [PATTERN]      (make check-valgrind)
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# What cannot pass under valgrind 3.19 (Debian 12).
declare -A unfit=(
	[test_child]="valgrind does not know pidfd_open"
	[test_nomem]="its malloc is its own; it counts what is left itself"
	[test_nomem_daemon]="its malloc is its own, too"
	[test_statm]="it compares its memory with the kernel's figures, and valgrind's is in there too"
)
# libbpf sets as much of a bpf_attr as it passes to the kernel; valgrind looks at all of it.
for field in expected_attach_type prog_ifindex; do
	printf '{\n%s\nMemcheck:Param\nbpf(attr->%s)\nfun:syscall\nobj:*/libbpf.so*\n}\n' "$field" "$field"
done >"$TMP/suppressions"

# The limit is for a program that hangs: test_groups takes minutes.
run_under_valgrind()
{
	timeout 1500 valgrind -q --error-exitcode=99 --leak-check=full --num-callers=30 \
		--errors-for-leak-kinds=definite,indirect,possible --trace-children=no \
		--suppressions="$TMP/suppressions" "$BUILD/tests/unit/$1" >"$TMP/$1.log" 2>&1
	echo $? >"$TMP/$1.status"
}
export -f run_under_valgrind

names=()
for source in tests/unit/test_*"${1:-}"*.c; do
	names+=("$(basename "$source" .c)")
done
for name in "${names[@]}"; do
	[ "${unfit[$name]:-}" ] || printf '%s\0' "$name"
done | xargs -0 -P "$(nproc)" -I '{}' bash -c 'run_under_valgrind {}'
for name in "${names[@]}"; do
	if [ "${unfit[$name]:-}" ]; then
		skip "$name" "${unfit[$name]}"
	elif [ "$(cat "$TMP/$name.status")" = 0 ]; then
		ok "$name"
	else
		not_ok "$name" "exit status $(cat "$TMP/$name.status")" "$(head -n 80 "$TMP/$name.log")"
	fi
done

done_testing
