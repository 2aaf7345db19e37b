#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# takes 60 s
# make ARCH=arm64 STATIC=1 on another architecture: the program is an arm64 one, and starts.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

program=$BUILD/arm64-static/faultmap

make_cross()
{
	env -u MAKEFLAGS -u MAKELEVEL -u FAULTMAP make -j2 ARCH=arm64 STATIC=1 \
		BUILD="$BUILD/arm64-static"
}

# Whatever make would look for: the compiler, the libraries, the static ones.
is_missing()
{
	env -u MAKEFLAGS -u MAKELEVEL make -n ARCH=arm64 STATIC=1 BUILD="$BUILD/arm64-static" all \
		>"$TMP/out" 2>&1
	grep -q 'missing to' "$TMP/out"
}

if [ "$(uname -m)" = aarch64 ]; then
	skip "the cross build" "this is arm64 itself"
	done_testing
fi
env -u MAKEFLAGS -u MAKELEVEL make -n ARCH=riscv64 all >"$TMP/out" 2>&1
check_contains "another architecture is refused" "$TMP/out" 'for arm64 alone, not for ARCH=riscv64'
if is_missing; then
	skip "the cross build" "no arm64 libraries here: sudo make deps ARCH=arm64 STATIC=1"
	done_testing
fi
check "make ARCH=arm64 STATIC=1" make_cross
readelf -h "$program" >"$TMP/header"
check_contains "it is for arm64" "$TMP/header" 'Machine: *AArch64'
if command -v qemu-aarch64-static >/dev/null; then
	check_equal "it starts" "$(qemu-aarch64-static "$program" --version)" \
		"$("$FAULTMAP" --version)"
	check "it has its help" qemu-aarch64-static "$program" daemon --help
else
	skip "it starts" "no qemu-aarch64-static here: sudo make deps ARCH=arm64"
fi
done_testing
