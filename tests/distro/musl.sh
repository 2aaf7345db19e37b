#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# musl, the C library of Alpine, whose images and packages are not to be had here: Debian's musl-gcc and musl's headers
# in their place. It proves that all of src/ compiles with musl and -Werror, with Debian's headers of the other
# libraries; that is, that nothing of it needs what only glibc has. It does not link, nor run: no library is built for
# musl here.

# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

# Debian's headers of libraries and the kernel, which say nothing of a C library; two that Alpine has in
# bsd-compat-headers; and no demangle.h, as on Fedora.
make_headers()
{
	local include=/usr/include multiarch name

	multiarch=$include/$(gcc -print-multiarch)
	mkdir -p "$TMP/headers/sys" || return 1
	for name in bpf libelf.h gelf.h dwarf.h elfutils zlib.h microhttpd.h jansson.h cap-ng.h seccomp.h seccomp-syscalls.h \
		gnutls yaml.h crypt.h ini.h ncursesw protobuf-c linux asm-generic; do
		ln -s "$include/$name" "$TMP/headers/" || return 1
	done
	for name in "$include/jansson_config.h" "$include/zconf.h" "$multiarch"/{jansson_config.h,zconf.h,asm,curl}; do
		[ ! -e "$name" ] || ln -sf "$name" "$TMP/headers/"
	done
	ln -s "$multiarch/sys/queue.h" "$TMP/headers/sys/"
	printf '#define %s\n' __BEGIN_DECLS __END_DECLS __THROW >"$TMP/headers/sys/cdefs.h"
}

# compile FILE...: each, and what it says with its name.
compile()
{
	local file status=0

	for file; do
		musl-gcc -std=gnu11 -Wall -Wextra -Werror -O1 -D_GNU_SOURCE -iquote src -iquote . -iquote "$BUILD" \
			-isystem "$TMP/headers" -isystem "$TMP/headers/ncursesw" -c -o "$TMP/object.o" "$file" || status=1
	done
	return $status
}

if ! command -v musl-gcc >/dev/null; then
	skip "src/ with musl" "musl-gcc is not installed: sudo packaging/deps.sh musl"
	done_testing
fi
check "the headers" make_headers
printf '#include <features.h>\n#ifdef __GLIBC__\n#error glibc\n#endif\nextern int some;\n' >"$TMP/musl.c"
check "this is musl, not glibc" compile "$TMP/musl.c"
printf '#include <string.h>\nint main(void)\n{\n\treturn !strerrorname_np(1);\n}\n' >"$TMP/glibc.c"
check_status "what only glibc has is found" 1 compile "$TMP/glibc.c"
for room in src/*/; do
	check "$room compiles with musl" compile "$room"*.c
done
done_testing
