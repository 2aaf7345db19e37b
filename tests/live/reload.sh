#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# takes 10 s
# Reloads of the daemon's configuration: what SIGHUP changes, what takes a restart, a bad file, what the service
# manager is told, and which capabilities root's daemon keeps.
# shellcheck source=tests/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

# What a service manager would get, a line each.
start_manager()
{
	start_background python3 -c 'import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
while True: print(s.recv(4096).decode(), flush=True)' "$TMP/notify" >"$TMP/heard"
	wait_for 120 test -S "$TMP/notify"
}

# configure LINE...
configure()
{
	printf '%s\n' 'verbose = 1' "$@" >"$TMP/conf"
}

# hang_up WANTED: SIGHUP; true once this line has come.
hang_up()
{
	: >"$TMP/err"
	kill -HUP "$daemon"
	wait_for 120 grep -q "$1" "$TMP/err"
}

ask()
{
	curl -s --noproxy '*' -m 10 -o /dev/null -w '%{http_code}' "$@"
}

has_lines_beyond()
{
	[ "$(wc -l <"$2")" -gt "$1" ]
}

last_is()
{
	[ "$(tail -n 1 "$TMP/heard")" = "$1" ]
}

# scrape_open FILE: OpenMetrics.
scrape_open()
{
	scrape "$1" -H 'Accept: application/openmetrics-text;version=1.0.0'
}

has_entries()
{
	scrape_open "$TMP/new" && grep -q '^faultmap_entries_total [1-9]' "$TMP/new"
}

# went_down BEFORE AFTER: counters that are less, and those whose _created is another.
went_down()
{
	awk '{ name = $1 } NF != 2 || !/^faultmap_/ { next }
		name !~ /(_total|_created|_count|_sum|_bucket)($|\{)/ { next }
		NR == FNR { before[name] = $2; next }
		name in before && (name ~ /_created/ ? $2 != before[name] : $2 + 0 < before[name] + 0)' "$1" "$2"
}

# created FILE: since when the entries count.
created()
{
	awk '$1 == "faultmap_entries_created" { print $2 }' "$1"
}

start_manager
configure 'listen = 127.0.0.1:0' 'interval = 0.2' "jsonl = $TMP/log1" 'max-series = 1500' \
	'detail = full'
# The flag wins: fast.
NOTIFY_SOCKET=$TMP/notify WATCHDOG_USEC=100000 start_background \
	"$FAULTMAP" daemon --config "$TMP/conf" --detail fast 2>>"$TMP/err"
daemon=$BACKGROUND_PID
check "the file's keys are taken" wait_for 120 grep -q 'serving on' "$TMP/err"
url=$(sed -n 's|.*serving on \(http://[^/]*\)/.*|\1|p' "$TMP/err")
check "the service manager hears READY" wait_for 120 grep -qx READY=1 "$TMP/heard"
check "the watchdog is fed" wait_for 120 awk '/^WATCHDOG=1$/ { n++ } END { exit n < 5 }' "$TMP/heard"
check_equal "a watchdog shorter than three readings is lengthened, before the first" \
	"$(head -n 1 "$TMP/heard")" WATCHDOG_USEC=600000
check "flags win over the file" \
	jq -es '.[0] | .rec == "meta" and .detail == "fast" and .interval_seconds == 0.2' "$TMP/log1"

# Of root's capabilities none is left, for its files are its own; nothing brings them back. sandbox.sh has the rest.
check_equal "capabilities after attaching, of every thread" \
	"$(grep -hE '^(Cap|NoNewPrivs)' "/proc/$daemon"/task/*/status | tr -d '\t' |
		sort -u | paste -sd ' ')" \
	"CapAmb:0000000000000000 CapBnd:0000000000000000 CapEff:0000000000000000 $(
		)CapInh:0000000000000000 CapPrm:0000000000000000 NoNewPrivs:1"

check_equal "no lifecycle: reload is refused" "$(ask -X POST "$url/-/reload")" 403
configure 'listen = 127.0.0.1:1' 'interval = 0.1' "jsonl = $TMP/log2" 'max-series = 1600' \
	'web.enable-lifecycle = yes'
check "it has counted something" wait_for 120 has_entries
mv "$TMP/new" "$TMP/before"
check "SIGHUP reloads" hang_up '^faultmap: reloaded$'
check_equal "what takes a restart is said, one line each" \
	"$(grep -v reloaded "$TMP/err" | sort)" "$(printf 'faultmap: warning: reloading: %s\n' \
		'listen has changed; that takes a restart' \
		'max-series has changed; that takes a restart')"
check "the interval has changed" wait_for 120 \
	grep -q '"rec":"meta".*"interval_seconds":0.1' "$TMP/log2"
check "readings come at it" wait_for 120 \
	jq -es '[.[] | select(.rec == "interval")] | length > 2 and (map(.seconds) | min < 0.18)' \
	"$TMP/log2"
check_equal "lifecycle is allowed now, by the same socket" "$(ask -X POST "$url/-/reload")" 200
check "the service manager hears RELOADING and READY" wait_for 120 awk '
	/^RELOADING=1$/ { n++ } /^MONOTONIC_USEC=[0-9]+$/ { n++ } /^READY=1$/ { n++ }
	END { exit n < 7 }' "$TMP/heard"

configure 'interval = 5' 'bogus = 1'
check "a bad file is reported in one line" hang_up 'bogus'
check_equal "the line" "$(cat "$TMP/err")" "faultmap: reloading: $TMP/conf:3: unknown key $(
	)\"bogus\"; see faultmap daemon --help; continuing as before"
check_equal "and the old configuration stays" "$(ask -X POST "$url/-/reload"):$(ask "$url/-/ready")" \
	500:200
configure 'interval = 0.1' "jsonl = $TMP/none/log"
check "a log that cannot be opened" hang_up "continuing as before"
check_contains "names it" "$TMP/err" "^faultmap: reloading: .*$TMP/none/log"
lines=$(wc -l <"$TMP/log2")
check "the old log goes on" wait_for 120 has_lines_beyond "$lines" "$TMP/log2"

scrape_open "$TMP/after"
check "both scrapes have counters with their _created" test \
	"$(grep -c '_created' "$TMP/before")" -gt 20 -a "$(grep -c '_created' "$TMP/after")" -gt 20
check_equal "counters have survived the reloads" "$(went_down "$TMP/before" "$TMP/after")" ""

stop_background "$daemon"
check_equal "SIGTERM ends it" "$?" 0
check "the last word to the service manager is STOPPING" wait_for 120 last_is STOPPING=1
start_daemon --interval 0.2
wait_for 120 has_entries
check "after a restart _created is later" awk -v before="$(created "$TMP/after")" \
	-v after="$(created "$TMP/new")" 'BEGIN { exit !(before > 0 && after > before) }'
done_testing
