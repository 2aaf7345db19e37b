#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# takes 25 s
# /stream and `top --connect`: the daemon streams the lines that it writes to clients that may read them. top
# shows them without privileges, also on a terminal, where it waits for a daemon that has ended to come back.

# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/screen.bash
. tests/screen.bash

socket=$TMP/socket
python=$(python3 -c 'import sys; print(sys.executable)')

# as_nobody COMMAND...: runs it as another user than root, without capabilities.
as_nobody()
{
	setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps -all "$@"
}

# open_to_nobody: who runs as nobody reaches the socket, and the program.
open_to_nobody()
{
	chmod 711 "$TMP"
	chmod 666 "$socket"
}

# stream FILE: what the daemon streams from now on.
stream()
{
	start_background curl -sN --unix-socket "$socket" -o "$1" http://faultmap/stream
	reader=$BACKGROUND_PID
	wait_for 30 grep -q '"rec":"meta"' "$1"
}

# lines_of FILE TIME TIME: of the intervals between them, in one order.
lines_of()
{
	jq -cS --arg from "$2" --arg to "$3" 'select(.ts and .ts >= $from and .ts <= $to)' "$1" | sort
}

test_lines()
{
	local from to

	stream "$TMP/stream"
	touch_memory 8
	check "intervals come" wait_for 60 has_intervals "$TMP/stream" 4 0
	stop_background "$reader"
	sed -i '/[^}]$/d' "$TMP/stream" # it was stopped within a line
	from=$(jq -rs 'map(select(.rec == "interval").ts)[0]' "$TMP/stream")
	to=$(jq -rs 'map(select(.rec == "interval").ts)[2]' "$TMP/stream")
	wait_for 60 grep -q "\"rec\":\"interval\",\"ts\":\"$to\"" "$TMP/log"
	await_intervals "$TMP/log" 0
	check_equal "the first line is a meta line" "$(head -n 1 "$TMP/stream" | jq -r .rec)" meta
	lines_of "$TMP/stream" "$from" "$to" >"$TMP/streamed"
	lines_of "$TMP/log" "$from" "$to" >"$TMP/logged"
	check_equal "three intervals: the lines are those of --jsonl" "$(sum "$TMP/streamed")" "$(sum "$TMP/logged")"
	check "and there are some" test "$(wc -l <"$TMP/streamed")" -gt 3
	check_equal "each interval ends with its line of that name" \
		"$(jq -r 'select(.ts) | [.ts, .rec] | join(" ")' "$TMP/stream" |
			awk '$1 != last { if (last && rec != "interval") bad++; last = $1 } { rec = $2 } END { print bad + 0 }')" 0
	keep_log "$TMP/stream"
	check_schema
}

sum()
{
	sha256sum <"$1"
}

