#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# takes 20 s
# `faultmap top` on a terminal, with a recorded log: screens equal the golden ones, at any size and in any
# locale; keys and the mouse work; however it ends, the terminal is restored.

# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/screen.bash
. tests/screen.bash

log=tests/golden/screen.jsonl

# start_top FLAG...: the log stands still at 10:08:55, where the demo has touched all of its pages.
start_top()
{
	type_line "clear; $FAULTMAP top --replay $* $PWD/$log"
	wait_for 30 screen_has 'qQuit' && press P && wait_for 30 screen_has PAUSED &&
		type_line 'T10:08:55' && wait_for 30 screen_has 'PAUSED .*10:08:55Z'
}

# quit_top: the prompt is back.
quit_top()
{
	press q
	wait_for 30 screen_has '^\$'
}

test_screens()
{
	local size

	for size in 80x24 132x43 40x10; do
		open_screen "${size%x*}" "${size#*x}"
		type_line "clear; $FAULTMAP top --replay $PWD/$log"
		wait_for 30 screen_has 'qQuit'
		press P
		type_line 'T10:08:55'
		wait_for 30 screen_has 'PAUSED .*10:08:55Z'
		check_golden "$size: the screen is as it was" "terminal_$size.txt"
		press Enter
		check_screen "$size: the demo's pages are in its mapping" '131,072 .*\[anon\]'
		check_golden "$size: and so is that of a process" "terminal_process_$size.txt"
	done
}

draw_picture()
{
	on_screen capture-pane -epN | /usr/bin/python3 tests/screen_svg.py "faultmap top"
}

picture_is()
{
	draw_picture | cmp - "$1"
}

# The picture of README.md is of this screen.
test_picture()
{
	local picture=packaging/screen.svg

	open_screen 100 21
	start_top
	press a
	check_screen "the screen of the picture" 'systemd'
	[ "${UPDATE_GOLDEN:-}" != 1 ] || draw_picture >"$picture"
	check "$picture is the screen of now (UPDATE_GOLDEN=1 makes it)" wait_for 10 picture_is "$picture"
	check "it is well-formed" /usr/bin/python3 -c \
		'import sys, xml.dom.minidom; xml.dom.minidom.parse(sys.argv[1])' "$picture"
	quit_top
}

# Random keys and sizes do no harm. The keys may spell a command that
# leaves: then with status 0, and it is started again. `sudo make check-keys` for longer.
test_random_keys()
{
	RANDOM=1
	open_screen 80 24
	type_line "while clear; $FAULTMAP top --replay $PWD/$log; do :; done; echo left with \$?"
	press_at_random 5 'left with'
	check_equal "random keys and sizes: it goes on" "$RANDOM_BAD" ""
	check_screen "and is there to be looked at" qQuit
}

test_steps()
{
	open_screen 80 24
	start_top
	press ,
	check_screen "one interval back" 'PAUSED .*10:08:54Z'
	press .
	press .
	check_screen "two on" 'PAUSED .*10:08:56Z'
	press .
	check_screen "the end of the log is announced" 'the end of the log'
	type_line 'T2026-11-22T10:08:52Z'
	check_screen "to a time" 'PAUSED .*10:08:52Z'
	type_line 'Tyesterday'
	check_screen "a bad time is refused" 'is no time'
	press + + + + P
	check_screen "it goes on, 16 times as fast, to its end" 'replay x16 .*10:08:56Z'
	quit_top
}

# bytes_read: of the log by top below strace, so far.
bytes_read()
{
	awk '$NF > 0 { sum += $NF } END { print sum + 0 }' "$TMP/strace"
}

# Three hours in a compressed log: a jump reads ten minutes before the time, and from there on.
test_jump()
{
	local frames=$TMP/frames.gz

	/usr/bin/python3 tests/cli/frames.py >"$frames"
	open_screen 80 24
	type_line "clear; strace -f -o $TMP/strace -e trace=read -P $frames $FAULTMAP top --replay $frames"
	check_screen "a compressed log" 'replay x1 .*10:00:00Z'
	press P
	check_screen "it stands" 'PAUSED'
	: >"$TMP/strace"
	type_line 'T2025-11-22T12:30:00Z'
	check_screen "a jump" 'PAUSED .*12:30:00Z'
	check_equal "reads the heads of what it passes, and eleven frames of 180" \
		"$(($(bytes_read) < $(stat -c %s "$frames") / 3))" 1
	press ,
	check_screen "one interval back" 'PAUSED .*12:29:00Z'
	press .
	check_screen "and on" 'PAUSED .*12:30:00Z'
	press , , , , , , , , , , , ,
	check_screen "back over what was read" 'PAUSED .*12:18:00Z'
	type_line 'T2025-11-23'
	check_screen "after the end: it is told" 'that is after the end of the log'
	check_screen "and stays where it was" 'PAUSED .*12:18:00Z'
	type_line 'T2025-11-22T10:00:00Z'
	check_screen "to the beginning" 'PAUSED .*10:00:00Z'
	press ,
	check_screen "which is told" 'this is the beginning of the log'
	quit_top
}

