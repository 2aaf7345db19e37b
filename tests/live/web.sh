#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The daemon's HTTP side: sockets, hostile clients, TLS and passwords, reloads.
# shellcheck source=tests/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

# http_status URL [CURL-FLAG...]: prints the status, 000 for none; the body is in $TMP/body.
http_status()
{
	curl -s --noproxy '*' -m "$(longer 20)" -D "$TMP/head" -o "$TMP/body" -w '%{http_code}' "${@:2}" "$1"
}

status_is()
{
	[ "$(http_status "${@:2}")" = "$1" ]
}

# start_client ARGUMENT...: web_clients.py, its stdin on descriptor 9, its stdout in $TMP/client.
start_client()
{
	rm -f "$TMP/client.in"
	mkfifo "$TMP/client.in"
	start_background /usr/bin/python3 tests/live/web_clients.py "$@" <>"$TMP/client.in" \
		>"$TMP/client"
	client=$BACKGROUND_PID
	exec 9>"$TMP/client.in"
	wait_for 120 grep -q ready "$TMP/client"
}

stop_client()
{
	exec 9>&-
	stop_background "$client" || true
}

# ask LINE: of the client "ask"; prints its answer.
ask()
{
	local lines
	lines=$(wc -l <"$TMP/client")
	echo "$1" >&9
	wait_for 120 client_has "$((lines + 1))"
	tail -n 1 "$TMP/client"
}

client_has()
{
	[ "$(wc -l <"$TMP/client")" -ge "$1" ]
}

test_sockets()
{
	check_equal "IPv4" "$(http_status "http://$v4/-/healthy")" 200
	check_equal "IPv6" "$(http_status "http://$v6/-/healthy" -g)" 200
	check_equal "unix socket" \
		"$(http_status http://faultmap/-/healthy --unix-socket "$TMP/socket")" 200
	check_equal "its mode" "$(stat -c %a "$TMP/socket")" 660
	check_equal "what other machines reach is warned about once" \
		"$(grep -c 'clear text' "$TMP/daemon.err")" 1
	check_equal "/-/reload is not enabled" "$(http_status "http://$v4/-/reload" -X POST)" 403
	check_contains "it says how to" "$TMP/body" 'web\.enable-lifecycle'
	check_equal "a second daemon does not take the socket" "$("$FAULTMAP" daemon --listen \
		"unix:$TMP/socket" 2>"$TMP/err"; echo $?)" 1
	check_contains "it says so" "$TMP/err" "unix:$TMP/socket: Address already in use"
}

