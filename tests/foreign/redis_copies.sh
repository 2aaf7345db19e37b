#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The memory that redis copies while its child saves it (BGSAVE): faultmap's figure for parent and child is what redis
# itself measures, rdb_last_cow_size (Private_Dirty of the child's smaps as it ends). For `make check-foreign`.

. "$(dirname "$0")/../lib.sh"

socket=$TMP/redis.sock

redis()
{
	redis-cli -s "$socket" "$@"
}

# info NAME
info()
{
	redis info persistence | tr -d '\r' | sed -n "s/^$1://p"
}

is_saved()
{
	[ "$(info rdb_bgsave_in_progress)" = 0 ]
}

# tick_after: when the first tick after $populated was.
tick_after()
{
	jq -nrR --arg populated "$populated" 'first(inputs | fromjson?
		| select(.rec == "interval" and .ts > $populated).ts)' "$TMP/log"
}

has_tick()
{
	[ -n "$(tick_after)" ]
}

# The child waits 50 us at each key, so that the parent's writes come in between.
start_background "$FAULTMAP" run --jsonl "$TMP/log" -o "$TMP/summary" -- redis-server --port 0 \
	--unixsocket "$socket" --save "" --appendonly no --dir "$TMP" --rdb-key-save-delay 50 >"$TMP/redis.out"
run=$BACKGROUND_PID
wait_for 60 redis ping >"$TMP/out"
redis eval "for i = 1, 60000 do redis.call('set', 'key:' .. i, string.rep('x', 1000)) end" 0 >"$TMP/out"
# What the allocator reads before it writes is copied, too, from the zero page: that was before.
populated=$(date -u +%FT%T.%3NZ)
wait_for 60 has_tick
before=$(tick_after)
redis bgsave >"$TMP/out"
redis eval "for i = 1, 40000 do redis.call('setrange', 'key:' .. i, 0, 'y') end" 0 >"$TMP/out"
wait_for 120 is_saved
size=$(info rdb_last_cow_size)
redis shutdown nosave
wait_for 60 process_ended "$run"
grep '^copied' "$TMP/summary" | sed 's/^/# /'
copied=$(jq -s --arg before "$before" '[.[] | select(.rec == "faults" and .ts > $before and .kind == "cow"
	and (.mapping | startswith("["))).pages] | add * 4096' "$TMP/log")
echo "# rdb_last_cow_size $size, copied $copied"
check "parent and child copied as much as redis says, to 1 %" \
	test "$(((copied - size) * 100))" -le "$size" -a "$(((size - copied) * 100))" -le "$size"
check "that is most of the memory" test "$copied" -ge 30000000
done_testing
