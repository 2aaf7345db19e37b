#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# takes 20 s
# `faultmap top` on a terminal, on the running kernel: the demo becomes the first line, its pages are in its
# mapping, its figures stay after it has exited, and SIGTERM and SIGSEGV restore root's terminal.

# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/screen.bash
. tests/screen.bash

mib=$(fewer 512)
pages=$(printf "%d" "$((mib * 256))" | sed -E ':a; s/^([0-9]+)([0-9]{3})/\1,\2/; ta')
# By a name of its own: what else faults on this machine is not on the screen.
ln -s "$(python3 -c 'import os, sys; print(os.path.realpath(sys.executable))')" "$TMP/climber"

# A process that waits for a line, maps so much private memory, writes to each page, for as long as it takes
# to see it do so, then waits for its end.
cat >"$TMP/demo.py" <<-'END'
	import mmap, sys, time
	open(sys.argv[0].replace("demo.py", "ready"), "w").close()
	sys.stdin.readline()
	memory = mmap.mmap(-1, int(sys.argv[1]) << 20, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
	for at in range(0, len(memory), 4096):
	    memory[at] = 1
	    if at % (len(memory) // 16) == 0:
	        time.sleep(0.15)
	sys.stdin.readline()
END

# A process with a few faults all the time, which is the first line before the demo.
cat >"$TMP/other.py" <<-'END'
	import mmap, time
	while True:
	    memory = mmap.mmap(-1, 1 << 20, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
	    for at in range(0, len(memory), 4096):
	        memory[at] = 1
	    memory.close()
	    time.sleep(0.2)
END

start_top()
{
	type_line "clear; $FAULTMAP top -d 0.5 --slice 64M $*"
	wait_for 120 screen_has 'qQuit' && wait_for 120 screen_has '[0-9]Z  0.5s'
}

quit_top()
{
	press q
	wait_for 30 screen_has '^\$'
}

# first_pid: of the line on top of the table.
first_pid()
{
	screen | awk 'titles { print $1; exit } $1 == "PID" && / COMMAND/ { titles = 1 }'
}

is_first()
{
	[ "$(first_pid)" = "$1" ]
}

test_demo()
{
	local demo other

	mkfifo "$TMP/demo.in"
	exec 7<>"$TMP/demo.in"
	start_background setarch -L "$TMP/climber" "$TMP/demo.py" "$mib" <"$TMP/demo.in"
	demo=$BACKGROUND_PID
	start_background setarch -L "$TMP/climber" "$TMP/other.py"
	other=$BACKGROUND_PID
	wait_for 60 test -e "$TMP/ready"
	open_screen 132 43
	start_top --comm climber
	check_screen "it says where it is" "$(uname -n) +Linux $(uname -r) +detail fast"
	check_screen "memory has a bar" "Mem\[.*/.*\]"
	check "before it the other is on top" wait_for 60 is_first "$other"
	echo >&7
	check "the demo climbs to the top" wait_for 60 is_first "$demo"
	type_line "p$demo"
	press Enter
	check_screen "one sees into it" "PID $demo +climber"
	check_screen "its $pages pages are in its mapping" " ${mib}M +$pages .*\[anon\]"
	check_screen "over all of its slices" "$pages .*█{30}.*\[anon\]"
	echo >&7
	check_screen "its exit is shown" "PID $demo .*EXITED"
	check_screen "and its figures stay" " ${mib}M +$pages .*\[anon\]"
	stop_background "$other"
	press Escape
	check_screen "Esc leads back" '\[Processes\]'
	quit_top
	exec 7>&-
}

# Command lines of those that are gone at the tick, and code: by flags.
test_flags()
{
	# shellcheck disable=SC2016 # for that shell
	start_background bash -c 'cd "$0" && while :; do ./climber -ISc "number = 7"; done' "$TMP"
	open_screen 132 43
	start_top -c --comm climber
	check_screen "-c: who lived between two ticks has its command line" "\\(\./climber -ISc number = 7\\)"
	quit_top
	start_top --code --comm climber
	wait_for 60 screen_has 'Kinds  Code'
	press 7
	check_screen "--code: the table of code has instructions of the C library" 'libc\.so\.6\+0x[0-9a-f]+'
	quit_top
	stop_background "$BACKGROUND_PID"
}

test_keys()
{
	open_screen 132 43
	start_top
	press a c
	check_screen "command lines are shown" 'bash --norc --noprofile'
	press d
	type_line 0.2
	check_screen "another delay" 'Z  0.2s'
	press t
	check_screen "a tree, from the first process on" '^ +1 [^ ]+ +'
	press t 2 w
	check_screen "settings are written" 'settings are in'
	check_contains "into a file that was not there" "$TMP/config/faultmap/top.conf" '^view = units$'
	rm -r "$TMP/config"
	quit_top
}

# An escape sequence that a process has put into its name is shown, and nowhere sent.
test_names()
{
	cat >"$TMP/odd.py" <<-'END'
		import mmap
		open("/proc/self/comm", "wb").write(b"x\x1b[31mred\x07")
		while True:
		    memory = mmap.mmap(-1, 1 << 20)
		    memory.write(bytes(1 << 20))
		    memory.close()
	END
	start_background "$TMP/climber" "$TMP/odd.py"
	open_screen 132 43
	start_top
	check_screen "an escape sequence in a name is shown" 'x\\x1b\[31mred'
	quit_top
	stop_background "$BACKGROUND_PID"
}

top_pid()
{
	pgrep -P "$(mode pane_pid)" -f "^$FAULTMAP top"
}

test_ways_out()
{
	local signal

	for signal in TERM SEGV; do
		open_screen 80 24
		type_line "stty -g >$TMP/before"
		start_top
		kill -"$signal" "$(top_pid)"
		check "SIG$signal: the prompt is back" wait_for 30 screen_has '^\$'
		type_line "stty -g >$TMP/after"
		wait_for 30 test -s "$TMP/after"
		check_equal "SIG$signal: the terminal's settings are as before" "$(cat "$TMP/after")" \
			"$(cat "$TMP/before")"
		check "SIG$signal: screen, cursor and mouse are given back" screen_is_given_back
		rm "$TMP/after"
	done
}

test_refused()
{
	open_screen 80 24
	type_line "clear; setpriv --bounding-set -all --inh-caps -all $FAULTMAP top; echo status \$?"
	check_screen "without privileges: as any command says it" '^faultmap: '
	check_screen "and its status" '^status 77$'
	check_equal "the screen was not taken" "$(mode alternate_on)" 0
}

test_demo
test_flags
test_keys
test_names
test_ways_out
test_refused
close_screen
done_testing
