#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# takes 12 s
# How often the same memory was faulted in, per mapping, against a program that touches 2 MiB 300 times and says so; a
# mapping that was larger before is not reported. How much memory stays: the growth of a process, against its
# /proc/PID/statm. How much is copied, in top: against the copies that the program made.

. "$(dirname "$0")/../lib.sh"

# In a VMA of its own: no neighbour may be executed.
cat >"$TMP/touch.py" <<'END'
import mmap
PAGE = mmap.PAGESIZE
def memory(size):
    made = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, prot=7)
    made.madvise(15) # MADV_NOHUGEPAGE
    return made
def touch(made, size):
    for at in range(0, size, PAGE):
        made[at] = 1
END
cat >"$TMP/again.py" <<'END'
from touch import *
made = memory(2 << 20)
for _ in range(300):
    touch(made, 2 << 20)
    made.madvise(mmap.MADV_DONTNEED)
END
# As many faults, but in a mapping that was as large. It ends as a small one, between two ticks.
cat >"$TMP/once.py" <<'END'
from touch import *
made = memory(64 << 20)
touch(made, 64 << 20)
made.resize(1 << 20)
made.madvise(mmap.MADV_DONTNEED)
touch(made, 1 << 20)
import ctypes
libc = ctypes.CDLL(None)
libc.sbrk.argtypes, libc.sbrk.restype = [ctypes.c_long], ctypes.c_void_p
for size in 64 << 20, 1 << 20:
    ctypes.memset(libc.sbrk(size), 1, size)
    libc.sbrk(-size)
END
# Each page once, in a heap of several VMAs: locked pages split it.
cat >"$TMP/split.py" <<'END'
import ctypes, mmap
libc = ctypes.CDLL(None)
libc.sbrk.argtypes, libc.sbrk.restype = [ctypes.c_long], ctypes.c_void_p
libc.mlock.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
size = 32 << 20
heap = libc.sbrk(size)
for part in range(1, 8):
    if libc.mlock(heap + part * (size // 8), mmap.PAGESIZE):
        raise OSError("mlock")
ctypes.memset(heap, 1, size)
END

# A file, each page once, through a window of 256 KiB at one address.
cat >"$TMP/window.py" <<'END'
import ctypes, mmap, os, sys
libc = ctypes.CDLL(None)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t] + 3 * [ctypes.c_int] + [ctypes.c_long]
window, file = 256 << 10, os.open(sys.argv[1], os.O_RDONLY)
place = libc.mmap(None, window, 0, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, -1, 0)
for at in range(0, os.fstat(file).st_size, window):
    assert libc.mmap(place, window, mmap.PROT_READ, int(sys.argv[2]) | 16, file, at) == place
    for page in range(0, window, mmap.PAGESIZE):
        ctypes.string_at(place + page, 1)
END
head -c 32M /dev/zero >"$TMP/file"

for detail in full fast; do
	"$FAULTMAP" run -d 30 --detail "$detail" --jsonl "$TMP/$detail" -o "$TMP/said.$detail" -- \
		/usr/bin/python3 "$TMP/again.py"
	unwrap "$TMP/said.$detail"
	grep '^the same' "$TMP/said.$detail" | sed "s/^/# $detail: /"
	check_equal "$detail: run says of the mapping how often it was faulted in" \
		"$(sed -nE 's/^the same memory was faulted in ([0-9]+) times or more: \[anon\] of .* 600M where no more than 2.0M fits$/\1/p' \
			"$TMP/said.$detail")" 300
	check_equal "$detail: in its line, too" "$(awk '/ 300x / { print $NF }' "$TMP/said.$detail")" "[anon]"
	check_equal "$detail: report says so from the log" \
		"$("$FAULTMAP" report --json --by mapping "$TMP/$detail" | jq -c '[.lines[] | select(.times >= 2) | .times]')" "[300]"
	"$FAULTMAP" run -d 30 --detail "$detail" --jsonl "$TMP/$detail.once" -o "$TMP/once" -- \
		/usr/bin/python3 "$TMP/once.py"
	check_equal "$detail: nothing of a mapping that was as large before" "$(grep -c 'same memory' "$TMP/once")" 0
	"$FAULTMAP" run -d 30 --detail "$detail" --jsonl "$TMP/$detail.split" -o "$TMP/split" -- \
		/usr/bin/python3 "$TMP/split.py"
	check_equal "$detail: nor of a heap in several parts" "$?:$(grep -c 'same memory' "$TMP/split")" 0:0
	check_equal "$detail: the heap is all of them" "$(jq -s 'map(select(.rec == "faults" and .mapping == "[heap]"
		and .kind == "demand_zero" and .pages >= 8192)) | length' "$TMP/$detail.split")" 1
	for flags in 1 2; do # MAP_SHARED, MAP_PRIVATE
		"$FAULTMAP" run -d 30 --detail "$detail" --jsonl "$TMP/$detail.window" -o "$TMP/window" -- \
			/usr/bin/python3 "$TMP/window.py" "$TMP/file" "$flags"
		check_equal "$detail, flags $flags: nor of a file that is read through a window" \
			"$?:$(grep -c 'same memory' "$TMP/window")" 0:0
		check_equal "$detail, flags $flags: nor does report, of the file and all others" "$("$FAULTMAP" report \
			--json --by mapping "$TMP/$detail.window" |
			jq -c '[any(.lines[]; .name | endswith("/file")), ([.lines[].times] | add)]')" "[true,0]"
	done
	# Which of two CPUs wrote to the row last, and so where the heap ends, is a matter of chance.
	check "$detail: the log has how large the heap was" /usr/bin/python3 -c '