test_bad_clients()
{
	local before descriptors

	before=$(url=http://$v4 ticks)
	start_client hold "${v4##*:}" 1000
	check_equal "1,000 idle, slow and unreading clients: a scrape succeeds" \
		"$(http_status "http://$v4/metrics")" 200
	check "promtool finds its page well" promtool check metrics <"$TMP/body"
	descriptors=$(find "/proc/$daemon/fd" -type l | wc -l)
	check "the daemon's descriptors stay bounded" test "$descriptors" -lt 300
	url=http://$v4 check "ticks go on" wait_for 120 ticked "$((before + 11))"
	check "a client that sends a byte a second is closed" wait_for 120 grep -q cut "$TMP/client"
	stop_client
	check_equal "scrapes go on" "$(http_status "http://$v4/metrics" --compressed)" 200
}

# No descriptor is left to read the counters with; the connection is there already.
test_ready()
{
	local limit

	limit=$(prlimit --pid "$daemon" --nofile --output=SOFT,HARD --noheadings)
	start_client ask "${v4##*:}"
	check_equal "ready" "$(ask "GET /-/ready")" "200 None"
	prlimit --pid "$daemon" --nofile=3:"${limit##* }"
	check "failed ticks: not ready" wait_for 120 asked_503
	prlimit --pid "$daemon" --nofile="$(echo "$limit" | tr -s ' ' :)"
	check "a good tick: ready again" wait_for 120 asked_200
	stop_client
}

asked_503()
{
	[ "$(ask "GET /-/ready")" = "503 None" ]
}

asked_200()
{
	[ "$(ask "GET /-/ready")" = "200 None" ]
}

test_plain()
{
	# Slow enough for the five failed readings in a row that would end it; and with the iterator of tasks,
	# which needs a descriptor for each.
	start_serving "$FAULTMAP" daemon -v --disable-feature task_walk --interval 0.5 --listen 127.0.0.1:0 --listen '[::1]:0' \
		--listen ":0" --listen "unix:$TMP/socket"
	v4=$(sed -n 's|.*http://\(127[^/]*\)/.*|\1|p' "$TMP/daemon.err")
	v6=$(sed -n 's|.*http://\(\[::1[^/]*\)/.*|\1|p' "$TMP/daemon.err")
	wait_for 120 status_is 200 "http://$v4/-/ready"
	test_sockets
	test_ready
	test_bad_clients
	stop_background "$daemon"
	check_equal "it ends with 0" "$?" 0
	check "the socket's file is gone" test ! -e "$TMP/socket"
}

# systemd-socket-activate starts the daemon at the first connection.
test_activation()
{
	if ! command -v systemd-socket-activate >/dev/null; then
		skip "socket activation" "systemd-socket-activate is not installed"
		return
	fi
	start_background systemd-socket-activate -l "$TMP/passed" -l "127.0.0.1:$(free_port)" \
		"$FAULTMAP" daemon -v --listen fd:// 2>"$TMP/daemon.err"
	daemon=$BACKGROUND_PID
	wait_for 120 test -S "$TMP/passed"
	check_equal "fd:// serves the sockets that were passed" \
		"$(http_status http://faultmap/-/healthy --unix-socket "$TMP/passed")" 200
	check_contains "all of them" "$TMP/daemon.err" 'serving on http://127\.0\.0\.1:'
	stop_background "$daemon"
	check "their files are the service manager's" test -S "$TMP/passed"
}

# make_pair NAME EXTENSION...: a key and a certificate that the CA signs.
make_pair()
{
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$TMP/$1.key" -subj "/CN=$1" 2>/dev/null |
		openssl x509 -req -CA "$TMP/ca.crt" -CAkey "$TMP/ca.key" -CAcreateserial -days 2 \
			-extfile <(printf '%s\n' "${@:2}") -out "$TMP/$1.crt" 2>/dev/null
}

make_certificates()
{
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$TMP/ca.key" -out "$TMP/ca.crt" -days 2 \
		-subj "/CN=test CA" 2>/dev/null
	make_pair server "subjectAltName=DNS:localhost,IP:127.0.0.1" extendedKeyUsage=serverAuth
	make_pair server2 "subjectAltName=DNS:localhost,IP:127.0.0.1" extendedKeyUsage=serverAuth
	make_pair client subjectAltName=DNS:scraper extendedKeyUsage=clientAuth
	make_pair other subjectAltName=DNS:other extendedKeyUsage=clientAuth
	# The DNS name "scraper", NUL, ".example".
	make_pair longer extendedKeyUsage=clientAuth \
		subjectAltName=DER:30:12:82:10:73:63:72:61:70:65:72:00:2e:65:78:61:6d:70:6c:65
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$TMP/alien.key" -out "$TMP/alien.crt" \
		-days 2 -subj /CN=client 2>/dev/null
}

# hash_of PASSWORD COST
hash_of()
{
	# shellcheck disable=SC2016
	perl -e 'printf "%s\n", crypt($ARGV[0], sprintf("\$2b\$%02d\$%s", $ARGV[1],
		"abcdefghijklmnopqrstuu"))' "$1" "$2"
}

