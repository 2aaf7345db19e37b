#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# takes 60 s
# make STATIC=1: one file of at most 9 MiB (0.8 of them are libzstd) without shared libraries, which works as the
# shared build does, also with TLS.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

SIZE_MAX=$((9 << 20))
static=$BUILD/static/faultmap

make_static()
{
	env -u MAKEFLAGS -u MAKELEVEL -u FAULTMAP make -j2 STATIC=1 BUILD="$BUILD/static"
}

has_no_reference()
{
	! readelf -dl "$static" | grep -E 'NEEDED|INTERP'
}

make_certificate()
{
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
		-keyout "$TMP/key.pem" -out "$TMP/cert.pem" -subj "/CN=localhost" \
		-addext "subjectAltName=IP:127.0.0.1"
}

is_ready()
{
	curl -s --noproxy '*' -m 10 -f --cacert "$TMP/cert.pem" -o "$TMP/metrics" "$url/-/ready"
}

check "make STATIC=1" make_static
check "it refers to no shared library and no loader" has_no_reference
size=$(stat -c %s "$static")
if [ "$size" -le "$SIZE_MAX" ]; then
	ok "it has at most 9 MiB"
else
	not_ok "it has at most 9 MiB" "it has $size bytes"
fi

# Nothing else is there.
mkdir -p "$TMP/root"
cp "$static" "$TMP/root/faultmap"
check "it starts in an empty root" chroot "$TMP/root" /faultmap --version
check "there is nothing to load there" test ! -e "$TMP/root/lib" -a ! -e "$TMP/root/lib64"

timeout "$(longer 300)" "$static" run --json -- /usr/bin/python3 tests/workload/touch.py 16 >"$TMP/run" 2>"$TMP/err"
check_equal "run: exit status" $? 0
# The workload says by getrusage how many that were, in its own lines on stdout.
touched=$(sed -n 's/^touched .*: \([0-9]*\) minor.*/\1/p' "$TMP/run")
check_equal "run: the faults of 16 MiB, counted by the kernel" "$(grep '^{' "$TMP/err" |
	jq -s 'map(select(.rec == "faults") | .minor_total) | max')" "$touched"
timeout "$(longer 300)" "$static" top --once >"$TMP/top" 2>"$TMP/err"
check_equal "top: exit status" $? 0
timeout "$(longer 300)" "$static" log -d 0.2 -n 1 >"$TMP/log.jsonl" 2>"$TMP/err"
check_equal "log: exit status" $? 0
check "log: is JSON with an interval" jq -se 'any(.rec == "interval")' "$TMP/log.jsonl"

check "a certificate is made" make_certificate
printf 'tls_server_config:\n  cert_file: cert.pem\n  key_file: key.pem\n' >"$TMP/web.yml"
start_serving "$static" daemon -v --listen 127.0.0.1:0 --interval 0.2 --web.config.file "$TMP/web.yml"
url=$(sed -n 's|.*serving on \(https://[^/]*\)/.*|\1|p' "$TMP/daemon.err")
check "daemon: is ready, over TLS" wait_for 120 is_ready
check "daemon: serves metrics over TLS" scrape "$TMP/metrics" --cacert "$TMP/cert.pem"
check_contains "daemon: they are faultmap's" "$TMP/metrics" '^faultmap_ticks_total [1-9]'
# shellcheck disable=SC2154 # start_serving sets it
stop_background "$daemon"
check_equal "daemon: ends with 0" $? 0

done_testing
