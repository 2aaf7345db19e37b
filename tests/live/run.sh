#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# takes 30 s
# `faultmap run`: exit statuses, where the output of both programs goes, signals, and that all processes are counted.
# shellcheck disable=SC2016

. "$(dirname "$0")/../lib.sh"

find_lacks

# status_of NAME WANT COMMAND...
status_of()
{
	check_status "$1" "$2" "$FAULTMAP" run -o "$TMP/summary" -- "${@:3}"
}

test_statuses()
{
	: >"$TMP/plain"
	: >"$TMP/empty"
	chmod 755 "$TMP/empty"
	status_of "exits with 0 as CMD does" 0 true
	check_contains "the summary says exit status 0" "$TMP/summary" '^exit status 0 after '
	status_of "exits with 3 as CMD does" 3 sh -c 'exit 3'
	check_contains "the summary says exit status 3" "$TMP/summary" '^exit status 3 after '
	status_of "exits with 128+15 when CMD is killed by SIGTERM" 143 sh -c 'kill -TERM $$'
	check_contains "the summary names the signal" "$TMP/summary" '^killed by SIGTERM after '
	status_of "127: no such command in PATH" 127 faultmap-no-such-command
	status_of "127: no such file" 127 "$TMP/nowhere/x"
	status_of "126: not executable" 126 "$TMP/plain"
	status_of "126: a directory" 126 "$TMP"
	status_of "126: no format that the kernel knows" 126 "$TMP/empty"
	check_status "2: no command" 2 "$FAULTMAP" run
	check_status "2: no command after --" 2 "$FAULTMAP" run --
	check_status "2: unknown flag" 2 "$FAULTMAP" run --no-such-flag -- true
	check_status "flags after the command are the command's" 0 \
		"$FAULTMAP" run -o "$TMP/summary" sh -c 'exit 0' --no-such-flag
	"$FAULTMAP" run -- "$TMP/nowhere/x" 2>"$TMP/err"
	check_equal "one line says what could not be run" \
		"$(grep -c "^faultmap: .*$TMP/nowhere/x: not found" "$TMP/err") $(wc -l <"$TMP/err")" "1 1"
}

# ignored COMMAND...: signals 1 to 31 that sed ignores when started through COMMAND. (posix_spawn
# leaves 32 and 33, which are glibc's own, ignored in every child.)
ignored()
{
	echo $((0x$("$@" sed -n 's/^SigIgn:[[:space:]]*//p' /proc/self/status) & 0x7fffffff))
}

test_output()
{
	head -c 300000 /dev/urandom >"$TMP/bytes"
	"$FAULTMAP" run -- cat "$TMP/bytes" >"$TMP/out" 2>"$TMP/err"
	check "CMD's stdout is byte for byte its own" cmp "$TMP/bytes" "$TMP/out"
	unwrap "$TMP/err"
	check_contains "the summary is on stderr" "$TMP/err" '; page faults took [0-9.]+[num]?s \([0-9]+ %\): [0-9,]+ minor, [0-9,]+ major, 0 denied$'
	"$FAULTMAP" run -o "$TMP/summary" -- sh -c 'echo out; echo err >&2' >"$TMP/out" 2>"$TMP/err"
	check_equal "with -o, stdout and stderr are CMD's" "$(cat "$TMP/out" "$TMP/err")" $'out\nerr'
	unwrap "$TMP/summary"
	check_contains "-o has the summary" "$TMP/summary" ': [0-9,]+ minor, [0-9,]+ major, 0 denied$'
	"$FAULTMAP" run -o "$TMP/summary" -- cat <"$TMP/bytes" >"$TMP/out"
	check "CMD reads our stdin" cmp "$TMP/bytes" "$TMP/out"
	check_status "1: -o cannot be opened" 1 \
		"$FAULTMAP" run -o "$TMP/nowhere/x" -- touch "$TMP/started"
	check "and then CMD is not started" test ! -e "$TMP/started"
	check_status "1: -o cannot be written" 1 "$FAULTMAP" run -o /dev/full -- true
	check_status "CMD's own exit status has priority over ours" 4 \
		"$FAULTMAP" run -o /dev/full -- sh -c 'exit 4'
	check_equal "CMD ignores no signal on our account" \
		"$(ignored "$FAULTMAP" run -o "$TMP/summary" --)" "$(ignored env)"
}

