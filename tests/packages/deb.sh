#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The Debian packages: lintian, their fields, and installation, upgrade and removal in a clean root of Debian 12
# with only their dependencies: each alone, both together, and from 0.1.0-1, which was one package.

# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/packages/base.bash
. tests/packages/base.bash

version=$(sed -n 's/.*FAULTMAP_VERSION "\(.*\)"/\1/p' src/base/version.h)
release=$(dpkg-parsechangelog -l packaging/deb/changelog -S Version)
# Where units, links to them, configuration and logs lie.
places=(etc usr lib/systemd var/lib var/log)

make_root()
{
	unpack_root "$base" && cp "$deb" "$root/tmp/faultmap.deb" && cp "$daemon_deb" "$root/tmp/daemon.deb" &&
		old_package
}

# old_package: 0.1.0-1, of which both are made: their files, and the scripts that debhelper gave it.
old_package()
{
	local tree=$TMP/old

	mkdir -p "$tree/DEBIAN" && dpkg-deb -x "$deb" "$tree" && dpkg-deb -x "$daemon_deb" "$tree" || return 1
	rm -rf "$tree"/usr/share/doc/faultmap-daemon "$tree"/lib/systemd/system-preset
	dpkg-deb -f "$deb" | sed -e 's/^Version:.*/Version: 0.1.0-1/' -e '/^Suggests/d' >"$tree/DEBIAN/control"
	dpkg-deb --ctrl-tarfile "$daemon_deb" | tar -xO ./conffiles >"$tree/DEBIAN/conffiles"
	cat >"$tree/DEBIAN/postinst" <<-'END'
		#!/bin/sh
		set -e
		for unit in faultmap.service faultmap.socket; do
			deb-systemd-helper unmask $unit >/dev/null || true
			if deb-systemd-helper --quiet was-enabled $unit; then
				deb-systemd-helper enable $unit >/dev/null || true
			else
				deb-systemd-helper update-state $unit >/dev/null || true
			fi
		done
	END
	cat >"$tree/DEBIAN/postrm" <<-'END'
		#!/bin/sh
		set -e
		if [ "$1" = purge ]; then
			deb-systemd-helper purge faultmap.service faultmap.socket >/dev/null || true
		fi
	END
	chmod 755 "$tree"/DEBIAN/post*
	dpkg-deb --root-owner-group -b "$tree" "$root/tmp/old.deb" >/dev/null
}

is_ready()
{
	[ "$(curl -s --noproxy '*' -o /dev/null -w '%{http_code}' "$url/-/ready")" = 200 ]
}

has_faults()
{
	curl -s --noproxy '*' "$url/metrics" >"$TMP/scrape"
	grep -q '^faultmap_faults_total{.*} [1-9]' "$TMP/scrape"
}

# left: what of faultmap is in the root, beside what apt keeps.
left()
{
	(cd "$root" && find "${places[@]}" -xdev -name '*faultmap*' -not -path '*/apt/*' | sort)
}

units()
{
	(cd "$root/lib/systemd/system" && find . -name '*faultmap*' -printf '%f\n' | sort | paste -sd ' ')
}

timers()
{
	find "$root/etc/systemd/system/timers.target.wants" -type l -printf '%f\n' | sort
}

# enabled: the links that start a unit of it.
enabled()
{
	(cd "$root/etc/systemd/system" && find . -type l -name '*faultmap*' -printf '%f\n' | sort | paste -sd ' ')
}

install()
{
	in_root apt-get -qq -y --no-install-recommends install "$@"
}

# The guard's own admin: whoever enables it for a service.
enable_guard()
{
	mkdir -p "$root/etc/systemd/system/cron.service.wants"
	ln -s /lib/systemd/system/faultmap-guard@.service \
		"$root/etc/systemd/system/cron.service.wants/faultmap-guard@cron.service"
}

conffiles()
{
	dpkg-deb --ctrl-tarfile "$1" | tar -xO ./conffiles 2>/dev/null
}

test_packages()
{
	local relations

	# As root it says so; nothing to do with the package.
	check "lintian finds no error and no warning but that it is new" \
		lintian --fail-on error,warning --allow-root \
		--suppress-tags initial-upload-closes-no-bugs "$BUILD/deb/faultmap_$release"_*.changes
	check_equal "the version is the program's, in both" \
		"$(dpkg-deb -f "$deb" Version) $(dpkg-deb -f "$daemon_deb" Version)" "$version-${release#*-} $release"
	relations=$(dpkg-deb -f "$deb" Depends)
	for library in $(objdump -p "$BUILD/faultmap" | awk '$1 == "NEEDED" { print $2 }'); do
		library=$(dpkg -S "*/$library" | sed 's/:.*//' | sort -u | grep -v -- -dev | head -n 1)
		check "it depends on $library" grep -q "\b$library\b" <<<"$relations"
	done
	check_equal "the command brings neither the daemon nor what would" \
		"$(grep -o 'faultmap[a-z-]*\|systemd\|logrotate' <<<"$relations $(dpkg-deb -f "$deb" Recommends)")" ""
	check_equal "the daemon depends on the command" "$(dpkg-deb -f "$daemon_deb" Depends)" \
		"faultmap (>= $release)"
	check_equal "configuration files: none, and the daemon's" "$(conffiles "$deb")$(conffiles "$daemon_deb")" \
		$'/etc/faultmap/faultmap.conf\n/etc/logrotate.d/faultmap'
	make -s install "BUILD=$BUILD" "DESTDIR=$TMP/installed" PREFIX=/usr UNITDIR=/lib/systemd/system \
		ZSHDIR=/usr/share/zsh/vendor-completions >/dev/null
	check_equal "both have what make install installs, each file once" \
		"$(for package in "$deb" "$daemon_deb"; do
			dpkg-deb --fsys-tarfile "$package" | tar -t | grep -vE '/$|/share/(doc|lintian)/'
		done | sed 's/\.gz$//' | sort)" "$(cd "$TMP/installed" && find . ! -type d | sort)"
	check_equal "control says what deps.sh says" \
		"$(sed -n '/^Build-Depends/,/^$/p' packaging/deb/control | grep -oE '[a-z0-9.+-]+-dev|clang|bpftool|python3' | sort)" \
		"$(sed -n "/^build='/,/'\$/p" packaging/deps.sh | tr -s " \t='" '\n' |
			grep -xE '[a-z0-9.-]+-dev|clang|bpftool|python3' | grep -vx libc6-dev | sort -u)"
}

