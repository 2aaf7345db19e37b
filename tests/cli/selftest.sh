#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# takes 20 s
# The test frame itself: lib.sh reports a failure as failed, and run.sh counts it, in whatever way a test file goes
# wrong.
. "$(dirname "$0")/../lib.sh"

fake=$TMP/tests
mkdir -p "$fake/cli" "$TMP/scratch"
DEADLINE=60 JOBS=2

# write_fake NAME [HINT]: stdin is the body of a shell test that sources lib.sh.
write_fake()
{
	{
		printf '#!/bin/bash\n%s\n. %q\n' "${2:-#}" "$ROOT/tests/lib.sh"
		cat
	} >"$fake/cli/$1.sh"
	chmod +x "$fake/cli/$1.sh"
}

# run_fakes NAME...: runs the fakes whose path contains a NAME. Their output is in $TMP/out.
run_fakes()
{
	TESTS_DIR=$fake BUILD=$TMP/build TMPDIR=$TMP/scratch DEADLINE=$DEADLINE JOBS=$JOBS \
		tests/run.sh "$@" >"$TMP/out" 2>&1
}

# check_run NAME STATUS SUMMARY: run.sh over the fakes NAME exits with it and ends with the summary.
check_run()
{
	check_status "$1: exit status $2" "$2" run_fakes "$1"
	check_equal "$1: summary" "$(tail -n 1 "$TMP/out")" "$3"
}

write_fake passing <<'END'
ok one
check two true
check_equal three 3 3
check_status four 7 bash -c 'exit 7'
wait_for 1 true && ok five
skip six "no reason but this"
done_testing
END
check_run passing 0 "5 passed, 0 failed, 1 skipped"
check_contains "a skip is printed with its reason" "$TMP/out" \
	'cli/passing.sh: ok 6 - six # SKIP no reason but this$'

# Of several names, each counts.
check_status "two patterns: those that contain either" 0 run_fakes no-such-test passing
check_equal "two patterns: summary" "$(tail -n 1 "$TMP/out")" "5 passed, 0 failed, 1 skipped"

write_fake failing <<'END'
ok one
not_ok two detail
check three false
check_equal four got wanted
check_contains five /dev/null text
check_status six 1 true
wait_for 0 false && ok never
done_testing
END
check_run failing 1 "1 passed, 5 failed, 0 skipped"
check_contains "a failed check is \`not ok\`" "$TMP/out" 'cli/failing.sh: not ok 3 - three$'
check_contains "its details are shown" "$TMP/out" 'cli/failing.sh: # +want: wanted$'
check_contains "the end says once more what failed" "$TMP/out" '^# failed: cli-failing.sh: not ok 3 - three$'
check_contains "with its details" "$TMP/out" '^# failed: cli-failing.sh: # +want: wanted$'
check_equal "and nothing else" "$(grep -c '^# failed: cli-failing.sh: \(ok\|1\.\.\)' "$TMP/out")" 0

write_fake no-plan <<'END'
ok one
exit 0
END
check_run no-plan 1 "1 passed, 1 failed, 0 skipped"

write_fake died <<'END'
ok one
kill -KILL $$
END
check_run died 1 "1 passed, 1 failed, 0 skipped"

write_fake lost-test <<'END'
ok one
( ok "counted in a subshell, so not in the plan" )
done_testing
END
check_run lost-test 1 "2 passed, 1 failed, 0 skipped"

write_fake no-test <<'END'
done_testing
END
check_run no-test 1 "0 passed, 1 failed, 0 skipped"

write_fake bad-status <<'END'
ok one
echo 1..1
exit 3
END
check_run bad-status 1 "1 passed, 1 failed, 0 skipped"

write_fake mute-skip <<'END'
ok one
echo 'ok 2 - two # SKIP '
echo 1..2
exit 0
END
check_run mute-skip 1 "1 passed, 1 failed, 1 skipped"

