#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# takes 20 s
# daemon --stacks: /debug/pprof/faults has exactly the faults that the workload callers says its functions had,
# within the seconds that are asked for; a client that may not see it gets nothing.

. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/page/lines.bash
. tests/page/lines.bash

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
check_equal "and no flame graph" "$(curl -s --noproxy '*' -o "$TMP/body" -w '%{http_code}' "$url/flame.html"
	await_ticks 1; curl -s --noproxy '*' "$url/overview.json" | jq .flame)" "404false"
stop_background "$daemon"

start_daemon --stacks
check_equal "not where anybody could read it" "$(profile_status "")" 403
check_equal "nor is the flame graph" "$(curl -s --noproxy '*' -o "$TMP/body" -w '%{http_code}' "$url/flame.html"
	await_ticks 1; curl -s --noproxy '*' "$url/overview.json" | jq .flame)" "403false"
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

# The page has the same, and nothing of it without --stacks (above).
check_equal "the page knows of it" "$(curl -s --noproxy '*' "$url/overview.json" | jq .flame)" true
flame_has_said()
{
	await_ticks 3
	"$BUILD/workload/callers" >"$TMP/said"
	await_ticks 1 && curl -sf --noproxy '*' -D "$TMP/head" -o "$TMP/flame.html" "$url/flame.html?seconds=2" &&
		[ "$(sed -n 's/.*<script id="data" type="application\/json">//; /^{"texts"/,/<\/script>/p' "$TMP/flame.html" |
			sed 's/<\/script>//' | jq '. as $all | [.samples[] | select(.[4][0] > 0 and
				([.[1][] | $all.texts[$all.places[.][0]]] | index("touch") != null)) | .[4][0]] | add')" = \
		"$(said | awk '$2 == "touch" { sum += $1 } END { print sum }')" ]
}
check "the flame graph has the faults of touch()" wait_for 120 flame_has_said
check_contains "it has a policy of its own" "$TMP/head" \
	"^Content-Security-Policy: default-src 'none'; script-src 'sha256-[^']*'; style-src 'sha256-[^']*'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
if command -v chromium >/dev/null; then
	check_lines tests/page/flame_frame.py "$url/" chromium # which has enough of them to be seen
else
	skip "a browser shows the flame graph in the page" "chromium is not installed"
fi

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

# A profile that takes long to make: ticks and scrapes go on.
gzip_is()
{
	[ "$(head -c 1 "$TMP/gzip")" = "$1" ]
}
set_gzip()
{
	printf %s "$1" | dd of="$TMP/gzip" conv=notrunc status=none
}
printf - >"$TMP/gzip"
export SLOW_GZIP=$TMP/gzip
LD_PRELOAD=$(realpath "$BUILD")/shim/slow_gzip.so start_daemon --stacks --mappings-names all --interval 0.3
await_ticks 2
set_gzip s
start_background curl -s --noproxy '*' -m 100 -o "$TMP/slow" -w '%{http_code}\n' "$url/debug/pprof/faults" >"$TMP/status"
slow=$BACKGROUND_PID
check "a profile is being made" wait_for 60 gzip_is w
start_background curl -s --noproxy '*' -m 100 -o "$TMP/same" -w '%{http_code}\n' "$url/debug/pprof/faults" >"$TMP/status2"
same=$BACKGROUND_PID
start_background curl -s --noproxy '*' -m 100 -o "$TMP/left" "$url/flame.html"
left=$BACKGROUND_PID
now=$(ticks)
check "ticks and scrapes go on meanwhile" wait_for 60 eval '[ "$(ticks)" -ge $((now + 5)) ]'
check_equal "and so do other pages" "$(curl -s --noproxy '*' -o "$TMP/body" -w '%{http_code}' "$url/overview.json")" 200
check "it is still being made" gzip_is w
check "nobody has an answer yet" kill -0 "$slow" "$same"
stop_background "$left" # who leaves does not matter
set_gzip g
wait "$slow" "$same"
check_equal "then the answer comes, also to a client that asked for the same" "$(cat "$TMP/status" "$TMP/status2")" "200
200"
check "both have the same" cmp "$TMP/slow" "$TMP/same"
check_equal "it is complete" "$(gzip -t "$TMP/slow" 2>&1)" ""
set_gzip s
start_background curl -s --noproxy '*' -m 100 -o "$TMP/slow" "$url/debug/pprof/faults"
wait_for 60 gzip_is w
kill "$daemon"
set_gzip g
wait "$daemon"
check_equal "it ends well while one is being made" $? 0
done_testing
