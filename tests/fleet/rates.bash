# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Sourced by live/rates.sh and fleet/churn.sh: what a real Prometheus makes of the series while groups come
# and go, held against the kernel's own count (/proc/vmstat) and against the JSON lines.

# serve_vmstat: pgfault and pgmajfault of /proc/vmstat as metrics; sets $vmstat to its HOST:PORT.
serve_vmstat()
{
	local port

	port=$(free_port)
	vmstat=127.0.0.1:$port
	start_background /usr/bin/python3 tests/fleet/vmstat.py "$port" 2>/dev/null
	wait_for 60 curl -sf --noproxy '*' -o /dev/null "http://$vmstat/metrics"
}

# query EXPRESSION: the value of its only series, at $at if set.
query()
{
	curl -s --noproxy '*' -m 20 --data-urlencode "query=$1" ${at:+--data-urlencode "time=$at"} \
		"$server/api/v1/query" |
		jq -r '.data.result | if length == 1 then .[0].value[1] else empty end'
}

# risen SELECTOR SECONDS: by how much its series rose in the range until $at, as rate() counts it, but for the
# extrapolation: nothing for a series' first sample, and a fall is a new start.
risen()
{
	curl -s --noproxy '*' -m 20 --data-urlencode "query=$1[${2}s]" --data-urlencode "time=$at" \
		"$server/api/v1/query" |
		jq '[.data.result[].values | map(.[1] | tonumber)
			| [., .[1:]] | transpose[] | select(.[1] != null)
			| if .[1] >= .[0] then .[1] - .[0] else .[1] end] | add // 0'
}

has_news_of()
{
	[ "$(at='' query "sum(rate($1[15s])) > bool 0")" = 1 ]
}

# ratio_of A B: A / B in per mille.
ratio_of()
{
	awk -v a="$1" -v b="$2" 'BEGIN { printf "%d\n", b ? a / b * 1000 + 0.5 : 0 }'
}

# check_ratio NAME A B [PERCENT]: within 1 %, or as told.
check_ratio()
{
	local ratio percent=${4:-1}

	ratio=$(ratio_of "$2" "$3")
	echo "# $1: $2 where $3 is true ($ratio per mille)"
	check "$1: within $percent %" \
		test "$ratio" -ge $((1000 - 10 * percent)) -a "$ratio" -le $((1000 + 10 * percent))
}

# Has this server seen the tick at which all was over?
has_seen_the_end()
{
	scrape "$TMP/end" && [ "$(query 'sum(faultmap_ticks_total)')" -gt "$1" ]
}

# churn NAMES LIFE_MS SECONDS MAX_SERIES: all of it.
churn()
{
	local seconds=$3 before begin end pid window

	# They come before other tests' programs: where a scrape comes seconds late, series end before it that it would
	# have seen. Threads have their shell's priority as they are started.
	before=$(nice)
	renice -n -15 -p $$ >/dev/null 2>&1
	start_daemon --interval 1 --group-by comm --max-series "$4" --jsonl "$TMP/log"
	serve_vmstat
	start_prometheus <<-END
		global:
		  scrape_interval: 1s
		scrape_configs:
		  - job_name: faultmap
		    static_configs:
		      - targets: ['$target']
		  - job_name: vmstat
		    static_configs:
		      - targets: ['$vmstat']
	END
	renice -n "$before" -p $$ >/dev/null 2>&1
	wait_for 60 has_news_of vmstat_pgfault_total
	wait_for 60 has_news_of faultmap_ticks_total
	mkfifo "$TMP/word"
	exec 7<>"$TMP/word"
	begin=$(date +%s)
	start_background "$BUILD/workload/churn" "$1" "$2" "$3" <"$TMP/word" >"$TMP/steady"
	pid=$BACKGROUND_PID
	wait_for $((seconds + 120)) steady_are_through
	ticks >/dev/null
	end=$(value faultmap_ticks_total "$TMP/ticks")
	at=''
	wait_for 60 has_seen_the_end $((end + 3))
	at=$(date +%s.%N)
	window=$((${at%.*} - begin + 2)) # all of the workload, however long the machine took for it
	check_sums "$window"
	check_rates "$seconds"
	check_steady "$window"
	await_ticks 2 # a tick has the time at which it begins: none that began by $at reads on when these end
	echo >&7
	wait "$pid"
	check_equal "the workload ends well" "$?" 0
	stop_background "$daemon"
	check_log
}

