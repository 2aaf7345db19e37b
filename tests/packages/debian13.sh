#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The tree on Debian 13 (libbpf 1.5, clang 19, gcc 14, libmicrohttpd 1.0): built in a clean root of it with what
# deps.sh installs there and nothing else, and run on this machine's kernel. `make check` does the same for
# Debian 12. 75 s of CPU time; 30 more, and 150 MB to fetch, where the cache has no such root yet.

# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/packages/base.bash
. tests/packages/base.bash

built=$cache/trixie-build.tar.zst
tree=/faultmap

# What kinds.sh asks for beside jq and ps is optional; the unit tests want cmocka.
install_tools()
{
	in_root "$tree/packaging/deps.sh" build soak &&
		in_root apt-get -qq -y --no-install-recommends install libcmocka-dev
}

copy_tree()
{
	mkdir -p "$root$tree" && tar -C "$ROOT" --exclude=./build --exclude=./.git -cf - . |
		tar -C "$root$tree" -xf -
}

# Sets $root up: from the cache, or from a clean one that goes to the cache then.
make_root()
{
	if [ -s "$built" ]; then
		unpack_root "$built" && copy_tree && install_tools
		return
	fi
	make_base trixie && unpack_root "$base" && copy_tree && install_tools && in_root apt-get clean &&
		tar -C "$root" --exclude=".$tree" --zstd -cf "$cache/new-$$.tar.zst" . &&
		mv "$cache/new-$$.tar.zst" "$built"
}

in_tree()
{
	# shellcheck disable=SC2016
	in_root sh -c 'cd "$0" && exec "$@"' "$tree" "$@"
}

# check_file NAME PATTERN: test files of the tree, run there. What they skip is said here too.
check_file()
{
	local status

	in_tree env BUILD=build tests/run.sh "$2" >"$TMP/out" 2>&1
	status=$?
	check_equal "$1 ($(tail -n 1 "$TMP/out"))" "$status$(grep -A 20 ' not ok ' "$TMP/out")" 0
}

check "a root of Debian 13 with what deps.sh installs" make_root
check_contains "it is Debian 13" "$root/etc/debian_version" '^13\.'
check_equal "deps.sh misses nothing there" "$(in_tree packaging/deps.sh build 2>&1)" ""
check "make: all of it, with -Werror" in_tree make -j"$(nproc)" tests
check_equal "the program" "$(in_tree build/faultmap --version)" "$("$FAULTMAP" --version)"
check "faultmap check: it works there" in_tree build/faultmap check
check "faultmap run -- true" in_tree build/faultmap run -o /tmp/summary -- true
check_contains "its summary" "$root/tmp/summary" '^exit status 0'
in_tree make demo >"$TMP/demo" 2>&1
check_equal "make demo: exit status" "$?" 0
pages=$(sed -n 's/^touched \([0-9]*\) pages.*/\1/p' "$TMP/demo")
check_equal "make demo: each page that it touched is a fault in one mapping" \
	"$(tr -d , <"$TMP/demo" | awk '$1 == "touched" { pages = $2 }
		/ demand_zero / && / \[anon\]$/ && $1 >= pages && $1 < pages + 100 { rows++ }
		END { print pages, rows }')" "131072 1"
# Python 3.13 with -X perf: its functions have the names of /tmp/perf-PID.map in its own root. The program here waits for
# faultmap to open it.
cat >"$root/tmp/touch.py" <<'END'
import mmap, sys
def touch_pages(area, first, pages):
    for i in range(first, first + pages):
        area[i * 4096] = 1
def touch_more(area, first, pages):
    for i in range(first, first + pages):
        area[i * 4096] = 2
area = mmap.mmap(-1, 220 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
area.madvise(mmap.MADV_NOHUGEPAGE)
touch_pages(area, 0, 40000)
touch_more(area, 45000, 10000)
sys.stdin.read()
END
has_map()
{
	find "/proc/$stacks/fd" -lname '*perf-*.map' 2>/dev/null | grep -q .
}
profile_python()
{
	mkfifo "$TMP/stdin"
	exec 7<>"$TMP/stdin" # opening it for reading alone would wait
	start_background "$FAULTMAP" stacks --stack-samples 401 --folded "$TMP/folded" -- "$TMP/enter" python3 -X perf /tmp/touch.py \
		<"$TMP/stdin" >"$TMP/out" 2>&1 7>&-
	stacks=$BACKGROUND_PID
	wait_for 120 has_map
	exec 7>&-
	wait "$stacks" || { cat "$TMP/out"; return 1; }
}
# touched NAME: faults of call paths with this function.
touched()
{
	awk -v name=";py::$1:/tmp/touch.py;" 'index($0, name) && / \(demand_zero(, sampled)?\) [0-9]+$/ && /;\[anon\]/ {
		sum += $NF } END { print sum + 0 }' "$TMP/folded"
}
check_contains "python has -X perf" <(in_root python3 -c 'import sys; print(sys.version_info >= (3, 12))') True
check "python: stacks" profile_python
pages=$(touched touch_pages) more=$(touched touch_more)
# Its instructions are one and the same in both: the callers are of a sample, here of each 401st fault. Each 101st would
# fill the ring of samples (8 MiB, 16 KiB each, with those of Python's start) within one tick, and the last were lost.
check "python: touch_pages() and touch_more() have the 50,000 faults ($pages, $more)" \
	test $((pages + more)) -ge 50000 -a $((pages + more)) -le 50200
check "python: four of five are of touch_pages()" test $((pages - 40000)) -le 5100 -a $((40000 - pages)) -le 5100

check_file "every kind of fault is counted exactly" live/kinds.
check_file "the unit tests" unit/
done_testing
