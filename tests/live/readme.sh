#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# runs alone: the daemon listens where it does unless told otherwise
# takes 60 s
# The commands of README.md and the tests of tests/README.md, as they stand there.
. "$(dirname "$0")/../lib.sh"

# In place of sudo, which the test has no need of: it is root, and faultmap is the one that was built.
mkdir "$TMP/bin" "$TMP/work"
printf '#!/bin/sh\nexec "$@"\n' >"$TMP/bin/sudo"
chmod +x "$TMP/bin/sudo"
ln -s "$FAULTMAP" "$TMP/bin/faultmap"
PATH=$TMP/bin:$PATH

# commands NUMBER: the lines of README.md's block of commands number NUMBER.
commands()
{
	awk -v wanted="$1" '/^```sh$/ { inside = ++n == wanted; next } /^```/ { inside = 0 } inside' README.md
}

# table_commands: those in the table of questions, their placeholders filled in.
table_commands()
{
	sed -n 's/^| .*? | `\(faultmap [^`]*\)`.*/\1/p' README.md |
		sed -e 's/COMMAND/true/' -e "s/TIME/$(date -d yesterday +%F)/; s/TIME/$(date -d tomorrow +%F)/" \
			-e 's/FILE/faults.jsonl/' -e 's/unix:PATH/unix:socket/'
}

# run_in DIRECTORY COMMAND: its output is in $TMP/out and $TMP/err.
run_in()
{
	(cd "$1" && bash -o pipefail -c "$2") >"$TMP/out" 2>"$TMP/err" ||
		# On a busy machine jq may not keep up with the lines of all processes, which faultmap tells.
		grep -q 'lines are lost: their reader did not keep up' "$TMP/err"
}

# check_command DIRECTORY COMMAND PATTERN: it succeeds, and a line that it prints matches.
check_command()
{
	check "README.md: $2" run_in "$1" "$2"
	unwrapped "$TMP/err" >"$TMP/sentences"
	check "and it says: $3" grep -Eq -e "$3" "$TMP/out" "$TMP/err" "$TMP/sentences"
}

# The set-up, in a copy of the tree as it was built.
test_setup()
{
	local setup tree=$TMP/tree

	mkdir "$tree"
	tar -C "$ROOT" --exclude=./build --exclude=./.git -cf - . | tar -C "$tree" -xf -
	cp -a "$BUILD" "$tree/build"
	mapfile -t setup < <(commands 1)
	check_equal "README.md: two commands set it up" "${#setup[@]}" 2
	unset BUILD FAULTMAP MAKEFLAGS MAKELEVEL
	export DESTDIR=$TMP/root
	check_command "$tree" "${setup[0]}" '^ *131,072 .* 512M  demand_zero .*\[anon\]$'
	check "README.md: ${setup[1]}" run_in "$tree" "${setup[1]}"
	check "it is in /usr/local" "$DESTDIR/usr/local/bin/faultmap" --version
}

has_lines()
{
	curl -sf --noproxy '*' 127.0.0.1:14096/metrics | grep -q '^faultmap_faults_total' &&
		[ "$(grep -c '"rec":"interval"' "$TMP/work/faults.jsonl")" -ge 3 ]
}

# The daemon runs until a signal ends it.
test_daemon()
{
	check_contains "README.md: the daemon is started" <(echo "$1") '^sudo faultmap daemon .*faults\.jsonl'
	(cd "$TMP/work" && eval "exec ${1#sudo }" 2>"$TMP/err") &
	background_pids+=($!)
	check "README.md: $1" wait_for 120 has_lines
	check "it ends well" stop_background $!
}

# Without a terminal it prints a table at each tick, until a signal ends it.
test_top()
{
	(cd "$TMP/work" && eval "exec ${1#sudo }" >"$TMP/out" 2>"$TMP/err" </dev/null) &
	background_pids+=($!)
	check "README.md: $1" wait_for 120 grep -qE '^ +PID .* COMM' "$TMP/out"
	check "it ends well" stop_background $!
}

test_uses()
{
	local line uses=()

	while read -r line; do
		uses+=("${line%"${line##*[! ]}"}")
	done < <(commands 2 | sed 's/ # .*//')
	check_equal "README.md: six ways to use it" "${#uses[@]}" 6
	test_top "${uses[0]}"
	check_command "$TMP/work" "${uses[1]}" '; page faults took .*: [0-9,]+ minor, [0-9]+ major, 0 denied$'
	start_background /usr/bin/python3 -c '
import mmap
while True:
    mmap.mmap(-1, 1 << 20, flags=mmap.MAP_PRIVATE).write(bytes(1 << 20))'
	PID=$BACKGROUND_PID check_command "$TMP/work" "${uses[2]}" ' demand_zero .* \[anon\]'
	check_contains "and of which process" "$TMP/err" "^pid $BACKGROUND_PID\$"
	test_daemon "${uses[3]}"
	check_command "$TMP/work" "${uses[4]}" "\"pid\":$BACKGROUND_PID,"
	check_equal "and these lines alone" "$(jq -r .rec "$TMP/out" | sort -u)" faults
	check_command "$TMP/work" "${uses[5]}" '^page faults.*: [0-9,]+ minor, [0-9]+ major, [0-9]+ denied, in [0-9,]+ processes'
}

test_questions()
{
	local line questions=0

	start_daemon --stream --listen "unix:$TMP/work/socket"
	while read -r line; do
		questions=$((questions + 1))
		[[ $line != "faultmap daemon" && $line != "faultmap top" ]] || continue # they ran above
		check_command "$TMP/work" "$line" 'COMM|MAPPING|KIND|UNIT|FUNCTION|^faultmap works here|^no finding in|^findings,'
	done < <(table_commands)
	check "README.md: questions have commands" test "$questions" -ge 8
}

# run_example SED-SCRIPT: the test that tests/README.md shows, changed by the script.
run_example()
{
	awk '/^#!/ { inside = 1 } /^```/ { inside = 0 } inside' tests/README.md |
		sed -e "$1" >"$TMP/live/example.sh"
	"$BASH" "$TMP/live/example.sh"
}

# shown NUMBER: what tests/README.md says of its output, passing (1) and failing (2).
shown()
{
	awk -v wanted="$1" '/^ok 1 / { inside = ++n == wanted } /^```/ { inside = 0 } inside' tests/README.md
}

test_examples()
{
	mkdir "$TMP/live"
	echo ". '$ROOT/tests/lib.sh'" >"$TMP/lib.sh"
	check_equal "tests/README.md: the test that passes" "$(run_example '')" "$(shown 1)"
	check_equal "tests/README.md: the test that fails" \
		"$(run_example "s|$(sed -n 's/^With `\(.*\)` in place of `\(.*\)` it .*/\2\|\1/p' tests/README.md)|")" \
		"$(shown 2)"
}

test_uses
test_questions
test_examples
if command -v apt-get >/dev/null; then
	test_setup
else
	skip "README.md: the set-up" "no apt-get on this system"
fi
done_testing
