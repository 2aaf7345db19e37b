#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# takes 12 s
# daemon --stacks: /debug/pprof/faults has the faults that callers says its functions had, for as long as it is
# asked for and no longer; who may not see it does not.

. "$(dirname "$0")/../lib.sh"

find_lacks
if lacks maple_tree; then
	skip "profiles" "Linux 6.1 is needed to walk stacks"
	done_testing
fi

profile_status()
{
	# shellcheck disable=SC2154 # start_daemon sets it
	curl -s --noproxy '*' -m "$(longer 60)" -D "$TMP/head" -o "$TMP/profile" -w '%{http_code}' "${@:2}" \
		"$url/debug/pprof/faults$1"
}

# get_functions QUERY [CURL-FLAG...]: callers' pages by the function that touched them and who called it, of what is
# served.
get_functions()
{
	[ "$(profile_status "$@")" = 200 ] && gzip -dc "$TMP/profile" >"$TMP/plain" &&
		python3 tests/live/pprof.py faults callers <"$TMP/plain" >"$TMP/functions"
}

# What callers has said of its demand-zero faults.
said()
{
	awk '$1 == "code" { sum[$3 " " $6] += $5 } $1 == "thread" { sum["touch walk"] += $6 }
		END { for (path in sum) print sum[path], path }' "$TMP/said" | sed 's/\*.*//' | sort
}

# All that is not little is in, and its functions have their names: where other tests run, what has few faults is in
# "[other]".
has_said()
{
	await_ticks 3 # those of the attempt before are too old for it then
	"$BUILD/workload/callers" >"$TMP/said"
	await_ticks 1 && get_functions "?seconds=2" && [ "$(much <"$TMP/functions")" = "$(said | much)" ]
}

much()
{
	awk '/ touch/ && $1 >= 20' | sort
}

has_names()
{
	"$BUILD/workload/callers" >"$TMP/said"
	await_ticks 1 && get_functions "?seconds=5" && grep -q ' touch walk$' "$TMP/functions"
}

start_daemon
check_equal "without --stacks there is none" "$(profile_status "")" 404
stop_background "$daemon"

start_daemon --stacks
check_equal "not where anybody could read it" "$(profile_status "")" 403
stop_background "$daemon"

printf 'basic_auth_users:\n  ann: %s\n' \
	"$(perl -e 'print crypt("secret", "\$2b\$04\$abcdefghijklmnopqrstuu")')" >"$TMP/web.yml"
start_daemon --stacks --web.config.file "$TMP/web.yml"
check_equal "not without the password" "$(profile_status "")" 401
check_equal "with it" "$(profile_status "" -u ann:secret)" 200
stop_background "$daemon"

start_daemon --stacks --mappings-names all
check "each function has its faults, by its caller" wait_for 120 has_said
check_equal "the type is what pprof has" \
	"$(tr -d '\r' <"$TMP/head" | sed -n 's/^content-type: //ip')" application/octet-stream
check_equal "it is compressed once" "$(grep -ci '^content-encoding' "$TMP/head")" 0
python3 tests/live/pprof.py faults <"$TMP/plain" >"$TMP/sum"
check_equal "its samples are within Pyroscope's limits" \
	"$(awk '{ print ($1 > 0) }' "$TMP/sum") $(($(stat -c %s "$TMP/plain") <= 4194304))" "1 1"
now=$(ticks)
wait_for 120 eval '[ "$(ticks)" -ge $((now + 3)) ]'
get_functions "?seconds=1"
check_equal "what is older than what is asked for is not in it" "$(grep -c ' touch' "$TMP/functions")" 0
for query in "?seconds=0" "?seconds=-1" "?seconds=x"; do
	check_equal "$query: no number of seconds" "$(profile_status "$query")" 400
done
check_equal "more than a minute is a minute" "$(profile_status "?seconds=99999999999999999999")" 200

# The processes that read files: each of them ends, and is made again.
workers()
{
	for keeper in $(pgrep -P "$daemon"); do
		pgrep -P "$keeper"
	done
}
are_new()
{
	[ "$(workers | wc -l)" -eq 2 ] && ! workers | grep -qxF -f "$TMP/workers"
}
workers >"$TMP/workers"
check_equal "two processes read files" "$(wc -l <"$TMP/workers")" 2
while read -r worker; do
	kill -9 "$worker"
done <"$TMP/workers"
check "when they have died there are others" wait_for 120 are_new
check "and they find names" wait_for 120 has_names
stop_background "$daemon"
check_equal "the daemon ends well" $? 0
check_equal "and with it those" "$(workers)" ""
done_testing
