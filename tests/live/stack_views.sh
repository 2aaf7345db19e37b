#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# takes 8 s
# What --weight, --kind and --mapping show of a log, and the labels of pprof: what jq adds up in the same log. Code of
# a file that is gone, and of a process that runs already.

. "$(dirname "$0")/../lib.sh"

find_lacks
if lacks maple_tree; then
	skip "stacks" "Linux 6.1 is needed to walk them"
	done_testing
fi

check "a log" "$FAULTMAP" run --stacks --json -o "$TMP/log" -- sh -c "\"$BUILD/workload/callers\"; ls / >/dev/null"

# sum_of FLAG...: of folded lines.
sum_of()
{
	"$FAULTMAP" report --code --folded "$TMP/folded" "$@" "$TMP/log" >"$TMP/table"
	awk '{ sum += $NF } END { print sum + 0 }' "$TMP/folded"
}

# said FILTER VALUE: what jq adds up.
said()
{
	jq -s "map(select(.rec == \"faults\" and ($1)) | $2) | add // 0" "$TMP/log"
}
faults='.minor + .major + .denied'
check_equal "all faults" "$(sum_of)" "$(said true "$faults")"
check_equal "--weight pages" "$(sum_of --weight pages)" "$(said true .pages)"
check_equal "--weight major" "$(sum_of --weight major)" "$(said true .major)"
check_equal "--weight stall" "$(sum_of --weight stall)" "$(said true '.latency.sum_ns // 0')"
for kind in demand_zero cow file_map file_cow; do
	check_equal "--kind $kind" "$(sum_of --kind "$kind")" "$(said ".kind == \"$kind\"" "$faults")"
	check "$kind: there are some" test "$(said ".kind == \"$kind\"" "$faults")" -gt 0
done
libc=$(jq -r 'select(.rec == "faults" and (.mapping | test("/libc[.]so[.]6$"))).mapping' "$TMP/log" | head -n 1)
for mapping in '[anon]' '[heap]' '[stack]' "$libc"; do
	check_equal "--mapping $mapping" "$(sum_of --mapping "$mapping")" "$(said ".mapping == \"$mapping\"" "$faults")"
done
check_equal "--mapping: there are some" "$(($(sum_of --mapping '[anon]') > 300))" 1
check_equal "--kind and --mapping" "$(sum_of --kind cow --mapping "$libc")" \
	"$(said ".kind == \"cow\" and .mapping == \"$libc\"" "$faults")"

# The table goes by the weight: the first function has the most.
for weight in faults pages; do
	"$FAULTMAP" report --code --weight "$weight" "$TMP/log" >"$TMP/table"
	sed -n "/^ *${weight^^} .*FUNCTION/,/^ *[(]/p" "$TMP/table" | awk '$1 ~ /^[0-9,]+$/ { gsub(/,/, "", $1); print $1 }' \
		>"$TMP/column"
	check "report --weight $weight: there are functions" test "$(wc -l <"$TMP/column")" -ge 10
	check "and the first has the most" sort -rnc "$TMP/column"
done

check "report --pprof" "$FAULTMAP" report --code --pprof "$TMP/pprof" "$TMP/log"
check_equal "pprof: kind, mapping, command and process of each sample, and all values" \
	"$(gzip -dc "$TMP/pprof" | python3 tests/live/pprof.py labels | sort)" \
	"$(jq -rs --argjson page "$(getconf PAGESIZE)" 'map(select(.rec == "faults"))
		| group_by([.kind, .mapping, .comm, .pid])[]
		| [.[0].kind, .[0].mapping, .[0].comm, .[0].pid, (map(.minor + .major + .denied) | add), (map(.pages) | add),
			(map(.pages) | add) * $page, (map(.latency.sum_ns // 0) | add)] | @tsv' "$TMP/log" | sort)"

# Without a file from before its first fault on.
cp "$BUILD/workload/callers" "$TMP/removed"
check "gone: stacks" "$FAULTMAP" stacks --folded "$TMP/folded" --all -- \
	bash -c 'exec 9<"$0" && rm "$0" && exec -a removed /proc/self/fd/9 >/dev/null' "$TMP/removed"
check_equal "gone: its faults are there, and it says so" \
	"$(awk '/;removed \(deleted\)\+0x[0-9a-f]+ \[gone\];\[anon\] \(demand_zero(, sampled)?\) / { sum += $NF } END { print (sum > 250) }' \
		"$TMP/folded")" 1

# Attached.
cat >"$TMP/again.c" <<'END'
#include <sys/mman.h>
#include <time.h>

__attribute__((noinline)) void again(volatile char *area)
{
	__asm__ volatile("" ::"r"(__builtin_frame_address(0)));
	for (int i = 0; i < 64; i++)
		area[i * 4096] = 1;
}

int main(void)
{
	char *area = mmap(NULL, 64 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	madvise(area, 64 * 4096, MADV_NOHUGEPAGE);
	for (;;) {
		again(area);
		madvise(area, 64 * 4096, MADV_DONTNEED);
		nanosleep(&(struct timespec){ .tv_nsec = 5000000 }, NULL);
	}
}
END
gcc -O1 -g -fno-omit-frame-pointer -o "$TMP/again" "$TMP/again.c"
cp "$TMP/again" "$TMP/others"
start_background "$TMP/others"
start_background "$TMP/again"
attached=("-p $BACKGROUND_PID" "--comm again" "-a")
group=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)/stacked-$$.service
if mkdir "$group" 2>"$TMP/err"; then
	trap 'leave_group; cleanup_test' EXIT
	echo "$BACKGROUND_PID" >"$group/cgroup.procs"
	attached+=("--unit stacked-$$")
else
	skip "stacks --unit" "no cgroup can be made: $(cat "$TMP/err")"
fi

# leave_group: it can be removed once nobody is in it.
leave_group()
{
	stop_background "$BACKGROUND_PID"
	wait_for 60 rmdir "$group" 2>"$TMP/err"
}

for whom in "${attached[@]}"; do
	# shellcheck disable=SC2086
	check "stacks $whom" "$FAULTMAP" stacks $whom -d 1 --folded "$TMP/folded"
	check_contains "stacks $whom: its call path" "$TMP/folded" '^again;.*;?main;again;\[anon\] \(demand_zero\) [0-9]+$'
	check_equal "stacks $whom: nobody else" \
		"$([ "$whom" = -a ] || grep -vc '^again;' "$TMP/folded")" "$([ "$whom" = -a ] || echo 0)"
done
done_testing
