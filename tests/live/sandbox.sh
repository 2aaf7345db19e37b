#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# takes 20 s
# The rights that the daemon, its workers, log, top and report have once they run: user, capabilities and filter
# of system calls, as /proc says of each thread. And that everything still works: scrapes by TLS, reloads,
# rotation of JSON lines, new processes, removal of a socket's file at the end. unit/test_sandbox.c has what the
# filter refuses.
# shellcheck source=tests/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

none=0000000000000000
user=65534
find_lacks
filter=2
! lacks seccomp || filter=0

# privileges PID: what all of its threads have, each line once: one line for each, if they are the same.
privileges()
{
	cat "/proc/$1"/task/*/status | awk '
		/^(Uid|Gid):/ { print $1 $2, $3, $4, $5 }
		/^(Cap|Groups|NoNewPrivs|Seccomp:)/ { sub(/[ \t]+$/, ""); print $1 $2 }' | sort -u | paste -sd ' '
}

# wanted UID CAPABILITIES: of privileges.
wanted()
{
	echo "CapAmb:$none CapBnd:$none CapEff:$2 CapInh:$none CapPrm:$2 Gid:$1 $1 $1 $1 Groups: NoNewPrivs:1" \
		"Seccomp:$filter Uid:$1 $1 $1 $1"
}

# make_files DIRECTORY OWNER: what a daemon reads and writes.
make_files()
{
	mkdir -p "$1"
	openssl req -x509 -newkey rsa:2048 -nodes -keyout "$1/key" -out "$1/crt" -days 2 -subj /CN=localhost \
		-addext subjectAltName=IP:127.0.0.1 2>/dev/null
	# shellcheck disable=SC2016
	hash=$(perl -e 'print crypt("secret", "\$2b\$04\$abcdefghijklmnopqrstuu")')
	printf 'tls_server_config: { cert_file: crt, key_file: key }\nbasic_auth_users: { prometheus: %s }\n' \
		"$hash" >"$1/web.yml"
	chmod 600 "$1"/*
	chown -R "$2:$2" "$1"
	chmod 755 "$1"
}

# ask CURL-FLAG...: the status of /metrics, whose text is in $TMP/body.
ask()
{
	curl -s --noproxy '*' -m "$(longer 30)" -u prometheus:secret -o "$TMP/body" -w '%{http_code}' "$@"
}

reloads()
{
	grep -c '^faultmap: reloaded$' "$TMP/daemon.err"
}

has_reloaded()
{
	[ "$(reloads)" -gt "$1" ]
}

has_meta()
{
	head -n 1 "$1" 2>/dev/null | grep -q '"rec":"meta".*}$'
}

# The daemon tells of a process that began after it had changed.
has_seen()
{
	"$TMP/newcomer" </dev/null
	ask --cacert "$dir/crt" "https://$address/metrics" >/dev/null
	grep -q 'group="newcomer"' "$TMP/body"
}

# check_daemon NAME DIRECTORY CAPABILITIES: everything of a daemon that became $user.
check_daemon()
{
	local name=$1 before
	dir=$2

	start_serving "$FAULTMAP" daemon -v --user $user --interval 0.2 --group-by comm --listen 127.0.0.1:0 \
		--listen "unix:$dir/socket" --web.config.file "$dir/web.yml" --jsonl "$dir/log"
	address=$(sed -n 's|.*serving on https://\([^/]*\)/.*|\1|p' "$TMP/daemon.err")
	check "$name: it ticks" wait_for 120 grep -q '"rec":"interval"' "$dir/log"
	check_equal "$name: TLS, with a password" "$(ask --cacert "$dir/crt" "https://$address/metrics")" 200
	check_equal "$name: user, capabilities and filter of every thread" "$(privileges "$daemon")" \
		"$(wanted $user "$3")"
	check "$name: there are threads" test "$(find "/proc/$daemon/task" -mindepth 1 -maxdepth 1 | wc -l)" -ge 3
	cp /bin/true "$TMP/newcomer"
	check "$name: it follows new processes" wait_for 60 has_seen

	before=$(reloads)
	mv "$dir/log" "$dir/log.1"
	cp "$dir/crt" "$TMP/old.crt"
	openssl req -x509 -key "$dir/key" -out "$TMP/new.crt" -days 3 -subj /CN=localhost \
		-addext subjectAltName=IP:127.0.0.1 2>/dev/null
	cat "$TMP/new.crt" >"$dir/crt"
	kill -HUP "$daemon"
	check "$name: it reloads" wait_for 60 has_reloaded "$before"
	check_equal "$name: the new certificate" "$(openssl s_client -connect "$address" </dev/null 2>/dev/null |
		openssl x509 -noout -fingerprint)" "$(openssl x509 -in "$TMP/new.crt" -noout -fingerprint)"
	check "$name: the rotated log is made anew" wait_for 60 has_meta "$dir/log"
	check_equal "$name: it is the user's" "$(stat -c %u "$dir/log")" $user
	check_equal "$name: and the socket answers" \
		"$(ask -k --unix-socket "$dir/socket" https://localhost/metrics)" 200
	check_equal "$name: nothing was refused" "$(grep -E 'denied|not permitted|not implemented' "$TMP/daemon.err" |
		grep -v '^faultmap: keeping')" ""
	stop_background "$daemon"
	check_equal "$name: it ends with 0" "$?" 0
	check "$name: the socket's file is gone" test ! -e "$dir/socket"
	check_equal "$name: its last line is whole" "$(tail -c 1 "$dir/log" | xxd -p)" 0a
}

if ! may 6 7 0; then
	skip "root's daemon becomes another user" "this shell lacks CAP_SETUID, CAP_SETGID or CAP_CHOWN"
	done_testing
fi
chmod 711 "$TMP"
make_files "$TMP/own" $user
check_daemon "files of the user" "$TMP/own" $none
check_equal "files of the user: it says nothing of capabilities" "$(grep -c keeping "$TMP/daemon.err")" 0
make_files "$TMP/roots" 0
check_daemon "files of root" "$TMP/roots" 0000000000000006
check_contains "files of root: it says why it can read them" "$TMP/daemon.err" \
	"^faultmap: keeping CAP_DAC_READ_SEARCH, for a reload: .*$TMP/roots/(web.yml|key|crt).*Permission denied"
check_contains "files of root: and write them" "$TMP/daemon.err" '^faultmap: keeping CAP_DAC_OVERRIDE: '

# By --group-by exe and the like it asks for more.
start_daemon --user $user --group-by exe
ticks >/dev/null
check_equal "--group-by exe keeps CAP_SYS_PTRACE" "$(privileges "$daemon")" "$(wanted $user 0000000000080000)"
stop_background "$daemon"
# descendants PID: processes that work for it and their keepers.
descendants()
{
	local child

	for child in $(cat "/proc/$1/task/$1/children"); do
		echo "$child"
		descendants "$child"
	done
}

# Unwinding, names of code and OTLP have a worker each, with a keeper that starts it again.
has_workers()
{
	[ "$(descendants "$daemon" | wc -l)" = "$1" ]
}

start_daemon --user $user --stacks --otlp http://127.0.0.1:1
check "there are three workers, their keepers, and a process that finds debug information" wait_for 60 has_workers 7
for pid in $(descendants "$daemon"); do
	privileges "$pid" | sed 's/Seccomp:. //'
done | sort -u >"$TMP/helpers"
check_equal "each is the daemon's user, without capabilities" "$(cat "$TMP/helpers")" \
	"$(wanted $user $none | sed 's/Seccomp:. //')"
stop_background "$daemon"
start_daemon --user $user --disable-feature seccomp
check_equal "--disable-feature seccomp: no filter" "$(privileges "$daemon" | grep -oE 'Seccomp:.')" \
	"Seccomp:$(awk '/^Seccomp:/ { print $2 }' /proc/self/status)"
stop_background "$daemon"

# Whom it becomes by itself: with a user database of its own.
# as_known PASSWD-LINE COMMAND...
as_known()
{
	printf 'root:x:0:0:root:/root:/bin/sh\n%s\n' "$1" >"$TMP/passwd"
	printf 'root:x:0:\ntape:x:26:faultmap\n' >"$TMP/group"
	# shellcheck disable=SC2016
	start_serving unshare -m sh -c 'mount --bind "$0/passwd" /etc/passwd && mount --bind "$0/group" /etc/group &&
		exec "$@"' "$TMP" "$FAULTMAP" daemon -v --listen 127.0.0.1:0 "${@:2}"
	target=$(sed -n 's|.*serving on http://\([^/]*\)/.*|\1|p' "$TMP/daemon.err")
	url=http://$target
}

if unshare -m true 2>/dev/null; then
	as_known 'faultmap:x:990:991::/:/bin/false'
	check "the system user faultmap: it ticks" await_ticks 1
	check_equal "the system user faultmap, with its groups" "$(privileges "$daemon" |
		grep -oE '(Gid|Groups|Uid|CapPrm):[0-9 ]*[0-9]' | paste -sd ' ')" \
		"CapPrm:$none Gid:991 991 991 991 Groups:26 Uid:990 990 990 990"
	check_equal "it says nothing of it" "$(grep -c 'staying root' "$TMP/daemon.err")" 0
	stop_background "$daemon"
	as_known 'faultmap:x:1000:1000::/:/bin/false'
	check "a person of that name is not asked: it ticks" await_ticks 1
	check_equal "it stays root, without capabilities" "$(privileges "$daemon" | sed 's/Groups:[^N]*/Groups: /')" \
		"$(wanted 0 $none)"
	check_equal "and says so, once" "$(grep 'staying root' "$TMP/daemon.err")" \
		"faultmap: warning: staying root, without its capabilities: there is no system user faultmap; give $(
		)--user NAME to become that user, or --user root to stay root without this warning"
	stop_background "$daemon"
	as_known 'faultmap:x:990:991::/:/bin/false' --user root
	check "--user root: it ticks" await_ticks 1
	check_equal "--user root: it is, and says nothing" \
		"$(privileges "$daemon" | grep -oE 'Uid:[0-9]+') $(grep -c 'staying root' "$TMP/daemon.err")" "Uid:0 0"
	stop_background "$daemon"
