#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# takes 35 s
# runs alone: its group has to be among the busiest
# The page at / in a browser: its figures against /metrics and ps, names that look like markup, and its content
# security policy.
# shellcheck source=tests/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
# shellcheck source=tests/page/lines.bash
. tests/page/lines.bash

# As a path, with what follows: a name has no slash, but a directory and a file in it make one.
HOSTILE='<img src=x onerror=document.title=1><'
# Of the page that is made up: what it may do is what the daemon's may.
POLICY=$(/usr/bin/python3 -B -c 'import sys; sys.path.insert(0, "tests/page"); import browser; print(browser.POLICY)')

get()
{
	curl -s --noproxy '*' -m 10 -f "$url/$1"
}

# status PATH: of the answer, which is in $TMP/answer.
status()
{
	curl -s --noproxy '*' -m 10 -o "$TMP/answer" -w '%{http_code}' "$url/$1"
}

group_is_there()
{
	get 'overview.json?search=IMG' | jq -e --arg name "$1" '.groups | map(.name) | index($name) != null'
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

test_answers()
{
	# The hostile program lies where only its user may look.
	start_daemon --interval 0.3 --group-by exe --mappings-names all
	# A shell with enough faults to stay among the top groups on a busy machine.
	program="$TMP/$HOSTILE/b><script>document.title=2<"
	mkdir -p "$program"
	program="$program/script>"
	cp /bin/bash "$program"
	start_background "$program" -c 'for i in {1..12}; do
		printf -v x %050000000d 0; unset x; done; while :; do (:); sleep 0.1; done'
	hostile=$BACKGROUND_PID
	check "a search finds the hostile group" wait_for 120 group_is_there "$program"
	curl -s --noproxy '*' -m 10 -D "$TMP/head" -o "$TMP/page.html" "$url/"
	check_equal "a policy is sent" "$(sed -n 's/^Content-Security-Policy: \(.*\)\r$/\1/p' "$TMP/head")" "$POLICY"
	check_contains "and that types are not to be guessed" "$TMP/head" '^X-Content-Type-Options: nosniff'
	check_equal "the page asks for nothing from elsewhere" \
		"$(get . | grep -cE 'https?:|src="?//|href="?//')" 0
	check_equal "a group that there is not" "$(status 'group.json?name=nobody')$(cat "$TMP/answer")" "404no such group"
	check_equal "no group's name" "$(status group.json)" 400
	check_equal "a column that there is not" "$(status 'overview.json?sort=size')" 400
}

test_browser()
{
	check "a browser shows the page" browse "$TMP/dom" --dump-dom
	check_contains "with figures" "$TMP/dom" '<td class="number" data-value="[0-9.]*">[1-9]'
	check_contains "with a strip of minor faults" "$TMP/dom" '<path class="minor" d="M[0-9]'
	check_contains "the hostile name is text" "$TMP/dom" \
		'<bdi>[^<]*&lt;img src=x onerror=document.title=1&gt;&lt;/b&gt;&lt;script&gt;'
	check_equal "no markup came out of it" "$(grep -cE '<img|<script>' "$TMP/dom")" 0
	check_contains "the title is still ours" "$TMP/dom" '<title>faultmap</title>'
	check_equal "the console tells of no violation" "$(violations "$TMP/dom")" 0
}

# sleepers_have WORD: they say so.
sleepers_have()
{
	grep -qx "$1" "$TMP/sleepers"
}

# Each figure that is shown, of processes that have worked and sleep.
test_figures()
{
	local pids parent

	start_daemon --interval 0.5 --group-by comm --detail full --max-series 20000 --mappings top=3
	await_ticks 2
	start_background "$BUILD/workload/sleepers" 3 2000 >"$TMP/sleepers"
	parent=$BACKGROUND_PID
	wait_for 120 sleepers_have ready
	kill -USR1 "$parent"
	wait_for 120 sleepers_have moved
	await_ticks 3
	mapfile -t pids < <(echo "$parent"; ps -o pid= --ppid "$parent")
	check_lines tests/page/figures.py "$url/" sleepers "${pids[@]// /}"
	stop_background "$parent"
	stop_background "$daemon"
}

# The test would see a violation: the configuration's policy comes instead of ours, and with this one the script may
# not run.
test_strict_policy()
{
	cat >"$TMP/web.yml" <<-'END'
		http_server_config:
		  headers:
		    Content-Security-Policy: "default-src 'none'"
	END
	start_daemon --interval 0.3 --group-by exe --web.config.file "$TMP/web.yml"
	check "with a policy of the configuration" browse "$TMP/strict" --dump-dom
	check "the console tells of violations" test "$(violations "$TMP/strict")" -gt 0
	check_contains "and nothing is shown" "$TMP/strict" '<div id="all" hidden'
	check_equal "there is one policy" \
		"$(curl -s --noproxy '*' -m 10 -I "$url/" | grep -ci '^Content-Security-Policy')" 1
	stop_background "$daemon"
}

test_answers
if command -v chromium >/dev/null; then
	test_browser
	stop_background "$hostile"
	stop_background "$daemon"
	test_figures
	test_strict_policy
else
	skip "a browser shows the page" "chromium is not installed"
fi
done_testing
