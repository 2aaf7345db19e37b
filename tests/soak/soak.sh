#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The real daemon for DURATION seconds (600) under fork storms and remap storms, with 50 scrapes a second, its
# log rotated and its configuration reloaded all the time. At the end memory and descriptors must be what they
# were after the first minute (a quarter of a short run), totals must be the kernel's, and nothing may have
# failed or be missing. Both measurements are taken when workloads and clients have ended.
# usage: DURATION=SECONDS tests/soak/soak.sh       not part of make check
# shellcheck source=tests/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
# A second Ctrl-C must not interrupt the clean-up.
trap 'trap "" INT TERM HUP; exit 130' INT
trap 'trap "" INT TERM HUP; exit 129' HUP

DURATION=${DURATION:-600}
SCRAPES_PER_SECOND=50
# The heap keeps the room of the busiest tick, and how many processes fall into one depends on what else
# runs: 3 MiB were seen between two rests of a loaded machine. In ten minutes of some hundred processes a second
# this is less than 50 bytes for each that ended.
RSS_TOLERANCE_KIB=4096
here=$ROOT/tests/soak
log=$TMP/log
n_rotated=0 n_reloaded=0 interval=1 rss_max=0

# Also when a workload is missing: before anything is started.
check_usage()
{
	if [[ $DURATION != [1-9]* || $DURATION == *[!0-9]* || $DURATION -lt 20 ]]; then
		echo "soak.sh: DURATION is \"$DURATION\"; give whole seconds, at least 20" >&2
		exit 2
	fi
	if ! may_load_programs; then
		echo "soak.sh: neither CAP_SYS_ADMIN nor CAP_BPF and CAP_PERFMON to load BPF programs; run it with sudo" >&2
		exit 77
	fi
	if [ ! -x "$FAULTMAP" ] || [ ! -x "$BUILD/workload/remap" ]; then
		echo "soak.sh: no $FAULTMAP or $BUILD/workload/remap; run \`make all workloads\`" >&2
		exit 1
	fi
}

say()
{
	printf '# %s\n' "$*"
}

configure()
{
	printf 'interval = %s\n' "$1" >"$TMP/conf"
}

begin()
{
	configure 1
	start_daemon --config "$TMP/conf" --jsonl "$log" --web.enable-lifecycle
	await_ticks 2
}

has_reloaded()
{
	[ "$(grep -c '^faultmap: reloaded$' "$TMP/daemon.err")" -eq "$1" ]
}

# reload COMMAND...: with another interval each time, and not before the last one is through.
reload()
{
	[ "$interval" = 1 ] && interval=0.9 || interval=1
	configure "$interval"
	"$@" && n_reloaded=$((n_reloaded + 1)) && wait_for 120 has_reloaded "$n_reloaded"
}

# Fails unless it is answered with 200.
post_reload()
{
	curl -sf --noproxy '*' -m 30 -o /dev/null -X POST "$url/-/reload"
}

begins_anew()
{
	[ "$(head -n 1 "$log" 2>/dev/null | jq -r .rec)" = meta ]
}

# digest FILE: every line must be JSON, and whole; what the tally needs is kept, the file goes.
digest()
{
	if ! jq -r -f "$here/lines.jq" "$1" >"$TMP/digest" 2>>"$TMP/damaged"; then
		echo "above: in $1" >>"$TMP/damaged"
	elif [ "$(wc -l <"$1")" -ne "$(wc -l <"$TMP/digest")" ] || [ "$(tail -c 1 "$1")" != "" ]; then
		echo "$1: a line without end, or two in one" >>"$TMP/damaged"
	fi
	[ "$(head -c 13 "$1")" = '{"rec":"meta"' ] || echo "$1: no meta line first" >>"$TMP/damaged"
	cat "$TMP/digest" >>"$TMP/lines"
	rm "$1"
}

rotate()
{
	n_rotated=$((n_rotated + 1))
	mv "$log" "$log.$n_rotated"
	reload kill -HUP "$daemon" && wait_for 120 begins_anew && digest "$log.$n_rotated"
}

