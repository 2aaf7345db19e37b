#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Random keys and sizes on `top` built with ASan and UBSan, whose first finding ends it: for a minute a recorded
# log with threads, code, causes and slices; then this machine, and a daemon's stream that ends and comes back.
# `sudo make check-keys` runs it. KEYS_SECONDS sets the length of that minute, KEYS_SEED the random sequence.

# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/screen.bash
. tests/screen.bash

seconds=${KEYS_SECONDS:-60}
plain=$(realpath "$(dirname "$FAULTMAP")/../faultmap")
log=$TMP/log.jsonl

# What faults meanwhile: processes that come and go, and one whose threads fault.
fault()
{
	start_background sh -c 'while :; do ls -R /usr/share/doc >/dev/null; sleep 0.2; done'
	start_background /usr/bin/python3 -c '
import mmap, threading, time
def work():
    while True:
        memory = mmap.mmap(-1, 1 << 22)
        memory.write(bytes(1 << 22))
        memory.close()
        time.sleep(0.1)
for _ in range(3):
    threading.Thread(target=work, daemon=True).start()
time.sleep(100000)'
}

# leads_out: keys that leave any prompt, list or level.
leads_out()
{
	press Escape
	screen_has qQuit
}

# try NAME SECONDS FLAG...: the view, for so long.
try()
{
	open_screen 80 24
	type_line "while clear; $FAULTMAP top ${*:3}; do :; done 2>$TMP/err; echo left with \$?"
	wait_for 120 screen_has qQuit
	press_at_random "$2" 'left with'
	check_equal "$1: it goes on" "$RANDOM_BAD" ""
	check_equal "$1: no sanitizer has a word" "$(grep -E 'Sanitizer|runtime error' "$TMP/err")" ""
	check "$1: and is there to be looked at" wait_for 120 leads_out
	close_screen
}

RANDOM=${KEYS_SEED:-$RANDOM}
fault
check "a log with threads, code, causes and slices" "$plain" log -n 5 -d 1 --threads --code --slice 64K --detail full \
	-o "$log"
check "it has threads" grep -q '"thread"' "$log"
check "it has causes" grep -q '"stall"' "$log"
try "a recorded log" "$seconds" --replay "$log"
try "this machine" "$((seconds / 3))" -d 0.2 --threads --slice 64K --detail full
start_serving "$plain" daemon -v --stream --interval 0.2 --listen "unix:$TMP/socket"
try "a daemon's stream" "$((seconds / 4))" --connect "unix:$TMP/socket"
done_testing
