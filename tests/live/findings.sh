#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# takes 50 s
# The findings of run: a workload for each provokes it; workloads that come close, and everyday programs, have none.
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/live/limits.bash
. tests/live/limits.bash
find_lacks

# findings COMMAND...: the names of what run finds.
findings()
{
	"$FAULTMAP" run --jsonl "$TMP/lines" -o "$TMP/out" -- "$@" >"$TMP/stdout" 2>"$TMP/err"
	keep_log "$TMP/lines"
	jq -r 'select(.rec == "finding").finding' "$TMP/lines" | sort | tr '\n' ' '
}

workload=(/usr/bin/python3 tests/workload/findings.py)
check_equal "the same memory again and again" "$(findings "${workload[@]}" again)" "again "
check_equal "the summary says so" "$(grep -c '^again (likely): python3\[' "$TMP/out")" 1
check_equal "and what to do" "$(grep -c '^  do: ' "$TMP/out")" 1
check_equal "explain says the same of the log" "$("$FAULTMAP" explain "$TMP/lines")" \
	"$(sed -n '/^findings, /,$p' "$TMP/out")"
# seen WORD: what the finding of the last run says of it.
seen()
{
	jq -r 'select(.rec == "finding") | .seen + "; do: " + .do' "$TMP/lines" | grep -c -- "$1"
}

check_equal "whose malloc it is" "$(seen 'most of it in mappings, its malloc is of glibc; do: .*mmap_threshold')" 1
check_equal "the top of the heap" "$(findings "${workload[@]}" again-heap)" "again "
check_equal "it says so" "$(seen 'most of it in \[heap\], its malloc is of glibc; do: .*\.trim_threshold=')" 1
check_equal "with what it says to do there is none" \
	"$(findings env GLIBC_TUNABLES=glibc.malloc.trim_threshold=1073741824 "${workload[@]}" again-heap)" ""
check_equal "where Go has its heap" "$(findings "${workload[@]}" again-go)" "again "
check_equal "that allocator is named, too" "$(seen 'its malloc is of Go; do: .*GOGC')" 1
# By the name of the library alone: this one allocates nothing.
echo 'int nothing_of_jemalloc = 1; __attribute__((constructor)) static void touch(void) { nothing_of_jemalloc = 2; }' |
	gcc -shared -fPIC -o "$TMP/libjemalloc.so.2" -xc -
check_equal "with another malloc" "$(findings env LD_PRELOAD="$TMP/libjemalloc.so.2" "${workload[@]}" again)" "again "
check_equal "its library is named" "$(seen 'its malloc is of jemalloc; do: .*dirty_decay_ms')" 1
check_equal "an arena for each thread" "$(findings env MALLOC_ARENA_MAX=64 "${workload[@]}" arenas)" "arenas "
check_equal "with what it says to do there is none of arenas" \
	"$(findings env MALLOC_ARENA_MAX=4 "${workload[@]}" arenas)" ""
check_equal "more memory, but once" "$(findings "${workload[@]}" once)" ""
check_equal "the summary has no findings then" "$(grep -c '^findings, ' "$TMP/out")" 0
check_equal "copies after a fork" "$(findings "${workload[@]}" fork)" "cow-storm "
check_equal "what they cost is what was shared" \
	"$(jq 'select(.rec == "finding") | .cost_bytes >= 72 * 1048576 and .cost_bytes < 73 * 1048576' "$TMP/lines")" true
check_equal "which process forked which, and how long both lived" \
	"$(seen 'after a fork: python3\[[0-9]*\] forked python3\[[0-9]*\], which ended after [0-9.]*[mu]*s')" 1
check_equal "no huge pages were split" "$(seen 'were split')" 0
gzip <"$TMP/lines" >"$TMP/lines.gz"
check_equal "explain reads what logrotate leaves" "$("$FAULTMAP" explain "$TMP/lines.gz" | grep -c ^cow-storm)" 1
check_equal "copies of huge pages" "$(findings "${workload[@]}" fork-huge)" "cow-storm "
check_equal "which were split" "$(seen '; huge pages there were split')" 1
check_equal "a small fork" "$(findings "${workload[@]}" fork-small)" ""
check_equal "explain says that there is none" "$("$FAULTMAP" explain - <"$TMP/lines" | sed 's/in .* s of/in S of/')" \
	"no finding in S of --detail full"
echo nonsense >>"$TMP/lines"
check "explain fails with a line that is none" [ "$("$FAULTMAP" explain "$TMP/lines" >/dev/null 2>&1; echo $?)" = 1 ]
check_equal "denied faults as a mechanism" "$(findings "${workload[@]}" denied)" "denied-mechanism "
"$FAULTMAP" run --no-explain --json -o "$TMP/lines" -- "${workload[@]}" denied
check_equal "none with --no-explain" "$(jq -r 'select(.rec == "finding").finding' "$TMP/lines")" ""

