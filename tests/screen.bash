# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Sourced after lib.sh: runs the real program on a terminal of tmux. The tmux server is the test's own, and ends with
# it.

SCREEN_SOCKET=$TMP/tmux

on_screen()
{
	tmux -S "$SCREEN_SOCKET" -f "$TMP/tmux.conf" "$@"
}

# open_screen COLUMNS LINES [NAME=VALUE...]: starts a shell there, with these in its environment.
open_screen()
{
	printf '%s\n' 'set -g status off' 'set -g escape-time 0' 'set -g default-terminal screen-256color' \
		'set -g history-limit 0' >"$TMP/tmux.conf"
	close_screen
	on_screen new-session -d -x "$1" -y "$2" env -u NO_COLOR PS1='$ ' HOME="$TMP" XDG_CONFIG_HOME="$TMP/config" \
		HISTFILE= "${@:3}" bash --norc --noprofile -i
	background_pids+=("$(mode pid)") # it outlives its socket
	wait_for 30 screen_has '^\$'
}

# close_screen: ends the server, and what runs in it.
close_screen()
{
	[ -S "$SCREEN_SOCKET" ] || return 0
	on_screen kill-server 2>/dev/null
	wait_for 30 screen_is_closed
	rm -f "$SCREEN_SOCKET"
}

screen_is_closed()
{
	! on_screen has-session 2>/dev/null
}

# screen: prints what is on it, as text.
screen()
{
	on_screen capture-pane -p
}

# screen_has REGEX
screen_has()
{
	screen | grep -Eq -e "$1"
}

# press KEY...: presses keys by their tmux names; other words are typed.
press()
{
	on_screen send-keys "$@"
}

# type_line TEXT
type_line()
{
	on_screen send-keys -l -- "$1"
	on_screen send-keys Enter
}

# mode NAME: prints a mode of the terminal: alternate_on, cursor_flag, mouse_any_flag.
mode()
{
	on_screen display-message -p "#{$1}"
}

# check_screen NAME REGEX: the screen matches within half a minute.
check_screen()
{
	if wait_for 30 screen_has "$2" 2>/dev/null; then
		ok "$1"
	else
		not_ok "$1" "the screen has no line like: $2" "$(screen)"
	fi
}

# Keys that do no harm. Together they may still spell a command that leaves.
RANDOM_KEYS=(Up Down PPage NPage Home End Enter Enter Escape Tab BTab BSpace F1 F3 F4 F5 F6 F7 a b c d e f g h
	i j k l m n o p r s t u v w x y z A F H I N P T Z 0 1 2 3 4 5 6 7 8 9 . ',' + - '<' '>' / '\' : Space)

# press_at_random SECONDS REGEX: random keys and sizes for SECONDS, or until the screen matches; then $RANDOM_BAD is
# that screen.
press_at_random()
{
	local end=$((SECONDS + $1)) some i

	RANDOM_BAD=
	while [ "$SECONDS" -lt "$end" ] && [ -z "$RANDOM_BAD" ]; do
		some=()
		for ((i = 0; i < 20; i++)); do
			some+=("${RANDOM_KEYS[RANDOM % ${#RANDOM_KEYS[@]}]}")
		done
		press "${some[@]}"
		on_screen resize-window -x $((20 + RANDOM % 380)) -y $((5 + RANDOM % 195))
		! screen_has "$2" || RANDOM_BAD=$(screen | grep .)
	done
	on_screen resize-window -x 80 -y 24
	press Escape Escape Escape Escape Escape Escape Escape Escape
}

# screen_is FILE: whether the screen equals the file.
screen_is()
{
	screen | cmp - "$1"
}

# check_golden NAME FILE: the screen becomes tests/golden/FILE. UPDATE_GOLDEN=1 writes the file instead.
check_golden()
{
	if [ "${UPDATE_GOLDEN:-}" = 1 ]; then
		screen >"tests/golden/$2"
	fi
	wait_for 10 screen_is "tests/golden/$2" 2>/dev/null
	check_equal "$1" "$(screen)" "$(cat "tests/golden/$2")"
}

# screen_is_given_back: no alternate screen, the cursor is visible, and the mouse is not captured.
screen_is_given_back()
{
	[ "$(mode alternate_on) $(mode cursor_flag) $(mode mouse_any_flag)" = "0 1 0" ]
}
