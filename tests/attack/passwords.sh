#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# attack: authentication: a web configuration that is cut at every byte, and SIGHUP
# The web configuration is cut at every byte while the daemon runs, with a SIGHUP after each: no request is ever
# served without a password. The short form is in live/web.sh.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

status()
{
	curl -s --noproxy '*' -m "$(longer 20)" -o /dev/null -w '%{http_code}' "http://$target/metrics" "$@"
}

reloads()
{
	grep -cE '^faultmap: (reloaded|reloading: )' "$TMP/daemon.err"
}

has_reloaded()
{
	[ "$(reloads)" -gt "$1" ]
}

# reload_with FILE: SIGHUP, until the daemon has said what became of it.
reload_with()
{
	local before
	before=$(reloads)
	cp "$1" "$TMP/web.yml"
	kill -HUP "$BACKGROUND_PID"
	wait_for 30 has_reloaded "$before"
}

# shellcheck disable=SC2016
hash=$(perl -e 'print crypt("secret", "\$2b\$04\$abcdefghijklmnopqrstuu")')
printf 'http_server_config:\n  headers:\n    X-Frame-Options: deny\nrate_limit: { interval: 1ms, burst: 1000 }\n%s' \
	"basic_auth_users:
  prometheus: $hash
" >"$TMP/whole.yml"
cp "$TMP/whole.yml" "$TMP/web.yml"
start_daemon --interval 60 --web.config.file "$TMP/web.yml"
open=0
for ((size = 0; size < $(stat -c %s "$TMP/whole.yml"); size++)); do
	head -c "$size" "$TMP/whole.yml" >"$TMP/cut.yml"
	reload_with "$TMP/cut.yml"
	[ "$(status)" = 401 ] || open=$((open + 1))
done
check_equal "cut at each of $size bytes: how many requests were served" "$open" 0
reload_with "$TMP/whole.yml"
check_equal "the complete file again: served with the password" "$(status -u prometheus:secret)" 200
stop_background "$BACKGROUND_PID"
done_testing
