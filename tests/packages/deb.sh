#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The Debian package: lintian, what it declares, and its life in a clean root of Debian 12, in which apt
# installs it with what it depends on and nothing else.

# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/packages/base.bash
. tests/packages/base.bash

version=$(sed -n 's/.*FAULTMAP_VERSION "\(.*\)"/\1/p' src/base/version.h)

make_root()
{
	unpack_root "$base" && cp "$deb" "$root/tmp/"
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

test_package()
{
	local relations

	# As root it says so; nothing to do with the package.
	check "lintian finds no error and no warning but that it is new" \
		lintian --fail-on error,warning --allow-root \
		--suppress-tags initial-upload-closes-no-bugs "$BUILD/deb/faultmap_$version-1_"*.changes
	check_equal "the version is the program's" "$(dpkg-deb -f "$deb" Version)" "$version-1"
	relations=$(dpkg-deb -f "$deb" Depends)
	for library in $(objdump -p "$BUILD/faultmap" | awk '$1 == "NEEDED" { print $2 }'); do
		library=$(dpkg -S "*/$library" | sed 's/:.*//' | sort -u | grep -v -- -dev | head -n 1)
		check "it depends on $library" grep -q "\b$library\b" <<<"$relations"
	done
	check_equal "configuration files" "$(dpkg-deb --ctrl-tarfile "$deb" | tar -xO ./conffiles)" \
		$'/etc/faultmap/faultmap.conf\n/etc/logrotate.d/faultmap'
	check_equal "control says what deps.sh says" \
		"$(sed -n '/^Build-Depends/,/^$/p' packaging/deb/control | grep -oE '[a-z0-9.+-]+-dev|clang|bpftool|python3' | sort)" \
		"$(sed -n "/^build='/,/'\$/p" packaging/deps.sh | tr -s " \t='" '\n' |
			grep -xE '[a-z0-9.-]+-dev|clang|bpftool|python3' | grep -vx libc6-dev | sort -u)"
}

test_clean_root()
{
	local status

	in_root apt-get -qq update >"$TMP/out" 2>&1
	check "apt installs it in a clean root" \
		in_root apt-get -qq -y --no-install-recommends install "/tmp/${deb##*/}"
	check_equal "the version" "$(in_root faultmap --version)" "faultmap $version"
	check "the configuration is good" in_root faultmap daemon --check-config
	check "faultmap check: it works there" in_root faultmap check
	check "faultmap run" in_root faultmap run -o /tmp/summary -- true
	check_contains "its summary" "$root/tmp/summary" '^exit status 0'
	check_contains "the service is enabled" \
		<(ls "$root"/etc/systemd/system/*.wants) '^faultmap.service$'
	check_contains "and its socket" <(ls "$root"/etc/systemd/system/*.wants) '^faultmap.socket$'

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

	echo '# mine' >>"$root/etc/faultmap/faultmap.conf"
	check "apt removes it" in_root apt-get -qq -y remove faultmap
	check_equal "the configuration stays" "$(tail -n 1 "$root/etc/faultmap/faultmap.conf")" '# mine'
	check "apt purges it" in_root apt-get -qq -y purge faultmap
	check_equal "nothing of it is left" "$(find "$root/etc" "$root/usr" "$root/lib/systemd" "$root/var/lib" \
		-xdev -name '*faultmap*' -not -path '*/apt/*')" ""
}

check "make deb" make -s deb "BUILD=$BUILD"
deb=$(ls "$BUILD/deb/faultmap_$version-1_"*.deb)
test_package
check "a clean root of Debian 12" make_base
if make_root; then
	test_clean_root
else
	not_ok "the clean root can be entered"
fi

done_testing