test_command()
{
	in_root apt-get -qq update >"$TMP/out" 2>&1
	check "apt installs the command alone in a clean root" install /tmp/faultmap.deb
	check_equal "the version" "$(in_root faultmap --version)" "faultmap $version"
	check "faultmap check: it works there" in_root faultmap check
	check "faultmap run" in_root faultmap run -o /tmp/summary -- true
	check_contains "its summary" "$root/tmp/summary" '^exit status 0'
	check_equal "it brings no unit, and nothing into /etc" \
		"$(left | grep -E '^etc|systemd|logrotate')" ""
}

test_daemon()
{
	local status daemon

	check "apt installs the daemon" install /tmp/daemon.deb
	check_equal "its units are there" "$(units)" \
		"faultmap-guard@.service faultmap.service faultmap.socket"
	check_equal "nothing is enabled, no timer either" "$(enabled)$(timers | comm -13 "$TMP/timers" -)" ""
	check_equal "nor does a first boot enable it" "$(grep -v '^#' "$root/lib/systemd/system-preset/90-faultmap.preset" |
		sort)" $'disable faultmap-guard@.service\ndisable faultmap.service\ndisable faultmap.socket'
	check_contains "README.Debian says how to start it" "$root/usr/share/doc/faultmap-daemon/README.Debian" \
		'systemctl enable --now faultmap.socket faultmap.service'
	check "the configuration is good" in_root faultmap daemon --check-config

	start_background "$TMP/enter" faultmap daemon -v --listen 127.0.0.1:0 2>"$TMP/err"
	daemon=$BACKGROUND_PID
	wait_for 120 grep -q 'serving on' "$TMP/err"
	url=$(sed -n 's|.*serving on \(http://[^/]*\)/.*|\1|p' "$TMP/err")
	check "the daemon gets ready" wait_for 60 is_ready
	check "it serves faults" wait_for 60 has_faults
	check_contains "it serves what it is" "$TMP/scrape" \
		"^faultmap_build_info\{version=\"$version\"\} 1"
	stop_background "$daemon"
	status=$?
	check_equal "it ends well" "$status" 0
}

test_removal()
{
	echo '# mine' >>"$root/etc/faultmap/faultmap.conf"
	mkdir -p "$root/var/log/private/faultmap"
	ln -s private/faultmap "$root/var/log/faultmap"
	enable_guard
	check "apt removes the command, and the daemon with it" in_root apt-get -qq -y remove faultmap
	check_equal "the configuration stays" "$(tail -n 1 "$root/etc/faultmap/faultmap.conf")" '# mine'
	check "apt purges both" in_root apt-get -qq -y purge faultmap faultmap-daemon
	check_equal "nothing of it is left" "$(left)" ""
}

# From 0.1.0-1, which enabled the service.
test_upgrade()
{
	check "0.1.0-1 is installed" install /tmp/old.deb
	check_equal "and has enabled its service" "$(enabled)" "faultmap.service faultmap.socket"
	echo '# mine' >>"$root/etc/faultmap/faultmap.conf"
	check "both packages take its place" install /tmp/faultmap.deb /tmp/daemon.deb
	check_equal "the service is enabled as it was" "$(enabled)" "faultmap.service faultmap.socket"
	check_equal "the configuration is the administrator's still" "$(tail -n 1 "$root/etc/faultmap/faultmap.conf")" \
		'# mine'
	check_equal "and the daemon's" "$(in_root dpkg-query -S /etc/faultmap/faultmap.conf /lib/systemd/system/faultmap.service |
		sed 's/:.*//' | sort -u)" faultmap-daemon
	check "the daemon is removed" in_root dpkg --remove faultmap-daemon
	check "the command is purged" in_root dpkg --purge faultmap
	check_equal "the daemon's configuration stays" "$(tail -n 1 "$root/etc/faultmap/faultmap.conf")" '# mine'
	check "the daemon is purged" in_root dpkg --purge faultmap-daemon
	check_equal "nothing of both is left" "$(left)" ""

	check "0.1.0-1 again" install /tmp/old.deb
	check "the command alone takes its place" install /tmp/faultmap.deb
	check_contains "its news say where the service is" <(zcat "$root/usr/share/doc/faultmap/NEWS.Debian.gz") faultmap-daemon
	check "it is purged" in_root apt-get -qq -y purge faultmap
	check_equal "nothing of it is left either" "$(left)" ""
}

check "make deb" make -s deb "BUILD=$BUILD"
deb=$(ls "$BUILD/deb/faultmap_${release}_"*.deb)
daemon_deb=$BUILD/deb/faultmap-daemon_${release}_all.deb
test_packages
check "a clean root of Debian 12" make_base
if make_root; then
	timers >"$TMP/timers"
	test_command
	test_daemon
	test_removal
	test_upgrade
else
	not_ok "the clean root can be entered"
fi

done_testing
