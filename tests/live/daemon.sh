#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# takes 15 s
# The real daemon on a free loopback port: paths, metrics, limits, bad input, and how it ends.
# shellcheck source=tests/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

# start_ready [FLAG...]: a daemon that has made its first tick.
start_ready()
{
	start_daemon --interval 0.1 "$@"
	wait_for 120 is_ready
}

is_ready()
{
	[ "$(http_status /-/ready)" = 200 ]
}

# http_status PATH [CURL-FLAG...]: prints the status; header and body are in $TMP/head, $TMP/body.
http_status()
{
	curl -s --noproxy '*' -m "$(longer 10)" -D "$TMP/head" -o "$TMP/body" -w '%{http_code}' "${@:2}" "$url$1"
}

# sum METRIC FILE [LABELS]: of its series, of those that begin with these labels.
sum()
{
	awk -v name="$1{${3:-}" 'index($0, name) == 1 { total += $NF } END { printf "%d\n", total }' "$2"
}

# What a later scrape lost or lowered of an earlier one's counters; nothing is right. A mapping that
# left the top has no series any more.
lowered()
{
	awk '
		/^# TYPE/ { type[$3] = $4 }
		/^#/ { next }
		{
			series = $0
			sub(/ [^ ]*$/, "", series)
			name = series
			sub(/\{.*/, "", name)
		}
		type[name] != "counter" { next }
		FILENAME == ARGV[1] { before[series] = $NF; next }
		{ now[series] = $NF }
		END {
			for (series in before)
				if ((now[series] == "" && series !~ /^faultmap_mapping_faults/) ||
					(now[series] != "" && now[series] + 0 < before[series] + 0))
					print series, before[series], "->", now[series]
		}' "$1" "$2"
}

test_paths()
{
	check_equal "GET / is the landing page" "$(http_status /)" 200
	check_contains "the landing page links to /metrics" "$TMP/body" 'href="metrics"'
	check_contains "the landing page is HTML" "$TMP/head" '^Content-Type: text/html'
	check_equal "GET /-/healthy" "$(http_status /-/healthy)" 200
	check_equal "GET /-/ready" "$(http_status /-/ready)" 200
	check_equal "GET /metrics" "$(http_status /metrics)" 200
	check_contains "/metrics says its format" "$TMP/head" \
		'^Content-Type: text/plain; version=0\.0\.4; charset=utf-8'
	check_equal "HEAD /metrics" "$(http_status /metrics --head)" 200
	check_equal "GET of an unknown path" "$(http_status /metric)" 404
	check_equal "POST" "$(http_status /metrics -X POST)" 405
	check_contains "405 says what is allowed" "$TMP/head" '^Allow: GET, HEAD'
}

# Children that come and go while we scrape.
test_counters()
{
	local load lowered="" unequal="" i

	start_background bash -c 'while :; do /bin/true; cat /etc/passwd >/dev/null; done'
	load=$BACKGROUND_PID
	ticked 1
	cp "$TMP/ticks" "$TMP/scrape.0"
	for i in 1 2 3 4 5 6 7 8; do
		await_ticks 1
		cp "$TMP/ticks" "$TMP/scrape.$i"
		lowered+=$(lowered "$TMP/scrape.$((i - 1))" "$TMP/scrape.$i")
		[ "$(sum faultmap_faults_total "$TMP/scrape.$i")" -eq \
			$(($(sum faultmap_mapping_faults_total "$TMP/scrape.$i") +
				$(sum faultmap_series_ended_total "$TMP/scrape.$i" 'family="mapping_faults"'))) ] ||
			unequal+=" $i"
	done
	stop_background "$load"
	check_equal "no counter goes down or away under load" "$lowered" ""
	check_equal "the mappings' faults, with those of series that have ended, sum up to all faults in each scrape" "$unequal" ""
	check "the load is counted" test "$(sum faultmap_faults_total "$TMP/scrape.8")" -gt \
		"$(($(sum faultmap_faults_total "$TMP/scrape.0") + 100))"
	check_contains "short-lived programs are there by name" "$TMP/scrape.8" \
		'^faultmap_mapping_faults_total\{group="true",'
	check "promtool finds nothing" promtool check metrics <"$TMP/scrape.8"
	promtool check metrics <"$TMP/scrape.8" >"$TMP/promtool" 2>&1
	check_equal "promtool says nothing" "$(cat "$TMP/promtool")" ""
}

# Every fault timed: the histogram's count is that of the faults, up to what the denied ones are.
test_latency()
{
	start_ready --detail full
	wait_for 120 ticked 2
	python3 tests/workload/touch.py 64 >/dev/null
	await_ticks 2
	scrape "$TMP/full"
	stop_background "$daemon"
	check "--detail full: the touched pages are in the histogram" test "$(sed -n \
		's/^faultmap_fault_latency_seconds_count{kind="demand_zero"} //p' "$TMP/full")" -ge 16384
	check_equal "no bucket is below the one before, +Inf is the count" "$(awk '
		/^faultmap_fault_latency_seconds_bucket/ {
			if (/le="2.56e-07"/)
				last = 0
			if ($2 < last)
				print
			last = $2
		}
		/^faultmap_fault_latency_seconds_count/ && $2 != last' "$TMP/full")" ""
	promtool check metrics <"$TMP/full" >"$TMP/promtool" 2>&1
	check_equal "promtool says nothing of the histogram" "$?$(cat "$TMP/promtool")" 0
}

test_jsonl()
{
	start_ready --jsonl "$TMP/daemon.jsonl"
	wait_for 120 ticked 4
	stop_background "$daemon"
	check_equal "SIGTERM ends it with 0" "$?" 0
	check "the JSON lines parse" jq -e . "$TMP/daemon.jsonl"
	check_equal "the file ends with a whole line" "$(tail -c 1 "$TMP/daemon.jsonl" | xxd -p)" 0a
	start_ready --jsonl "$TMP/daemon.jsonl"
	wait_for 120 ticked 2
	kill -INT "$daemon"
	wait "$daemon"
	check_equal "SIGINT ends it with 0" "$?" 0
	check_equal "a restart appends" "$(grep -c '"rec":"meta"' "$TMP/daemon.jsonl")" 2

	start_ready --jsonl /dev/full
	wait_for 120 ticked 5
	check_equal "a full disk does not stop the service" "$(http_status /-/healthy)" 200
	check_equal "a full disk is reported once" "$(grep -c 'No space left' "$TMP/daemon.err")" 1
	stop_background "$daemon"
}

test_bad_input()
{
	local address=${url#http://}

	check_failure "port in use" 1 "${address//./\\.}.*in use" daemon --listen "$address"
	check_failure "bad address" 2 "nonsense.*ADDR:PORT" daemon --listen nonsense
	check_failure "port beyond 65535" 2 "ADDR:PORT" daemon --listen 127.0.0.1:65536
	check_failure "foreign address" 1 "192\.0\.2\.1:1" daemon --listen 192.0.2.1:1
	check_failure "unwritable file" 1 "/nowhere/x .*No such file" daemon --listen 127.0.0.1:0 \
		--jsonl /nowhere/x
	check_failure "interval too short" 2 "interval" daemon --interval 0.01
	check_failure "an operand" 2 "operand" daemon something
}

# With room for the groups of other tests at the same time: a group that makes room for another loses its series.
start_ready --group-by comm --max-series 100000
test_paths
test_counters
test_bad_input
stop_background "$daemon"
check_equal "the daemon ends with 0" "$?" 0
test_latency
test_jsonl
"$FAULTMAP" daemon --help >"$TMP/help"
check_contains "the help says how series are bounded" "$TMP/help" 'at most --max-series series'
keep_log "$TMP/daemon.jsonl"
check_schema
done_testing
