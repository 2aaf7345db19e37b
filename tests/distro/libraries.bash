# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Sourced by musl.sh after base.bash: the libraries that faultmap links with, from Debian's source packages, for musl.
# Static ones, with what it uses of them and no more: GnuTLS without p11-kit and with nettle's own mini-gmp, elfutils
# without its tools. Some 5 minutes of CPU time, 25 MB to fetch; they are kept in the cache.

SOURCES=(zlib libzstd libinih jansson libyaml libcap-ng libseccomp protobuf-c libxcrypt libiberty ncurses elfutils
	libbpf nettle gnutls28 libmicrohttpd)
# shellcheck disable=SC2154 # of base.bash
libraries=$cache/musl-$(cat "${BASH_SOURCE[0]}" /usr/share/doc/musl-dev/changelog* 2>/dev/null | cksum | cut -d' ' -f1)

# fetch_sources: unpacked in $TMP/sources. Of Debian 12; what the mirror has no more of it, of Debian 13.
fetch_sources()
{
	local apt=$TMP/apt mirror source release options

	mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$TMP/sources" || return 1
	# shellcheck disable=SC2016 # of apt's variables
	mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Codename: bookworm' 'Created-By: Packages' | head -n 1)
	for release in bookworm trixie; do
		echo "deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $release main"
	done >"$apt/sources.list"
	options=(-qq -o "Dir::Etc::sourcelist=$apt/sources.list" -o Dir::Etc::sourceparts=- -o "Dir::State::lists=$apt/lists"
		-o "Dir::Cache=$apt/cache" -o APT::Sandbox::User=root)
	apt-get "${options[@]}" update || return 1
	for source in "${SOURCES[@]}"; do
		(cd "$TMP/sources" && { apt-get "${options[@]}" source "$source/bookworm" ||
			apt-get "${options[@]}" source "$source/trixie"; }) || return 1
	done
}

# configure FLAG...: with its script, which some sources lack.
configure()
{
	[ -x configure ] || autoreconf -fi || return 1
	./configure -q --prefix="$libraries.new" --build="$(gcc -dumpmachine)" --host=x86_64-linux-musl --disable-shared \
		--enable-static "$@"
}

# make_in DIRECTORY TARGET...
make_in()
{
	make -s -j"$(nproc)" -C "$@"
}

# pc NAME LIBRARY VERSION: what pkg-config answers, where the library's own build says nothing.
pc()
{
	printf 'Name: %s\nDescription: %s\nVersion: %s\nLibs: -L%s/lib -l%s\nCflags: -I%s/include\n' \
		"$1" "$1" "$3" "$libraries" "$2" "$libraries" >"$libraries.new/lib/pkgconfig/$1.pc"
}

build_zlib()
{
	./configure --static --prefix="$libraries.new" && make_in . libz.a && make -s install
}

build_libinih()
{
	$CC $CFLAGS -c ini.c -o ini.o && ar rcs "$libraries.new/lib/libinih.a" ini.o && cp ini.h "$libraries.new/include" &&
		pc inih inih 55
}

build_jansson()
{
	configure && make_in src install && cp jansson.pc "$libraries.new/lib/pkgconfig"
}

build_libyaml()
{
	configure && make_in include install && make_in src install && cp yaml-0.1.pc "$libraries.new/lib/pkgconfig"
}

build_libcap-ng()
{
	configure --without-python --without-python3 && make_in src install-libLTLIBRARIES install-includeHEADERS &&
		cp src/libcap-ng.pc "$libraries.new/lib/pkgconfig"
}

build_libseccomp()
{
	configure && make_in include install && make_in src install && cp libseccomp.pc "$libraries.new/lib/pkgconfig"
}

build_protobuf-c()
{
	configure --disable-protoc && make_in . protobuf-c/libprotobuf-c.la install-libLTLIBRARIES install-pkgconfigDATA &&
		mkdir -p "$libraries.new/include/protobuf-c" &&
		cp protobuf-c/protobuf-c.h "$libraries.new/include/protobuf-c"
}

build_libxcrypt()
{
	configure --disable-obsolete-api && make_in . install
}

