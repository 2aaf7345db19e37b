#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# takes 15 s
# runs alone: its group has to be among the busiest
# The page at /, as a browser shows it: its figures, names that would be markup, its policy.
# shellcheck source=tests/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

# As a path, with what follows: a name has no slash, but a directory and a file in it make one.
HOSTILE='<img src=x onerror=document.title=1><'
POLICY="default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'"

get()
{
	curl -s --noproxy '*' -m 10 -f "$url/$1"
}

group_is_there()
{
	get overview.json | jq -e --arg name "$1" '.groups | map(.name) | index($name) != null'
}

# browse FILE [FLAG...]: the page as it is after its first figures, and what the console said.
browse()
{
	timeout 120 chromium --headless --no-sandbox --disable-gpu --disable-quic --no-first-run \
		--disable-background-networking --disable-component-update --disable-sync \
		--no-proxy-server --hide-scrollbars --enable-logging=stderr \
		--user-data-dir="$TMP/profile" --virtual-time-budget=3000 "${@:2}" "$url/" \
		>"$1" 2>"$1.err"
}

# What the console said of policies.
violations()
{
	grep -c 'Content Security Policy' "$1.err"
}

# The hostile program lies where only its user may look.
start_daemon --interval 0.3 --group-by exe --mappings-names all
daemon=$BACKGROUND_PID
# A shell that has so many faults that it stays among the top groups on a busy machine, and goes on.
program="$TMP/$HOSTILE/b><script>document.title=2<"
mkdir -p "$program"
program="$program/script>"
cp /bin/bash "$program"
start_background "$program" -c 'for i in {1..12}; do
	printf -v x %050000000d 0; unset x; done; while :; do (:); sleep 0.1; done'
check "the hostile group is in overview.json" wait_for 120 group_is_there "$program"
get overview.json >"$TMP/overview.json"
check_equal "history, kinds and groups add up to the same" "$(jq -c '
	.history[-1].minor as $minor
	| [.kinds, .groups | (map(.minor) | add) - $minor | fabs < 0.1]' "$TMP/overview.json")" \
	"[true,true]"
check "it has faults" jq -e '.history | map(.minor) | max > 0' "$TMP/overview.json"
curl -s --noproxy '*' -m 10 -D "$TMP/head" -o "$TMP/page.html" "$url/"
check_contains "a policy is sent" "$TMP/head" "^Content-Security-Policy: $POLICY"
check_contains "and that types are not to be guessed" "$TMP/head" '^X-Content-Type-Options: nosniff'
check_equal "the page asks for nothing from elsewhere" \
	"$(get . | grep -cE 'https?:|src="?//|href="?//')" 0

if ! command -v chromium >/dev/null; then
	skip "a browser shows the page" "chromium is not installed"
	done_testing
fi
check "a browser shows the page" browse "$TMP/dom" --dump-dom
check_contains "with figures" "$TMP/dom" '<td class="number">[1-9]'
check_contains "with a strip of minor faults" "$TMP/dom" '<path class="minor" d="M[0-9]'
check_contains "the hostile name is text" "$TMP/dom" \
	'<bdi>[^<]*&lt;img src=x onerror=document.title=1&gt;&lt;/b&gt;&lt;script&gt;'
check_equal "no markup came out of it" "$(grep -cE '<img|<script>' "$TMP/dom")" 0
check_contains "the title is still ours" "$TMP/dom" '<title>faultmap</title>'
check_equal "the console tells of no violation" "$(violations "$TMP/dom")" 0

check "a picture can be taken" browse "$TMP/shot" --screenshot="$TMP/page.png"
check_contains "it is one" "$TMP/page.png" PNG

# The test would see a violation: the configuration's policy comes instead of ours, and with this one the
# script may not run.
stop_background "$daemon"
cat >"$TMP/web.yml" <<-'END'
	http_server_config:
	  headers:
	    Content-Security-Policy: "default-src 'none'"
END
start_daemon --interval 0.3 --group-by exe --web.config.file "$TMP/web.yml"
check "with a policy of the configuration" browse "$TMP/strict" --dump-dom
check "the console tells of violations" test "$(violations "$TMP/strict")" -gt 0
check_contains "and nothing is shown" "$TMP/strict" '<main hidden'
check_equal "there is one policy" \
	"$(curl -s --noproxy '*' -m 10 -I "$url/" | grep -ci '^Content-Security-Policy')" 1
done_testing