rss_kib()
{
	awk '$1 == "VmRSS:" { print $2 }' "/proc/$daemon/status"
}

descriptors()
{
	find "/proc/$daemon/fd" -type l -printf '%l\n' 2>/dev/null | sed 's/\[[0-9]*\]/[]/' | sort
}

# A tick opens some for a moment: the fewest of several looks.
descriptors_at_rest()
{
	local i

	descriptors >"$1"
	for i in {1..20}; do
		sleep 0.05
		descriptors >"$1.$i"
		[ "$(wc -l <"$1.$i")" -ge "$(wc -l <"$1")" ] || cp "$1.$i" "$1"
	done
}

same_descriptors()
{
	descriptors | cmp -s - "$1"
}

# Nice: on two CPUs they would otherwise have all of them for half a minute at a time, and what is asked of
# the daemon then is patience.
start_storms()
{
	local what

	storms=()
	for what in spawn lives remap; do
		start_background nice -n 19 "$here/storm.sh" "$what" >>"$TMP/$what" 2>>"$TMP/storm.err"
		storms+=("$BACKGROUND_PID")
	done
}

stop_storms()
{
	local pid

	kill -TERM "${storms[@]}"
	for pid in "${storms[@]}"; do
		stop_background "$pid" || echo "a workload ended with $?" >>"$TMP/storm.err"
	done
}

# soak SECONDS: everything at once, then rest.
soak()
{
	local until=$((SECONDS + $1)) failed="" scraper what

	start_background "$here/scrape.py" "$target" "$SCRAPES_PER_SECOND" "$TMP/scrapes"
	scraper=$BACKGROUND_PID
	start_storms
	while [ "$SECONDS" -lt "$until" ] && kill -0 "$daemon" 2>/dev/null; do
		for what in rotate "reload post_reload" "reload kill -HUP $daemon"; do
			$what || failed+=" $what;"
			[ "$(rss_kib)" -le "$rss_max" ] || rss_max=$(rss_kib)
			sleep 1 # the pace
		done
	done
	stop_storms
	stop_background "$scraper" || echo "the scraper ended with $?" >>"$TMP/storm.err"
	check_equal "$1 s: each rotation and reload succeeded" "$failed" ""
	check "$1 s: ticks go on" await_ticks 5
}

# newest FILTER: of the last interval line that is written as a whole.
newest()
{
	grep '"rec":"interval".*}$' "$log" | tail -n 1 | jq -c "$1"
}

# The kernel's count of majors may be an instant older than the rows of the same reading.
majors_agree()
{
	[ "$(newest '.perf_major_total == .major_total')" = true ]
}

# Others fault while the rows are read; what is stuck would stay.
few_in_flight()
{
	[ "$(newest .in_flight)" -le "$1" ]
}

# figure FILTER: of the tally.
figure()
{
	jq -c "$1" "$TMP/tally"
}

report_scrapes()
{
	jq -r '"scrapes: \([.clients[].scrapes] | add) in \(.seconds | floor) s,",
		"\([.clients[].bytes] | add / 1e6 | floor) MB, slowest \([.clients[].slowest_seconds] | max) s,",
		"\([.clients[].looked_at] | add) of them compared"' "$TMP/scrapes" | paste -sd ' ' |
		sed 's/^/# /'
	check_equal "no scrape failed" "$(jq -c '[.clients[].failed[]]' "$TMP/scrapes")" '[]'
	check_equal "no counter went down from scrape to scrape" \
		"$(jq -c '[.clients[].down[]]' "$TMP/scrapes")" '[]'
	check_equal "groups, mappings and all faults have one sum in each scrape" \
		"$(jq -c '[.clients[].unequal[]]' "$TMP/scrapes")" '[]'
	check "there were 50 scrapes a second, or at least 30 on a busy machine" jq -e \
		'([.clients[].scrapes] | add) >= 30 * .seconds and all(.clients[]; .looked_at > 5)' \
		"$TMP/scrapes"
}

