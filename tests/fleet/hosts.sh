#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Imitates many hosts: expositions of this machine's daemon under load are varied and replayed as HOSTS targets
# (100) to a real Prometheus, or to SERVERS of them (1) and one that federates them. Each query of the
# dashboards and rules is asked for one host and for all. packaging/prometheus/README.md has what it measured.
# For a thousand, on a machine for it:
#   HOSTS=1000 INTERVAL=15 SCRAPES=28 [SERVERS=2] tests/fleet/hosts.sh
# shellcheck disable=SC2016 # $ is of Grafana's variables and of jq's
# shellcheck source=tests/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

HOSTS=${HOSTS:-100} INTERVAL=${INTERVAL:-15} SCRAPES=${SCRAPES:-8} SERVERS=${SERVERS:-1}
RULES=packaging/prometheus/faultmap.rules.yml
# The longest that a query may take, in seconds: Prometheus' own default is two minutes, and others may run here.
MOST_SECONDS=60

# ask SERVER EXPRESSION: the answer, its seconds in $TMP/seconds.
ask()
{
	curl -s --noproxy '*' -m 300 -o "$TMP/answer" -w '%{time_total}' --data-urlencode "query=$2" \
		"$1/api/v1/query" >"$TMP/seconds"
}

# number SERVER EXPRESSION: the value of its only series.
number()
{
	ask "$1" "$2" && jq -r '.data.result[0].value[1] // "none"' "$TMP/answer"
}

is_at_least()
{
	[ "$(number "$1" "$2")" -ge "$3" ] 2>/dev/null
}

record()
{
	mkdir "$TMP/recorded"
	start_daemon --interval 1 --group-by comm
	start_background "$BUILD/workload/churn" 60 2000 $((SCRAPES + 5)) </dev/null >"$TMP/steady"
	check "the expositions are recorded" \
		/usr/bin/python3 tests/fleet/hosts.py record "$url/metrics" "$SCRAPES" 1 "$TMP/recorded"
	stop_background "$BACKGROUND_PID"
	stop_background "$daemon"
}

# configure FIRST LAST: those hosts, to stdout.
configure()
{
	local host

	cat <<-END
		global: { scrape_interval: ${INTERVAL}s, evaluation_interval: ${INTERVAL}s, scrape_timeout: ${INTERVAL}s }
		rule_files: ['$ROOT/$RULES']
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
		--web.listen-address="$address" --web.enable-admin-api >"$TMP/$1.out" 2>&1
	# shellcheck disable=SC2034 # for the caller
	server=http://$address pid=$BACKGROUND_PID
}

start_fleet()
{
	local i each=$((HOSTS / SERVERS)) targets=""

	start_background /usr/bin/python3 tests/fleet/hosts.py serve "$TMP/recorded" "$port" >"$TMP/serving"
	check "the hosts are served" wait_for 300 grep -q serving "$TMP/serving"
	servers=() pids=()
	for ((i = 0; i < SERVERS; i++)); do
		start_server "prometheus$i" < <(configure $((i * each)) $(((i + 1) * each - 1)))
		servers+=("$server")
		pids+=("$pid")
		targets+="${targets:+, }'${server#http://}'"
	done
	top=${servers[0]} # who is asked
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
	top=$server
	servers+=("$server")
	pids+=("$pid")
}

# Variables as Grafana fills them in: substitute INSTANCE.
substitute()
{
	local since=$(($(date +%s) - first - 3 * INTERVAL))

	sed -e "s/\\\$instance\\b/$1/g; s/\\\$since\\b/${since}s/g; s/\\\$__rate_interval/$((INTERVAL * 4))s/g" \
		-e 's/\$\(job\|group\)\b/.*/g'
}

# expressions FILE: a line each: title, tab, expression.
expressions()
{
	case $1 in
	*.json) jq -r '.panels[] | select(.targets) | .title as $title | .targets[] | [$title, .expr] | join("\t")' "$1" ;;
	*) promtool check rules "$1" >/dev/null && /usr/bin/python3 -c 'import sys, yaml
for group in yaml.safe_load(open(sys.argv[1]))["groups"]:
    for rule in group["rules"]:
        print(rule.get("record") or rule["alert"], " ".join(rule["expr"].split()), sep="\t")' "$1" ;;
	esac
}

# check_queries NAME FILE INSTANCE: none is refused or slow; their sum and the slowest of them.
check_queries()
{
	local title expression bad="" slow="" status

	: >"$TMP/times"
	while IFS=$'\t' read -r title expression; do
		ask "$top" "$expression"
		status=$(jq -r '.status + " " + (.error // "")' "$TMP/answer")
		[ "$status" = "success " ] || bad+=" $title: $status;"
		echo "$(cat "$TMP/seconds") $title" >>"$TMP/times"
	done < <(expressions "$2" | substitute "$3")
	check_equal "$1: no query is refused" "$bad" ""
	slow=$(awk -v most="$MOST_SECONDS" '$1 > most' "$TMP/times")
	check_equal "$1: none takes more than $MOST_SECONDS s" "$slow" ""
	sort -rn "$TMP/times" | awk -v name="$1" '{ sum += $1 } NR == 1 { slowest = $0 }
		END { printf "# | %s | %d | %.2f s | %s |\n", name, NR, sum, slowest }'
}

