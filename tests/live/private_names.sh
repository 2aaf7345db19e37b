#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# takes 20 s
# A reader of /metrics without a password sees no names of files in directories that are closed to others, where
# /proc/PID/maps says EACCES: neither as mappings nor as groups by exe, nor on the page.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

curl_it()
{
	curl -s --noproxy '*' -m "$(longer 20)" "$@"
}

# start_showing FLAG...: a daemon with many series; sets $target to where it listens first.
start_showing()
{
	start_serving "$FAULTMAP" daemon -v --interval 0.2 --max-series 20000 --mappings top=20 "$@"
	target=$(sed -n 's|.*serving on http://\([^/]*\)/.*|\1|p' "$TMP/daemon.err" | head -n 1)
}

# touch_secret: a program in a directory of root's maps a file there.
touch_secret()
{
	"$TMP/closed/secret-program" open "$TMP/closed/secret-file" write 200 >/dev/null
}

# counts REGEX CURL-ARGUMENT...: after another touch, /metrics has that series.
counts()
{
	touch_secret
	curl_it "${@:2}" >"$TMP/page" && grep -Eq "$1" "$TMP/page"
}

# check_shown NAME REGEX CURL-ARGUMENT...
check_shown()
{
	check "$1" wait_for 60 counts "${@:2}"
}

mkdir -m 700 "$TMP/closed"
chmod 755 "$TMP"
cp "$BUILD/workload/mapfile" "$TMP/closed/secret-program"
head -c 1M /dev/zero >"$TMP/closed/secret-file"

# By TCP, to anybody.
start_showing --listen 127.0.0.1:0 --group-by comm
check_shown "without a password: what is private is counted as such" \
	'group="secret-program",mapping="\[private\]"' "http://$target/metrics"
check_shown "and libraries are named" 'group="secret-program",mapping="/.*/libc\.so\.6"' "http://$target/metrics"
check_equal "no scrape has its name" "$(grep -c 'secret-file' "$TMP/page")" 0
curl_it "http://$target/group.json?name=secret-program" >"$TMP/page"
check_contains "the page's group has it as private, too" "$TMP/page" '"mappings":\[.*"name":"\[private\]"'
check_equal "and not by its name" "$(grep -c 'secret-file' "$TMP/page")" 0
stop_background "$daemon"

start_showing --listen 127.0.0.1:0 --group-by exe
check_shown "by exe: the group is named as the process is" 'group="\[secret-program\]"' "http://$target/metrics"
check_equal "no scrape has its directory" "$(grep -c "$TMP/closed" "$TMP/page")" 0
curl_it "http://$target/overview.json" >"$TMP/page"
check_contains "the page has groups" "$TMP/page" '"groups":\[.*"name":"'
check_equal "nor has the page" "$(grep -c "$TMP/closed" "$TMP/page")" 0
stop_background "$daemon"

start_showing --listen 127.0.0.1:0 --group-by comm --mappings-names all
check_shown "--mappings-names all: everything is named" 'mapping="/.*secret-file"' "http://$target/metrics"
stop_background "$daemon"

# For a client with a password.
start_showing --listen "unix:$TMP/socket" --group-by comm
check_shown "a unix socket: everything is named" 'mapping="/.*secret-file"' \
	--unix-socket "$TMP/socket" http://faultmap/metrics
stop_background "$daemon"
start_showing --listen "unix:$TMP/socket" --group-by comm --mappings-names public
check_shown "--mappings-names public: not even there" 'mapping="\[private\]"' \
	--unix-socket "$TMP/socket" http://faultmap/metrics
stop_background "$daemon"
# shellcheck disable=SC2016
printf 'basic_auth_users:\n  user: %s\n' "$(perl -e 'print crypt("secret", "\$2b\$04\$abcdefghijklmnopqrstuu")')" >"$TMP/web.yml"
start_showing --listen 127.0.0.1:0 --group-by comm --web.config.file "$TMP/web.yml"
check_shown "with a password: everything is named" 'mapping="/.*secret-file"' -u user:secret \
	"http://$target/metrics"
stop_background "$daemon"
check_equal "it ends with 0" "$?" 0
done_testing
