#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# takes 25 s
# Each query of the dashboards and each recording rule has an answer in a real Prometheus that scrapes the daemon.
# shellcheck disable=SC2016 # $ is of Grafana's variables and of jq's
# shellcheck source=tests/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

DASHBOARDS=(packaging/grafana/faultmap.json packaging/grafana/fleet.json)
RULES=packaging/prometheus/faultmap.rules.yml
# What this machine need not have: containers, kernel.bpf_stats_enabled, --detail full; peers, and a past.
# tests/fleet/hosts.sh has those.
MAY_BE_EMPTY='quantile by|offset|faultmap_group_info|faultmap_bpf_run_seconds_total|faultmap_missed_total|swap_in'

# ask EXPRESSION: how many series the answer has; "error: ..." when Prometheus refuses it.
ask()
{
	curl -s --noproxy '*' -m 10 --data-urlencode "query=$1" "$server/api/v1/query" |
		jq -r 'if .status == "success" then .data.result | length else "error: " + .error end'
}

has_data()
{
	[ "$(ask "$1")" -gt 0 ]
}

start_servers()
{
	start_daemon --interval 0.5
	# The rules' windows are five minutes long; two scrapes are enough for a result.
	start_prometheus <<-END
		global:
		  scrape_interval: 1s
		  evaluation_interval: 1s
		rule_files: ['$ROOT/$RULES']
		scrape_configs:
		  - job_name: faultmap
		    static_configs:
		      - targets: ['$target']
	END
}

# Variables as Grafana fills them in: all of everything, and a window of some scrapes.
substitute()
{
	sed -e 's/\$__rate_interval/15s/g; s/\$since\b/1h/g' -e 's/\$\(job\|instance\|group\)\b/.*/g'
}

# check_query NAME EXPRESSION
check_query()
{
	local answer

	if [[ $2 =~ $MAY_BE_EMPTY ]]; then
		answer=$(ask "$2")
		check "$1 is a query" test "$answer" -ge 0
	else
		check "$1 has data" wait_for 120 has_data "$2"
	fi
}

families_of()
{
	grep -oE 'faultmap_[a-z_]+' "$1" | grep -vE '^faultmap_(losses|stall_seconds|faults)$' |
		sed -E 's/_(bucket|sum|count)$//' | sort -u
}

# check_form DASHBOARD
check_form()
{
	check "${1##*/}: it is JSON with panels" jq -e '.panels | length > 10' "$1"
	check "${1##*/}: it asks the chosen data source everywhere" jq -e '
		[.panels[] | select(.type != "row") | .datasource.uid, .targets[].datasource.uid]
		+ [.templating.list[] | select(.type == "query") | .datasource.uid]
		| unique == ["${datasource}"]' "$1"
	check "${1##*/}: the data source is a variable" jq -e '
		any(.templating.list[]; .name == "datasource" and .type == "datasource")' "$1"
	check "${1##*/}: each panel has a unit and a place of its own" jq -e '
		[.panels[] | select(.type != "row")]
		| all(.[]; .fieldConfig.defaults.unit != null and .gridPos.x + .gridPos.w <= 24)
		and ([.[].gridPos | range(.x; .x + .w) as $x | range(.y; .y + .h) as $y | [$x, $y]]
			| length == (unique | length))' "$1"
}

for dashboard in "${DASHBOARDS[@]}"; do
	check_form "$dashboard"
done
if ! command -v prometheus >/dev/null; then
	skip "each query has data" "prometheus is not installed"
	done_testing
fi
start_servers
for file in "${DASHBOARDS[@]}" "$RULES"; do
	# Its list is the daemon's: man.sh compares them.
	check_equal "all metrics of ${file##*/} are faultmap's" \
		"$(families_of "$file" | while read -r family; do
			grep -q "^\.It Cm $family\b" packaging/man/faultmap-metrics.7 || echo "$family"
		done)" ""
done
# Minor, major and denied faults in each interval, for rate() to have something to say.
start_background bash -c 'while :; do
	for case in cow_fork file_map_major denied_unmapped; do "$0" "$case"; done
	sleep 0.3
done' "$BUILD/workload/faultgen" >"$TMP/faultgen.out" 2>&1
check "Prometheus scrapes the daemon" wait_for 120 has_data 'rate(faultmap_ticks_total[15s]) > 0'
while IFS=$'\t' read -r title expression; do
	check_query "$title: $expression" "$expression"
done < <(jq -r '.panels[] | select(.targets) | .title as $title | .targets[]
	| [$title, .expr] | join("\t")' "${DASHBOARDS[@]}" | substitute)
while IFS= read -r expression; do
	check "annotation: $expression is a query" test "$(ask "$expression")" -ge 0
done < <(jq -r '.annotations.list[].expr' "${DASHBOARDS[@]}" | substitute)
while IFS= read -r variable; do
	check "label_values $variable has data" wait_for 120 has_data "count by (${variable##*, }) (${variable%, *})"
done < <(jq -r '.templating.list[].definition // empty' "${DASHBOARDS[@]}" |
	sed -E 's/^label_values\((.*)\)$/\1/' | substitute)
curl -s --noproxy '*' -m 10 "$server/api/v1/rules" >"$TMP/rules.json"
check_equal "Prometheus evaluates every rule" "$(jq -c '
	[.data.groups[].rules[] | select(.health != "ok") | {name, health, lastError}]' \
	"$TMP/rules.json")" "[]"
while IFS= read -r record; do
	check "the rule $record has data" wait_for 120 has_data "$record"
done < <(sed -n 's/^ *- record: //p' "$RULES")
# They notice a metric that is not there.
check_equal "a metric that is not there gives no data" "$(ask 'rate(faultmap_no_such_total[15s])')" 0
done_testing