else
	skip "the default user" "this shell may not make a mount namespace"
fi
check_failure "a user that is not there" 2 '--user.*"nobody-at-all"' daemon --user nobody-at-all
install -m 755 "$FAULTMAP" "$TMP/faultmap"
setpriv --reuid=$user --regid=$user --clear-groups --inh-caps=-all "$TMP/faultmap" daemon --user root \
	>"$TMP/out" 2>"$TMP/err"
check_equal "another user without the capabilities: exit status" "$?" 1
check_equal "it says what that takes" "$(cat "$TMP/err")" "faultmap: --user root: becoming another user takes $(
	)CAP_SETUID and CAP_SETGID; start it as root, or as that user"

# The others that go on long: they open perf events for CPUs that come online.
kept=0000004000000000
[ "$(cat /proc/sys/kernel/perf_event_paranoid)" -le 2 ] || kept=0000000000200000
start_background "$FAULTMAP" log --user $user -d 0.2 -o "$TMP/lines"
log=$BACKGROUND_PID
check "log --user: it writes" wait_for 120 grep -q '"rec":"faults"' "$TMP/lines"
check_equal "log --user: user, capabilities and filter" "$(privileges "$log")" "$(wanted $user $kept)"
stop_background "$log"
check_equal "log --user: it ends with 0" "$?" 0
start_background "$FAULTMAP" top --user $user -b -d 0.2 >"$TMP/table"
top=$BACKGROUND_PID
check "top --user: it prints" wait_for 120 grep -q HOTTEST "$TMP/table"
check_equal "top --user: user, capabilities and filter" "$(privileges "$top")" "$(wanted $user $kept)"
stop_background "$top"
check_equal "top --user: it ends with 0" "$?" 0

# A report that waits for its lines.
mkfifo "$TMP/fifo"
# shellcheck disable=SC2016
start_background bash -c 'exec "$0" report --by process - <"$1"' "$FAULTMAP" "$TMP/fifo" >"$TMP/report"
report=$BACKGROUND_PID
exec 7>"$TMP/fifo"
is_filtered()
{
	[ "$(privileges "$report" | grep -oE 'Cap(Eff|Prm):[0-9a-f]*|Seccomp:.' | paste -sd ' ')" = \
		"CapEff:0000000000000004 CapPrm:0000000000000004 Seccomp:$filter" ]
}
check "report: of the capabilities the one that opens files, and the filter" wait_for 60 is_filtered
cat "$TMP/lines" >&7
exec 7>&-
wait "$report"
check_equal "report: it ends with 0" "$?" 0
check_contains "report: with its table" "$TMP/report" PROCESS
gzip -c "$TMP/lines" >"$TMP/lines.gz"
check_equal "report: from files, one of them packed" \
	"$("$FAULTMAP" report --by process "$TMP/lines" | grep -c .)" \
	"$("$FAULTMAP" report --by process "$TMP/lines.gz" | grep -c .)"
done_testing