steady_are_through()
{
	[ "$(wc -l <"$TMP/steady")" -eq 5 ]
}

# Each sample of Prometheus' adds up to what the machine's series say.
check_sums()
{
	local all

	check "groups came and went" test "$(query faultmap_groups_evicted_total)" -gt "${LEAST_EVICTED:-10}"
	all=$(risen faultmap_faults_total "$1")
	check_ratio "groups' rise" "$(risen faultmap_group_faults_total "$1")" "$all"
	check_ratio "mappings' rise" "$(risen faultmap_mapping_faults_total "$1")" "$all"
	check_ratio "minor demand_zero by group" \
		"$(risen 'faultmap_group_faults_total{kind="demand_zero",severity="minor"}' "$1")" \
		"$(risen 'faultmap_faults_total{kind="demand_zero",severity="minor"}' "$1")"
	check_ratio "groups' pages" "$(risen faultmap_group_pages_total "$1")" "$all"
	check_ratio "accounted by group" "$(risen faultmap_group_faults_accounted_total "$1")" \
		"$(risen faultmap_process_faults_accounted_total "$1")"
}

# average EXPRESSION SECONDS: over the time that the workload ran.
average()
{
	query "avg_over_time(($1)[$2s:1s])"
}

# rate() itself, in the mean over all that time, against the kernel's count. The two are scraped at times of their own,
# and rate() extrapolates: over half a minute of a busy machine that alone is more than 1 % (RATE_PERCENT). What the
# series rose by, above, is exact.
check_rates()
{
	local seconds=$(($1 - 20)) truth

	truth=$(average 'rate(vmstat_pgfault_total[15s])' "$seconds")
	check_ratio "sum(rate(groups))" \
		"$(average 'sum(rate(faultmap_group_faults_total{severity!="denied"}[15s]))
			+ sum(rate(faultmap_gup_total[15s]))' "$seconds")" "$truth" "${RATE_PERCENT:-1}"
	check_ratio "sum(rate(mappings))" \
		"$(average 'sum(rate(faultmap_mapping_faults_total{severity!="denied"}[15s]))
			+ sum(rate(faultmap_gup_total[15s]))' "$seconds")" "$truth" "${RATE_PERCENT:-1}"
}

# Who lived through: since they have series, these rose by what the log says, to the fault.
check_steady()
{
	local comm

	for comm in s0 s1 s2 s3 s4; do
		curl -sf --noproxy '*' -m 20 "$url/group.json?name=$comm" |
			jq -c '{key: .name, value: .since}' >>"$TMP/since"
		echo "$comm $(risen "faultmap_group_faults_total{group=\"$comm\",severity!=\"denied\"}" "$1")"
	done >"$TMP/risen"
}

# logged TIME: by how much each group's lines rose from its "since" to TIME. grep, since the log is long. Both are times
# of ticks, the one in milliseconds.
logged()
{
	grep '"comm":"s[0-4]"' "$TMP/log" | jq -nr --slurpfile since "$TMP/since" --argjson until "$1" '
		def seconds: (.[0:19] + "Z" | fromdate) + (.[19:23] | tonumber);
		($since | from_entries) as $since
		| reduce (inputs | select(.rec == "faults") | (.ts | seconds) as $ts
				| select($ts > $since[.comm] + 0.01 and $ts <= $until)) as $line
			({}; .[$line.comm] += $line.minor + $line.major)
		| to_entries | sort_by(.key)[] | "\(.key) \(.value)"'
}

# What Prometheus saw at $at is what the log had by then: these processes fault once more as they end.
check_log()
{
	logged "$at" >"$TMP/logged"
	check_equal "increase by group is the log's sum, of groups that lived through" \
		"$(paste -sd' ' "$TMP/risen")" "$(paste -sd' ' "$TMP/logged")"
	check_equal "the log goes on with the 100 faults of each one's end" \
		"$(logged 9999999999 | paste -d' ' "$TMP/logged" - | awk '{ print $1, ($4 - $2 >= 100) }' | paste -sd' ')" \
		"s0 1 s1 1 s2 1 s3 1 s4 1"
	echo "# in all, by getrusage: $(sort "$TMP/steady" | paste -sd' ')"
}
