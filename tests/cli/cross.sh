#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# takes 60 s
# make ARCH=arm64 STATIC=1 on another architecture: the program is an arm64 one, and starts.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

program=$BUILD/arm64-static/faultmap

make_cross()
{
	env -u MAKEFLAGS -u MAKELEVEL -u FAULTMAP make -j2 ARCH=arm64 STATIC=1 \
		BUILD="$BUILD/arm64-static"
}

# Whatever make would look for: the compiler, the libraries, the static ones.
is_missing()
{
	env -u MAKEFLAGS -u MAKELEVEL make -n ARCH=arm64 STATIC=1 BUILD="$BUILD/arm64-static" all \
		>"$TMP/out" 2>&1
	grep -q 'missing to' "$TMP/out"
}

if [ "$(uname -m)" = aarch64 ]; then
	skip "the cross build" "this is arm64 itself"
	done_testing
fi
env -u MAKEFLAGS -u MAKELEVEL make -n ARCH=riscv64 all >"$TMP/out" 2>&1
check_contains "another architecture is refused" "$TMP/out" 'for arm64 alone, not for ARCH=riscv64'
if is_missing; then
	skip "the cross build" "no arm64 libraries here: sudo make deps ARCH=arm64 STATIC=1"
	done_testing
fi
check "make ARCH=arm64 STATIC=1" make_cross
readelf -h "$program" >"$TMP/header"
check_contains "it is for arm64" "$TMP/header" 'Machine: *AArch64'
check_equal "it refers to no shared library and no loader" \
	"$(readelf -dl "$program" | grep -E 'NEEDED|INTERP')" ""
if ! command -v qemu-aarch64-static >/dev/null; then
	skip "it starts" "no qemu-aarch64-static here: sudo packaging/deps.sh emulator"
	done_testing
fi
arm64=(timeout "$(longer 60)" qemu-aarch64-static "$program")

make_certificate()
{
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
		-keyout "$TMP/key.pem" -out "$TMP/cert.pem" -subj "/CN=localhost"
}

check_equal "it starts" "$("${arm64[@]}" --version)" "$("$FAULTMAP" --version)"
check "it has its help" "${arm64[@]}" daemon --help

# The emulator has no bpf(), so each feature is looked for, and that one found missing.
"${arm64[@]}" check --json >"$TMP/arm64.json" 2>"$TMP/err"
check_equal "check: exit status" $? 77
"$FAULTMAP" check --json >"$TMP/native.json"
check_equal "check: it has every feature, and says that a static build has no --connect" \
	"$(jq -r .feature "$TMP/arm64.json")" "$(jq -r .feature "$TMP/native.json" && echo connect)"
check_equal "check: bpf() is what is missing" "$(jq -r 'select(.feature == "bpf_syscall") |
	[.available, .why] | @tsv' "$TMP/arm64.json" | sed 's/\(^false\).*\(Function not implemented\).*/\1 \2/')" \
	'false Function not implemented'

# The libraries do what they do in the native one: jansson and zlib, then libyaml, libcrypt, GnuTLS.
"${arm64[@]}" report tests/fuzz/corpus/jsonl_reader/gzipped >"$TMP/arm64" 2>&1
arm64_status=$?
# QEMU has no seccomp to give, and faultmap says so.
sed -i '/accepts no filter of system calls/d' "$TMP/arm64"
"$FAULTMAP" report tests/fuzz/corpus/jsonl_reader/gzipped >"$TMP/native" 2>&1
check_equal "report: exit status" $? $arm64_status
check "report: of a compressed log, the same" cmp "$TMP/arm64" "$TMP/native"
unwrap "$TMP/arm64"
check_contains "report: it is one" "$TMP/arm64" 'page faults took .*: 49 minor, 0 major, 0 denied'
check "a certificate is made" make_certificate
printf 'tls_server_config:\n  cert_file: cert.pem\n  key_file: key.pem\n' >"$TMP/web.yml"
check "daemon --check-config: TLS" "${arm64[@]}" daemon --check-config --web.config.file "$TMP/web.yml"
done_testing
