#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The packages on Debian 13 and on sid: built from the archive of `make dist` by dpkg-buildpackage, in a clean root
# with what `make deb` installs there, installed, run and purged. Some 2 minutes of CPU time; 300 MB to fetch where the
# cache has no such root yet.

# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/packages/base.bash
. tests/packages/base.bash

version=$(sed -n 's/.*FAULTMAP_VERSION "\(.*\)"/\1/p' src/base/version.h)
archive=$TMP/faultmap_$version.orig.tar.gz

make_archive()
{
	env -u MAKEFLAGS -u MAKELEVEL make -s "BUILD=$TMP/dist" dist && cp "$TMP/dist/faultmap-$version.tar.gz" "$archive"
}

# test_release RELEASE: another one builds them, and runs them.
test_release()
{
	rm -rf --one-file-system "$root"
	if ! make_build_root "$1"; then
		not_ok "a root of $1 that builds packages" "$(tail -n 5 "$TMP/build-root")"
		return
	fi
	ok "a root of $1 that builds packages: $(cat "$root/etc/debian_version"), $(in_root gcc --version | head -n 1)"
	check "$1: the sources are unpacked" unpack_source /one
	check "$1: dpkg-buildpackage" build /one dpkg-buildpackage -us -uc -b "-j$(nproc)"
	check "$1: dpkg installs them" in_root sh -c 'dpkg -i /one/faultmap_*.deb /one/faultmap-daemon_*.deb'
	check_equal "$1: its units are where this release wants them" \
		"$(cd "$root" && find usr/lib/systemd/system -name '*faultmap*' -printf '%f\n' | sort | paste -sd ' ')" \
		"faultmap-guard@.service faultmap.service faultmap.socket"
	check_equal "$1: nothing is enabled" "$(find "$root/etc/systemd" -name '*faultmap*')" ""
	check "$1: faultmap check: it works there" in_root faultmap check
	check "$1: faultmap run" in_root faultmap run -o /tmp/summary -- true
	check_contains "$1: its summary" "$root/tmp/summary" '^exit status 0'
	check "$1: the configuration is good" in_root faultmap daemon --check-config
	check "$1: purged" in_root dpkg --purge faultmap-daemon faultmap
	check_equal "$1: nothing is left" "$(cd "$root" && find etc usr var/lib var/log -xdev -name '*faultmap*')" ""
}

check "make dist" make_archive
for suite in trixie sid; do
	test_release "$suite"
done
done_testing