# touch_memory MIB: a process that has done so, and waits; sets $toucher.
touch_memory()
{
	start_background "$python" -c 'import mmap, sys, time
memory = mmap.mmap(-1, int(sys.argv[1]) << 20, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
memory.madvise(mmap.MADV_NOHUGEPAGE)
sys.stdin.readline()
for at in range(0, len(memory), 4096):
    memory[at] = 1
sys.stdin.readline()' "$1" < <(exec tail -f --pid=$$ /dev/null)
	toucher=$BACKGROUND_PID
}

test_access()
{
	check_equal "by TCP without a user: 403" \
		"$(curl -s --noproxy '*' -o "$TMP/body" -w '%{http_code}' "$url/stream")" 403
	check_contains "it says how to" "$TMP/body" 'only by a unix: socket'
	check_failure "top says so, too" 1 'says 403: only by a unix: socket' top --once --connect "$target"
	check_equal "a client counts" "$(scrape && value faultmap_stream_clients)" 0
	stream "$TMP/one"
	wait_for 30 client_counts 1
	check_equal "while it is there" "$(value faultmap_stream_clients)" 1
	stop_background "$reader"
	check "and not when it has left" wait_for 30 client_counts 0
	check_equal "which is no loss" "$(value faultmap_stream_clients_dropped_total)" 0
}

client_counts()
{
	scrape && [ "$(value faultmap_stream_clients)" = "$1" ]
}

# to_file FILE COMMAND...: what it says goes there.
to_file()
{
	"${@:2}" >"$1"
}

test_tables()
{
	open_to_nobody
	check "nobody in particular gets a table" to_file "$TMP/table" as_nobody "$FAULTMAP" top --once \
		--connect "unix:$socket"
	check_contains "of processes" "$TMP/table" '^ *PID +USER +COMM'
	check "and tables as JSON" to_file "$TMP/json" as_nobody "$FAULTMAP" top -b -n 2 --json --connect "unix:$socket"
	check_equal "two of them" "$(jq -s length "$TMP/json")" 2
	as_nobody "$FAULTMAP" top -b -n 2 --csv --connect "unix:$socket" --comm 'no such' >"$TMP/none"
	check_equal "--comm chooses" "$(grep -c ',[0-9]' "$TMP/none")" "$(grep -c '(exited)\|total' "$TMP/none")"
	"$FAULTMAP" top -b --connect "unix:$socket" 2>"$TMP/err" | head -n 1 >/dev/null
	check_equal "a reader that has enough is no error" "$(cat "$TMP/err")" ""
}

test_refused()
{
	check_failure "nobody there" 1 "connecting to unix:$TMP/gone: " top --once --connect "unix:$TMP/gone"
	check_failure "a password in the flags" 2 'put it in a file for --credentials' top --once --connect https://u:p@localhost
	check_failure "no target" 2 'neither unix:PATH' top --once --connect localhost
	check_failure "a delay" 2 "uses the daemon's interval" top --once -d 2 --connect "unix:$socket"
	check_failure "a recorded log, too" 2 'not both' top --once --replay --connect "unix:$socket" x
	check_failure "a PID" 2 'but not --pid and --exe' top --once --connect "unix:$socket" -p 1
	check_failure "credentials alone" 2 'go with --connect' top --once --credentials "$TMP/password"
}

# What is on the screen of an unprivileged user, through the end of the daemon and the start of the next.
test_screen()
{
	local pages

	mkfifo "$TMP/go"
	exec 7<>"$TMP/go"
	start_background "$python" -c 'import mmap, sys
memory = mmap.mmap(-1, 64 << 20, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
memory.madvise(mmap.MADV_NOHUGEPAGE)
for line in sys.stdin:
    for at in range(0, len(memory), 4096):
        memory[at] = 1' <"$TMP/go"
	toucher=$BACKGROUND_PID
	pages=16,384
	open_screen 132 43
	type_line "clear; setpriv --reuid 65534 --regid 65534 --clear-groups $FAULTMAP top --connect unix:$socket"
	check_screen "it shows the daemon's host" "$(uname -n) +Linux $(uname -r) +detail fast"
	echo >&7
	wait_for 60 screen_has "^ *$toucher "
	type_line "p$toucher"
	press Enter
	check_screen "the $pages pages are in their mapping" " 64M +$pages .*\[anon\]"
	stop_background "$daemon"
	check_screen "the daemon has ended: it says so" 'NOT CONNECTED'
	check_screen "and why" "connecting to unix:.*; trying again"
	check_screen "what came last stays" " 64M +$pages .*\[anon\]"
	start_daemon --stream --listen "unix:$socket"
	open_to_nobody
	check_screen "another daemon: connected again" 'connected again'
	press Escape
	check_screen "and it goes on" '[0-9][0-9]Z  1s'
	check_equal "no message about the first daemon's end" "$(screen | grep -c 'NOT CONNECTED')" 0
	press q
	wait_for 30 screen_has '^\$'
	stop_background "$toucher"
	exec 7>&-
}

# make_certificates: ca.crt, and server.crt for localhost.
make_certificates()
{
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$TMP/ca.key" -out "$TMP/ca.crt" \
		-days 2 -subj /CN=ca 2>/dev/null
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$TMP/server.key" -subj /CN=localhost \
		2>/dev/null | openssl x509 -req -CA "$TMP/ca.crt" -CAkey "$TMP/ca.key" -CAcreateserial -days 2 \
		-extfile <(echo subjectAltName=DNS:localhost,IP:127.0.0.1) -out "$TMP/server.crt" 2>/dev/null
}

test_tls()
{
	local hash

	make_certificates
	# shellcheck disable=SC2016 # perl's
	hash=$(perl -e 'print crypt("secret", "\$2b\$04\$abcdefghijklmnopqrstuu")')
	printf 'tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\nbasic_auth_users:\n  op: %s\n' \
		"$hash" >"$TMP/web.yml"
	start_serving "$FAULTMAP" daemon -v --stream --listen 127.0.0.1:0 --web.config.file "$TMP/web.yml"
	target=https://localhost:$(sed -n 's|.*serving on https://127.0.0.1:\([0-9]*\)/.*|\1|p' "$TMP/daemon.err")
	(umask 077; echo op:secret >"$TMP/password"; echo op:wrong >"$TMP/wrong")
	check "https://, with a password and a CA of its own" to_file "$TMP/table" "$FAULTMAP" top --once \
		--connect "$target" --ca "$TMP/ca.crt" --credentials "$TMP/password"
	check_contains "a table" "$TMP/table" '^ *PID +USER +COMM'
	check "the password from the environment" to_file "$TMP/table" env FAULTMAP_CREDENTIALS=op:secret "$FAULTMAP" \
		top --once --connect "$target" --ca "$TMP/ca.crt"
	check_failure "a wrong password" 1 'wants another user or password' top --once --connect "$target" \
		--ca "$TMP/ca.crt" --credentials "$TMP/wrong"
	check_failure "no password" 1 'wants another user or password' top --once --connect "$target" --ca "$TMP/ca.crt"
	check_failure "a certificate that nobody has signed" 1 'connecting to .*certificate' top --once \
		--connect "$target" --credentials "$TMP/password"
	check_failure "no TLS" 1 'connecting to|ended the stream' top --once --connect "${target#https://}"
	chmod 644 "$TMP/password"
	"$FAULTMAP" top --once --connect "$target" --ca "$TMP/ca.crt" --credentials "$TMP/password" \
		>"$TMP/table" 2>"$TMP/err"
	check_contains "a password that others can read is warned of" "$TMP/err" 'other users can read the file of --credentials'
	stop_background "$daemon"
}

start_daemon --stream --listen "unix:$socket" --jsonl "$TMP/log"
await_ticks 1
test_lines
test_access
test_tables
test_refused
test_screen
check_equal "the daemon says nothing of clients" "$(grep -c 'stream' "$TMP/daemon.err")" 0
stop_background "$daemon"
start_daemon --listen "unix:$socket"
check_equal "without --stream there is none" \
	"$(curl -s --unix-socket "$socket" -o "$TMP/body" -w '%{http_code}' http://faultmap/stream)" 403
check_contains "it says how to" "$TMP/body" 'start faultmap daemon with --stream'
stop_background "$daemon"
test_tls
close_screen
done_testing
