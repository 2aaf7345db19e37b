#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# `make dist`, and what a distribution does with it: dpkg-buildpackage, as the documentation says, in a clean root of
# Debian 12 with what `make deb` installs and nothing else; once more with another directory, umask, time, time
# zone, language and number of jobs, which has to give the same bytes. Some 4 minutes of CPU time; 150 MB to fetch
# where the cache has no such root yet.

# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/packages/base.bash
. tests/packages/base.bash

version=$(sed -n 's/.*FAULTMAP_VERSION "\(.*\)"/\1/p' src/base/version.h)
release=$(dpkg-parsechangelog -l packaging/deb/changelog -S Version)
archive=$TMP/faultmap_$version.orig.tar.gz

# make_dist DIRECTORY UMASK: of a clone of this tree's newest commit, there.
make_dist()
{
	git clone -q "$ROOT" "$1" && (umask "$2" && cd "$1" &&
		env -u MAKEFLAGS -u MAKELEVEL make -s BUILD=out dist >/dev/null)
}

# built DIRECTORY: the packages and sources there, their names alone.
built()
{
	(cd "$root$1" && find . -maxdepth 1 -name '*.deb' -o -maxdepth 1 -name '*.dsc' -o -maxdepth 1 -name '*.debian.*' | sort)
}

# unwanted: the names of what is installed in the root, of those that a build of a package has no use for.
unwanted()
{
	in_root dpkg-query -W -f '${Package}\n' | grep -xE 'podman|runc|rpm|rpmlint|mmdebstrap|lintian|qemu.*|cmake|chromium|npm'
}

timers()
{
	find "$root/etc/systemd/system/timers.target.wants" -type l -printf '%f\n' | sort
}

check_same()
{
	local file

	while read -r file; do
		check "built twice: $file has the same bytes" cmp "$root/one$2/$file" "$root$3/$file"
	done <<<"$1"
}

test_bookworm()
{
	local other=/elsewhere/by/another/name

	check_equal "deps.sh deb has brought nothing else" "$(unwanted)" ""
	check_equal "and enabled no timer" "$(timers | comm -13 <(tar -tf "$base" \
		./etc/systemd/system/timers.target.wants/ 2>/dev/null | sed 's|.*/||' | sort) -)" ""
	check "the sources are unpacked, with one step" unpack_source /one
	check "dpkg-buildpackage -us -uc" build /one dpkg-buildpackage -us -uc "-j$(nproc)"
	check "lintian has nothing to say, of the source either" \
		lintian --fail-on error,warning --allow-root --suppress-tags initial-upload-closes-no-bugs \
		"$root/one/faultmap_${release}_$(dpkg --print-architecture).changes"
	check "elsewhere" unpack_source "$other"
	# shellcheck disable=SC2016
	check "in another year, zone, language, with another umask" build "$other" \
		env TZ=Pacific/Kiritimati LC_ALL=C HOME=/nonexistent USER=somebody sh -c \
		'umask 077 && exec faketime "2031-03-04 05:06:07" dpkg-buildpackage -us -uc -j3'
	check_equal "both have built the same" "$(built /one)" "$(built "$other")"
	check_equal "sources and packages, and what is for the debugger" "$(built /one | wc -l)" 5
	check_same "$(built /one)" "" "$other"
}

check "make dist" make_dist "$TMP/first" 022
cp "$TMP/first/out/faultmap-$version.tar.gz" "$archive"
check "make dist, elsewhere" make_dist "$TMP/a/second/time" 077
check "it is the same bytes" cmp "$archive" "$TMP/a/second/time/out/faultmap-$version.tar.gz"
check_equal "it has what git has" "$(tar -tf "$archive" | sed -n 's|^[^/]*/\(.*[^/]\)$|\1|p' | sort)" \
	"$(git -C "$TMP/first" ls-files | sort)"

if make_build_root bookworm; then
	test_bookworm
else
	not_ok "a root of Debian 12 that builds packages" "$(tail -n 5 "$TMP/build-root")"
fi
done_testing
