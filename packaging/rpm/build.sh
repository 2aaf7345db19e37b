#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Builds the RPM package from a copy of the source tree, and leaves it in BUILD/rpm/.
# usage: packaging/rpm/build.sh, with BUILD and VERSION in the environment

set -eu
: "${BUILD:?}" "${VERSION:?}"
cd "$(dirname "$(realpath "$0")")/../.."
out=$(realpath -m "$BUILD/rpm")
flags=()
# Where RPM is not what the system is made of, its database knows of no library that is there.
[ -d /var/lib/dpkg ] && flags=(--nodeps)

rm -rf "$out"
mkdir -p "$out/SOURCES"
tar -cz --transform "s|^|faultmap-$VERSION/|" -f "$out/SOURCES/faultmap-$VERSION.tar.gz" \
	Makefile README.md LICENSE bpf src vmlinux tests packaging
sed "s/@VERSION@/$VERSION/g" packaging/rpm/faultmap.spec >"$out/faultmap.spec"
if ! env -u MAKEFLAGS -u MAKELEVEL -u BUILD rpmbuild -bb "${flags[@]}" --define "_topdir $out" \
	"$out/faultmap.spec" >"$out/build.log" 2>&1; then
	tail -n 30 "$out/build.log" >&2
	echo "rpm/build.sh: rpmbuild failed: see $out/build.log" >&2
	exit 1
fi
rm -rf "$out"/BUILD "$out"/BUILDROOT
mv "$out"/RPMS/*/*.rpm "$out"/
ls "$out"/faultmap-"$VERSION"-1*.rpm
