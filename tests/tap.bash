# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# The test frame, which knows nothing of faultmap: TAP on stdout, a scratch directory, background processes
# that end with the test. lib.sh sources it. Counters live in this shell: report (ok, check...) outside of
# ( ) and pipes.

set -u
export LC_ALL=C.UTF-8

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$ROOT" || exit 1
BUILD=$(realpath -m "${BUILD:-build}")
TMP=$(mktemp -d "${TMPDIR:-/tmp}/faultmap-test.XXXXXX") || exit 1
export ROOT BUILD TMP
PATH=$PATH:/usr/sbin:/sbin

tests_run=0
tests_failed=0
background_pids=()

trap cleanup_test EXIT
# run.sh's deadline sends TERM twice, to this shell and to its group: the second one must not
# interrupt the clean-up.
trap 'trap "" TERM; exit 143' TERM

cleanup_test()
{
	local pid

	# A child shell that TERM meets before it has dropped its traps comes here as well.
	[ "$BASHPID" = "$$" ] || return 0
	for pid in ${background_pids[@]+"${background_pids[@]}"}; do
		stop_background "$pid"
	done
	rm -rf "$TMP"
}

# ok NAME
ok()
{
	tests_run=$((tests_run + 1))
	printf 'ok %d - %s\n' "$tests_run" "${1//#/}"
}

# not_ok NAME [DETAIL...]: each detail, of several lines too, becomes a comment.
not_ok()
{
	tests_run=$((tests_run + 1))
	tests_failed=$((tests_failed + 1))
	printf 'not ok %d - %s\n' "$tests_run" "${1//#/}"
	shift
	[ $# -eq 0 ] || printf '%s\n' "$@" | sed 's/^/#   /'
}

# skip NAME REASON
skip()
{
	tests_run=$((tests_run + 1))
	printf 'ok %d - %s # SKIP %s\n' "$tests_run" "${1//#/}" "${2:?skip needs a reason}"
}

# ends_of FILE: its first and last lines, where it has many: a build says at its end what is wrong.
ends_of()
{
	if [ "$(wc -l <"$1")" -le 50 ]; then
		cat "$1"
	else
		head -n 20 "$1"
		echo "[...]"
		tail -n 30 "$1"
	fi
}

# check NAME COMMAND...: ok if the command succeeds; what it prints is shown only if it does not.
check()
{
	check_status "$1" 0 "${@:2}"
}

# check_status NAME WANT COMMAND...: ok if the command exits with WANT.
check_status()
{
	local name=$1 want=$2 status
	shift 2

	"$@" >"$TMP/.check" 2>&1
	status=$?
	if [ "$status" -eq "$want" ]; then
		ok "$name"
	else
		not_ok "$name" "exit status $status, wanted $want: $*" "$(ends_of "$TMP/.check")"
	fi
}

# check_equal NAME GOT WANT
check_equal()
{
	if [ "$2" = "$3" ]; then
		ok "$1"
	else
		not_ok "$1" "got:  $2" "want: $3"
	fi
}

# check_contains NAME FILE EXTENDED_REGEX
check_contains()
{
	if grep -Eq -e "$3" -- "$2"; then
		ok "$1"
	else
		not_ok "$1" "no line of $2 matches: $3" "$(head -n 50 -- "$2" 2>&1)"
	fi
}

# unwrapped FILE: prints it with wrapped lines joined: a line that is indented two columns further continues the one
# before. Lines of a table may be joined, too.
unwrapped()
{
	sed -z 's/\n  \([^ ]\)/ \1/g' -- "$1"
}

# unwrap FILE: the same in place.
unwrap()
{
	unwrapped "$1" >"$TMP/unwrapped" && cat "$TMP/unwrapped" >"$1"
}

# longer SECONDS: prints SECONDS times $DEADLINE_FACTOR, for an emulated machine or a sanitized program.
longer()
{
	echo $(($1 * ${DEADLINE_FACTOR:-1}))
}

# wait_for SECONDS COMMAND...: polls until the command succeeds. Says when it gives up, as that may be why later
# checks fail.
wait_for()
{
	local seconds deadline pause=0.02 polls=0
	seconds=$(longer "$1")
	deadline=$((${EPOCHREALTIME/./} + seconds * 1000000))
	shift

	until "$@" >/dev/null 2>&1; do
		if [ "${EPOCHREALTIME/./}" -ge "$deadline" ]; then
			echo "not within $seconds s: $*" >&2
			return 1
		fi
		# Polling takes CPU time from what we wait for.
		polls=$((polls + 1))
		[ "$polls" -lt 50 ] || pause=0.2
		sleep "$pause"
	done
}

# start_background COMMAND...: starts a program (not a function); sets $BACKGROUND_PID. Redirections of the call
# apply to the program.
start_background()
{
	# Without a redirection an asynchronous command would get /dev/null as stdin.
	exec "$@" <&0 &
	BACKGROUND_PID=$!
	background_pids+=("$BACKGROUND_PID")
	wait_for 120 process_executed "$BACKGROUND_PID"
}

# process_executed PID: whether it has become another program than this shell. Before that, a signal would run this
# shell's traps in it.
process_executed()
{
	! cmp -s "/proc/$1/cmdline" "/proc/$$/cmdline"
}

# stop_background PID [SECONDS]: TERM, time to end (a minute, for a busy machine), KILL. Returns its exit
# status.
stop_background()
{
	kill -TERM "$1" 2>/dev/null && ! wait_for "${2:-60}" process_ended "$1" && kill -KILL "$1"
	wait "$1" 2>/dev/null
}

# process_ended PID: true for a zombie too.
process_ended()
{
	local state

	state=$(ps -o state= -p "$1") || return 0
	[ "$state" = Z ]
}

# free_port: prints a port of 127.0.0.1 where nobody listens.
free_port()
{
	/usr/bin/python3 -c '
import socket
print(socket.create_server(("127.0.0.1", 0)).getsockname()[1])'
}

# The last line of every test file.
done_testing()
{
	printf '1..%d\n' "$tests_run"
	exit $((tests_failed > 0))
}
