#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The path of a mapped file is the one in the process's own /proc/PID/maps, byte for byte.
# All in one run, in a mount namespace of its own, which takes the mounts with it.
# shellcheck disable=SC2016

. "$(dirname "$0")/../lib.sh"

mapfile=$BUILD/workload/mapfile
export mapfile

# case_of NAME COMMAND...: its JSON line, with the name.
case_of()
{
	local name=$1

	shift
	"$@" | sed "s/^{/{\"case\":\"$name\",/"
}

# A file of 32 windows of fault-around. Written page by page: a fault maps all of a large folio.
file_at()
{
	dd if=/dev/zero of="$1" bs=4K count=512 status=none
}

all_cases()
{
	local deep i

	mount --make-rprivate / && mkdir "$TMP/m" && cd "$TMP/m" || return 1
	file_at plain
	case_of plain "$mapfile" open plain read 3
	for i in $'new\nline' 'quote"back\slash' $'not\xffutf8\xc3' 'ünïcode ☃' ' (deleted)' $'esc\x1b\x7f'; do
		file_at "$i"
		case_of "name of special bytes" "$mapfile" open "$i" read 4
	done

	file_at gone
	case_of "deleted while open" "$mapfile" open gone read 5 unlink gone read 6

	mkdir -p tree/one/two/three
	file_at tree/one/two/three/file
	case_of "renamed" "$mapfile" open tree/one/two/three/file read 5 \
		rename tree/one/two/three/file:tree/one/two/three/other read 6 \
		rename tree/one/two/three/other:tree/one/file read 7
	case_of "parent renamed" "$mapfile" open tree/one/file read 5 rename tree/one:tree/uno read 6 \
		rename tree/uno:tree/one. read 7
	mv tree/one. tree/one && mv tree/one/file tree/one/two/three/
	case_of "third parent renamed" "$mapfile" open tree/one/two/three/file read 5 \
		rename tree/one:elsewhere read 6 rename elsewhere:tree/of_another_length read 7
	case_of "parent deleted" "$mapfile" open tree/of_another_length/two/three/file read 5 \
		unlink tree/of_another_length/two/three/file rename tree/of_another_length/two:tree/2 read 6
	mkdir v1.tmp && file_at v1.tmp/library
	case_of "before its directory is installed" "$mapfile" open v1.tmp/library read 5
	mv v1.tmp v1
	case_of "another process, after that" "$mapfile" open v1/library read 5
	mkdir -p outer/{here,there} && mount -t tmpfs moved outer/here && mkdir outer/here/sub &&
		file_at outer/here/sub/file
	case_of "mount moved" "$mapfile" open outer/here/sub/file read 5 move outer/here:outer/there read 6 \
		rename outer:outermost read 7 rename outermost/there/sub:outermost/there/other read 8

	mkdir -p stack
	mount -t tmpfs one stack && mkdir stack/inner && file_at stack/inner/lower
	case_of "mount" "$mapfile" open stack/inner/lower read 7
	mount -t tmpfs two stack && file_at stack/upper
	case_of "mount over a mount" "$mapfile" open stack/upper read 8
	mkdir stack/inner && mount -t tmpfs three stack/inner && file_at stack/inner/third
	mount -t tmpfs four stack/inner && file_at stack/inner/fourth
	case_of "mounts over mounts in mounts" "$mapfile" open stack/inner/fourth read 9

	mkdir -p layers/{lower/sub,upper,work} overlay
	file_at layers/lower/sub/low
	file_at layers/lower/sub/copied
	mount -t overlay overlay -o lowerdir=layers/lower,upperdir=layers/upper,workdir=layers/work overlay
	case_of "overlay, lower file" "$mapfile" open overlay/sub/low read 10
	case_of "overlay, lower file, private writes" "$mapfile" open overlay/sub/low write 11
	echo more >>overlay/sub/copied
	case_of "overlay, copied up" "$mapfile" open overlay/sub/copied read 12
	file_at overlay/sub/new
	case_of "overlay, new file" "$mapfile" open overlay/sub/new read 13
	case_of "overlay, deleted" "$mapfile" open overlay/sub/new unlink overlay/sub/new read 13
	case_of "overlay, the layer's own file" "$mapfile" open layers/lower/sub/low read 14

	mkdir -p bound/{a,b} source
	file_at source/shared
	mount --bind source bound/a
	case_of "bind mount" "$mapfile" open bound/a/shared read 15
	umount bound/a && mount --bind source bound/b
	case_of "bind mount, elsewhere" "$mapfile" open bound/b/shared read 16
	umount bound/b && mount --bind source bound/a && mount --move bound/a bound/b
	case_of "bind mount, moved" "$mapfile" open bound/b/shared read 17
	touch bound/file && mount --bind source/shared bound/file
	case_of "bind mount of a file" "$mapfile" open bound/file read 18

	mkdir -p jail/in/side
	file_at jail/in/side/file
	case_of "chroot" "$mapfile" chroot jail/in open /side/file read 19
	case_of "chroot, file outside" "$mapfile" open plain chroot jail/in read 20
	case_of "chroot, file in the root" "$mapfile" open jail/in/side/file chroot jail read 21

	case_of "lazily unmounted" "$mapfile" open bound/b/shared unmount "$PWD/bound/b" read 22
	case_of "mount namespace of its own" unshare -m sh -c '
		mount -t tmpfs own "$0/bound/a" && cp plain bound/a/own &&
		"$mapfile" open bound/a/own read 23' "$PWD"
	case_of "pivot_root" unshare -m sh -c '
		mount -t tmpfs root jail && mkdir jail/dir && cp plain jail/dir/file &&
		"$mapfile" open plain pivot jail read 24 open /dir/file read 25'

	deep=$PWD
	for i in {1..150}; do
		deep+=/directory$i
	done
	mkdir -p "$deep" && file_at "$deep/file"
	case_of "150 directories deep" "$mapfile" open "$deep/file" read 26

	mkdir long && cd long || return 1
	for i in {1..20}; do
		printf -v i '%0250d' "$i"
		mkdir "$i" && cd "$i" || return 1
	done
	file_at file
	case_of "longer than 4 KiB" "$mapfile" open file read 27
}

