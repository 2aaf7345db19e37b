#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# takes 8 s
# A real Prometheus server scrapes the daemon and answers for the faults of the demo.
# shellcheck source=tests/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

PAGES=131072 # 512 MiB

# query EXPRESSION: the value of its only series; nothing while there is none.
query()
{
	curl -s --noproxy '*' -m 10 --data-urlencode "query=$1" "$server/api/v1/query" |
		jq -r '.data.result | if length == 1 then .[0].value[1] else empty end'
}

query_reaches()
{
	local value
	value=$(query "$1")
	[ -n "$value" ] && [ "$value" -ge "$2" ]
}

# The interpreter under a name of its own, so that no other python of this machine counts in.
run_demo()
{
	cp "$(python3 -c 'import sys; print(sys.executable)')" "$TMP/fm-touch"
	PYTHONHOME=$(python3 -c 'import sys; print(sys.base_prefix)') \
		"$TMP/fm-touch" tests/workload/touch.py 512 >"$TMP/touch.out"
}

if ! command -v prometheus >/dev/null; then
	skip "a Prometheus server has the demo's faults" "prometheus is not installed"
	done_testing
fi
start_daemon --interval 0.5 --group-by comm --max-series 10000
start_prometheus <<-END
	global:
	  scrape_interval: 1s
	scrape_configs:
	  - job_name: faultmap
	    static_configs:
	      - targets: ['$target']
END
check "Prometheus finds the daemon up" wait_for 120 query_reaches 'up{job="faultmap"}' 1
run_demo
labels='group="fm-touch",mapping="[anon]"'
faults="faultmap_mapping_faults_total{$labels,severity=\"minor\"}"
check "Prometheus has the demo's faults" wait_for 120 query_reaches "$faults" "$PAGES"
# The interpreter's own arenas are [anon] too: some hundred pages.
check "and not many more" test "$(query "$faults")" -lt $((PAGES + 5000))
check_equal "their severity is minor only" \
	"$(query "count(faultmap_mapping_faults_total{$labels,severity!=\"minor\"})")" ""
check "they are of the one kind" test \
	"$(query 'faultmap_group_faults_total{group="fm-touch",kind="demand_zero",severity="minor"}')" \
	-ge "$PAGES"
# A counter that is new is 0 in Prometheus' first sample of it: they are equal once nothing is new.
query_is()
{
	[ "$(query "$1")" = "$2" ]
}
check "sums over mappings, with what ended, equal sums over kinds" wait_for 60 query_is \
	'sum(faultmap_mapping_faults_total) - sum(faultmap_faults_total)
	+ sum(faultmap_series_ended_total{family="mapping_faults"})' 0
check "sums over groups, with what ended, equal sums over kinds" wait_for 60 query_is \
	'sum(faultmap_group_faults_total) - sum(faultmap_faults_total)
	+ sum(faultmap_series_ended_total{family="group_faults"})' 0
done_testing
