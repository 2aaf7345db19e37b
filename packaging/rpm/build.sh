#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Builds the RPM packages from a copy of the source tree, and leaves them in BUILD/rpm/.
# usage: packaging/rpm/build.sh, with BUILD and VERSION in the environment

set -eu
: "${BUILD:?}" "${VERSION:?}"
cd "$(dirname "$(realpath "$0")")/../.."
out=$(realpath -m "$BUILD/rpm")
flags=()
# On a system that is not made of RPM packages, its database lists no library: dependencies cannot be checked.
[ -d /var/lib/dpkg ] && flags=(--nodeps)

if ! grep -qx "Version: $VERSION" packaging/rpm/faultmap.spec; then
	echo "rpm/build.sh: packaging/rpm/faultmap.spec has another version than src/base/version.h: $VERSION" >&2
	exit 1
fi
rm -rf "$out"
mkdir -p "$out/SOURCES"
tar -cz --transform "s|^|faultmap-$VERSION/|" -f "$out/SOURCES/faultmap-$VERSION.tar.gz" \
	Makefile README.md LICENSE bpf src vmlinux tests packaging
cp packaging/rpm/faultmap.spec "$out/"
if ! env -u MAKEFLAGS -u MAKELEVEL -u BUILD rpmbuild -bb "${flags[@]}" --define "_topdir $out" \
	"$out/faultmap.spec" >"$out/build.log" 2>&1; then
	tail -n 30 "$out/build.log" >&2
	echo "rpm/build.sh: rpmbuild failed: see $out/build.log" >&2
	exit 1
fi
rm -rf "$out"/BUILD "$out"/BUILDROOT
mv "$out"/RPMS/*/*.rpm "$out"/
ls "$out"/faultmap*.rpm
