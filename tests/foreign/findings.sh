#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# takes 150 s
# Findings on third-party programs: each has the one that it is known for, and no other.
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/live/limits.bash
. tests/live/limits.bash
trap 'undo_limits; cleanup_test' EXIT

# findings COMMAND...: the names of what run finds, each once.
findings()
{
	"$FAULTMAP" run --jsonl "$TMP/lines" -o "$TMP/out" -- "$@" >"$TMP/stdout" 2>"$TMP/err"
	jq -r 'select(.rec == "finding").finding' "$TMP/lines" | sort -u | tr '\n' ' '
}

# needs NAME PROGRAM: it is there; else the test fails, for make check-foreign installs it.
needs()
{
	command -v "$2" >/dev/null && return
	not_ok "$1" "there is no $2; packaging/deps.sh foreign installs it"
	return 1
}

# explain_of PID COMMAND...: what explain finds in PID while COMMAND runs.
explain_of()
{
	local pid=$1 explain
	shift

	"$FAULTMAP" explain -v -p "$pid" >"$TMP/out" 2>"$TMP/err" &
	explain=$!
	wait_for 60 attached "$explain"
	"$@" >"$TMP/stdout" 2>&1
	kill -INT "$explain"
	wait "$explain"
	sed -n 's/^\([a-z-]*\) (.*/\1/p' "$TMP/out" | sort -u | tr '\n' ' '
}

# shellcheck disable=SC2317 # wait_for calls it
# attached PID: it waits in its loop, and so has attached.
attached()
{
	grep -qs ep_poll "/proc/$1/wchan" || grep -qs '^epoll\|^232\|^281\|^22 ' "/proc/$1/syscall"
}

test_redis()
{
	local redis_pid port cli

	needs redis redis-server || return
	port=$(free_port)
	start_background redis-server --port "$port" --save '' --dir "$TMP" --enable-debug-command yes \
		--rdb-key-save-delay 40 >"$TMP/redis.log"
	redis_pid=$BACKGROUND_PID
	cli=(redis-cli -p "$port")
	wait_for 60 "${cli[@]}" ping
	"${cli[@]}" debug populate 120000 key 1024 >/dev/null
	# What it touches for the first BGSAVE is no storm.
	check_equal "redis: BGSAVE while nobody writes" "$(explain_of "$redis_pid" save_redis)" ""
	check_equal "redis: BGSAVE while each key is written to" \
		"$(explain_of "$redis_pid" save_and_write_redis)" "cow-storm "
	"${cli[@]}" shutdown nosave
}

# shellcheck disable=SC2317 # explain_of calls it
save_redis()
{
	"${cli[@]}" bgsave && wait_for 120 redis_saved
}

# shellcheck disable=SC2317 # explain_of calls it
save_and_write_redis()
{
	"${cli[@]}" bgsave
	"${cli[@]}" eval "for i = 0, 119999 do redis.call('setrange', 'key:' .. i, 0, 'x') end" 0
	wait_for 120 redis_saved
}

# shellcheck disable=SC2317 # wait_for calls it
redis_saved()
{
	"${cli[@]}" info persistence | grep -q '^rdb_bgsave_in_progress:0'
}

test_python()
{
	cat >"$TMP/prefork.py" <<-'END'
		import gc, os, sys
		objects = [[i, str(i)] for i in range(900000)]
		if sys.argv[1] == "freeze":
		    gc.disable()
		    gc.freeze()
		if os.fork() == 0:
		    gc.enable()
		    gc.collect()
		    os._exit(0)
		os.wait()
		os._exit(0)
	END
	check_equal "python: a collection after fork" "$(findings /usr/bin/python3 "$TMP/prefork.py" plain)" "cow-storm "
	check_equal "python: gc.freeze before it" "$(findings /usr/bin/python3 "$TMP/prefork.py" freeze)" ""
}

test_java()
{
	needs java java || return
	cat >"$TMP/Main.java" <<-'END'
		class Main { public static void main(String[] a) { System.out.println(a.length); } }
	END
	check_equal "java: a small program" "$(findings java -Xmx512m "$TMP/Main.java")" ""
	check_equal "java: a heap that is touched before it is used" \
		"$(findings java -Xms640m -Xmx640m -XX:+UseSerialGC -XX:+AlwaysPreTouch "$TMP/Main.java")" "huge-pages "
}

test_node()
{
	needs node node || return
	check_equal "node: a program that allocates" \
		"$(findings node -e 'let a = []; for (let i = 0; i < 2e5; i++) a.push({ i }); a.length')" ""
}

test_postgres()
{
	local bin
	bin=$(dirname "$(find /usr/lib/postgresql -name initdb -print -quit 2>/dev/null)")

	needs postgres "$bin/initdb" || return
	install -d -o postgres "$TMP/data"
	chmod 755 "$TMP"
	"$FAULTMAP" run --user postgres --jsonl "$TMP/lines" -o "$TMP/out" -- \
		"$bin/initdb" -D "$TMP/data" >"$TMP/stdout" 2>"$TMP/err"
	check_equal "postgres: initdb" "$(jq -r 'select(.rec == "finding").finding' "$TMP/lines")" ""
}

test_compile()
{
	needs cc cc || return
	check_equal "a compile" "$(findings cc -O2 -D_GNU_SOURCE -std=gnu11 -Isrc -I. -c -o "$TMP/text.o" src/base/text.c)" ""
	check_equal "make of several" "$(findings make -s -C "$ROOT" "BUILD=$TMP/build" "$TMP/build/src/base/text.o" \
		"$TMP/build/src/base/table.o")" ""
}

lookups="pragma cache_size = 100; pragma mmap_size = 268435456; with recursive r(n) as (select 1 union all select n + 1 from r limit 15000)
	select sum((select length(x) from t where id = (n * 7919) % 6000)) from r;"

test_sqlite()
{
	local file

	needs sqlite sqlite3 || return
	file=$directory/faultmap-foreign.$$
	sqlite3 "$file" "create table t(id integer primary key, x blob); with recursive r(n) as
		(select 0 union all select n + 1 from r limit 6000) insert into t select n, randomblob(3800) from r;"
	sync -d "$file"
	check_equal "sqlite: what is in the page cache" "$(findings sqlite3 "$file" "$lookups")" ""
	check_below_limit "$file"
	rm -f "$file"
}

# The same of a file that does not fit below a limit of memory. Fewer look-ups, as each may read megabytes ahead.
check_below_limit()
{
	if ! limit_memory 12M; then
		skip "sqlite: a file that does not fit below a limit" "no cgroup of memory can be made"
		return
	fi
	dd of="$1" oflag=nocache conv=notrunc,fdatasync count=0 2>/dev/null # whose memory the cache is
	# shellcheck disable=SC2016 # for the other shell
	findings bash -c 'echo $$ >"$0" && exec "$@"' "$group/cgroup.procs" \
		sqlite3 "$1" "${lookups/15000/800}" >"$TMP/found"
	check_contains "sqlite: a file that does not fit below a limit" "$TMP/found" "(^| )thrash "
	check_equal "sqlite: whose limit" "$(jq -r 'select(.rec == "finding" and .finding == "thrash").seen' "$TMP/lines" |
		grep -c "its limit is 12M ($limit)")" 1
}

# One of them: findings.sh NAME.
if [ $# -eq 1 ]; then
	"test_$1"
	done_testing
fi
test_redis
test_python
test_java
test_node
test_postgres
test_compile
test_sqlite
done_testing
