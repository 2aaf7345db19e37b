#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# daemon --otlp, held against what is not ours: protobuf's own JSON reader, by OpenTelemetry's messages (Debian's
# opentelemetry-proto), takes each body, and a database that reads OTLP, VictoriaMetrics, has the figures of /metrics.
# Both are of Debian 13, which has no collector, and whose Prometheus is built without OTLP. VictoriaMetrics takes
# binary protobuf alone: otlp_relay.py passes it on. 41 MB to fetch, once.

# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

cache=${FAULTMAP_CACHE:-/var/cache/faultmap}
foreign=$cache/trixie-otlp
database=$foreign/usr/bin/victoria-metrics

# fetch_foreign: Debian 13's packages are unpacked in the cache; nothing of them is installed. The database runs with
# Debian 12's C library.
fetch_foreign()
{
	local apt=$TMP/apt mirror options package

	[ ! -x "$database" ] || return 0
	mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" || return 1
	# shellcheck disable=SC2016 # of apt's variables
	mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Codename: bookworm' 'Created-By: Packages' | head -n 1)
	echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ${mirror:-http://deb.debian.org/debian} trixie main" \
		>"$apt/sources.list"
	options=(-qq -o "Dir::Etc::sourcelist=$apt/sources.list" -o Dir::Etc::sourceparts=- -o "Dir::State::lists=$apt/lists"
		-o "Dir::Cache=$apt/cache" -o APT::Sandbox::User=root)
	apt-get "${options[@]}" update &&
		(cd "$apt" && apt-get "${options[@]}" download victoria-metrics/trixie opentelemetry-proto/trixie) || return 1
	rm -rf "$foreign" "$foreign.new"
	mkdir -p "$foreign.new" || return 1
	for package in "$apt"/*.deb; do
		dpkg-deb -x "$package" "$foreign.new" || return 1
	done
	mv "$foreign.new" "$foreign"
}

# make_messages: for Python, in $TMP/messages.
make_messages()
{
	mkdir "$TMP/messages" && find "$foreign/usr/include/opentelemetry/proto" -name '*.proto' -exec \
		protoc -I "$foreign/usr/include" --python_out="$TMP/messages" {} +
}

# start_database: sets $server.
start_database()
{
	server=http://127.0.0.1:$(free_port)
	start_background "$database" -storageDataPath="$TMP/data" -httpListenAddr="${server#http://}" \
		-opentelemetry.usePrometheusNaming -search.latencyOffset=0s -search.disableCache \
		>"$TMP/database.out" 2>&1
	wait_for 120 curl -sf --noproxy '*' -o /dev/null "$server/health"
}

start_relay()
{
	port=$(free_port)
	start_background /usr/bin/python3 tests/foreign/otlp_relay.py "$port" "$TMP/messages" "$server/opentelemetry/v1/metrics" \
		2>"$TMP/relay.err"
	wait_for 120 curl -s --noproxy '*' -o /dev/null "http://127.0.0.1:$port/"
}

# pushed SELECTOR: the value of its only series; "none" without one.
pushed()
{
	curl -s --noproxy '*' -m 20 --data-urlencode "query=$1" "$server/api/v1/query" |
		jq -r 'if .data.result | length == 1 then .data.result[0].value[1] else "none" end'
}

# is_at_least SELECTOR NUMBER
is_at_least()
{
	[ "$(pushed "$1")" -ge "$2" ] 2>/dev/null
}

# agrees SELECTOR OURS: whether it is what /metrics has now of a group that is at rest.
agrees()
{
	scrape && [ "$(value "$2")" -gt 0 ] && [ "$(pushed "$1")" = "$(value "$2")" ]
}

# close_to SELECTOR OURS: the same for seconds, of which /metrics has nine digits.
close_to()
{
	scrape && awk -v a="$(pushed "$1")" -v b="$(value "$2")" 'BEGIN { exit !(b > 0 && a - b < 1e-6 && b - a < 1e-6) }'
}

minor()
{
	scrape && value 'faultmap_process_faults_accounted_total{severity="minor"}'
}

test_system()
{
	local before after got minor='system_paging_faults_total{system_paging_fault_type="minor"}'

	before=$(minor)
	check "it takes what is pushed" wait_for 120 is_at_least "$minor" $((before + 1))
	got=$(pushed "$minor")
	after=$(minor)
	check "system.paging.faults is the kernel's count, as /metrics has it" test "$got" -ge "$before" -a "$got" -le "$after"
	check_equal "it knows the resource" "$(pushed "count(${minor%\}}, service_name=\"faultmap\",
		host_name=\"$(uname -n)\", service_version=\"$("$FAULTMAP" --version | awk '{ print $2; exit }')\"})")" 1
}

# Of a program that has ended.
test_group()
{
	local group='faultmap_group="otlp-foreign"' ours='group="otlp-foreign"'

	cp "$BUILD/workload/faultgen" "$TMP/otlp-foreign"
	check "a workload" "$TMP/otlp-foreign" demand_zero_write
	check "process.paging.faults of its group is what /metrics has" wait_for 120 agrees \
		"process_paging_faults_total{$group, system_paging_fault_type=\"minor\"}" \
		"faultmap_group_faults_accounted_total{$ours,severity=\"minor\"}"
	check "so is faultmap.group.faults" wait_for 120 agrees \
		"faultmap_group_faults_total{$group, faultmap_kind=\"demand_zero\", faultmap_severity=\"minor\"}" \
		"faultmap_group_faults_total{$ours,kind=\"demand_zero\",severity=\"minor\"}"
	check "so is faultmap.group.stall.time, in seconds" wait_for 120 close_to \
		"faultmap_group_stall_time_seconds_total{$group}" "faultmap_group_stall_seconds_sum{$ours}"
	check_equal "rate() of it is a number" "$(pushed "rate(process_paging_faults_total{$group,
		system_paging_fault_type=\"minor\"}[1m]) >= bool 0")" 1
}

check "Debian 13's VictoriaMetrics and opentelemetry-proto" fetch_foreign
[ -x "$database" ] || done_testing
check "protoc makes messages of opentelemetry-proto" make_messages
check "the database starts" start_database
check "so does what passes OTLP on" start_relay
check_equal "what is no OTLP is refused" "$(curl -s --noproxy '*' -o "$TMP/answer" -w '%{http_code}' -H 'Content-Type: application/json' \
	-d '{"resourceMetrics": [{"scopeMetrics": [{"metrics": [{"nam": "x"}]}]}]}' "http://127.0.0.1:$port/v1/metrics")" 400
start_daemon --interval 0.2 --detail full --group-by comm --max-series 20000 --otlp "http://127.0.0.1:$port" \
	--otlp-interval 1
test_system
test_group
check_equal "none of it was refused" "$(grep 'pushing metrics' "$TMP/daemon.err")" ""
check_equal "the database complains of nothing" "$(grep -E '\s(warn|error|panic|fatal)\s' "$TMP/database.out")" ""
stop_background "$daemon"
check_equal "the daemon ends with 0" "$?" 0
done_testing