# write_config SERVER [TLS-LINE...]: the certificate of SERVER, users prometheus and slow.
write_config()
{
	{
		printf 'tls_server_config:\n  cert_file: %s.crt\n  key_file: %s.key\n' "$1" "$1"
		[ $# -eq 1 ] || printf '  %s\n' "${@:2}"
		printf 'http_server_config:\n  headers:\n    X-Frame-Options: deny\n'
		printf 'basic_auth_users:\n  prometheus: %s\n  slow: %s\n' \
			"$(hash_of secret 10)" "$(hash_of slow 12)"
	} >"$TMP/web.yml"
}

# reload: by SIGHUP; waits until the daemon has said what became of it.
reload()
{
	local lines
	lines=$(grep -c 'reload' "$TMP/daemon.err")
	kill -HUP "$daemon"
	wait_for 120 reloads_reach "$((lines + 1))"
}

reloads_reach()
{
	[ "$(grep -c 'reload' "$TMP/daemon.err")" -ge "$1" ]
}

# The subject of the certificate that the server shows.
shown_subject()
{
	timeout "$(longer 120)" openssl s_client -connect "127.0.0.1:$port" -CAfile "$TMP/ca.crt" </dev/null \
		2>/dev/null | openssl x509 -noout -subject
}

# tls_status [CURL-FLAG...]: of /-/healthy, as the user.
tls_status()
{
	http_status "$url/-/healthy" --cacert "$TMP/ca.crt" -u prometheus:secret "$@"
}

test_passwords()
{
	local tls=(--cacert "$TMP/ca.crt")

	check_equal "no password" "$(http_status "$url/metrics" "${tls[@]}")" 401
	check_contains "it is asked for" "$TMP/head" '^WWW-Authenticate: Basic'
	check_equal "a wrong one" "$(http_status "$url/metrics" "${tls[@]}" -u prometheus:x)" 401
	check_equal "an unknown user" "$(http_status "$url/metrics" "${tls[@]}" -u x:secret)" 401
	check_equal "the right one" "$(http_status "$url/metrics" "${tls[@]}" -u prometheus:secret)" 200
	check_contains "the configured header" "$TMP/head" '^X-Frame-Options: deny'
	check_equal "plain HTTP is not served" "$(http_status "http://127.0.0.1:$port/metrics")" 000
	check_equal "a remote address with TLS and users is no warning" \
		"$(grep -c 'clear text' "$TMP/daemon.err")" 0
}

# refused_and_guarded NAME REGEX: a reload that would remove authentication is refused with a message, and
# authentication stays.
refused_and_guarded()
{
	reload
	check_contains "$1: the reload is refused" <(tail -n 1 "$TMP/daemon.err") \
		"^faultmap: reloading: .*$2.*; continuing as before"
	check_equal "$1: without a password nobody is served" \
		"$(http_status "$url/metrics" --cacert "$TMP/ca.crt") $(tls_status)" "401 200"
}

# A program that writes the file anew has truncated it; an editor has lost its end.
test_fails_closed()
{
	: >"$TMP/web.yml"
	refused_and_guarded "an empty file" "line 1: it is empty"
	write_config server
	sed -i '/^basic_auth_users/,$d' "$TMP/web.yml"
	refused_and_guarded "a file without its users" "asks for no password and no client certificate any more"
	write_config server
	sed -i '/^basic_auth_users/q' "$TMP/web.yml"
	refused_and_guarded "a file cut behind a key" "nothing is below this key"
	write_config server
	sed -i '/^tls/,/key_file/d' "$TMP/web.yml"
	refused_and_guarded "a file without TLS" "has no TLS any more"
	rm "$TMP/web.yml"
	refused_and_guarded "no file" "No such file"
	mkfifo "$TMP/web.yml"
	refused_and_guarded "a FIFO" "not a regular file"
	rm "$TMP/web.yml"
	write_config server
	reload
}

# Each of these passwords takes a quarter of a second to find wrong.
test_slow_passwords()
{
	local user=(--cacert "$TMP/ca.crt" -u prometheus:secret) before i busy=()

	before=$(ticks "${user[@]}")
	for i in 1 2 3 4 5 6 7 8; do
		start_background curl -s --noproxy '*' -m "$(longer 60)" --cacert "$TMP/ca.crt" -u "slow:$i" \
			-o /dev/null -w '%{http_code}\n' "$url/metrics" >"$TMP/slow.$i"
		busy+=("$BACKGROUND_PID")
	done
	check_equal "a scrape while wrong passwords are checked" \
		"$(http_status "$url/metrics" "${user[@]}")" 200
	check "ticks go on meanwhile" wait_for 120 ticked "$((before + 4))" "${user[@]}"
	wait "${busy[@]}"
	check_equal "all were wrong" "$(sort -u "$TMP"/slow.*)" 401
}

test_versions()
{
	# OpenSSL's own level forbids what is older.
	local old=(--tlsv1.0 --tls-max 1.1 --ciphers 'ALL:@SECLEVEL=0')

	check_equal "TLS 1.2 is spoken" "$(tls_status --tls-max 1.2)" 200
	check_equal "TLS 1.3 is spoken" "$(tls_status --tlsv1.3)" 200
	check_equal "TLS 1.1 is not" "$(tls_status "${old[@]}")" 000
	write_config server2 'min_version: TLS10'
	reload
	check_equal "it is with min_version: TLS10" "$(tls_status "${old[@]}")" 200
	write_config server2 'min_version: TLS13'
	reload
	check_equal "min_version: TLS13, after a reload" "$(tls_status --tls-max 1.2)$(tls_status)" \
		000200
}

# Names are Go's: promtool knows them; what is spoken, OpenSSL tells.
test_suites()
{
	local suite all only=(--tls-max 1.2 --ciphers)

	suite=ECDHE-ECDSA-AES256-GCM-SHA384
	all=$(sed -n 's/.*"\(TLS_[A-Z0-9_]*\)".*/\1/p' src/serve/web_suites.c | paste -sd ,)
	write_config server2 "cipher_suites: [ $all ]"
	check "promtool knows each suite that faultmap does" promtool check web-config "$TMP/web.yml"
	reload
	check_equal "all of them" "$(tls_status "${only[@]}" "$suite")" 200
	write_config server2 'cipher_suites: [ TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 ]'
	reload
	check_equal "cipher_suites: another suite of TLS 1.2 is not spoken" \
		"$(tls_status "${only[@]}" "$suite")" 000
	check_equal "that one is" \
		"$(tls_status "${only[@]}" ECDHE-ECDSA-AES128-GCM-SHA256)" 200
	check_equal "so is TLS 1.3" "$(tls_status --tlsv1.3)" 200
	write_config server2 'cipher_suites: [ TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA ]'
	reload
	check_equal "with a cipher that TLS 1.3 lacks, a client that has TLS 1.3 speaks 1.2" "$(tls_status)" 200
}

test_rate_limit()
{
	write_config server
	printf 'rate_limit:\n  interval: 1h\n  burst: 3\n' >>"$TMP/web.yml"
	reload
	check_equal "rate_limit: a burst of three, then no more" \
		"$(tls_status) $(tls_status) $(tls_status) $(tls_status)" "200 200 200 429"
	sed -i 's/1h/1ms/' "$TMP/web.yml"
	reload
	check_equal "a reload begins anew" "$(tls_status)" 200
}

test_reload()
{
	check_equal "the certificate" "$(shown_subject)" "subject=CN = server"
	start_client ask "$port" "$TMP/ca.crt"
	check_equal "a connection from before the reload" \
		"$(ask "GET /-/healthy prometheus:secret")" "200 None"
	write_config server2
	check "promtool finds the file well" promtool check web-config "$TMP/web.yml"
	reload
	check_equal "SIGHUP: the new certificate" "$(shown_subject)" "subject=CN = server2"
	check_equal "the old connection has one more answer, then is closed" \
		"$(ask "GET /-/healthy prometheus:secret")" "200 close"
	stop_client
	sed -i 's/cert_file/cert_fill/' "$TMP/web.yml"
	reload
	check_equal "a bad file is reported in one line" "$(grep -c 'line 2: unknown key .cert_fill' \
		"$TMP/daemon.err")" 1
	check_equal "and changes nothing" "$(tls_status)" 200
	check_equal "POST /-/reload fails on it" \
		"$(http_status "$url/-/reload" --cacert "$TMP/ca.crt" -u prometheus:secret -X POST)" 500
	write_config server
	check_equal "POST /-/reload" \
		"$(http_status "$url/-/reload" --cacert "$TMP/ca.crt" -u prometheus:secret -X POST)" 200
	check_equal "has done so" "$(shown_subject)" "subject=CN = server"
	check_equal "GET /-/reload" \
		"$(http_status "$url/-/reload" --cacert "$TMP/ca.crt" -u prometheus:secret)" 405
}

test_client_certificates()
{
	write_config server 'client_ca_file: ca.crt' 'client_auth_type: RequireAndVerifyClientCert' \
		'client_allowed_sans: [ scraper ]'
	reload
	check_equal "a client certificate is required" "$(tls_status)" 000
	check_equal "that of the CA is taken" \
		"$(tls_status --cert "$TMP/client.crt" --key "$TMP/client.key")" 200
	check_equal "one of another CA is not" \
		"$(tls_status --cert "$TMP/alien.crt" --key "$TMP/alien.key")" 000
	check_equal "one for servers is not" \
		"$(tls_status --cert "$TMP/server.crt" --key "$TMP/server.key")" 000
	check_equal "one of another name is not" \
		"$(tls_status --cert "$TMP/other.crt" --key "$TMP/other.key")" 000
	check_equal "nor one that only begins with it" \
		"$(tls_status --cert "$TMP/longer.crt" --key "$TMP/longer.key")" 000
	write_config server 'client_ca_file: ca.crt' 'client_auth_type: VerifyClientCertIfGiven'
	reload
	check_equal "VerifyClientCertIfGiven: none will do" "$(tls_status)" 200
	check_equal "one of another CA will not" \
		"$(tls_status --cert "$TMP/alien.crt" --key "$TMP/alien.key")" 000
}

# A server of its own: what it says of the target is the oracle.
test_prometheus()
{
	if ! command -v prometheus >/dev/null; then
		skip "Prometheus scrapes over TLS with a password" "prometheus is not installed"
		return
	fi
	start_prometheus <<-END
		global:
		  scrape_interval: 1s
		scrape_configs:
		  - job_name: faultmap
		    scheme: https
		    tls_config: { ca_file: '$TMP/ca.crt', min_version: TLS13 }
		    basic_auth: { username: prometheus, password: secret }
		    static_configs:
		      - targets: ['127.0.0.1:$port']
	END
	check "Prometheus scrapes over TLS with a password" wait_for 120 scraped "$server"
	stop_background "$BACKGROUND_PID"
}

scraped()
{
	[ "$(curl -s --noproxy '*' -m "$(longer 10)" "$1/api/v1/targets" |
		jq -r '.data.activeTargets[0].health')" = up ]
}

test_tls()
{
	make_certificates
	write_config server
	# With the least stack that is taken: TLS and bcrypt need more than most.
	# shellcheck disable=SC2016
	start_serving sh -c 'ulimit -s 256 && exec "$@"' - \
		"$FAULTMAP" daemon -v --interval 0.5 --listen 0.0.0.0:0 \
		--web.config.file "$TMP/web.yml" --web.enable-lifecycle
	port=$(sed -n 's|.*https://0\.0\.0\.0:\([0-9]*\)/.*|\1|p' "$TMP/daemon.err")
	url=https://localhost:$port
	wait_for 120 status_is 200 "$url/-/ready" --cacert "$TMP/ca.crt" -u prometheus:secret
	test_passwords
	test_slow_passwords
	test_reload
	test_fails_closed
	test_prometheus
	test_client_certificates
	test_versions
	test_suites
	test_rate_limit
	stop_background "$daemon"
	check_equal "it still ends with 0" "$?" 0
}

# Whoever it is: they have no password yet.
test_bodies()
{
	write_config server
	sed -i '/^tls/,/key_file/d' "$TMP/web.yml"
	start_serving "$FAULTMAP" daemon -v --listen 127.0.0.1:0 --listen 0.0.0.0:0 \
		--web.config.file "$TMP/web.yml"
	check_contains "passwords from other machines without TLS are warned about" "$TMP/daemon.err" \
		'passwords from other machines come in clear text'
	v4=$(sed -n 's|.*http://\(127[^/]*\)/.*|\1|p' "$TMP/daemon.err")
	wait_for 120 status_is 200 "http://$v4/-/ready" -u prometheus:secret
	start_client flood "${v4##*:}" 8
	check "8 endless bodies are cut" wait_for 120 grep -q cut "$TMP/client"
	# Beside what sockets hold that nobody reads, however late the daemon is: what is read with a header.
	check "none was read" awk '
		$1 == "cut" { cut++; print; read = $2 - $3 } END { exit cut != 1 || read > 256 * 1024 }' "$TMP/client"
	check_equal "they were told" "$(awk '$1 == "told" { print $2 }' "$TMP/client" | sort | uniq -c | tr -s ' ')" \
		" 8 413"
	stop_client
	check_equal "scrapes go on" "$(http_status "http://$v4/metrics" -u prometheus:secret)" 200
	check_equal "a page of another site does not reload" "$(http_status "http://$v4/-/reload" -X POST \
		-H 'Origin: http://evil.example' -u prometheus:secret)" 403
	stop_background "$daemon"
}

