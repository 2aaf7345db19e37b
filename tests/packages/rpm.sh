#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The RPM package: rpmlint, what it holds, and its program unpacked and run.

# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

version=$(sed -n 's/.*FAULTMAP_VERSION "\(.*\)"/\1/p' src/base/version.h)
root=$TMP/root

# no_errors: rpmlint itself fails for warnings of its "badness" too.
no_errors()
{
	(cd "$BUILD/rpm" && rpmlint -r "$ROOT/packaging/rpm/rpmlintrc" ./*.rpm faultmap.spec) \
		>"$TMP/rpmlint"
	cat "$TMP/rpmlint"
	grep -q ' 0 errors' "$TMP/rpmlint"
}

unpack()
{
	mkdir -p "$root" && rpm2cpio "$rpm" | (cd "$root" && cpio -idm --quiet)
}

check "make rpm" make -s rpm "BUILD=$BUILD"
rpm=$(ls "$BUILD"/rpm/faultmap-"$version"-1.*.rpm)
check "rpmlint finds no error" no_errors
check_equal "the version is the program's" "$(rpm -qp --qf '%{VERSION}' "$rpm")" "$version"
check_equal "configuration files" "$(rpm -qpc "$rpm")" \
	$'/etc/faultmap/faultmap.conf\n/etc/logrotate.d/faultmap'
check_equal "it needs the libraries that the program does" \
	"$(rpm -qpR "$rpm" | sed -n 's/^\(lib[^(]*\)()(64bit)$/\1/p' | sort)" \
	"$(objdump -p "$BUILD/faultmap" | awk '$1 == "NEEDED" { print $2 }' | sort)"
check "it unpacks" unpack
make -s install "BUILD=$BUILD" "DESTDIR=$TMP/installed" PREFIX=/usr >/dev/null
check_equal "it holds what make install installs" \
	"$(rpm -qp --qf '[%{FILEMODES:perms} %{FILENAMES}\n]' "$rpm" | sed -n 's/^-[^ ]* //p' |
		grep -vE '^/usr/share/(doc|licenses)/' | sort)" \
	"$(cd "$TMP/installed" && find . ! -type d | sed 's/^\.//' | sort)"
check_equal "the program says the version" "$("$root/usr/bin/faultmap" --version)" "faultmap $version"
check "it profiles a command" "$root/usr/bin/faultmap" run -o "$TMP/summary" -- true
check_contains "its summary" "$TMP/summary" '^exit status 0'
check "its configuration is good" "$root/usr/bin/faultmap" daemon \
	--config "$root/etc/faultmap/faultmap.conf" --check-config

done_testing
