#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Imitates a thousand hosts: one recorded hour of a daemon's expositions (hour.xz, by record.bash) is varied and replayed
# as HOSTS targets (1000) to a real Prometheus with all rules, or to SERVERS of them (1) and one that federates them.
# Each query of the dashboards and rules is asked for one host and for all. packaging/prometheus/README.md has what it
# measured, of which this prints the last table. The hour passes in 12 scrapes. A thousand hosts take 20 minutes and
# 9 GiB of memory; fewer, and sooner:
#   HOSTS=20 INTERVAL=5 tests/fleet/hosts.sh
# shellcheck disable=SC2016 # $ is of Grafana's variables and of jq's
# shellcheck source=tests/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

HOSTS=${HOSTS:-1000} INTERVAL=${INTERVAL:-60} SERVERS=${SERVERS:-1} HOUR=${HOUR:-tests/fleet/hour.xz}
SCRAPES=12
RULES=packaging/prometheus/faultmap.rules.yml
# The most CPU time that a query may take, in seconds: Prometheus ends a query after two minutes.
MOST_SECONDS=30

# ask SERVER EXPRESSION: the answer, as of $at if set, its seconds in $TMP/seconds.
ask()
{
	curl -s --noproxy '*' -m 900 -o "$TMP/answer" -w '%{time_total}' --data-urlencode "query=$2" \
		${at:+--data-urlencode "time=$at"} "$1/api/v1/query" >"$TMP/seconds"
}

# number SERVER EXPRESSION: the value of its only series.
number()
{
	ask "$1" "$2" && jq -r '.data.result[0].value[1] // "none"' "$TMP/answer"
}

# has_come TIME
has_come()
{
	[ "$(date +%s)" -ge "$1" ]
}

is_at_least()
{
	[ "$(number "$1" "$2")" -ge "$3" ] 2>/dev/null
}

# configure FIRST LAST: those hosts, to stdout.
configure()
{
	local host

	cat <<-END
		global: { scrape_interval: ${INTERVAL}s, evaluation_interval: ${INTERVAL}s, scrape_timeout: ${INTERVAL}s }
		rule_files: ['$TMP/rules/*.yml']
		scrape_configs:
		  - job_name: faultmap
		    static_configs:
	END
	for ((host = $1; host <= $2; host++)); do
		echo "      - targets: ['$replay']"
		echo "        labels: { instance: 'host$host', __metrics_path__: '/hosts/$host' }"
	done
}

# start_server NAME: a Prometheus with the configuration on stdin; sets $server and $pid.
start_server()
{
	local address

	cat >"$TMP/$1.yml"
	address=127.0.0.1:$(free_port)
	start_background prometheus --config.file="$TMP/$1.yml" --storage.tsdb.path="$TMP/$1" \
		--query.timeout=15m --web.listen-address="$address" >"$TMP/$1.out" 2>&1
	# shellcheck disable=SC2034 # for the caller
	server=http://$address pid=$BACKGROUND_PID
}

# start_fleet: the replay, and who scrapes it; the rules come later.
start_fleet()
{
	local i each=$((HOSTS / SERVERS)) targets=""

	start_background /usr/bin/python3 tests/fleet/hosts.py serve "$HOUR" "$port" "$speed" >"$TMP/serving"
	check "the hosts are served" wait_for 300 grep -q serving "$TMP/serving"
	mkdir "$TMP/rules"
	servers=() pids=() names=()
	for ((i = 0; i < SERVERS; i++)); do
		start_server "prometheus$i" < <(configure $((i * each)) $(((i + 1) * each - 1)))
		servers+=("$server")
		pids+=("$pid")
		names+=("prometheus$i")
		targets+="${targets:+, }'${server#http://}'"
	done
	top=${servers[0]} top_pid=${pids[0]} # who is asked
	[ "$SERVERS" -gt 1 ] || return 0
	start_server federation <<-END
		global: { scrape_interval: ${INTERVAL}s, scrape_timeout: ${INTERVAL}s }
		scrape_configs:
		  - job_name: federate
		    honor_labels: true
		    metrics_path: /federate
		    params:
		      'match[]': ['{__name__=~"instance.*:faultmap_.*"}', 'up{job="faultmap"}',
		        'faultmap_build_info', 'faultmap_series', 'faultmap_series_limit', '{__name__="ALERTS"}']
		    static_configs:
		      - targets: [$targets]
	END
	top=$server top_pid=$pid
	servers+=("$server")
	pids+=("$pid")
	names+=(federation)
}

