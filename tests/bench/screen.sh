#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What a screen costs: the CPU time of `faultmap top` and of htop, a second between two readings, each on a terminal
# of 132x43 of its own, at the same time, among thousands of sleeping processes; and how long a key takes to be drawn.
# usage: tests/bench/screen.sh     PROCESSES and SECONDS_LONG may be set.

. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
. "$ROOT/tests/bench/profilers.bash"
. "$ROOT/tests/bench/report.bash"
. "$ROOT/tests/screen.bash"

PROCESSES=${PROCESSES:-5000}
SECONDS_LONG=${SECONDS_LONG:-20}
HTOP_SHARE=0.5
KEY_MS=50

# cpu_of PID: of all its threads, in ns.
cpu_of()
{
	cat /proc/"$1"/task/*/schedstat | awk '{ ns += $1 } END { printf "%.0f", ns }'
}

# open_program COMMAND: on a screen of its own; sets program to its PID.
open_program()
{
	open_screen 132 43
	type_line "exec $1"
	program=$(mode pane_pid)
	wait_for 60 screen_has "$2"
}

# key_us KEY REGEX: from the key to the screen that has it, tmux's part included.
key_us()
{
	local begin=${EPOCHREALTIME/./}

	press "$1"
	until screen_has "$2"; do :; done
	echo $((${EPOCHREALTIME/./} - begin))
}

# print_keys: the median of 21 keys that change the table, and of as many looks at a screen that stands still.
print_keys()
{
	local keys looks

	keys=$(for ((i = 0; i < 21; i++)); do key_us $((i % 2 + 1)) "\\[$([ $((i % 2)) = 0 ] && echo Processes || echo Units)\\]"; done |
		sort -n | sed -n 11p)
	looks=$(for ((i = 0; i < 21; i++)); do key_us F11 qQuit; done | sort -n | sed -n 11p)
	printf '\nA key is on the screen after %d us in the median, of which tmux and its client take %d.\n' "$keys" "$looks"
	add_target "median" "a key until it is drawn, in ms" "$(awk -v us=$((keys - looks)) 'BEGIN { print us / 1000 }')" 1 "$KEY_MS"
}

start_reporting "$BUILD/workload/sleepers" "$PROCESSES" 0 || { cat "$TMP/messages" >&2; exit 1; }
open_program "htop -d 10" 'F10Quit'
htop=$program htop_socket=$SCREEN_SOCKET
SCREEN_SOCKET=$TMP/tmux.faultmap
open_program "$FAULTMAP top -d 1" 'qQuit'
faultmap=$program
wait_for 60 screen_has 'Z  1s'
htop_ns=$(cpu_of "$htop") faultmap_ns=$(cpu_of "$faultmap")
sleep "$SECONDS_LONG"
htop_ns=$(($(cpu_of "$htop") - htop_ns)) faultmap_ns=$(($(cpu_of "$faultmap") - faultmap_ns))

printf '\n### A screen among %d processes, 132x43, a second between two readings\n\n' "$PROCESSES"
printf '| %-30s | %9s |\n' "ms of CPU time per second" mean
printf '| ------------------------------ | --------: |\n'
printf '| %-30s | %9.1f |\n' htop "$(awk -v ns="$htop_ns" -v s="$SECONDS_LONG" 'BEGIN { print ns / s / 1e6 }')" \
	"faultmap top" "$(awk -v ns="$faultmap_ns" -v s="$SECONDS_LONG" 'BEGIN { print ns / s / 1e6 }')"
add_target "CPU time" "faultmap top / htop among $PROCESSES processes" "$faultmap_ns" "$htop_ns" "$HTOP_SHARE"
print_keys
close_screen
SCREEN_SOCKET=$htop_socket
close_screen
print_targets
