#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# takes 20 s
# make check-foreign: call paths, against those of perf record --call-graph dwarf, of the same processes in the same
# run. perf has each fault of callers, so every path has as many in both where there are frame pointers; without, the
# paths are the same. Of a storm from two places perf and faultmap each sample some, and their shares differ by no
# more than samples do.

. "$(dirname "$0")/../lib.sh"

functions='touch touch_backwards inner middle outer descend handle run_chains run_vfork main walk often rarely'

# profile PERIOD PROGRAM FLAG...: perf follows the program, and faultmap both. Buffers have room for all: a sample is
# 8 KiB.
profile()
{
	rm -f "$TMP/perf.data"
	"$FAULTMAP" stacks --folded "$TMP/folded" "${@:3}" -- perf record -q -B -N -e page-faults:u -c "$1" -m 32M \
		--call-graph dwarf,8192 -o "$TMP/perf.data" "$2" >"$TMP/said" 2>"$TMP/table" &&
		perf script -i "$TMP/perf.data" --show-lost-events -F comm,event,ip,sym >"$TMP/script" 2>"$TMP/err"
}

# What perf says that it has lost: 0 unless it could not keep up.
lost()
{
	awk '/PERF_RECORD_LOST/ { for (i = 1; i < NF; i++) if ($i == "lost") sum += $(i + 1) } END { print sum + 0 }' "$TMP/script"
}

# sum_paths: "FAULTS FUNCTION CALLER..." lines, those of the program's own functions that are in `functions`; below a
# signal handler the program goes on, or not: that is the unwinder's affair.
sum_paths()
{
	awk -v list="$functions" 'BEGIN { split(list, names, " "); for (i in names) known[names[i]] }
		{ path = ""
			for (i = 2; i <= NF && !(path ~ / handle$/); i++)
				if ($i in known) path = path " " $i
			if (path ~ /^ touch/) sum[path] += $1 }
		END { for (path in sum) print sum[path] path }' | sort
}

# Its samples, a block of lines each: "COMM EVENT:", then a frame each, the innermost first.
paths_of_perf()
{
	awk -v comm="$1" '
		function end() { if (path != "" && own) print 1 path; path = "" }
		/^[^ \t]/ { end(); own = index($0, comm) == 1 || /^walker/; next } # which its threads call themselves
		NF >= 2 { sub(/\+0x[0-9a-f]+$/, "", $2); path = path " " $2 }
		END { end() }' "$TMP/script" | sum_paths
}

# Of folded lines, the outermost first, with the mapping last; what touched anonymous memory.
paths_of_faultmap()
{
	sed -n 's/^'"$1"'[^;]*;\(.*\);\[anon\] ([^)]*) \([0-9]*\)$/\2;\1/p' "$TMP/folded" |
		awk -F ';' '{ line = $1; for (i = NF; i > 1; i--) line = line " " $i; print line }' | sum_paths
}

# differences FILE FILE: "PATHS ABOVE SUM": what perf has and faultmap has not is a path above; else the sum of what
# faultmap has more.
differences()
{
	awk 'FNR == NR { faults = $1; $1 = ""; ours[$0] = faults; sum += faults; next }
		{ faults = $1; $1 = ""; if (faults > ours[$0]) above++; sum -= faults }
		END { print above + 0, sum }' "$1" "$2"
}

