#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The RPM packages: rpmlint, their files, their scripts, and the program unpacked and run.

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
	local package

	mkdir -p "$root" || return 1
	for package in "$rpm" "$daemon_rpm"; do
		rpm2cpio "$package" | (cd "$root" && cpio -idm --quiet) || return 1
	done
}

# files RPM: what it has, without directories and what is about it.
files()
{
	rpm -qp --qf '[%{FILEMODES:perms} %{FILENAMES}\n]' "$1" | sed -n 's/^-[^ ]* //p' |
		grep -vE '^/usr/share/(doc|licenses)/' | sort
}

check "make rpm" make -s rpm "BUILD=$BUILD"
rpm=$(ls "$BUILD"/rpm/faultmap-"$version"-*.rpm)
daemon_rpm=$(ls "$BUILD"/rpm/faultmap-daemon-"$version"-*.noarch.rpm)
check "rpmlint finds no error" no_errors
check_equal "the version is the program's" "$(rpm -qp --qf '%{VERSION} ' "$rpm" "$daemon_rpm")" "$version $version "
check_equal "configuration files: none, and the daemon's" "$(rpm -qpc "$rpm" "$daemon_rpm")" \
	$'/etc/faultmap/faultmap.conf\n/etc/logrotate.d/faultmap'
check_equal "it needs the libraries that the program does" \
	"$(rpm -qpR "$rpm" | sed -n 's/^\(lib[^(]*\)()(64bit)$/\1/p' | sort)" \
	"$(objdump -p "$BUILD/faultmap" | awk '$1 == "NEEDED" { print $2 }' | sort)"
check_contains "the daemon needs the command" <(rpm -qpR "$daemon_rpm") "^faultmap >= $version-"
check_contains "an upgrade from the one package installs both" <(rpm -qp --obsoletes "$daemon_rpm") \
	"^faultmap < $version-2\$"
check_equal "the command brings no unit" "$(files "$rpm" | grep -E 'systemd|^/etc')" ""
check_equal "the command has no scripts" "$(rpm -qp --scripts "$rpm")" ""
rpm -qp --scripts "$daemon_rpm" >"$TMP/scripts"
check_contains "the daemon's go by the preset" "$TMP/scripts" 'preset faultmap.socket faultmap.service'
check_equal "and start nothing, nor enable" "$(grep -E '(^|[^-])\b(start|enable|restart)\b' "$TMP/scripts")" ""
rpm -qp --qf '%{PREUN}\n' "$daemon_rpm" >"$TMP/preun"
check_contains "at its end it stops every guard" "$TMP/preun" "systemctl stop 'faultmap-guard@\*.service'"
check_equal "disable, which takes no pattern, has none" "$(grep 'systemctl.*disable.*[*]' "$TMP/preun")" ""
check "it unpacks" unpack
make -s install "BUILD=$BUILD" "DESTDIR=$TMP/installed" PREFIX=/usr UNITDIR=/usr/lib/systemd/system >/dev/null
check_equal "they hold what make install installs, each file once" \
	"$({ files "$rpm"; files "$daemon_rpm"; } | sort)" \
	"$(cd "$TMP/installed" && find . ! -type d | sed 's/^\.//' | sort)"
check_equal "the preset: nothing of it" "$(grep -v '^#' "$root/usr/lib/systemd/system-preset/90-faultmap.preset" |
	cut -d' ' -f1 | sort -u)" disable
check_equal "the program says the version" "$("$root/usr/bin/faultmap" --version)" "faultmap $version"
check "it profiles a command" "$root/usr/bin/faultmap" run -o "$TMP/summary" -- true
check_contains "its summary" "$TMP/summary" '^exit status 0'
check "its configuration is good" "$root/usr/bin/faultmap" daemon \
	--config "$root/etc/faultmap/faultmap.conf" --check-config

done_testing