test_sizes()
{
	local size

	open_screen 80 24
	start_top
	for size in 20x5 400x200 21x6 300x10 33x50; do
		on_screen resize-window -x "${size%x*}" -y "${size#*x}"
		check_screen "$size: the last line has the keys" 'qQuit'
		check_screen "$size: and the table its demo" '977'
	done
	on_screen resize-window -x 80 -y 24
	wait_for 30 screen_has 'HOTTEST MAPPING'
	check_golden "80x24 again" terminal_80x24.txt
	quit_top
}

test_locales()
{
	open_screen 80 24 LC_ALL=C
	start_top
	check_equal "LC_ALL=C: ASCII alone" "$(screen | LC_ALL=C grep -c '[^ -~]')" 0
	check_screen "LC_ALL=C: the strip is there" '\.\*=-#|[_.:=+*#-]{5}'
	quit_top
	open_screen 80 24
	start_top --ascii
	check_equal "--ascii: ASCII alone" "$(screen | LC_ALL=C grep -c '[^ -~]')" 0
	quit_top
	open_screen 80 24
	start_top
	check "colours, where there are" grep -q $'\033\[[0-9;]*3[0-7]' <(on_screen capture-pane -ep)
	check_status "and none for plain text, which is as any on this terminal" 1 \
		grep -q $'\033\[30;40m' <(on_screen capture-pane -ep)
	quit_top
	open_screen 80 24 NO_COLOR=1
	start_top
	check_status "NO_COLOR: none" 1 grep -q $'\033\[[0-9;]*[34][0-7]' <(on_screen capture-pane -ep)
	check "NO_COLOR: titles are still reversed" grep -q $'\033\[[0-9;]*7' <(on_screen capture-pane -ep)
	quit_top
}

test_no_screen()
{
	local tables

	tables=$("$FAULTMAP" report --by process "$log" | wc -l)
	check "report has the log" test "$tables" -gt 5
	"$FAULTMAP" top --replay "$log" </dev/null >"$TMP/piped" 2>"$TMP/piped.err"
	check_equal "a pipe gets a table for each interval" "$(grep -c '^faultmap  2026' "$TMP/piped")" 6
	check_equal "and no escape sequence" "$(grep -c $'\033' "$TMP/piped")" 0
	"$FAULTMAP" top -b -w 60 --replay "$log" </dev/null >"$TMP/narrow"
	check_equal "-w 60: no line is wider" "$(sed -n '/^ *PID/,/^$/p' "$TMP/narrow" | wc -L)" 60
	open_screen 80 24 TERM=dumb
	type_line "clear; $FAULTMAP top --replay $PWD/$log"
	check_screen "TERM=dumb: tables" '^less detail: 2 names lost'
	check_equal "TERM=dumb: no screen" "$(mode alternate_on)" 0
	open_screen 80 24
	type_line "clear; $FAULTMAP top --replay $PWD/$log | cat"
	check_screen "a pipe from a terminal: tables" '^less detail: 2 names lost'
}

test_names()
{
	open_screen 132 43
	start_top
	press a
	check_screen "an escape sequence in a name is shown" 'w\\x1b\[31m\\xff'
	press 3
	check_screen "a control character too, and wide ones as they are" '/tmp/日本語\\x0a'
	check_screen "and combining ones" $'/tmp/cafe\u0301'
	quit_top
}

test_mouse()
{
	open_screen 80 24
	start_top
	# As X10 sends it: button 1 at column 2, line 10, each with 32 added.
	on_screen send-keys -H 1b 5b 4d 20 22 2a
	wait_for 30 screen_has PAUSED
	press Enter
	check_screen "a click selects" 'PID 412  postgres'
	press Escape
	quit_top
}

# leave NAME COMMAND...: it ends so; the terminal is as it was.
leave()
{
	open_screen 80 24
	type_line "stty -g >$TMP/before"
	start_top
	check_equal "$1: the screen was taken" "$(mode alternate_on)" 1
	"${@:2}"
	check "$1: the prompt is back" wait_for 30 screen_has '^\$'
	type_line "echo \$? >$TMP/status; stty -g >$TMP/after"
	wait_for 30 test -s "$TMP/after"
	check_equal "$1: the terminal's settings are as before" "$(cat "$TMP/after")" "$(cat "$TMP/before")"
	check "$1: screen, cursor and mouse are given back" screen_is_given_back
	rm "$TMP/after"
}

