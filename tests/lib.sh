# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Sourced by every shell test: the frame (tap.bash), and what tests do with faultmap.

# shellcheck source=tests/tap.bash
. "$(dirname "${BASH_SOURCE[0]}")/tap.bash"

FAULTMAP=$(realpath -m "${FAULTMAP:-$BUILD/faultmap}")
export FAULTMAP

# keep_log FILE...: keeps JSON lines of faultmap for check_schema.
keep_log()
{
	cat -- "$@" >>"$TMP/.lines"
}

# find_lacks: sets $LACKS to the features of `faultmap check` that this machine lacks, separated by commas, for
# faults.jq. tests/vm/guest.sh has set it already.
find_lacks()
{
	LACKS=${LACKS-$("$FAULTMAP" check --json 2>/dev/null |
		jq -rs 'map(select(.available | not).feature) | join(",")')}
	export LACKS
}

# lacks FEATURE: whether this machine lacks it, after find_lacks.
lacks()
{
	[[ ,$LACKS, == *,$1,* ]]
}

# may NUMBER...: whether this shell has each of these capabilities (linux/capability.h). Root in a container may lack
# some, and another user may have them.
may()
{
	local has number

	has=0x$(sed -n 's/^CapEff:\t//p' /proc/self/status)
	for number; do
		((has >> number & 1)) || return 1
	done
}

# may_load_programs: whether it has CAP_SYS_ADMIN, or CAP_PERFMON and CAP_BPF.
may_load_programs()
{
	may 21 || may 38 39
}

# fewer N: prints N; on an emulated machine, how many it can do in the same time.
fewer()
{
	echo $(($1 / ${WORK_DIVISOR:-1}))
}

# check_schema: checks every kept line against `faultmap log --schema`.
check_schema()
{
	local name="every line is valid against the schema"

	"$FAULTMAP" log --schema >"$TMP/.schema"
	if /usr/bin/python3 "$ROOT/tests/live/schema.py" "$TMP/.schema" "$TMP/.lines" >"$TMP/.check" 2>&1; then
		ok "$name"
	elif [ $? -eq 77 ]; then
		skip "$name" "$(cat "$TMP/.check")"
	else
		not_ok "$name" "$(head -n 50 "$TMP/.check")"
	fi
}

# start_serving COMMAND...: starts a daemon with -v and waits until it serves; sets $daemon to its PID. Its stderr
# is in $TMP/daemon.err.
start_serving()
{
	start_background "$@" 2>"$TMP/daemon.err"
	# shellcheck disable=SC2034 # for the caller
	daemon=$BACKGROUND_PID
	wait_for 120 grep -q 'serving on' "$TMP/daemon.err"
}

# start_daemon FLAG...: starts faultmap daemon on a free port; sets $daemon, $url, and $target to its HOST:PORT.
start_daemon()
{
	start_serving "$FAULTMAP" daemon -v --listen 127.0.0.1:0 "$@"
	target=$(sed -n 's|.*serving on http://\([^/]*\)/.*|\1|p' "$TMP/daemon.err")
	url=http://$target
}

# scrape [FILE [CURL-FLAG...]]: writes the metrics that $url serves to FILE, by default $TMP/scrape, and the header to
# FILE.head. Fails unless the status is 200.
scrape()
{
	local file=${1:-$TMP/scrape}

	curl -sf --noproxy '*' -m "$(longer 120)" -D "$file.head" -o "$file" "${@:2}" "$url/metrics"
}

# value SERIES [FILE]: prints the value of a series in a scrape.
value()
{
	awk -v series="$1" '$1 == series { print $2 }' "${2:-$TMP/scrape}"
}

# ticks [CURL-FLAG...]: prints how many ticks the daemon at $url has made; the scrape is in $TMP/ticks.
ticks()
{
	scrape "$TMP/ticks" "$@" && value faultmap_ticks_total "$TMP/ticks"
}

# ticked N [CURL-FLAG...]: whether it has made N ticks.
ticked()
{
	[ "$(ticks "${@:2}")" -ge "$1" ] 2>/dev/null
}

# await_ticks N [CURL-FLAG...]: waits for N more ticks.
await_ticks()
{
	local before

	before=$(ticks "${@:2}") && wait_for 120 ticked $((before + $1)) "${@:2}"
}

# has_intervals LOG N BYTES: beyond these, so that a large log is not read again and again.
has_intervals()
{
	[ "$(tail -c "+$(($3 + 1))" "$1" | grep -c '"rec":"interval"')" -ge "$2" ]
}

# await_intervals LOG N: waits for N more that are whole: a tick's lines begin with that of the interval. After two, all
# is in the log that went before: the first may have begun already.
await_intervals()
{
	wait_for 120 has_intervals "$1" $(($2 + 1)) "$(stat -c %s "$1")"
}

# have_ended LOG PID...: they have their exit lines. A process has its own when the kernel has freed it, which on a busy
# machine takes seconds, and is not in the order in which they ended.
have_ended()
{
	[ -z "$(printf '%s\n' "${@:2}" |
		grep -vxF -f <(sed -n 's/^{"rec":"exit".*,"pid":\([0-9]*\),.*/\1/p' "$1"))" ]
}

# check_failure NAME STATUS REGEX COMMAND FLAG...: the command exits with STATUS and one line on stderr, which matches.
check_failure()
{
	timeout "$(longer 120)" "$FAULTMAP" "${@:4}" >"$TMP/out" 2>"$TMP/err"
	check_equal "$1: exit status" "$?" "$2"
	check_equal "$1: one line" "$(wc -l <"$TMP/err")" 1
	check_contains "$1: says what" "$TMP/err" "$3"
}

# start_prometheus: starts a server with the configuration on stdin; sets $server to its URL.
start_prometheus()
{
	local address

	cat >"$TMP/prometheus.yml"
	address=127.0.0.1:$(free_port)
	start_background prometheus --config.file="$TMP/prometheus.yml" \
		--storage.tsdb.path="$TMP/data" --web.listen-address="$address" \
		>"$TMP/prometheus.out" 2>&1
	# shellcheck disable=SC2034 # for the caller
	server=http://$address
}