build_libzstd()
{
	make_in lib libzstd.a && cp lib/libzstd.a "$libraries.new/lib" && cp lib/*.h "$libraries.new/include" &&
		pc libzstd zstd 1.5
}

build_libiberty()
{
	(cd libiberty && configure --enable-install-libiberty && make_in . libiberty.a && cp libiberty.a "$libraries.new/lib")
}

build_ncurses()
{
	configure --enable-widec --without-ada --without-cxx --without-cxx-binding --without-manpages --without-progs \
		--without-tests --without-debug --without-shared --disable-stripping \
		--with-terminfo-dirs=/etc/terminfo:/lib/terminfo:/usr/share/terminfo \
		--with-default-terminfo-dir=/usr/share/terminfo &&
		make_in include && make_in ncurses && cp lib/libncursesw.a "$libraries.new/lib" &&
		cp include/{curses,ncurses_dll,unctrl,term}.h "$libraries.new/include" &&
		cp include/curses.h "$libraries.new/include/ncurses.h" && pc ncursesw ncursesw 6.4
}

# libelf and libdw: what their tools want and musl lacks (argp, fts, obstacks) is not built, but for two files whose
# code nothing calls. `make` goes on after the shared libraries, which cannot be made of these.
build_elfutils()
{
	local part parts=(libebl/libebl.a backends/libebl_backends.a libcpu/libcpu.a libdwelf/libdwelf.a libdwfl/libdwfl.a
		libdw/libdw.a)

	ac_cv_search_argp_parse="none required" ac_cv_search_fts_close="none required" \
		ac_cv_search__obstack_free="none required" configure --disable-debuginfod --disable-libdebuginfod \
		--disable-nls --without-bzlib --without-lzma --without-zstd || return 1
	: >libdwfl/argp-std.c
	: >lib/color.c
	: >lib/printversion.c
	make_in lib && make_in libelf libelf.a || return 1
	for part in "${parts[@]}"; do
		make_in "${part%/*}" -k
		[ -s "$part" ] || return 1
	done
	cp libelf/libelf.a libdw/libdw.a lib/libeu.a "$libraries.new/lib" && mkdir -p "$libraries.new/include/elfutils" &&
		cp libelf/libelf.h libelf/gelf.h libdw/dwarf.h "$libraries.new/include" &&
		cp libdw/libdw.h libdwfl/libdwfl.h libebl/libebl.h libdwelf/libdwelf.h libelf/elf-knowledge.h version.h \
			"$libraries.new/include/elfutils" && cp config/lib{elf,dw}.pc "$libraries.new/lib/pkgconfig"
}

build_libbpf()
{
	make_in src BUILD_STATIC_ONLY=1 NO_PKG_CONFIG=1 PREFIX="$libraries.new" LIBDIR="$libraries.new/lib" \
		"CFLAGS=$CFLAGS $CPPFLAGS" install
}

build_nettle()
{
	configure --enable-mini-gmp --disable-documentation --disable-openssl --disable-assembler &&
		make_in . libnettle.a libhogweed.a && make -s install-static install-headers install-pkgconfig
}

build_gnutls28()
{
	GMP_CFLAGS=" " GMP_LIBS=" " configure --with-nettle-mini --with-included-libtasn1 --with-included-unistring \
		--without-p11-kit --without-idn --without-brotli --without-zstd --without-zlib --without-tpm --without-tpm2 \
		--disable-doc --disable-tools --disable-tests --disable-cxx --disable-nls --disable-guile --disable-libdane \
		--disable-hardware-acceleration --disable-full-test-suite --disable-valgrind-tests &&
		make_in gl && make_in lib install
}

# Its configure links a program with GnuTLS's archive, which does not say what that needs.
build_libmicrohttpd()
{
	LIBS="-lhogweed -lnettle" configure --enable-https --disable-doc --disable-examples --disable-tools --disable-curl &&
		make_in src/include install && make_in src/microhttpd install-libLTLIBRARIES &&
		cp libmicrohttpd.pc "$libraries.new/lib/pkgconfig"
}

# make_libraries: all of them, in $libraries, with the kernel's headers in kernel/. What they say is in $TMP/libraries.
make_libraries()
{
	local source

	[ ! -d "$libraries" ] || return 0
	rm -rf "$libraries.new" "$cache"/musl-[0-9]*
	mkdir -p "$libraries.new/lib/pkgconfig" "$libraries.new/include" "$libraries.new/kernel" || return 1
	ln -s /usr/include/linux /usr/include/asm-generic "/usr/include/$(gcc -print-multiarch)/asm" "$libraries.new/kernel" &&
		fetch_sources >"$TMP/libraries" 2>&1 || return 1
	export CC="musl-gcc -isystem $libraries.new/kernel" CFLAGS="-O0 -g0 -fPIC" CPPFLAGS="-I$libraries.new/include" \
		LDFLAGS="-L$libraries.new/lib" PKG_CONFIG_LIBDIR="$libraries.new/lib/pkgconfig"
	for source in "${SOURCES[@]}"; do
		(cd "$TMP/sources/$source"-*/ && "build_$source") >>"$TMP/libraries" 2>&1 || {
			echo "$source: $(tail -n 5 "$TMP/libraries")" >"$TMP/libraries"
			return 1
		}
	done
	# GnuTLS names gcc's libatomic, of which it uses nothing here.
	sed -i -e "s|$libraries\.new|$libraries|g" -e 's/-latomic//' "$libraries.new"/lib/pkgconfig/*.pc &&
		mv "$libraries.new" "$libraries"
}