test_summary()
{
	"$FAULTMAP" run --by row -o "$TMP/summary" -- python3 tests/workload/touch.py 64 >/dev/null
	check_contains "one row for the mapping: pages, size, kind, access" "$TMP/summary" \
		'^ +16,384 +0 +64M( +[0-9.]+[num]?s){0,2} +demand_zero +write +rw-p( +[0-9]+)? +64M +[0-9a-f]+ +\[anon\]$'
	check_equal "the process has its rows and its GUP, no more" \
		"$(grep -c '^unexplained' "$TMP/summary")" 0
	if lacks exit_with_mm; then
		skip "reserved and touched" "needs exit_with_mm: VSZ of a process that lives less than an interval"
	else
		check_contains "reserved and touched" "$TMP/summary" \
			'^reserved [0-9.]+[MG] of address space, touched [0-9.]+[MG] of it at most: [0-9.]+ %$'
	fi
}

# How long faults stalled: with --detail full, the default, for every row; the total is the command's.
test_latency()
{
	"$FAULTMAP" run --by row -o "$TMP/summary" -- python3 tests/workload/touch.py 64 >/dev/null
	check_contains "the touched mapping has its average and longest stall" "$TMP/summary" \
		'^ +16,384 +0 +64M +[0-9.]+[num]s +[0-9.]+[num]?s +demand_zero +write '
	check_contains "the first line says how long all stalled" "$TMP/summary" \
		'^exit status 0 after [0-9.]+ s; page faults took [0-9.]+[num]?s \([0-9]+ %\): '
}

# With next to no room in the kernel's table: the same totals, and what is in no row is said.
test_map_full()
{
	"$FAULTMAP" run --by row --max-rows 1 -o "$TMP/summary" -- cat /dev/null
	check_equal "a full table does not keep us" "$?" 0
	check_contains "a full table: there are rows of [other]" "$TMP/summary" ' unknown .*\[other\]$'
	check_contains "a full table is said" "$TMP/summary" '^less detail: .*in "\[other\]" rows \(map full\)'
	check_equal "a full table: other is no process" "$(grep -c ' processes$' "$TMP/summary")" 0
	check_equal "a full table: nothing is unexplained" \
		"$(grep '^unexplained' "$TMP/summary")" ""
}

# What kill(2) sends to faultmap reaches CMD, once; faultmap waits for its answer.
test_forwarding()
{
	local signal status

	for signal in TERM INT HUP QUIT; do
		start_background "$FAULTMAP" run -o "$TMP/summary" -- python3 -uc '
import signal, sys, time
def count(number, frame):
    print("got", signal.Signals(number).name)
    sys.exit(5)
for name in sys.argv[1:]:
    signal.signal(getattr(signal, "SIG" + name), count)
print("ready")
while True:
    signal.pause()' "$signal" >"$TMP/out"
		wait_for 120 grep -q ready "$TMP/out"
		kill -"$signal" "$BACKGROUND_PID"
		wait_for 120 process_ended "$BACKGROUND_PID"
		wait "$BACKGROUND_PID"
		status=$?
		check_equal "SIG$signal is passed on, and CMD's status is ours" \
			"$status $(tr '\n' ' ' <"$TMP/out")" "5 ready got SIG$signal "
		check_contains "SIG$signal: the summary is printed" "$TMP/summary" '^exit status 5 after '
	done
}

