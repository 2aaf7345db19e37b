#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What a stranger does first: the commands of "Set it up" in README.md, as they stand there, in a Debian 12 that has
# nothing but the packages without which there is no Debian, from a tree without a build. Then the program that is
# installed, on this machine's kernel. 2 minutes of CPU time; some 250 MB to fetch, as a stranger has to.

# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/packages/base.bash
. tests/packages/base.bash

tree=/home/stranger/faultmap

# as_stranger COMMAND...: with the PATH that a login has.
as_stranger()
{
	in_root env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"
}

# commands: the first block for a shell below "Set it up".
commands()
{
	awk '/^## / { section = $0 } /^```/ { inside = !inside; next } inside && section == "## Set it up"' README.md
}

# make_root: with what git has of this tree, or what an archive has; root needs no sudo, so that it only has to be there.
make_root()
{
	make_base && unpack_root "$base" && mkdir -p "$root$tree" || return 1
	tar -C "$ROOT" --exclude=./build --exclude=./.git -cf - . | tar -C "$root$tree" -xf - &&
		printf '#!/bin/sh\nexec "$@"\n' >"$root/usr/local/bin/sudo" && chmod 755 "$root/usr/local/bin/sudo" &&
		in_root apt-get -qq update
}

# packages: the names of those that are installed.
packages()
{
	in_root dpkg-query -W | sed 's/[:\t].*//'
}

# timers: that are enabled.
timers()
{
	find "$root/etc/systemd/system/timers.target.wants" -type l -printf '%f\n' | sort
}

check "a clean root of Debian 12" make_root
timers >"$TMP/timers"
packages >"$TMP/before"
check_equal "it has neither make nor a compiler" "$(grep -cxE 'make|gcc|clang|libbpf-dev' "$TMP/before")" 0
commands >"$TMP/commands"
check_equal "README has two commands" "$(wc -l <"$TMP/commands")" 2
while read -r command; do
	# shellcheck disable=SC2016
	as_stranger sh -c 'cd "$0" && eval "$1"' "$tree" "$command" </dev/null >"$TMP/out" 2>&1
	check_equal "$command" "$?$(grep -E 'rror:|not found' "$TMP/out")" 0
	[[ $command != *demo* ]] || cp "$TMP/out" "$TMP/demo"
done <"$TMP/commands"
check_contains "the session that README shows: its pages" "$TMP/demo" '^touched 131072 pages: 13[0-9]{4} minor and 0 major'
pages=$(tr -d , <"$TMP/demo" | awk '/ demand_zero / && / \[anon\]$/ && $1 >= 131072 && $1 < 131172 { print $1 }' | wc -l)
check_equal "each is a fault in one mapping" "$pages" 1
check_contains "and how much of what was reserved is used" "$TMP/demo" '^reserved 5[0-9]+M of address space, touched '
check_equal "no timer is enabled by it" "$(timers | comm -13 "$TMP/timers" -)" ""
check_equal "nor is anything installed that a build has no use for" "$(packages |
	grep -xE 'podman|rpm|mmdebstrap|lintian|chromium|prometheus|qemu.*')" ""

check_equal "the program is installed" "$(as_stranger sh -c 'command -v faultmap')" /usr/local/bin/faultmap
check "faultmap check: it works" as_stranger faultmap check
check "README's second way to use it" as_stranger sh -c 'sudo faultmap run -o /tmp/summary -- ls -R /usr/share >/dev/null'
check_contains "its summary" "$root/tmp/summary" '^exit status 0 after '
check "its manual is there" in_root test -s /usr/local/share/man/man1/faultmap.1
as_stranger sh -c "cd $tree && make uninstall" >"$TMP/out" 2>&1
check_equal "make uninstall takes all of it away" "$(find "$root/usr/local" "$root/etc" -name '*faultmap*')" ""
done_testing