check_equal "page by page where huge pages would do" "$(findings "${workload[@]}" small-pages)" "huge-pages "
check_equal "the same in huge pages" "$(findings "${workload[@]}" huge-pages)" ""
check_equal "reserved and not touched" "$(findings "${workload[@]}" reserved)" "reserved "
check_equal "less than a gibibyte of it" "$(findings "${workload[@]}" reserved-less)" ""
check_equal "populated by the kernel" "$(findings "${workload[@]}" populate)" "populate "
if lacks populate; then
	skip "how long that took" "this machine lacks the feature populate"
else
	check_equal "how long that took" "$(jq -s '(map(select(.rec == "faults" and .kind == "populate").latency.sum_ns)
		| add) as $ns | map(select(.rec == "finding").cost_ns == $ns) | all' "$TMP/lines")" true
fi
check_equal "explain finds that in the log, too" \
	"$("$FAULTMAP" explain "$TMP/lines" | grep -c '^populate (likely): ')" 1
# Before others, or on a busy machine it waits for a CPU.
check_equal "a few milliseconds of it" "$(findings nice -n -40 "${workload[@]}" populate-less)" ""
check_equal "a thread for each task" "$(findings "${workload[@]}" threads)" "thread-stacks "
check_equal "a large pool" "$(findings "${workload[@]}" threads-less)" ""
# Before others, or on a busy machine nearly all of the run is waiting for a CPU.
# shellcheck disable=SC2016 # for the other shell
loop='for ((i = 0; i < 25; i++)); do "$0"; done'
check_equal "relocations at each start" "$(findings nice -n -40 bash -c "$loop" "$BUILD/workload/relocated")" "relocations "
check_equal "as many starts of a small program" "$(findings bash -c "$loop" /bin/true)" ""

if lacks locks; then
	skip "a thread that always changes the address space" "the feature locks is not there"
else
	check_equal "a thread that always changes the address space, and one that faults" \
		"$(findings "$BUILD/workload/stalls" lock 400 0)" "lock-convoy "
	# Before others, or on a busy machine it is kept from its CPU while it has the lock.
	check_equal "one that does it now and then" "$(findings nice -n -40 "$BUILD/workload/stalls" lock 100 50000)" ""
fi

file=$directory/faultmap-findings.$$
# shellcheck disable=SC2317 # the trap calls it
clean_up()
{
	umount "$TMP/slow_fs" 2>/dev/null
	rm -f "$file"
	undo_limits
}
trap 'clean_up; cleanup_test' EXIT
dd if=/dev/urandom of="$file" bs=1M count=32 conv=fsync 2>/dev/null
drop_file()
{
	dd of="$file" oflag=nocache conv=notrunc,fdatasync count=0 2>/dev/null
}
drop_file
check_equal "a cold file, page by page" "$(findings "${workload[@]}" read "$file" 1)" "cold-file "
check_equal "a file that is in the cache" "$(findings "${workload[@]}" read "$file" 2)" ""
if ! limit_memory 16M; then
	skip "a file that does not fit below a limit" "no cgroup of memory can be made"
else
	drop_file
	# shellcheck disable=SC2016 # for the other shell
	check_equal "a file that does not fit below a limit" "$(findings bash -c 'echo $$ >"$0" && exec "$@"' \
		"$group/cgroup.procs" "${workload[@]}" read "$file" 3)" "thrash "
	check_equal "which cgroup's limit it is, and how much" "$(seen "; its limit is 16M ($limit)")" 1
	drop_file
	echo 128M >"$limit"
	# shellcheck disable=SC2016 # for the other shell
	check_equal "one that fits is cold at first, and stays" "$(findings bash -c 'echo $$ >"$0" && exec "$@"' \
		"$group/cgroup.procs" "${workload[@]}" read "$file" 3)" "cold-file "
fi
if ! [ -c /dev/fuse ]; then
	skip "a file system that answers late" "this kernel has no FUSE"
else
	mkdir "$TMP/slow_fs"
	start_background "$BUILD/workload/slow_fs" "$TMP/slow_fs" 5 100
	wait_for 60 test -f "$TMP/slow_fs/file"
	check_equal "a file system that answers late" \
		"$(findings "${workload[@]}" read "$TMP/slow_fs/file" 1)" "slow-handler "
	umount "$TMP/slow_fs"
	start_background "$BUILD/workload/slow_fs" "$TMP/slow_fs" 5 1
	wait_for 60 test -f "$TMP/slow_fs/file"
	check_equal "one that is asked once" "$(findings "${workload[@]}" read "$TMP/slow_fs/file" 1)" ""
fi

