#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# `make install` puts everything where DESTDIR and PREFIX say, `make uninstall` removes exactly that.

# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

# What is built already is installed: BUILD's own make runs beside other tests.
make_in()
{
	make -s "$1" "BUILD=$BUILD" "DESTDIR=$root" "${@:2}"
}

files()
{
	(cd "$root" && find . ! -type d | sort)
}

# check_installed PREFIX
check_installed()
{
	local prefix=$1 text rules=$root$1/share/faultmap/prometheus/faultmap.rules.yml

	check_equal "$prefix: the program runs" "$("$root$prefix/bin/faultmap" --version)" \
		"faultmap $(sed -n 's/.*FAULTMAP_VERSION "\(.*\)"/\1/p' src/base/version.h)"
	for page in man1/faultmap.1 man8/faultmap-daemon.8 man5/faultmap.conf.5 \
		man5/faultmap-jsonl.5 man7/faultmap-faults.7 man7/faultmap-findings.7 man7/faultmap-metrics.7; do
		check "$prefix: $page says the version" \
			grep -qx ".Os $("$FAULTMAP" --version)" "$root$prefix/share/man/$page"
	done
	for text in bash-completion/completions/faultmap fish/vendor_completions.d/faultmap.fish \
		zsh/site-functions/_faultmap faultmap/no-sys-admin.conf faultmap/faultmap.schema.json; do
		check "$prefix: share/$text" test -s "$root$prefix/share/$text"
	done
	check_contains "$prefix: the service starts what was installed" \
		"$root$prefix/lib/systemd/system/faultmap.service" "^ExecStart=$prefix/bin/faultmap daemon\$"
	check_contains "$prefix: the guard's template starts what was installed" \
		"$root$prefix/lib/systemd/system/faultmap-guard@.service" "^ExecStart=$prefix/bin/faultmap guard "
	check_equal "$prefix: the preset enables nothing" "$(sed '/^#/d; s/ .*//' \
		"$root$prefix/lib/systemd/system-preset/90-faultmap.preset" | sort -u)" disable
	check "$prefix: the socket" test -s "$root$prefix/lib/systemd/system/faultmap.socket"
	check "$prefix: the installed configuration is good" "$root$prefix/bin/faultmap" daemon \
		--config "$root/etc/faultmap/faultmap.conf" --check-config
	check_equal "$prefix: each alert's page is where the alert says" \
		"$(sed -n "s|^ *runbook_url: file://|$root|p" "$rules" | while read -r page; do
			test -s "$page" && echo "${page##*/}"
		done)" \
		"$(sed -n 's|^ *- alert: \(.*\)|\1.md|p' "$rules")"
	check "$prefix: the file for logrotate" test -s "$root/etc/logrotate.d/faultmap"
	check_equal "$prefix: nothing names another place or lacks its version" \
		"$(grep -rlE '@VERSION@|/usr/(bin|share)/faultmap' "$root" --exclude=faultmap |
			grep -v "^$root/usr/")" ""
	check_equal "$prefix: nothing is writable by others, or a program but the program" \
		"$(cd "$root" && find . -type f -perm /133 ! -path "./${prefix#/}/bin/faultmap")" ""
}

for prefix in /usr /opt/fault-map; do
	root=$TMP/root$prefix
	mkdir -p "$root$prefix/bin" "$root$prefix/share/faultmap"
	touch "$root$prefix/bin/other" "$root$prefix/share/faultmap/other"
	files >"$TMP/before"
	make_in install PREFIX="$prefix" >"$TMP/out" 2>&1 || not_ok "make install" "$(cat "$TMP/out")"
	check_installed "$prefix"
	make_in uninstall PREFIX="$prefix"
	check_equal "$prefix: make uninstall takes all of it, and nothing else" "$(files)" \
		"$(cat "$TMP/before")"
	check "$prefix: the directory of the configuration is gone" test ! -e "$root/etc/faultmap"
done

# The administrator's work stays.
make_in install PREFIX="$prefix" >"$TMP/out" 2>&1
echo 'interval = 5' >"$root/etc/faultmap/faultmap.conf"
make_in install PREFIX="$prefix" >"$TMP/out" 2>&1
make_in uninstall PREFIX="$prefix" >"$TMP/out" 2>&1
check_equal "a configuration that was changed outlives install and uninstall" \
	"$(cat "$root/etc/faultmap/faultmap.conf")" "interval = 5"
check_contains "uninstall says so" "$TMP/out" "faultmap.conf was changed: left there"

done_testing