# top_pid: of the program that is on the screen.
top_pid()
{
	pgrep -f "^$FAULTMAP top --replay .*$log" -P "$(mode pane_pid)"
}

signal_top()
{
	kill -"$1" "$(top_pid)"
}

test_ways_out()
{
	local signal

	leave q press q
	check_equal "q: exit status" "$(cat "$TMP/status")" 0
	leave F10 press F10
	leave Ctrl-C press C-c
	check_equal "Ctrl-C: exit status" "$(cat "$TMP/status")" 0
	for signal in TERM HUP SEGV ABRT QUIT; do
		leave "SIG$signal" signal_top "$signal"
	done
	check_equal "SIGQUIT ends it" "$(cat "$TMP/status")" $((128 + 3))
}

test_stopped()
{
	open_screen 80 24
	type_line "stty -g >$TMP/before"
	start_top
	press C-z
	check_screen "Ctrl-Z: stopped" 'Stopped'
	check "Ctrl-Z: screen, cursor and mouse are given back" screen_is_given_back
	type_line "stty -g >$TMP/stopped"
	wait_for 30 test -s "$TMP/stopped"
	check_equal "Ctrl-Z: so are the terminal's settings" "$(cat "$TMP/stopped")" "$(cat "$TMP/before")"
	type_line fg
	check_screen "fg: it is back" 'PAUSED .*10:08:55Z'
	check_equal "fg: on its screen" "$(mode alternate_on)" 1
	quit_top
}

# How the view begins; over what the settings say.
test_flags()
{
	mkdir -p "$TMP/config/faultmap"
	printf 'view = kinds\nall = off\n' >"$TMP/config/faultmap/top.conf"
	open_screen 132 43
	start_top --by unit --sort major
	check_screen "--by unit: the table of units" '\[Units\]'
	check_screen "--sort major: its order" '▼MAJOR/s|MAJOR/s▼'
	quit_top
	start_top --all --by process
	check_screen "--all: idle processes, too" 'systemd'
	quit_top
	rm -r "$TMP/config"
	type_line "clear; $FAULTMAP top --by exe --replay $PWD/$log; echo status \$?"
	check_screen "--by exe: is for tables" '^faultmap: --by exe is for tables: add -b or --once'
	check_screen "and refused" '^status 2$'
}

test_settings()
{
	open_screen 80 24
	start_top
	press w
	# A program with sanitizers has no filter of system calls.
	check_screen "a log's view makes no file" 'no file can be made while a log is shown|settings are in'
	quit_top
	rm -rf "$TMP/config"
	mkdir -p "$TMP/config/faultmap"
	touch "$TMP/config/faultmap/top.conf"
	start_top
	press 2 w
	check_screen "settings are written" "settings are in .*/top.conf"
	check_contains "as lines" "$TMP/config/faultmap/top.conf" '^view = units$'
	quit_top
	start_top
	check_screen "and read" '\[Units\]'
	quit_top
	echo 'colour = green' >>"$TMP/config/faultmap/top.conf"
	type_line "clear; $FAULTMAP top --replay $PWD/$log"
	check_screen "a line that is no setting is reported" 'top.conf: line [0-9]+ is no setting'
	quit_top
	rm -r "$TMP/config"
}

test_errors()
{
	check_failure "no such log" 1 "opening $TMP/gone: No such file" top --replay "$TMP/gone"
	check_failure "no log" 2 "--replay needs a FILE" top --replay
	check_failure "standard input" 2 "standard input cannot" top --replay -
	check_failure "an operand without --replay" 2 "top takes no operand" top "$log"
	check_failure "an empty log" 1 "no interval in these lines" top --replay /dev/null
	open_screen 80 24
	type_line "clear; $FAULTMAP top --replay $TMP/gone; echo status \$?"
	check_screen "on a terminal too, which is not taken for it" '^status 1$'
	check_screen "with the same line" "^faultmap: opening $TMP/gone: No such file"
	gzip -c "$log" >"$TMP/old.gz"
	type_line "clear; $FAULTMAP top --replay $TMP/old.gz"
	check_screen "gzipped" 'qQuit'
	quit_top
}

test_screens
test_picture
test_steps
test_jump
test_sizes
test_locales
test_no_screen
test_names
test_mouse
test_ways_out
test_stopped
test_flags
test_settings
test_errors
test_random_keys
close_screen
done_testing
