#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# make deb ARCH=arm64 on another architecture: the package is one for arm64, apt would install it with arm64's
# libraries, and its program starts with them under QEMU, which emulates a CPU but not bpf(). make check-vm tests
# arm64 kernels.

# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

release=$(dpkg-parsechangelog -l packaging/deb/changelog -S Version)
out=$BUILD/arm64/deb
deb=$out/faultmap_${release}_arm64.deb
program=$TMP/root/usr/bin/faultmap

make_deb()
{
	env -u MAKEFLAGS -u MAKELEVEL -u FAULTMAP make -s deb ARCH=arm64 "BUILD=$BUILD/arm64"
}

depends()
{
	dpkg-deb -f "$1" Depends | tr ',' '\n' | sed 's/^ *//; s/ .*//' | sort
}

emulated()
{
	timeout "$(longer 60)" qemu-aarch64-static "$program" "$@"
}

if [ "$(uname -m)" = aarch64 ]; then
	skip "the arm64 package, cross-built" "this is arm64 itself"
	done_testing
fi
if ! command -v qemu-aarch64-static aarch64-linux-gnu-gcc >/dev/null; then
	skip "the arm64 package, cross-built" "no cross compiler or no emulator here: sudo packaging/deps.sh arm64 emulator"
	done_testing
fi
check "make deb ARCH=arm64" make_deb
check_equal "it is for arm64, the daemon's for all" \
	"$(dpkg-deb -f "$deb" Architecture) $(dpkg-deb -f "$out/faultmap-daemon_${release}_all.deb" Architecture)" "arm64 all"
check "lintian finds no error and no warning but that it is new" \
	lintian --fail-on error,warning --allow-root --suppress-tags initial-upload-closes-no-bugs \
	"$out/faultmap_${release}_arm64.changes"
check "it unpacks" dpkg-deb -x "$deb" "$TMP/root"
readelf -h "$program" >"$TMP/header"
check_contains "its program is one for arm64" "$TMP/header" 'Machine: *AArch64'
if [ -e "$BUILD/deb/faultmap_${release}_amd64.deb" ]; then
	check_equal "it depends on what the native package does" "$(depends "$deb")" \
		"$(depends "$BUILD/deb/faultmap_${release}_amd64.deb")"
fi
# The C library is that of the cross compiler, a package for all.
check_equal "its bill of materials names arm64's libraries" "$(jq -r '.components[] |
	select(.scope == "required" and .name != "libc6-arm64-cross").purl | capture("arch=(?<arch>[a-z0-9]+)").arch' \
	"$TMP/root/usr/share/doc/faultmap/faultmap.cdx.json" | sort -u)" arm64
check "apt would install it here, beside amd64" apt-get -qq -s --no-install-recommends install "$deb"

check_equal "its program starts" "$(emulated --version)" "$("$FAULTMAP" --version)"
check "it has its help" emulated daemon --help
emulated check --json >"$TMP/check" 2>"$TMP/err"
check_equal "check: exit status" "$?" 77
check_equal "check: it looks for what the native one does" "$(jq -r .feature "$TMP/check")" \
	"$("$FAULTMAP" check --json | jq -r .feature)"
emulated report tests/fuzz/corpus/jsonl_reader/gzipped >"$TMP/arm64" 2>&1
# QEMU has no seccomp to give, and faultmap says so.
sed -i '/no filter of system calls/d' "$TMP/arm64"
"$FAULTMAP" report tests/fuzz/corpus/jsonl_reader/gzipped >"$TMP/native" 2>&1
check "report: of a compressed log, the same" cmp "$TMP/arm64" "$TMP/native"
check "the configuration is good" emulated daemon --config packaging/faultmap.conf --check-config
done_testing
