#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# takes 15 s
# daemon --otlp: what a receiver gets is valid OTLP in JSON, by a schema written after opentelemetry-proto, and
# has the figures of /metrics. A receiver that refuses or is gone gives one warning, and the daemon goes on.
# Debian has no collector to test with; tests/foreign/otlp.sh has a database that reads OTLP.
# shellcheck source=tests/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

start_receiver()
{
	start_background /usr/bin/python3 tests/live/otlp_receiver.py "$port" tests/live/otlp.schema.json "$TMP/got" \
		2>"$TMP/receiver.err"
	receiver=$BACKGROUND_PID
	wait_for 60 curl -s --noproxy '*' -o /dev/null "http://127.0.0.1:$port/"
}

# point METRIC ATTRIBUTE...: the value with these, NAME=VALUE, in the last body.
point()
{
	jq -r --arg metric "$1" '($ARGS.positional | map(capture("^(?<key>[^=]*)=(?<value>.*)$"))) as $want
		| .resourceMetrics[0].scopeMetrics[0].metrics[] | select(.name == $metric) | .sum.dataPoints[]
		| select([.attributes[] | {key, value: .value.stringValue}] == $want) | .asInt // .asDouble' \
		"$TMP/got/body" --args "${@:2}"
}

# has_news FAULTS: whether a body has come with at least this many faults.
has_news()
{
	[ -e "$TMP/got/body" ] && [ "$(point system.paging.faults system.paging.fault.type=minor)" -ge "$1" ] 2>/dev/null
}

has_requests()
{
	[ "$(grep -c "^$1 " "$TMP/got/requests")" -ge "$2" ]
}

tells()
{
	[ "$(grep -c "$1" "$TMP/daemon.err")" -ge "$2" ]
}

minor()
{
	scrape && value 'faultmap_process_faults_accounted_total{severity="minor"}'
}

test_body()
{
	local before after got

	before=$(minor)
	check "what is pushed is news" wait_for 60 has_news "$((before + 1))"
	got=$(point system.paging.faults system.paging.fault.type=minor)
	after=$(minor)
	check "system.paging.faults is the kernel's count, as /metrics has it" test "$got" -ge "$before" -a "$got" -le "$after"
	check_equal "its resource is this host" "$(jq -r '.resourceMetrics[0].resource.attributes
		| map("\(.key)=\(.value.stringValue)") | join(" ")' "$TMP/got/body")" \
		"service.name=faultmap service.version=$("$FAULTMAP" --version | awk '{ print $2; exit }') host.name=$(uname -n)"
	check_equal "its metrics" "$(jq -r '[.resourceMetrics[0].scopeMetrics[0].metrics[].name] | join(" ")' "$TMP/got/body")" \
		"system.paging.faults process.paging.faults faultmap.group.faults faultmap.group.stall.time"
	check "a group's faults are there" test \
		"$(point process.paging.faults faultmap.group=otlp-test system.paging.fault.type=minor)" -gt 0
	check "and by kind" test "$(point faultmap.group.faults faultmap.group=otlp-test faultmap.kind=demand_zero faultmap.severity=minor)" -gt 0
	check_equal "each body is valid against the schema" "$(head -n 5 "$TMP/got/wrong" 2>&1)" \
		"head: cannot open '$TMP/got/wrong' for reading: No such file or directory"
	check_equal "path, media type and headers" "$(sort -u "$TMP/got/requests")" "200 /v1/metrics application/json Basic c2VjcmV0==,%0a100%"
}

test_trouble()
{
	echo 400 >"$TMP/got/status"
	check "a receiver that refuses is reported" wait_for 60 tells "pushing metrics to http://127.0.0.1:$port: the receiver answers 400: no, thanks" 1
	check "the next ones are tried" wait_for 60 has_requests 400 3
	echo 503 >"$TMP/got/status"
	check "one that cannot now is asked again" wait_for 60 has_requests 503 2
	check_equal "all that is one line" "$(grep -c 'pushing metrics' "$TMP/daemon.err")" 1
	rm "$TMP/got/status"
	check "that it works again is reported" wait_for 90 tells "pushing metrics to .* works again" 1
	stop_background "$receiver"
	check "a receiver that is gone is reported" wait_for 60 tells "pushing metrics to .*; trying again" 1
	await_ticks 5
	check "the daemon goes on" ticked 1
	start_receiver
	check "and that it is back" wait_for 180 tells "pushing metrics to .* works again" 2
}

test_usage()
{
	check_failure "no URL" 2 'otlp: "localhost:4318" is neither http://HOST' daemon --otlp localhost:4318
	check_failure "no host" 2 'otlp: "http://" is neither' daemon --otlp http://
	check_failure "a password in the URL" 2 'OTEL_EXPORTER_OTLP_HEADERS' daemon --otlp http://me:secret@localhost
	check_failure "too often" 2 'otlp-interval' daemon --otlp http://localhost --otlp-interval 0.1
}

test_usage
if ! /usr/bin/python3 -c 'import jsonschema' 2>/dev/null; then
	skip "OTLP is valid" "python3-jsonschema is not installed"
	done_testing
	exit
fi
mkdir "$TMP/got"
port=$(free_port)
start_receiver
OTEL_EXPORTER_OTLP_HEADERS='x-other=1,x-key=Basic%20c2VjcmV0%3d%3D%2c%0a100%' start_daemon --interval 0.2 --group-by comm --max-series 20000 \
	--otlp "http://127.0.0.1:$port" --otlp-interval 1
cp "$BUILD/workload/faultgen" "$TMP/otlp-test"
start_background bash -c 'while :; do "$0" demand_zero_write; sleep 0.2; done' "$TMP/otlp-test" >"$TMP/faultgen.out" 2>&1
check "the daemon counts the workload" wait_for 60 has_news 1
test_body
test_trouble
worker=$(pgrep -P "$(pgrep -P "$daemon" | head -n 1)" | head -n 1)
check_equal "the process that pushes has no capability" "$(sed -n 's/^CapEff:\t//p' "/proc/$worker/status")" 0000000000000000
stop_background "$daemon"
check_equal "the daemon ends with 0" "$?" 0
check "and the process with it" wait_for 60 process_ended "$worker"
done_testing
