#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# takes 30 s
# The Makefile, on a copy of the tree: the first make builds everything, a second one nothing, and after a change of
# a header exactly what uses it. What is missing is named in one line.
. "$(dirname "$0")/../lib.sh"

tree=$TMP/tree

copy_tree()
{
	mkdir "$tree"
	tar -C "$ROOT" --exclude=./build --exclude=./.git -cf - . | tar -C "$tree" -xf -
}

# Neither the flags of the make that runs the tests nor lib.sh's $BUILD.
make_tree()
{
	env -u MAKEFLAGS -u MAKELEVEL -u BUILD -u FAULTMAP make -C "$tree" "$@"
}

# one_line NAME FILE REGEX: the file is one line, and it matches.
one_line()
{
	check_equal "$1: one line" "$(wc -l <"$2")" 1
	check_contains "$1: says it" "$2" "$3"
}

# users_of HEADER: the objects of src/ whose source includes it, as the compiler sees it.
users_of()
{
	gcc -MM -D_GNU_SOURCE -iquote "$tree/src" -iquote "$tree" -iquote "$tree/build" "$tree"/src/*/*.c |
		sed -e ':whole' -e '/\\$/ { N; s/\\\n//; b whole' -e '}' | grep -E "/$1( |\$)" |
		sed 's/\.o:.*//' | sort
}

# rebuilt DIRECTORY: the objects there that the last change made, by make's own words: times of files say less.
rebuilt()
{
	sed -n "s|^  [A-Z]* *build/$1/\(.*/\)\?\([^/]*\)\.o\$|\2|p" "$TMP/made" | sort
}

# change FILE: touches it and makes.
change()
{
	touch "$TMP/change"
	touch "$tree/$1"
	make_tree -j2 >"$TMP/made" 2>&1 || { cat "$TMP/made"; return 1; }
}

copy_tree
check "a parallel make builds all from a clean tree" make_tree -j4
check "the program is there" "$tree/build/faultmap" --version

check "make -q agrees that all is built" make_tree -q
make_tree >"$TMP/out" 2>&1
check_equal "a second make builds nothing" "$(grep -vE '^make: (Enter|Leav)ing' "$TMP/out")" \
	"make: Nothing to be done for 'all'."

check "a changed src/base/text.h: make" change src/base/text.h
check_equal "a changed src/base/text.h: exactly its users are rebuilt" \
	"$(rebuilt src)" "$(users_of text.h)"
check_equal "a changed src/base/text.h: no BPF object is rebuilt" "$(rebuilt bpf)" ""

check "a changed bpf/abi.h: make" change bpf/abi.h
check_equal "a changed bpf/abi.h: the BPF objects are rebuilt" "$(rebuilt bpf)" \
	$'faultmap.bpf\nfaultmap_old.bpf\nfaultmap_usual.bpf'
check_equal "a changed bpf/abi.h: exactly its users in src/ are rebuilt" \
	"$(rebuilt src)" "$(users_of abi.h)"
check "a changed bpf/abi.h: the program is linked again" \
	test "$tree/build/faultmap" -nt "$TMP/change"

make_tree -n -B V=1 CFLAGS=-DMY_CFLAGS LDFLAGS=-Lmy_ldflags >"$TMP/out" 2>&1
check_contains "CFLAGS reach the compiler" "$TMP/out" 'gcc .*-DMY_CFLAGS .*-c '
check_contains "LDFLAGS reach the linker" "$TMP/out" 'gcc .*-Lmy_ldflags -o build/faultmap'

make_tree -n -B V=1 WITHOUT=symbol >"$TMP/out" 2>&1
check_equal "WITHOUT=symbol: no libdw" "$(grep -cE -- '-ldw|-liberty|elf_file' "$TMP/out")" 0
check_contains "WITHOUT=symbol: the program knows" "$TMP/out" 'DWITHOUT_SYMBOL'
make_tree -n -B V=1 WITHOUT=term >"$TMP/out" 2>&1
check_equal "WITHOUT=term: no curses" "$(grep -cE -- '-lncursesw|-ltinfo|src/term/|top_screen' "$TMP/out")" 0
check_contains "WITHOUT=term: the program knows" "$TMP/out" 'DWITHOUT_TERM'
make_tree -n -B V=1 WITHOUT=connect >"$TMP/out" 2>&1
check_equal "WITHOUT=connect: no libcurl" "$(grep -cE -- '-lcurl|src/client/|top_connect' "$TMP/out")" 0
check_contains "WITHOUT=connect: the program knows" "$TMP/out" 'DWITHOUT_CONNECT'
make_tree -n -B V=1 WITHOUT=zstd >"$TMP/out" 2>&1
check_equal "WITHOUT=zstd: no libzstd" "$(grep -cE -- '-lzstd' "$TMP/out")" 0
check_contains "WITHOUT=zstd: the program knows" "$TMP/out" 'DWITHOUT_ZSTD'
make_tree --no-print-directory WITHOUT=such >"$TMP/out" 2>&1
one_line "WITHOUT=such" "$TMP/out" 'what can be left out is: symbol term connect zstd'

make_tree --no-print-directory CLANG=no-such-clang >"$TMP/out" 2>&1
one_line "clang is missing" "$TMP/out" 'missing.* no-such-clang\..*sudo make deps'
PKG_CONFIG_LIBDIR=/nonexistent make_tree --no-print-directory >"$TMP/out" 2>&1
one_line "libraries are missing" "$TMP/out" 'missing.* libbpf .*jansson .*sudo make deps'

# Whoever it is: root in a container may have none, and somebody else these two.
make_with()
{
	setpriv "$@" make -C "$tree" --no-print-directory -n check >"$TMP/out" 2>&1
}

if may 8 && may_load_programs; then # CAP_SETPCAP: to give some up
	make_with --bounding-set=-all
	one_line "make check as root without capabilities" "$TMP/out" \
		'needs CAP_BPF and CAP_PERFMON, or CAP_SYS_ADMIN: run .sudo make check'
	make_with --bounding-set=-all,+bpf
	one_line "make check with CAP_BPF alone" "$TMP/out" 'needs CAP_BPF and CAP_PERFMON'
	check "make check with CAP_BPF and CAP_PERFMON" make_with --bounding-set=-all,+bpf,+perfmon
elif ! may_load_programs; then
	make_tree --no-print-directory check >"$TMP/out" 2>&1
	one_line "make check without the capabilities" "$TMP/out" 'needs CAP_BPF and CAP_PERFMON'
fi

check "make install" make_tree install DESTDIR="$TMP/root" PREFIX=/opt/faultmap
check "the installed program runs" "$TMP/root/opt/faultmap/bin/faultmap" --version
check_contains "the installed unit starts it" \
	"$TMP/root/opt/faultmap/lib/systemd/system/faultmap.service" \
	'^ExecStart=/opt/faultmap/bin/faultmap daemon$'
check "make uninstall" make_tree uninstall DESTDIR="$TMP/root" PREFIX=/opt/faultmap
check_equal "nothing installed is left" \
	"$(find "$TMP/root" -type f)" ""

check "make clean" make_tree clean
check "build/ is gone" test ! -e "$tree/build"

done_testing