gcc -O1 -pthread -fomit-frame-pointer -DNO_FRAME -o "$TMP/callers_bare" tests/workload/callers.c
# Without frame pointers the faults of an instruction are distributed over the paths that were sampled: those are perf's,
# and so is the sum of each instruction's function.
paths_alone()
{
	cut -d ' ' -f 2- | sort
}
by_function()
{
	awk '{ sum[$2] += $1 } END { for (name in sum) print sum[name], name }' | sort
}
for program in "$BUILD/workload/callers" "$TMP/callers_bare"; do
	name=$(basename "$program")
	check "$name: stacks and perf record" profile 1 "$program"
	paths_of_faultmap "$name" >"$TMP/ours"
	paths_of_perf "$name" >"$TMP/perf"
	if [ "$name" = callers_bare ]; then
		check_equal "$name: the call paths are perf's" "$(paths_alone <"$TMP/ours")" "$(paths_alone <"$TMP/perf")"
		by_function <"$TMP/ours" >"$TMP/ours_by" && mv "$TMP/ours_by" "$TMP/ours"
		by_function <"$TMP/perf" >"$TMP/perf_by" && mv "$TMP/perf_by" "$TMP/perf"
	fi
	check_equal "$name: there are call paths" "$(awk '{ print ($1 > 0) }' "$TMP/ours" | sort -u)" 1
	lost=$(lost)
	if [ "$lost" -eq 0 ]; then
		check_equal "$name: faults are what perf says" "$(cat "$TMP/ours")" "$(cat "$TMP/perf")"
	else # perf could not keep up: what it lacks is what it lost, at most
		echo "# perf lost $lost"
		read -r above more < <(differences "$TMP/ours" "$TMP/perf")
		check_equal "$name: perf has no path that is not there" "$above" 0
		check "$name: and lacks no more than it lost" test "$more" -ge 0 -a "$more" -le "$lost"
	fi
done

# One instruction and one mapping, two callers at random: three of four faults are of often().
cat >"$TMP/storm.c" <<'END'
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#define PAGES 60000UL
#define STAY() __asm__ volatile("" ::: "memory")

__attribute__((noinline)) void touch(volatile char *at)
{
	*at = 1;
	STAY();
}

__attribute__((noinline)) void often(char *at)
{
	touch(at);
	STAY();
}

__attribute__((noinline)) void rarely(char *at)
{
	touch(at);
	STAY();
}

int main(void)
{
	char *area = mmap(NULL, PAGES * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned long count = 0;

	madvise(area, PAGES * 4096, MADV_NOHUGEPAGE);
	srandom(1);
	for (unsigned long i = 0; i < PAGES; i++)
		if (random() % 4) {
			often(area + i * 4096);
			count++;
		} else {
			rarely(area + i * 4096);
		}
	printf("%lu %lu\n", count, PAGES);
	return 0;
}
END
gcc -O1 -fomit-frame-pointer -o "$TMP/storm" "$TMP/storm.c"

# share FILE: "SHARE FAULTS" of touch() called by often().
share()
{
	awk '$2 == "touch" { sum += $1 } / often/ { often += $1 } END { print (sum ? often / sum : 0), sum + 0 }' "$1"
}

# are_near SHARE COUNT SHARE COUNT: they differ by four standard deviations of two samples of so many, at most.
are_near()
{
	awk -v a="$1" -v n="$2" -v b="$3" -v m="$4" 'BEGIN {
		bound = 4 * sqrt(0.75 * 0.25 * (1 / n + (m ? 1 / m : 0)))
		printf "# %.4f of %d, %.4f of %d, bound %.4f\n", a, n, b, m, bound
		exit !(a - b <= bound && b - a <= bound) }'
}

check "storm: stacks and perf record" profile 53 "$TMP/storm"
paths_of_faultmap storm >"$TMP/ours"
paths_of_perf storm >"$TMP/perf"
read -r ours faults < <(share "$TMP/ours")
read -r perf samples < <(share "$TMP/perf")
read -r often all <"$TMP/said"
check_equal "storm: each of its faults is counted" "$faults" "$all"
check "storm: perf has samples" test "$samples" -ge 500
check "storm: the shares of two callers are perf's" are_near "$ours" $((all / 101)) "$perf" "$samples"
check "storm: and those that the program says" are_near "$ours" $((all / 101)) \
	"$(awk -v a="$often" -v b="$all" 'BEGIN { print a / b }')" 0
done_testing