report_lines()
{
	say "lines: $(figure .lines) in $((n_rotated + 1)) files; $(figure .processes) processes ended:" \
		"$(figure .children) by spawn, $(figure .lives) by lives, $(figure .remaps) by remap"
	say "totals: $(figure '.last | with_entries(select(.key | endswith("_total") or . == "in_flight"))' |
		tr -d '"{}' | sed 's/,/, /g; s/:/ /g')"
	check_equal "every line of every file is whole and JSON" "$(cat "$TMP/damaged")" ""
	check_equal "no interval line is missing: deltas add up to the totals" \
		"$(figure '.wrong_intervals[:5]')" '[]'
	check_equal "rows add up to the totals" "$(figure .rows)" \
		"$(figure '.last | [.minor_total, .major_total, .denied_total]')"
	check_equal "nothing was lost on the way, and the table was never full" \
		"$(figure '.last | [.map_full_total, .names_lost_total, .exits_lost_total,
			.stamps_lost_total, .lines_lost_total]')" '[0,0,0,0,0]'
	check_equal "fewer than 1 in 10,000 without a mapping" \
		"$(figure '.last | .unresolved_total * 10000 <= .entries_total')" true
}

report_totals()
{
	check "there was a storm of each sort" jq -e \
		'.children >= 100 and .lives >= 80 and .remaps >= 1' "$TMP/tally"
	check_equal "processes of lives: minor and major of each as wait4 has them" \
		"$(figure '.wrong_lives[:5]')" '[]'
	check_equal "children of spawn: sums as getrusage has them" \
		"$(figure '.wrong_spawn[:5]')" '[]'
	check_equal "areas of remap: each has its faults, as getrusage has them" \
		"$(figure '.wrong_remap[:5]')" '[]'
	check_equal "entries = minor + major + denied + aborted + in flight" \
		"$(figure '.last | .entries_total - .in_flight')" \
		"$(figure '.last | .minor_total + .major_total + .denied_total + .aborted_total')"
}

# Needs the daemon alive.
report_rest()
{
	local rss

	rss=$(rss_kib)
	say "RSS: $rss_reference KiB after the first $first s, $rss KiB at the end, at most $rss_max KiB" \
		"in between; tolerance $RSS_TOLERANCE_KIB KiB"
	say "descriptors: $(wc -l <"$TMP/fds")"
	check "RSS is where it was" test "$rss" -le $((rss_reference + RSS_TOLERANCE_KIB))
	check "descriptors are what they were" wait_for 60 same_descriptors "$TMP/fds" ||
		descriptors | diff "$TMP/fds" - | sed 's/^/#   /'
	if [ "$(newest 'has("perf_major_total")')" = true ]; then
		check "perf events have counted the majors of the rows" wait_for 30 majors_agree
	else
		skip "perf events have counted the majors of the rows" "perf events are refused here"
	fi
	check "nothing stays in flight" wait_for 30 few_in_flight $((32 * $(nproc)))
	say "at rest: $(newest '"perf events \(.perf_major_total), rows \(.major_total) major; " +
		"\(.in_flight) in flight"')"
}

check_usage
first=$((DURATION / 4 < 60 ? DURATION / 4 : 60))
: >"$TMP/damaged"
begin
soak "$first"
rss_reference=$(rss_kib)
descriptors_at_rest "$TMP/fds"
soak $((DURATION - first))
report_rest
stop_background "$daemon"
check_equal "SIGTERM ends it with 0" "$?" 0
digest "$log"
check_equal "every workload ended well" "$(cat "$TMP/storm.err")" ""
check_equal "it had nothing to complain about" \
	"$(grep -Ev '^faultmap: (reloaded$|.*serving on )' "$TMP/daemon.err")" ""
"$here/tally.py" "$TMP/lines" "$TMP/spawn" "$TMP/lives" "$TMP/remap" >"$TMP/tally"
say "$n_reloaded reloads, $n_rotated of them with a rotation"
report_scrapes
report_lines
report_totals
done_testing