# The names of faultmap are escaped as faultmap-jsonl(5) says; so is the oracle here, by rules of its own.
expected()
{
	/usr/bin/python3 -c '
import json, re, sys

def escape(raw):
    # The kernel writes a newline as \012.
    raw = raw.replace(rb"\012", b"\n")
    text = raw.decode("utf-8", "surrogateescape")
    out = ""
    for char in text:
        code = ord(char)
        if 0xdc80 <= code <= 0xdcff:
            out += "\\x%02x" % (code - 0xdc00)
        elif char == "\\":
            out += "\\\\"
        elif code < 0x20 or 0x7f <= code < 0xa0:
            out += "".join("\\x%02x" % byte for byte in char.encode())
        else:
            out += char
    return out

for line in sys.stdin:
    case = json.loads(line)
    case["path"] = escape(bytes.fromhex(case["path"]))
    print(json.dumps(case))
'
}

export -f case_of file_at all_cases
"$FAULTMAP" run --json -o "$TMP/log" -- unshare -m bash -c 'all_cases' >"$TMP/cases" 2>"$TMP/messages"
check_equal "the cases run" "$? $(cat "$TMP/messages")" "0 "
expected <"$TMP/cases" >"$TMP/expected"

# A line for each case: its name, its path as it is to be and as it is. Mapped from the file's start and writable, no
# program or library is.
judged()
{
	jq -rs -L tests/live --slurpfile cases "$TMP/expected" 'include "faults";
		. as $log | $cases[] | . as $case
		| ["\(.case), \(.faults) faults", .path, (first($log
			| [faults_of($case.pid)
				| select(.perms == "rw-p" and .map_offset == 0 and (.mapping | startswith("[") | not))]
			| group_by(.mapping)[] | select(total(.[] | .minor + .major) == $case.faults)
			| .[0].mapping) // "none of: \($log | [faults_of($case.pid) | "\(.mapping) \(.perms) \(.map_offset) \(.minor + .major)"])")]
		| join("\u0001")' "$TMP/log"
}

# cut_as PATH GOT: of a path that is too long only its end is kept; the expected one is cut as the one found is.
# Without a maple tree it is too long with more than 64 components.
cut_as()
{
	if [ ${#1} -gt 4096 ] && [ ${#2} -gt 3800 ] && [ "${2:0:4}" = .../ ]; then
		echo "...${1: -$((${#2} - 3))}"
	elif lacks maple_tree && [ "$(tr -dc / <<<"$1" | wc -c)" -gt 64 ]; then
		echo ".../$(tr / '\n' <<<"$1" | tail -n 64 | paste -s -d /)"
	else
		echo "$1"
	fi
}

find_lacks
judged >"$TMP/judged"
check_equal "each case is judged" "$(wc -l <"$TMP/judged")" "$(wc -l <"$TMP/cases")"
while IFS=$'\x01' read -r name want got; do
	check_equal "$name" "$got" "$(cut_as "$want" "$got")"
done <"$TMP/judged"
done_testing