# A name that leads here, but is another site's.
test_other_sites()
{
	start_serving "$FAULTMAP" daemon -v --listen 127.0.0.1:0 --web.enable-lifecycle
	v4=$(sed -n 's|.*http://\(127[^/]*\)/.*|\1|p' "$TMP/daemon.err")
	wait_for 120 status_is 200 "http://$v4/-/ready"
	check_equal "by another site's name: refused" \
		"$(http_status "http://evil.example:${v4##*:}/metrics" --resolve "evil.example:${v4##*:}:127.0.0.1")" 421
	check_equal "by localhost: served" "$(http_status "http://localhost:${v4##*:}/metrics")" 200
	check_equal "by the machine's name: served" \
		"$(http_status "http://$v4/metrics" -H "Host: $(uname -n):14096")" 200
	check_equal "a page of another site does not reload" \
		"$(http_status "http://$v4/-/reload" -X POST -H 'Origin: http://evil.example')" 403
	check_equal "its own page may" \
		"$(http_status "http://$v4/-/reload" -X POST -H "Origin: http://$v4")" 200
	stop_background "$daemon"
}

test_bad_input()
{
	echo 'tls_server_config: { cert_file: nowhere.crt }' >"$TMP/bad.yml"
	check_failure "a bad web configuration" 2 "bad\.yml, line 1: cert_file: .*No such file" daemon \
		--listen 127.0.0.1:0 --web.config.file "$TMP/bad.yml"
	check_failure "no web configuration" 1 "/nowhere/web\.yml: No such file" daemon \
		--listen 127.0.0.1:0 --web.config.file /nowhere/web.yml
	: >"$TMP/bad.yml"
	check_failure "an empty web configuration" 2 "bad\.yml, line 1: it is empty" daemon \
		--listen 127.0.0.1:0 --web.config.file "$TMP/bad.yml"
	mkfifo "$TMP/bad.fifo"
	check_failure "a web configuration that is a FIFO" 1 "bad\.fifo: not a regular file" daemon \
		--listen 127.0.0.1:0 --web.config.file "$TMP/bad.fifo"
	check_failure "no sockets passed" 1 "fd://: no socket was passed" daemon --listen fd://
	echo text >"$TMP/file"
	check_failure "a socket's path is a file" 1 "unix:$TMP/file: Address already in use" daemon \
		--listen "unix:$TMP/file"
	check_equal "which stays" "$(cat "$TMP/file")" text
	check_failure "the second of two addresses" 2 "'nonsense'" daemon --listen 127.0.0.1:0 \
		--listen nonsense
}

test_plain
test_activation
test_tls
test_bodies
test_other_sites
test_bad_input
done_testing
