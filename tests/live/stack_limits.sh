#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# takes 60 s
# More than there is room for: a profile of /debug/pprof/faults with more samples than Pyroscope takes (16,000), and more
# stacks than can be unwound. What is left out is counted, and no fault is.

. "$(dirname "$0")/../lib.sh"

find_lacks
if lacks maple_tree; then
	skip "stacks" "Linux 6.1 is needed to walk them"
	done_testing
fi

# 20,000 functions of one instruction each, which faults in each of ROUNDS, with names of 400 letters. A process may have
# 16,384 rows of its own in the table of this size.
steps=20000 rounds=5 own=15000
long=$(printf 'step%.0s' {1..100})
make_steps()
{
	local store

	case $(uname -m) in
	x86_64) store='movb $1, (%0); add $4096, %0' ;;
	aarch64) store='strb wzr, [%0]; add %0, %0, 4096' ;;
	*) return 1 ;;
	esac
	cat >"$TMP/steps.c" <<-END
		#include <sys/mman.h>
		int main(void)
		{
			char *area = mmap(0, $steps * 4096UL, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

			madvise(area, $steps * 4096UL, MADV_NOHUGEPAGE);
			for (int round = 0; round < $rounds; round++) {
				char *at = area;

				__asm__ volatile(".macro step\\n.type ${long}\\\\@, %%function\\n${long}\\\\@: $store\\n"
						 ".size ${long}\\\\@, . - ${long}\\\\@\\n.endm\\n.rept $steps\\nstep\\n.endr"
						 : "+r"(at) : : "memory");
				madvise(area, $steps * 4096UL, MADV_DONTNEED);
			}
			return 0;
		}
	END
	gcc -O1 -o "$TMP/steps" "$TMP/steps.c" 2>"$TMP/err" && strip -o "$TMP/steps_bare" "$TMP/steps"
}
if ! make_steps; then
	skip "a program of 20,000 functions" "the compiler here makes none: $(head -n 1 "$TMP/err")"
	done_testing
fi
check_equal "20,000 functions" "$(nm "$TMP/steps" | grep -c "$long")" "$steps"

check "stacks: each of them" "$FAULTMAP" stacks --max-rows 131072 --folded "$TMP/folded" -- "$TMP/steps"
named=$(grep -c ";${long}[0-9]*;\[anon\] (demand_zero\(, sampled\)*) $rounds\$" "$TMP/folded")
check "functions have their faults: $named of them" test "$named" -ge "$own"
check_equal "and [other] has the rest" \
	"$(awk '/(\[anon\]|\[other\]) \(demand_zero/ { sum += $NF } END { print (sum >= '$((steps * rounds))') }' "$TMP/folded")" 1

# get PROGRAM: a profile of what it did, while it is fresh. The daemon keeps 50,000 samples of all ticks, and this makes
# 20,000 in each: so that it takes no more than two, ticks are long. It runs for 4 s here.
get()
{
	await_ticks 1
	"$1"
	await_ticks 1
	curl -sf --noproxy '*' -m "$(longer 60)" "$url/debug/pprof/faults?seconds=45" | gzip -dc >"$TMP/plain"
}

# values: "SAMPLES FAULTS" of it.
values()
{
	echo "$(python3 tests/live/pprof.py size <"$TMP/plain") $(python3 tests/live/pprof.py faults <"$TMP/plain")"
}

# What is left over has a sample for each kind, so that some fewer are left of 16,000.
is_full()
{
	get "$TMP/steps_bare" && read -r samples faults < <(values) && [ "$samples" -ge 15900 ]
}
start_daemon --stacks --stack-samples 0 --mappings-names all --max-rows 131072 --interval 15
check "a profile of more than 16,000 samples" wait_for 300 is_full
check "has no more than 16,000: $samples" test "$samples" -le 16000
check "and all faults" test "$faults" -ge $((steps * rounds))
check "within 4 MiB" test "$(stat -c %s "$TMP/plain")" -le 4194304
stop_background "$daemon"

# A stack to be unwound at each fault of a storm that does nothing else.
cat >"$TMP/storm.c" <<'END'
#include <sys/mman.h>
#define PAGES 100000UL
__attribute__((noinline)) void touch(volatile char *at)
{
	*at = 1;
	__asm__ volatile("" ::: "memory");
}
int main(void)
{
	char *area = mmap(0, PAGES * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	madvise(area, PAGES * 4096, MADV_NOHUGEPAGE);
	for (unsigned long i = 0; i < PAGES; i++)
		touch(area + i * 4096);
	return 0;
}
END
gcc -O1 -fomit-frame-pointer -o "$TMP/storm" "$TMP/storm.c"
check "a storm, each stack to be unwound" "$FAULTMAP" run --stacks --stack-samples 1 --jsonl "$TMP/log" \
	--folded "$TMP/folded" -o "$TMP/summary" -- "$TMP/storm"
lost=$(jq -s 'map(select(.rec == "interval"))[-1].stacks_lost_total' "$TMP/log")
check "some are lost" test "$lost" -gt 0
check_contains "the summary says so" "$TMP/summary" "$(sed ':a; s/\([0-9]\)\([0-9]\{3\}\)\($\|,\)/\1,\2\3/; ta' <<<"$lost") sampled stacks lost"
check_equal "no fault is" \
	"$(awk '/^storm[^;]*;.*\[anon\] \(demand_zero/ { sum += $NF } END { print (sum >= 100000) }' "$TMP/folded")" 1
check_equal "all faults of the log are in the call paths" "$(awk '{ sum += $NF } END { print sum }' "$TMP/folded")" \
	"$(jq -s 'map(select(.rec == "faults") | .minor + .major + .denied) | add' "$TMP/log")"
start_daemon --stacks --stack-samples 1
lost_some()
{
	"$TMP/storm"
	scrape "$TMP/scrape" && [ "$(value faultmap_stacks_lost_total "$TMP/scrape")" -gt 0 ]
}
check "/metrics says so" wait_for 60 lost_some
check "and that stacks were unwound" test "$(value faultmap_stacks_sampled_total "$TMP/scrape")" -gt 0
check "and that stacks were incomplete" test "$(value faultmap_stacks_incomplete_total "$TMP/scrape")" -gt 0
stop_background "$daemon"
done_testing
