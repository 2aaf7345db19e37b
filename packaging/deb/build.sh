#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Builds the Debian package from a copy of the source tree, and leaves it in BUILD/deb/.
# usage: packaging/deb/build.sh, with BUILD and VERSION in the environment

set -eu
: "${BUILD:?}" "${VERSION:?}"
cd "$(dirname "$(realpath "$0")")/../.."
out=$(realpath -m "$BUILD/deb")
tree=$out/faultmap-$VERSION

rm -rf "$out"
mkdir -p "$tree"
cp -a Makefile README.md LICENSE bpf src vmlinux tests packaging "$tree/"
cp -a packaging/deb "$tree/debian"
rm "$tree/debian/build.sh"
sed -i "s/@VERSION@/$VERSION/g" "$tree/debian/changelog"
cd "$tree"
if ! env -u MAKEFLAGS -u MAKELEVEL -u BUILD dpkg-buildpackage -b -us -uc -j"$(nproc)" \
	>"$out/build.log" 2>&1; then
	tail -n 30 "$out/build.log" >&2
	echo "deb/build.sh: dpkg-buildpackage failed: see $out/build.log" >&2
	exit 1
fi
rm -rf "$tree"
ls "$out"/faultmap_"$VERSION"-1_*.deb
