#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# musl, the C library of Alpine, whose images and packages are not to be had here: Debian's musl-gcc and musl in their
# place. All of src/ compiles with it and with -Werror; all but what needs libcurl is linked, with libraries built for
# musl from Debian's sources, and run on this machine's kernel: it counts exactly, names code, draws, and serves. This
# does not prove that Alpine's own packages of these libraries do: they are of other versions.

# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/packages/base.bash
. tests/packages/base.bash
# shellcheck source=tests/screen.bash
. tests/screen.bash
# shellcheck source=tests/distro/libraries.bash
. tests/distro/libraries.bash

build=$BUILD/musl
glibc=$FAULTMAP

# make_musl TARGET...: without the user's and the caller's flags.
make_musl()
{
	# libdw's archive says nothing of what it needs. GnuTLS's has a copy of inih, which gives way to the one that is first.
	env -u MAKEFLAGS -u MAKELEVEL -u FAULTMAP -u CFLAGS -u CPPFLAGS -u LDFLAGS \
		PKG_CONFIG_LIBDIR="$libraries/lib/pkgconfig" make -s -j"$(nproc)" "BUILD=$build" WITHOUT=connect CFLAGS=-O1 CC=musl-gcc \
		CPPFLAGS="-isystem $libraries/kernel -isystem $libraries/include -isystem $TMP/headers" \
		LIBRARY_LIBS="$(PKG_CONFIG_LIBDIR=$libraries/lib/pkgconfig pkg-config --static --libs inih libmicrohttpd gnutls \
			hogweed nettle libbpf libdw libelf zlib libzstd jansson libcap-ng yaml-0.1 libcrypt libseccomp \
			libprotobuf-c ncursesw) -leu -liberty" "$@"
}

# sys/queue.h, which is macros alone, and which Alpine has in bsd-compat-headers; libcurl's headers, which say nothing of
# a C library: the program loads that one only when it needs it, and it is not built for musl here.
make_headers()
{
	local multiarch

	multiarch=/usr/include/$(gcc -print-multiarch)
	mkdir -p "$TMP/headers/sys" && ln -s "$multiarch/sys/queue.h" "$TMP/headers/sys/" &&
		ln -s "$multiarch/curl" "$TMP/headers/"
}

# compile_rest: the files that WITHOUT leaves out.
compile_rest()
{
	local file status=0

	for file in src/client/*.c src/cmd/top_connect.c; do
		musl-gcc -std=gnu11 -Wall -Wextra -Werror -O1 -D_GNU_SOURCE -iquote src -iquote . -iquote "$build" \
			-isystem "$libraries/kernel" -isystem "$libraries/include" -isystem "$TMP/headers" \
			-c -o "$TMP/rest.o" "$file" || status=1
	done
	return $status
}

if [ "$(uname -m)" != x86_64 ] || ! command -v musl-gcc gperf autoreconf libtoolize >/dev/null; then
	skip "faultmap with musl" "it is tried on x86-64, with Debian's musl-tools, gperf, autoconf, automake and libtool: sudo packaging/deps.sh musl"
	done_testing
fi
check "the libraries, from Debian's sources, for musl" make_libraries
[ -d "$libraries" ] || { cat "$TMP/libraries"; done_testing; }
check "the headers" make_headers
check "make with musl, with -Werror" make_musl all
check "and what needs libcurl compiles" compile_rest
readelf -ld "$build/faultmap" >"$TMP/header"
check_contains "its loader is musl's" "$TMP/header" 'interpreter: /lib/ld-musl-'
check_equal "it needs musl's C library and no other" "$(sed -n 's/.*NEEDED.*\[\(.*\)\]/\1/p' "$TMP/header")" libc.so

[ -x "$build/faultmap" ] || done_testing
FAULTMAP=$(realpath "$build/faultmap")
check_equal "it starts" "$("$FAULTMAP" --version)" "$("$glibc" --version)"
check "faultmap check: it works here" "$FAULTMAP" check
check_equal "check looks for what glibc's does" "$("$FAULTMAP" check --json | jq -r .feature | grep -vx connect)" \
	"$("$glibc" check --json | jq -r .feature)"
"$FAULTMAP" run --json -o "$TMP/run" -- "$BUILD/workload/faultgen" demand_zero_write >"$TMP/out"
"$glibc" run --json -o "$TMP/glibc" -- "$BUILD/workload/faultgen" demand_zero_write >"$TMP/out"
check_equal "run counts what the kernel does" \
	"$(jq -s 'map(select(.rec == "exit"))[0] | .minor_total - .gup_total' "$TMP/run")" "$(jq -s 'map(select(.rec == "faults").minor) | add' "$TMP/run")"
check_equal "as glibc's: the same faults of demand_zero in [anon]" \
	"$(jq -s 'map(select(.rec == "faults" and .kind == "demand_zero" and .mapping == "[anon]").minor) | max' "$TMP/run")" \
	"$(jq -s 'map(select(.rec == "faults" and .kind == "demand_zero" and .mapping == "[anon]").minor) | max' "$TMP/glibc")"
keep_log "$TMP/run"
"$FAULTMAP" run -o "$TMP/summary" -- sh -c 'kill -SEGV $$'
check_contains "a signal without a name is a number" "$TMP/summary" '^killed by SIG11'
"$FAULTMAP" stacks --folded "$TMP/folded" -- "$BUILD/workload/callers" >"$TMP/out" 2>&1
check_contains "stacks: functions have their names, and the exact faults" "$TMP/folded" \
	';main;run_chains;outer;middle;inner;touch;\[anon\] \(demand_zero\) 20$'
"$FAULTMAP" log -n 1 -o "$TMP/log.zst"
check "a compressed log is one" zstd -dqf "$TMP/log.zst" -o "$TMP/log.jsonl"
check_equal "report says the same of it" "$("$FAULTMAP" report "$TMP/log.zst")" "$("$glibc" report "$TMP/log.jsonl")"
keep_log "$TMP/log.jsonl"
open_screen 80 24
type_line "$FAULTMAP top --replay $PWD/tests/golden/screen.jsonl"
check "top draws on a terminal" wait_for 60 screen_has 'qQuit'
press q
close_screen
start_daemon --interval 0.5
check "the daemon counts, and serves" await_ticks 2
check "with series" grep -q '^faultmap_faults_total{.*} [1-9]' "$TMP/ticks"
stop_background "$daemon"
check_equal "it ends well" "$?" 0
check_schema
done_testing