import json, sys
rows = [row for row in map(json.loads, open(sys.argv[1])) if row["rec"] == "faults"
        and row["mapping"] == "[heap]" and row["kind"] == "demand_zero" and row["mode"] == "user"]
size = [row.get("map_largest_bytes", int(row["map_end"], 16) - int(row["map_start"], 16)) for row in rows]
sys.exit(max(size) < 64 << 20)' "$TMP/$detail.once"
	check_equal "$detail: nor does report" \
		"$("$FAULTMAP" report --json --by mapping "$TMP/$detail.once" | jq '[.lines[].times] | add')" 0
	check_equal "$detail: what was brought in is what its rows have" "$(jq -s '
		([.[] | select(.rec == "process").brought_pages] | add) ==
		([.[] | select(.rec == "faults" and
			((.access == "write" and (.kind | IN("demand_zero", "huge_zero", "stack_growth"))) or
			(.kind | IN("file_map", "file_cow", "shmem", "swap_in")))).pages] | add)' "$TMP/$detail")" true
done

# What stays, and what is copied: the program obeys commands, and says when it is done.
cat >"$TMP/grow.py" <<'END'
from touch import *
import os, sys
kept, given, shared = memory(32 << 20), memory(16 << 20), memory(8 << 20)
touch(shared, 8 << 20)
held, go = os.pipe()
if not os.fork():
    os.close(go)
    os.read(held, 1) # until the parent has ended
    os._exit(0)
os.close(held)
print("ready", flush=True)
for line in sys.stdin:
    if line == "grow\n":
        touch(kept, 32 << 20)
        touch(given, 16 << 20)
        given.madvise(mmap.MADV_DONTNEED)
    if line == "copy\n":
        touch(shared, 8 << 20)
    if line == "churn\n":
        for _ in range(20):
            touch(given, 16 << 20)
            given.madvise(mmap.MADV_DONTNEED)
    print(line, end="", flush=True)
END
mkfifo "$TMP/order"
exec 7<>"$TMP/order"
start_background /usr/bin/python3 "$TMP/grow.py" <"$TMP/order" >"$TMP/done" 7>&-
grower=$BACKGROUND_PID
wait_for 120 grep -q ready "$TMP/done"
# order WORD: and waits until it is done.
order()
{
	echo "$1" >&7
	wait_for 120 grep -q "$1" "$TMP/done"
}
resident()
{
	echo $(($(cut -d ' ' -f 2 "/proc/$grower/statm") * $(getconf PAGESIZE)))
}

before=$(resident)
"$FAULTMAP" run -p "$grower" --children no -d 0.1 -n 100000 --jsonl "$TMP/grown" -o "$TMP/summary" &
attached=$!
wait_for 120 grep -q '"interval"' "$TMP/grown"
order grow
after=$(resident)
grown()
{
	[ "$(jq -s '[.[] | select(.rec == "process").rss_growth_bytes] | add' "$TMP/grown" 2>/dev/null)" = \
		$((after - before)) ]
}
check "the log has what the process has grown by, as /proc/PID/statm" wait_for 60 grown
kill -INT "$attached"
wait "$attached"
unwrap "$TMP/summary"
grep '^resident' "$TMP/summary" | sed 's/^/# /'
check_equal "report has it" "$("$FAULTMAP" report --json --by process "$TMP/grown" |
	jq --argjson pid "$grower" '.lines[] | select(.pid == $pid).growth_bytes')" $((after - before))
check_equal "and the summary, beside what was faulted in" \
	"$(grep -cE '^resident memory grew by (32|33)M, while (48|49)M was faulted in$' "$TMP/summary")" 1

# tables ARG...: top prints them until they are told to stop.
tables()
{
	start_background "$FAULTMAP" top -b -d 0.2 -n 100000 -p "$grower" --children no "$@" >"$TMP/top"
	top=$BACKGROUND_PID
	wait_for 120 grep -q total "$TMP/top" # it follows the process from here on
}
stop_tables()
{
	kill -INT "$top"
	wait "$top"
}
copied()
{
	awk -v pid="$grower" '$1 == pid && ($2 == "8.0M" || $2 == "8.1M")' "$TMP/top" | grep -q .
}
tables --by process --columns PID,COPIED,MIN/s
order copy
check "top has what it copied" wait_for 60 copied
stop_tables
tables --by mapping
order churn
check "top says that the same memory came again, of the mapping that did" \
	wait_for 60 grep -qE ' ([2-9]|1[0-9]|20)x .*\[anon\]$' "$TMP/top"
grep -E ' [0-9]+x ' "$TMP/top" | tail -n 1 | sed 's/^/# /'
stop_tables
exec 7>&-
wait "$grower" 2>/dev/null
done_testing
