#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The tree on Debian sid of today, which is newer than any release: built with what deps.sh installs there and
# nothing else, with -Werror; its unit and CLI tests; its packages, which lintian's newest rules do not judge; and the
# program on this machine's kernel. Some 3 minutes of CPU time, and 250 MB to fetch each time, since sid is another one
# each day; the root itself is kept for six.

# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/packages/base.bash
. tests/packages/base.bash

version=$(sed -n 's/.*FAULTMAP_VERSION "\(.*\)"/\1/p' src/base/version.h)
release=$(dpkg-parsechangelog -l packaging/deb/changelog -S Version)
archive=$TMP/faultmap_$version.orig.tar.gz
tree=/one/faultmap-$version

in_tree()
{
	# shellcheck disable=SC2016
	in_root sh -c 'cd "$0" && exec "$@"' "$tree" "$@"
}

# Of the newest commit, as a distribution gets it.
make_dist()
{
	git clone -q "$ROOT" "$TMP/clone" &&
		(cd "$TMP/clone" && env -u MAKEFLAGS -u MAKELEVEL make -s BUILD=out dist >/dev/null) &&
		cp "$TMP/clone/out/faultmap-$version.tar.gz" "$archive"
}

test_sid()
{
	local status

	check_contains "it is sid" "$root/etc/debian_version" '/sid$'
	check_equal "deps.sh misses nothing there" "$(in_tree packaging/deps.sh build deb 2>&1)" ""
	check "make: the program, with -Werror" in_tree make -s -j"$(nproc)" all
	check_equal "the program" "$(in_tree build/faultmap --version)" "faultmap $version"
	in_tree packaging/deps.sh unit >"$TMP/out" 2>&1
	check "make: its unit tests, with -Werror" in_tree make -s -j"$(nproc)" unit-tests
	in_tree make -s check-unit >"$TMP/tests" 2>&1
	status=$?
	check_equal "make check-unit ($(tail -n 1 "$TMP/tests"))" "$status$(grep -A 20 ' not ok ' "$TMP/tests")" 0
	check "it ran tests" grep -qE '^[0-9]{3,} passed, 0 failed' "$TMP/tests"
	check "faultmap check: it works there" in_tree build/faultmap check
	check "faultmap run -- true" in_tree build/faultmap run -o /tmp/summary -- true
	check_contains "its summary" "$root/tmp/summary" '^exit status 0'
	in_tree make -s clean
	check "dpkg-buildpackage -us -uc -b" build /one dpkg-buildpackage -us -uc -b "-j$(nproc)"
	check "apt installs what it built" in_root apt-get -qq -y --no-install-recommends install \
		"/one/faultmap_${release}_$(dpkg --print-architecture).deb" "/one/faultmap-daemon_${release}_all.deb"
	check_equal "that is the program" "$(in_root faultmap --version)" "faultmap $version"
	check "with a good configuration" in_root faultmap daemon --check-config
}

check "make dist" make_dist
if make_build_root sid && unpack_source /one; then
	test_sid
else
	not_ok "a root of Debian sid that builds packages" "$(tail -n 5 "$TMP/build-root")"
fi
done_testing