# The test outlives its deadline, so that run.sh ends it; it ends what it has started.
DEADLINE=2
write_fake endless <<'END'
start_background sleep 1000
echo "$BACKGROUND_PID" >"$TMP/../../endless.pid"
ok one
wait "$BACKGROUND_PID"
END
rm -rf "$TMP"/scratch/* # of the one that was killed
check_run endless 1 "1 passed, 1 failed, 0 skipped"
DEADLINE=60
check "its background process is gone" process_ended "$(cat "$TMP/endless.pid")"
check_equal "its scratch directory is gone" "$(ls "$TMP/scratch")" ""

check_run no-such-test 1 "0 passed, 0 failed, 0 skipped"

touch "$fake/cli/not-executable.sh"
check_run not-executable 1 "0 passed, 1 failed, 0 skipped"
rm "$fake/cli/not-executable.sh"

mkdir "$fake/unit"
touch "$fake/unit/test_unbuilt.c"
check_run test_unbuilt 1 "0 passed, 1 failed, 0 skipped"

check_run passing 0 "5 passed, 0 failed, 1 skipped"
check_contains "the slowest files are named" "$TMP/out" '^# slowest: cli/passing\.sh [0-9]+ s$'

# Each notes when it begins and ends, and waits until one more than itself has begun.
export EVENTS=$TMP/events
for name in many-1 many-2 many-3; do
	write_fake "$name" "# takes ${name#many-} s" <<-END
		echo "begin $name" >>"\$EVENTS"
		two_began() { [ "\$(grep -c 'begin many' "\$EVENTS")" -ge 2 ]; }
		check "another runs at the same time" wait_for \$PATIENCE two_began
		ok more
		echo "end $name" >>"\$EVENTS"
		done_testing
	END
done
write_fake many-alone "# runs alone: it tells" <<'END'
echo "begin alone" >>"$EVENTS"
ok one
echo "end alone" >>"$EVENTS"
done_testing
END
export PATIENCE=30
check_run many 0 "7 passed, 0 failed, 0 skipped"
check_equal "one that runs alone has ended before the others begin" "$(head -n 2 "$EVENTS" | xargs)" \
	"begin alone end alone"
check_equal "what a file prints is in one piece" \
	"$(sed -n 's/: .*//p' "$TMP/out" | uniq | sort | uniq -d)" ""
rm "$EVENTS"
PATIENCE=0 JOBS=1
check_run many 1 "6 passed, 1 failed, 0 skipped"
check_equal "JOBS=1: one after another, the longest first" "$(xargs <"$EVENTS")" \
	"begin alone end alone begin many-3 end many-3 begin many-2 end many-2 begin many-1 end many-1"
for JOBS in 0 x -1; do
	check_status "JOBS=\"$JOBS\": status 2" 2 run_fakes passing
	check_equal "JOBS=\"$JOBS\": one line" "$(wc -l <"$TMP/out")" 1
done
JOBS=2

# When run.sh ends, by whatever signal, it ends all that a fake has started.
write_fake stays <<'END'
start_background sleep 1000
echo "$BACKGROUND_PID" >"$STARTED.$$"
wait "$BACKGROUND_PID"
END
cp "$fake/cli/stays.sh" "$fake/cli/stays-too.sh"
export STARTED=$TMP/started
both_stay()
{
	[ "$(cat "$STARTED".* 2>/dev/null | wc -l)" = 2 ]
}
for signal in TERM:143 INT:130; do
	rm -rf "$STARTED".* "$TMP"/scratch/*
	# A background process of a shell would ignore Ctrl-C.
	TESTS_DIR=$fake BUILD=$TMP/build TMPDIR=$TMP/scratch JOBS=$JOBS start_background \
		env --default-signal=INT tests/run.sh stays >"$TMP/out" 2>&1
	wait_for 120 both_stay
	kill -"${signal%:*}" "$BACKGROUND_PID"
	wait "$BACKGROUND_PID"
	check_equal "SIG${signal%:*} ends it with ${signal#*:}" "$?" "${signal#*:}"
	while read -r pid; do
		check "SIG${signal%:*}: what a test had started is gone" process_ended "$pid"
	done < <(cat "$STARTED".*)
	check_equal "SIG${signal%:*}: scratch directories are gone" "$(ls "$TMP/scratch")" ""
done

# What lib.sh and tap.bash do is in one place: a test that needs something else gives it another name.
mapfile -t shared < <(grep -hoE '^[a-z_]+\(\)' tests/lib.sh tests/tap.bash)
check_equal "no test has a function of its own by a name of lib.sh's" \
	"$(find tests -name '*.sh' -o -name '*.bash' | grep -vxE 'tests/(lib.sh|tap.bash)' |
		xargs grep -nE "^($(printf '%s|' "${shared[@]%??}")-)\(\)")" ""

start_background bash -c 'trap "" TERM; echo ready; while :; do read -r -t 1 <> <(:); done' \
	>"$TMP/stubborn"
wait_for 120 test -s "$TMP/stubborn"
check "a background process is alive" kill -0 "$BACKGROUND_PID"
stop_background "$BACKGROUND_PID" 1
check_equal "one that ignores TERM is killed" $? 137

echo line >"$TMP/line"
start_background cat <"$TMP/line" >"$TMP/copy"
check "a background process reads the stdin of the call" wait_for 120 grep -q line "$TMP/copy"

done_testing
