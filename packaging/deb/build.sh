#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Builds the Debian packages from a copy of the source tree, and leaves them in BUILD/deb/.
# usage: packaging/deb/build.sh, with BUILD and VERSION in the environment; for another architecture than
# this machine's also DEB_ARCH

set -eu
: "${BUILD:?}" "${VERSION:?}"
cd "$(dirname "$(realpath "$0")")/../.."
out=$(realpath -m "$BUILD/deb")
tree=$out/faultmap-$VERSION
release=$(dpkg-parsechangelog -l packaging/deb/changelog -S Version)

if [ "${release%-*}" != "$VERSION" ]; then
	echo "deb/build.sh: packaging/deb/changelog has version $release, src/base/version.h has $VERSION" >&2
	exit 1
fi
rm -rf "$out"
mkdir -p "$tree"
cp -a Makefile README.md LICENSE bpf src vmlinux tests packaging "$tree/"
cp -a packaging/deb "$tree/debian"
cd "$tree"
if ! env -u MAKEFLAGS -u MAKELEVEL -u BUILD dpkg-buildpackage -b -us -uc -j"$(nproc)" \
	${DEB_ARCH:+"-a$DEB_ARCH"} >"$out/build.log" 2>&1; then
	tail -n 30 "$out/build.log" >&2
	echo "deb/build.sh: dpkg-buildpackage failed: see $out/build.log" >&2
	exit 1
fi
rm -rf "$tree"
ls "$out"/faultmap*_"$release"_*.deb