# Ctrl-C reaches the whole foreground group from the terminal: CMD must not get a second one from us.
test_terminal()
{
	cat >"$TMP/child.py" <<'CHILD'
import signal, sys, time
signals = 0
def count(number, frame):
    global signals
    signals += 1
signal.signal(signal.SIGINT, count)
print("ready", flush=True)
while signals == 0:
    signal.pause()
# A second copy would have been sent at once.
deadline = time.monotonic() + 0.5
while time.monotonic() < deadline:
    time.sleep(0.05)
sys.exit(40 + signals)
CHILD
	python3 - "$FAULTMAP" run -o "$TMP/summary" -- python3 "$TMP/child.py" <<'TERMINAL' >"$TMP/status"
import os, pty, sys
pid, terminal = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
text = b""
while b"ready" not in text:
    text += os.read(terminal, 4096)
os.write(terminal, b"\x03")
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
TERMINAL
	check_equal "Ctrl-C on the terminal is one SIGINT for CMD" "$(cat "$TMP/status")" 41
}

test_json()
{
	"$FAULTMAP" run --json -d 0.1 -o "$TMP/json" -- \
		sh -c '(sh -c "/bin/true; /bin/true; :"); cat /dev/null; exit 6' \
		>"$TMP/out"
	check_equal "--json: exit status" "$?" 6
	keep_log "$TMP/json"
	check "--json: every line is JSON" jq -e . "$TMP/json"
	check_equal "--json: first meta, last run" "$(jq -r .rec "$TMP/json" | sed -n '1p;$p' | xargs)" \
		"meta run"
	check_equal "--json: children of children, each of them once" \
		"$(jq -s -c '[([.[] | select(.rec == "exit") | .comm] | sort),
			(.[-1] | .processes, .exit_status)]' "$TMP/json")" \
		'[["cat","sh","sh","true","true"],5,6]'
	check_equal "--json: the run line is the sum of the exit lines" \
		"$(jq -s -c '.[-1] | [.minor_total, .major_total]' "$TMP/json")" \
		"$(jq -s -c '[.[] | select(.rec == "exit")]
			| [(map(.minor_total) | add), (map(.major_total) | add)]' "$TMP/json")"
	"$FAULTMAP" run --json -- true 2>"$TMP/json" >"$TMP/out"
	keep_log "$TMP/json"
	check_equal "--json without -o: on stderr, nothing on stdout" \
		"$(tail -n 1 "$TMP/json" | jq -c '[.rec, .command]') $(wc -c <"$TMP/out")" \
		'["run",["true"]] 0'
	check_status "1: --json -o cannot be opened" 1 \
		"$FAULTMAP" run --json -o "$TMP/nowhere/x" -- true
}

# run ends when CMD ends, also if CMD leaves processes behind.
test_left_behind()
{
	"$FAULTMAP" run --json -o "$TMP/json" -- \
		sh -c 'sleep 1000 >/dev/null 2>&1 & echo $!' >"$TMP/left"
	check_equal "a child that lives on does not keep us" "$?" 0
	keep_log "$TMP/json"
	check "and lives on" kill -0 "$(cat "$TMP/left")"
	check_equal "and is counted" "$(jq -c 'select(.rec == "run") | .processes' "$TMP/json")" 2
	kill "$(cat "$TMP/left")"
}

test_user()
{
	check_equal "--user: the command has this user, its groups and HOME, and no capability" \
		"$(HOME=/root "$FAULTMAP" run -o "$TMP/summary" --user nobody -- \
			sh -c 'echo "$(id -un) $(id -Gn) $HOME $USER $LOGNAME $(sed -n "s/CapEff:\t*//p" /proc/self/status)"')" \
		"nobody $(id -Gn nobody) $(getent passwd nobody | cut -d : -f 6) nobody nobody 0000000000000000"
	unwrap "$TMP/summary"
	check_contains "and is counted as any other" "$TMP/summary" '^exit status 0 after .* in [0-9]+ processes$'
	cp "$(type -P true)" "$TMP/true"
	chmod 700 "$TMP/true"
	check_status "126: what this user may not execute" 126 "$FAULTMAP" run -o "$TMP/summary" --user nobody -- "$TMP/true"
	check_status "2: nobody of that name" 2 "$FAULTMAP" run --user no-such-user -- true
	check_status "2: --user without a command" 2 "$FAULTMAP" run --user nobody -p $$
}

test_statuses
test_user
test_output
test_summary
test_latency
test_map_full
test_forwarding
test_terminal
test_json
test_left_behind
check_schema
done_testing