# Variables as Grafana fills them in: substitute INSTANCE.
substitute()
{
	sed -e "s/\\\$instance\\b/$1/g; s/\\\$since\\b/${since}s/g; s/\\\$__rate_interval/$((INTERVAL * 4))s/g" \
		-e 's/\$\(job\|group\)\b/.*/g'
}

# expressions FILE: a line each: title, tab, expression.
expressions()
{
	case $1 in
	*.json) jq -r '.panels[] | select(.targets) | .title as $title | .targets[] | [$title, .expr] | join("\t")' "$1" ;;
	*) /usr/bin/python3 -c 'import sys, yaml
for group in yaml.safe_load(open(sys.argv[1]))["groups"]:
    for rule in group["rules"]:
        print(rule.get("record") or rule["alert"], " ".join(rule["expr"].split()), sep="\t")' "$1" ;;
	esac
}

# processor PID: its CPU time in ns, but for threads that have ended.
processor()
{
	cat "/proc/$1"/task/*/schedstat 2>/dev/null | awk '{ sum += $1 } END { printf "%.0f", sum }'
}

# quiet: the servers scrape and evaluate nothing any more, so that their CPU time is that of queries.
quiet()
{
	local i

	rm "$TMP"/rules/*
	for i in "${!servers[@]}"; do
		echo 'scrape_configs: []' >"$TMP/${names[i]}.yml"
		kill -HUP "${pids[i]}"
		check "${names[i]} scrapes no more" wait_for 300 has_no_targets "${servers[i]}"
	done
}

has_no_targets()
{
	[ "$(curl -s --noproxy '*' -m 60 "$1/api/v1/targets?state=active" | jq '.data.activeTargets | length')" -eq 0 ]
}

# check_queries NAME FILE INSTANCE: none is refused or takes too long; CPU time and time of each, their sum and the
# slowest of them. The times stay in $TMP/times-NAME.
check_queries()
{
	local title expression bad="" long="" status before

	: >"$TMP/times"
	while IFS=$'\t' read -r title expression; do
		expression=$(substitute "$3" <<<"$expression")
		before=$(processor "$top_pid")
		ask "$top" "$expression"
		status=$(jq -r '.status + " " + (.error // "")' "$TMP/answer")
		[ "$status" = "success " ] || bad+=" $title: $status;"
		awk -v ns=$(($(processor "$top_pid") - before)) -v seconds="$(cat "$TMP/seconds")" -v title="$title" \
			-v series="$(jq '.data.result | length' "$TMP/answer")" \
			'BEGIN { printf "%.4f\t%s\t%s\t%d\n", ns / 1e9, seconds, title, series }' >>"$TMP/times"
	done < <(expressions "$2")
	check_equal "$1: no query is refused" "$bad" ""
	long=$(awk -v most="$MOST_SECONDS" '$1 > most' "$TMP/times")
	check_equal "$1: none takes more than $MOST_SECONDS s of CPU time" "$long" ""
	awk -F '\t' -v name="$1" '{ printf "#   %s: %s: %.3f s of CPU time, %.3f s, %d series\n", name, $3, $1, $2, $4 }' "$TMP/times"
	sort -rn "$TMP/times" | awk -F '\t' -v name="$1" '{ sum += $1; time += $2 } NR == 1 { most = $1 " s: " $3 }
		END { printf "# | %s | %d queries | %.2f s of CPU time | %.2f s | %s |\n", name, NR, sum, time, most }'
	mv "$TMP/times" "$TMP/times-$1"
}

# print_table FILE NAME [NAME]: rows of README's table: of each panel or rule the CPU time for one host, and for all.
print_table()
{
	local one=/dev/null

	[ $# -lt 3 ] || one=$TMP/times-$3
	echo "# | **\`${1##*/}\`** | | |"
	awk -F '\t' -v code="${1##*.}" -v first="$one" '
		FILENAME == first { one[$3] += $1; next }
		!($3 in all) { order[++n] = $3 }
		{ all[$3] += $1 }
		END {
			for (i = 1; i <= n; i++) {
				name = title = order[i]
				gsub(/\$since/, "`&`", title)
				printf "# | %s | %s | %.2f s |\n", code == "yml" ? "`" title "`" : title,
					name in one ? sprintf("%.2f s", one[name]) : "", all[name]
			}
		}' "$one" "$TMP/times-$2"
}

# found FILE TITLE: asks the query of this panel; the answer is in $TMP/answer.
found()
{
	ask "$top" "$(expressions packaging/grafana/fleet.json | grep -F "$1" | substitute '.*' | cut -f 2)"
}

# What the fleet dashboard is for: it finds what the hosts differ by.
check_findings()
{
	found "Minor faults: times the median of the unit's hosts"
	check_equal "the outliers are the hosts with 50 times the faults, and only they" "$(jq -r --arg group "$minor" '
		[.data.result[] | select((.value[1] | tonumber) > 10)]
		| [(length > 0), all(.[]; .metric.group == $group and (.metric.instance[4:] | tonumber % 20 == 6))]
		| join(" ")' "$TMP/answer")" "true true"
	found 'Hosts with the most major faults, and their unit'
	check_equal "the most major faults are theirs, too" "$(jq -r --arg group "$major" --argjson hosts "$HOSTS" '
		.data.result | sort_by(-(.value[1] | tonumber))[:[20, $hosts / 20 | floor] | min]
		| [(length > 0), all(.[]; .metric.group == $group and (.metric.instance[4:] | tonumber % 20 == 6))]
		| join(" ")' "$TMP/answer")" "true true"
	found 'Units that were on no host $since ago'
	check_equal "what the rollout brought is new" "$(jq -r '
		any(.data.result[]; .metric.group == "canary.service")' "$TMP/answer")" true
	# Whether they wait for their `for:` or fire.
	ask "$top" 'max by (alertname, instance, group) (ALERTS)'
	jq -r '.data.result | group_by(.metric.alertname)[] | "# alert \(.[0].metric.alertname): \(length)"' "$TMP/answer"
	check_equal "the alert of major faults names each of these hosts and the unit" "$(jq -r --arg group "$major" '
		[.data.result[].metric | select(.alertname == "FaultmapMajorFaultStorm" and .group == $group)
			| .instance | select(.[4:] | tonumber % 20 == 6)] | unique | length' "$TMP/answer")" $(((HOSTS + 13) / 20))
	check_equal "each alert of a unit names host and unit" "$(jq -c '[.data.result[].metric
		| select((.alertname | IN("FaultmapLosses", "FaultmapDown") | not) and (.group == null or .instance == null))]' \
		"$TMP/answer")" '[]'
}

# say_memory NAME: of each server, now.
say_memory()
{
	local i series memory hosts

	for i in "${!servers[@]}"; do
		hosts=$((i < SERVERS ? HOSTS / SERVERS : HOSTS))
		memory=$(awk '/^VmRSS:/ { print $2 }' "/proc/${pids[i]}/status")
		series=$(curl -s --noproxy '*' -m 300 "${servers[i]}/api/v1/status/tsdb" | jq .data.headStats.numSeries)
		awk -v name="$1, ${names[i]}" -v memory="$memory" -v series="$series" -v hosts="$hosts" \
			-v most="$(awk '/^VmHWM:/ { print $2 }' "/proc/${pids[i]}/status")" 'BEGIN {
			printf "# %s: %d series (%.0f a host), %.2f GiB resident, at most %.2f, %.1f KiB a series\n",
				name, series, series / hosts, memory / 1048576, most / 1048576, memory / series }'
	done
}

# What scraping alone takes, over two intervals.
measure_scrapes()
{
	local before after

	before=$(processor "${pids[0]}")
	sleep $((INTERVAL * 2)) # this is what is measured
	after=$(processor "${pids[0]}")
	awk -v ns=$((after - before)) -v seconds=$((INTERVAL * 2)) \
		'BEGIN { printf "# scraping takes %.1f %% of a CPU\n", ns / seconds / 1e7 }'
	say_memory "without rules"
}

# start_rules: the servers read them; $ruled is when there were first values. After that the rollout begins, in the
# second half of the recording.
start_rules()
{
	local i pid

	cp "$RULES" "$TMP/rules"
	for ((i = 0; i < SERVERS; i++)); do
		kill -HUP "${pids[i]}"
	done
	check "the rules have values" wait_for 900 is_at_least "$top" \
		'count(instance_group_severity:faultmap_faults:rate5m)' "$HOSTS"
	ruled=$(date +%s)
	check "the rollout begins" curl -sf --noproxy '*' -m 60 "http://$replay/go"
}

report_rules()
{
	curl -s --noproxy '*' -m 60 "${servers[0]}/api/v1/rules" >"$TMP/rules.json"
	check_equal "each rule can be evaluated" "$(jq -c '
		[.data.groups[].rules[] | select(.health == "err") | {name, lastError}]' "$TMP/rules.json")" "[]"
	jq -r '.data.groups[] | "# rules \(.name): \(.evaluationTime) s for \(.rules | length)",
		(.rules[] | "#   \(.name): \(.evaluationTime) s")' "$TMP/rules.json"
	echo "# evaluations of rules that were skipped: $(curl -s --noproxy '*' -m 60 "${servers[0]}/metrics" |
		awk '/^prometheus_rule_group_iterations_missed_total/ { sum += $2 } END { print sum + 0 }')"
}

# What scraping and rules take together, over two intervals.
measure_rules()
{
	local before after i

	before=() after=()
	for i in "${!pids[@]}"; do
		before+=("$(processor "${pids[i]}")")
	done
	sleep $((INTERVAL * 2)) # this is what is measured
	for i in "${!pids[@]}"; do
		after+=("$(processor "${pids[i]}")")
		awk -v name="${names[i]}" -v ns=$((after[i] - before[i])) -v seconds=$((INTERVAL * 2)) \
			'BEGIN { printf "# %s: scraping and rules take %.1f %% of a CPU\n", name, ns / seconds / 1e7 }'
	done
}

if ! command -v prometheus >/dev/null; then
	skip "a fleet is asked" "prometheus is not installed"
	done_testing
fi
at="" since=0
port=$(free_port)
replay=127.0.0.1:$port
speed=$(/usr/bin/python3 tests/fleet/hosts.py length "$HOUR" | awk -v seconds=$((INTERVAL * SCRAPES)) '{ print $1 / seconds }')
echo "# $HOSTS hosts, each $INTERVAL s, $SERVERS servers; the recording at $speed times its speed"
start_fleet
read -r _ minor major <"$TMP/serving"
for server in "${servers[@]:0:SERVERS}"; do
	check "all its hosts answer" wait_for 900 is_at_least "$server" 'count(up{job="faultmap"} == 1)' $((HOSTS / SERVERS))
done
echo "# a host has $(number "${servers[0]}" 'avg(scrape_samples_scraped{job="faultmap"})') series"
measure_scrapes
start_rules
check "the recording is scraped to its end" wait_for $((INTERVAL * SCRAPES * 2)) has_come $((ruled + INTERVAL * SCRAPES / 2))
check "the rollout is in the rules' values" wait_for 900 is_at_least "$top" \
	'count(instance_group_severity:faultmap_faults:rate5m{group="canary.service"} > 0)' $((HOSTS / 4))
at=$(date +%s)
since=$((at - ruled))
echo "# a host has $(number "${servers[0]}" 'avg(scrape_samples_scraped{job="faultmap"})') series at the end," \
	"a scrape takes $(number "${servers[0]}" 'avg(scrape_duration_seconds{job="faultmap"})') s," \
	"at most $(number "${servers[0]}" 'max(scrape_duration_seconds{job="faultmap"})')"
check_equal "no scrape failed" "$(number "${servers[0]}" 'sum(count_over_time(up{job="faultmap"}[1h]) - sum_over_time(up{job="faultmap"}[1h]))')" 0
report_rules
say_memory "with rules"
measure_rules
check_findings
quiet
check_queries "fleet dashboard, all hosts" packaging/grafana/fleet.json '.*'
if [ "$SERVERS" -eq 1 ]; then
	check_queries "host dashboard, one host" packaging/grafana/faultmap.json host0
	check_queries "rules, all hosts" "$RULES" '.*'
	check_queries "host dashboard, all hosts" packaging/grafana/faultmap.json '.*'
	say_memory "after the queries"
	print_table packaging/grafana/fleet.json "fleet dashboard, all hosts"
	print_table packaging/grafana/faultmap.json "host dashboard, all hosts" "host dashboard, one host"
	print_table "$RULES" "rules, all hosts"
fi
done_testing