# explain of what runs: it begins in the middle.
start_background "${workload[@]}" forever
forever=$BACKGROUND_PID
# shellcheck disable=SC2317 # wait_for calls it
# has_faulted N: so often since its birth.
has_faulted()
{
	[ "$(cut -d ' ' -f 10 "/proc/$forever/stat")" -ge "$1" ]
}
# shellcheck disable=SC2317 # wait_for calls it
# attached PID: it waits in its loop, and so has attached.
attached()
{
	grep -qs ep_poll "/proc/$1/wchan" || grep -qs '^232\|^281\|^22 ' "/proc/$1/syscall"
}
start_background "$FAULTMAP" explain -p "$forever" >"$TMP/out" 2>"$TMP/err"
wait_for 120 attached "$BACKGROUND_PID"
# More than any peak, and than the least that is worth a word, five times.
wait_for 120 has_faulted $(($(cut -d ' ' -f 10 "/proc/$forever/stat") + 80000))
kill -INT "$BACKGROUND_PID"
wait "$BACKGROUND_PID"
check_equal "explain of what runs: status and stderr" "$?:$(cat "$TMP/err")" 0:
check_contains "it finds what a run would" "$TMP/out" "^again \\(likely\\): python3\\[$forever\\]"
start_background "$FAULTMAP" top -b -d 5 -p "$forever" >"$TMP/tables" 2>"$TMP/err"
# shellcheck disable=SC2317 # wait_for calls it
has_findings()
{
	[ "$(grep -c "^findings, see faultmap-findings(7): .*again python3\[$forever\]" "$TMP/tables")" -ge 1 ]
}
check "top says so below a table" wait_for 60 has_findings
kill "$BACKGROUND_PID" "$forever"
start_background sleep 100
check_equal "of what sleeps there is none" \
	"$("$FAULTMAP" explain -p "$BACKGROUND_PID" -d 0.2 | sed 's/in .* s of/in S of/')" \
	"no finding in S of --detail full"

# shellcheck disable=SC2317 # wait_for calls it
# has_used ROUNDS SECOND
has_used()
{
	[ "$(wc -l <"$TMP/rounds")" -ge "$1" ] && [ "$SECONDS" -ge "$2" ]
}
# unused WORD: what explain --unused finds in a process that has its memory from the start, in $TMP/out. It looks on
# until all that is used was touched, however slow that is here, and for a second.
unused()
{
	start_background "${workload[@]}" "$1" >"$TMP/rounds"
	forever=$BACKGROUND_PID
	wait_for 120 has_used 1 0
	start_background "$FAULTMAP" explain -p "$forever" --unused >"$TMP/out" 2>"$TMP/err"
	wait_for 120 attached "$BACKGROUND_PID"
	wait_for 120 has_used $(($(wc -l <"$TMP/rounds") + 2)) $((SECONDS + 3))
	kill -INT "$BACKGROUND_PID"
	wait "$BACKGROUND_PID"
	check_equal "explain --unused: status and stderr" "$?:$(cat "$TMP/err")" 0:
	kill "$forever"
}
# named: the names of what was found.
named()
{
	sed -n 's/^\([a-z-]*\) (.*/\1/p' "$TMP/out" | tr '\n' ' '
}
unused unused
check_equal "memory that nobody uses" "$(named)" "unused "
check_contains "how much of it" "$TMP/out" \
	"^unused \\(likely\\): python3\\[$forever\\], \\[anon\\]: 1[0-9]*M of the 1[0-9]*M "
unused unused-less
check_equal "memory of which most is used" "$(named)" ""
"$FAULTMAP" explain --unused "$TMP/lines" 2>"$TMP/err"
check_equal "--unused needs a process: exit status" "$?" 2
start_background sleep 1000
sleeper=$BACKGROUND_PID
start_background "$FAULTMAP" explain -p "$sleeper" --unused >"$TMP/out" 2>"$TMP/err"
wait_for 120 attached "$BACKGROUND_PID"
kill "$sleeper"
wait "$BACKGROUND_PID"
check_equal "of one that ended nothing is known" \
	"$?:$(grep -c "process $sleeper has ended, .*: what it did not use is not known" "$TMP/err")" 0:1

check_equal "true has none" "$(findings true)" ""
check_equal "ls has none" "$(findings ls -R "$ROOT/src")" ""
check_equal "python3 has none" "$(findings /usr/bin/python3 -c pass)" ""
echo 'int main(void) { return 0; }' >"$TMP/a.c"
check_equal "a compile has none" "$(findings cc -O2 -o "$TMP/a" "$TMP/a.c")" ""
check_equal "a crash has none" "$(findings /usr/bin/python3 -c 'import ctypes; ctypes.string_at(0)')" ""
check_schema
done_testing