# What the fleet dashboard is for: it finds what the hosts differ by.
check_findings()
{
	local busiest

	busiest=$(sed -n 's/^serving //p' "$TMP/serving")
	ask "$top" "$(expressions packaging/grafana/fleet.json | substitute '.*' |
		sed -n "s/^Minor faults: times the median of the unit's hosts\t//p")"
	check_equal "the outliers are the hosts with 50 times the faults, and only they" "$(jq -r --arg group "$busiest" '
		[.data.result[] | select((.value[1] | tonumber) > 10)]
		| [(length > 0), all(.[]; .metric.group == $group and (.metric.instance[4:] | tonumber % 20 == 6))]
		| join(" ")' "$TMP/answer")" "true true"
	ask "$top" "$(expressions packaging/grafana/fleet.json | substitute '.*' |
		sed -n 's/^Units that were on no host $since ago\t//p; s/^Units that were on no host [^\t]* ago\t//p')"
	check_equal "what the rollout brought is new" "$(jq -r '
		any(.data.result[]; .metric.group == "canary.service")' "$TMP/answer")" true
}

# bytes DIRECTORY NAME...: of these directories in it.
bytes()
{
	find "$1" -path "*/$2/*" -type f -printf '%s\n' | awk '{ sum += $1 } END { print sum + 0 }'
}

# What it takes: memory now, and on disk by a block of all there is.
measure()
{
	local i samples series memory name chunks index

	for i in "${!servers[@]}"; do
		name=prometheus$i
		[ "$i" -lt "$SERVERS" ] || name=federation
		memory=$(awk '/^VmHWM:/ { print $2 }' "/proc/${pids[i]}/status")
		series=$(number "${servers[i]}" 'count({__name__=~".+"})')
		curl -s --noproxy '*' -m 300 -XPOST "${servers[i]}/api/v1/admin/tsdb/snapshot" >"$TMP/snapshot"
		samples=$(find "$TMP/$name/snapshots" -name meta.json -exec jq .stats.numSamples {} + |
			awk '{ sum += $1 } END { print sum + 0 }')
		chunks=$(bytes "$TMP/$name/snapshots" chunks)
		index=$(find "$TMP/$name/snapshots" -name index -printf '%s\n' | awk '{ sum += $1 } END { print sum + 0 }')
		check "$name holds samples" test "$samples" -gt 0
		awk -v name="$name" -v memory="$memory" -v series="$series" -v samples="$samples" -v chunks="$chunks" \
			-v index_="$index" 'BEGIN { printf "# | %s | %d series | %.2f GiB, %.1f KiB a series | %.2f bytes a sample | %.0f bytes of index a series |\n",
				name, series, memory / 1048576, memory / series, chunks / samples, index_ / series }'
	done
}

if ! command -v prometheus >/dev/null; then
	skip "a fleet is asked" "prometheus is not installed"
	done_testing
	exit
fi
port=$(free_port)
replay=127.0.0.1:$port
record
start_fleet
check "all hosts answer" wait_for $((INTERVAL * 10 + 120)) is_at_least "$top" 'count(up{job="faultmap"} == 1)' "$HOSTS"
check "no scrape was refused" is_at_least "${servers[0]}" \
	'count(scrape_samples_post_metric_relabeling{job="faultmap"} > 100)' $((HOSTS / SERVERS))
echo "# a host has $(number "${servers[0]}" 'avg(scrape_samples_scraped{job="faultmap"})') series"
check "the whole recording is scraped" wait_for $((INTERVAL * SCRAPES * 2 + 120)) is_at_least "${servers[0]}" \
	"max(count_over_time(up{job=\"faultmap\",instance=\"host0\"}[1h]))" "$SCRAPES"
check_equal "each rule can be evaluated" "$(curl -s --noproxy '*' -m 60 "${servers[0]}/api/v1/rules" | jq -c '
	[.data.groups[].rules[] | select(.health == "err") | {name, lastError}]')" "[]"
curl -s --noproxy '*' -m 60 "${servers[0]}/api/v1/rules" |
	jq -r '.data.groups[] | "# rules \(.name): \(.evaluationTime) s for \(.rules | length)"'
# To the begin of the recording, of which the second half has what is new.
first=$(number "${servers[0]}" "floor(min(min_over_time(timestamp(up{job=\"faultmap\"})[1h:${INTERVAL}s])))")
check "what is new is recorded" wait_for 300 is_at_least "$top" \
	'count(instance_group_severity:faultmap_faults:rate5m{group="canary.service"} > 0)' 1
check_queries "fleet dashboard, all hosts" packaging/grafana/fleet.json '.*'
check_findings
if [ "$SERVERS" -eq 1 ]; then
	check_queries "host dashboard, one host" packaging/grafana/faultmap.json host0
	check_queries "host dashboard, all hosts" packaging/grafana/faultmap.json '.*'
	check_queries "rules, all hosts" "$RULES" '.*'
fi
measure
done_testing
