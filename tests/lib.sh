# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Sourced by every shell test: the frame (tap.bash), and what tests do with faultmap.

# shellcheck source=tests/tap.bash
. "$(dirname "${BASH_SOURCE[0]}")/tap.bash"

FAULTMAP=$(realpath -m "${FAULTMAP:-$BUILD/faultmap}")
export FAULTMAP

# keep_log FILE...: JSON lines of faultmap, for check_schema.
keep_log()
{
	cat -- "$@" >>"$TMP/.lines"
}

# find_lacks: the features of `faultmap check` that this machine lacks, for faults.jq: $LACKS, with commas
# between. tests/vm/guest.sh has asked already.
find_lacks()
{
	LACKS=${LACKS-$("$FAULTMAP" check --json 2>/dev/null |
		jq -rs 'map(select(.available | not).feature) | join(",")')}
	export LACKS
}

# lacks FEATURE: this machine does, as find_lacks found.
lacks()
{
	[[ ,$LACKS, == *,$1,* ]]
}

# may NUMBER...: this shell has each of these capabilities (linux/capability.h). Root in a container may not,
# and somebody else may.
may()
{
	local has number

	has=0x$(sed -n 's/^CapEff:\t//p' /proc/self/status)
	for number; do
		((has >> number & 1)) || return 1
	done
}

# may_load_programs: CAP_SYS_ADMIN, or CAP_PERFMON and CAP_BPF.
may_load_programs()
{
	may 21 || may 38 39
}

# fewer N: N, or what an emulated machine can do of it in the same time.
fewer()
{
	echo $(($1 / ${WORK_DIVISOR:-1}))
}

# check_schema: every line that was kept is valid against `faultmap log --schema`.
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

# start_serving COMMAND...: a daemon with -v, until it serves; sets $daemon to its PID. Its stderr is in
# $TMP/daemon.err.
start_serving()
{
	start_background "$@" 2>"$TMP/daemon.err"
	# shellcheck disable=SC2034 # for the caller
	daemon=$BACKGROUND_PID
	wait_for 120 grep -q 'serving on' "$TMP/daemon.err"
}

# start_daemon FLAG...: faultmap daemon on a free port; sets $daemon, $url and its HOST:PORT, $target.
start_daemon()
{
	start_serving "$FAULTMAP" daemon -v --listen 127.0.0.1:0 "$@"
	target=$(sed -n 's|.*serving on http://\([^/]*\)/.*|\1|p' "$TMP/daemon.err")
	url=http://$target
}

# scrape [FILE [CURL-FLAG...]]: what $url serves as metrics, into $TMP/scrape unless told; its header is in
# FILE.head. Fails without an answer of 200.
scrape()
{
	local file=${1:-$TMP/scrape}

	curl -sf --noproxy '*' -m "$(longer 120)" -D "$file.head" -o "$file" "${@:2}" "$url/metrics"
}

# value SERIES [FILE]: of a scrape.
value()
{
	awk -v series="$1" '$1 == series { print $2 }' "${2:-$TMP/scrape}"
}

# ticks [CURL-FLAG...]: how many the daemon at $url has made; the scrape is in $TMP/ticks.
ticks()
{
	scrape "$TMP/ticks" "$@" && value faultmap_ticks_total "$TMP/ticks"
}

# ticked N [CURL-FLAG...]: it has made so many.
ticked()
{
	[ "$(ticks "${@:2}")" -ge "$1" ] 2>/dev/null
}

# await_ticks N [CURL-FLAG...]: so many more.
await_ticks()
{
	local before

	before=$(ticks "${@:2}") && wait_for 120 ticked $((before + $1)) "${@:2}"
}

# check_failure NAME STATUS REGEX COMMAND FLAG...: one line on stderr, which matches, and the exit status.
check_failure()
{
	timeout "$(longer 120)" "$FAULTMAP" "${@:4}" >"$TMP/out" 2>"$TMP/err"
	check_equal "$1: exit status" "$?" "$2"
	check_equal "$1: one line" "$(wc -l <"$TMP/err")" 1
	check_contains "$1: says what" "$TMP/err" "$3"
}

# start_prometheus: a server with the configuration on stdin; sets $server to its URL.
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
