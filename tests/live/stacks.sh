#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# takes 8 s
# faultmap stacks: the workload callers says which function touched how many pages, and its callers. The call
# paths must say the same for a program built in several ways, and so must the other outputs.
# shellcheck disable=SC2016

. "$(dirname "$0")/../lib.sh"

find_lacks

# Paths as callers says them, from the nearest caller on, as "PAGES FUNCTION CALLER...".
said()
{
	awk '$1 == "code" { pages = $5; name = $3; $1 = $2 = $3 = $4 = $5 = ""; print pages, name, $0 }
		$1 == "thread" { sum += $6 } END { print sum, "touch walk" }' "$TMP/said" |
		tr -s ' ' | sed 's/ $//' | expand_recursion | sort
}

# "descend*31" is 31 times descend.
expand_recursion()
{
	awk '{ line = ""; for (i = 1; i <= NF; i++) {
		n = split($i, part, "*"); times = n > 1 ? part[2] : 1
		for (k = 0; k < times; k++) line = line (line == "" ? "" : " ") part[1] } print line }'
}

# The same from folded lines, the instruction first: functions of the program, whatever the C library has between
# them and before main(); only what lies in anonymous memory.
counted()
{
	sed -n 's/^callers[^;]*;\(.*\);\[anon\] (demand_zero\(, sampled\)*) \([0-9]*\)$/\3 \1/p' "$TMP/folded" |
		awk '{ n = split($2, frames, ";"); line = $1
			for (i = n; i; i--) if (frames[i] in names) line = line " " frames[i]
			print line }
			BEGIN { split("touch touch_backwards inner middle outer descend handle run_chains run_vfork main walk", list, " ")
				for (i in list) names[list[i]] }' |
		grep touch | cut_at_signal | awk '{ pages = $1; $1 = ""; sum[$0] += pages }
			END { for (path in sum) print sum[path] path }' | sort
}

# Below a signal handler the program goes on, or not: that is the C library's affair.
cut_at_signal()
{
	sed 's/ handle .*/ handle/'
}

# profile FLAG... -- PROGRAM
profile()
{
	"$FAULTMAP" stacks --folded "$TMP/folded" "$@" >"$TMP/said" 2>"$TMP/table"
}

if lacks maple_tree; then
	skip "stacks" "Linux 6.1 is needed to walk them"
	done_testing
fi

for detail in full fast; do
	check "stacks --detail $detail" profile --detail "$detail" -- "$BUILD/workload/callers"
	check_equal "$detail: each call path has its faults" "$(counted)" "$(said)"
done
check_contains "the table has the functions" "$TMP/table" '^ *2[0-9]* .* touch  '
check_contains "and which share has complete stacks" "$TMP/table" 'whole stacks: [89][0-9.]* % of the faults'

# The same program, built in other ways.
source=tests/workload/callers.c
build_as()
{
	"${CC:-cc}" -D_GNU_SOURCE -O1 -g -pthread -w -o "$TMP/callers_$1" "${@:2}" "$source"
}

check_built()
{
	if ! build_as "$@" 2>"$TMP/err"; then
		skip "$1: each call path has its faults" "no compiler here: $(head -n 1 "$TMP/err")"
		return
	fi
	check "$1: stacks" profile -- "$TMP/callers_$1"
	check_equal "$1: each call path has its faults" "$(counted)" "$(said)"
}
check_built static -static -fno-omit-frame-pointer
check_built no_pie -no-pie -fno-omit-frame-pointer

# In C++ names are shown as in the source, not as the linker has them.
cat >"$TMP/mangled.cc" <<'EOF'
#include <sys/mman.h>
namespace shop {
struct cart {
	__attribute__((noinline)) void fill(char *area, int pages) {
		__asm__ volatile("" ::"r"(__builtin_frame_address(0)));
		for (int i = 0; i < pages; i++)
			((volatile char *)area)[i * 4096] = 1;
	}
};
}
int main() {
	char *area = (char *)mmap(nullptr, 50 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	madvise(area, 50 * 4096, MADV_NOHUGEPAGE);
	shop::cart().fill(area, 50);
	return 0;
}
EOF
if c++ -O1 -g -fno-omit-frame-pointer -o "$TMP/mangled" "$TMP/mangled.cc" 2>"$TMP/err"; then
	check "C++: stacks" profile -- "$TMP/mangled"
	check_contains "C++: the name is demangled" "$TMP/folded" \
		';main;shop::cart::fill\(char\*, int\);\[anon\] \(demand_zero\) 50$'
else
	skip "C++: the name is demangled" "no compiler here"
fi

# In a library of its own.
if "${CC:-cc}" -D_GNU_SOURCE -O1 -g -pthread -w -fno-omit-frame-pointer -fPIC -shared -Dmain=run_callers \
	-o "$TMP/libcallers.so" "$source" 2>"$TMP/err"; then
	printf 'int run_callers(void);\nint main(void) { run_callers(); return 0; }\n' >"$TMP/user.c"
	check "library: cc" "${CC:-cc}" -O1 -fno-omit-frame-pointer -o "$TMP/callers_user" "$TMP/user.c" \
		-L "$TMP" -lcallers -Wl,-rpath,"$TMP"
	check "library: stacks" profile -- "$TMP/callers_user"
	sed -i 's/run_callers;//; s/;run_callers;/;/' "$TMP/folded"
	check_equal "library: each call path has its faults" "$(counted)" "$(said)"
fi

# Without frame pointers callers are those of stacks that were unwound: of each here, so that each call path has its
# faults again.
sum_of()
{
	awk '{ sum += $NF } END { print sum }' "$1"
}

by_function()
{
	awk '{ sum[$2] += $1 } END { for (name in sum) print sum[name], name }' | sort
}

if build_as bare -fomit-frame-pointer -DNO_FRAME 2>"$TMP/err"; then
	check "bare: stacks" profile --stack-samples 1 -- "$TMP/callers_bare"
	check_equal "bare: each call path has its faults" "$(counted)" "$(said)"
	check_contains "bare: that they are shares is said" "$TMP/table" \
		'sampled: [0-9.]+ % of the faults are distributed'
	check "bare: one in 101" profile -- "$TMP/callers_bare"
	check_equal "bare: one in 101: each function has its faults" \
		"$(counted | by_function)" "$(said | by_function)"
	check "bare: none" profile --stack-samples 0 -- "$TMP/callers_bare"
	check_equal "bare: none: each function has its faults" "$(counted | by_function)" "$(said | by_function)"
	check_equal "bare: none: no caller is made up" "$(grep -c sampled "$TMP/folded" "$TMP/table" | tr '\n' ' ')" \
		"$TMP/folded:0 $TMP/table:0 "
	check "bare: without the feature" profile --disable-feature stack_samples -- "$TMP/callers_bare"
	check_equal "bare: without the feature: no caller is made up" "$(grep -c sampled "$TMP/folded")" 0
	"$FAULTMAP" run --stacks --stack-samples 1 --json -o "$TMP/log" -- "$TMP/callers_bare" >"$TMP/said"
	keep_log "$TMP/log"
	check_equal "bare: no stack was lost" \
		"$(jq -s 'map(select(.rec == "interval")) | [.[-1].stacks_lost_total,
			.[-1].stacks_sampled_total >= .[-1].stacks_incomplete_total - .[-1].stacks_lost_total]' \
			-c "$TMP/log")" "[0,true]"
	check_equal "bare: a line for each" "$(jq -s 'map(select(.rec == "stack_sample")) | length' "$TMP/log")" \
		"$(jq -s 'map(select(.rec == "interval").stacks_sampled) | add' "$TMP/log")"
	check "bare: report" "$FAULTMAP" report --code --folded "$TMP/folded" "$TMP/log"
	check_equal "bare: report: each call path has its faults" "$(counted)" "$(said)"
	check_equal "bare: report: no fault more or less" "$(sum_of "$TMP/folded")" \
		"$(jq -s 'map(select(.rec == "faults") | .minor + .major + .denied) | add' "$TMP/log")"
fi

# Stripped: no name is better than a wrong one.
cp "$BUILD/workload/callers" "$TMP/callers_stripped"
if strip "$TMP/callers_stripped" 2>"$TMP/err"; then
	check "stripped: stacks" profile -- "$TMP/callers_stripped"
	check_contains "stripped: code is file and offset" "$TMP/folded" 'callers_stripped\+0x[0-9a-f]+;\[anon\]'
fi

# Faults in kernel mode: read(2) copies 40 pages of a file to new memory, which the kernel faults in. Its path says so,
# above the program's.
cat >"$TMP/copied.c" <<'EOF'
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>
int main(int count, char **arguments)
{
	char *area = mmap(0, 40 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	madvise(area, 40 * 4096, MADV_NOHUGEPAGE);
	return read(open(arguments[1], O_RDONLY), area, 40 * 4096) != 40 * 4096;
}
EOF
head -c $((40 * 4096)) /dev/urandom >"$TMP/data"

# copied FLAG...: the paths of that.
copied()
{
	profile --stack-samples 1 "$@" -- "$TMP/copied" "$TMP/data"
}

# kernel_faults: those that have the path from the system call to the copy.
kernel_faults()
{
	sed -n 's/^copied;.*;main;.*read[a-z0-9_]*_\[k\];.*_\[k\];\[anon\] (demand_zero\(, sampled\)*) //p' \
		"$TMP/folded" | awk '{ sum += $1 } END { print sum + 0 }'
}

if "${CC:-cc}" -D_GNU_SOURCE -O1 -fno-omit-frame-pointer -o "$TMP/copied" "$TMP/copied.c" 2>"$TMP/err" &&
	! lacks kernel_names; then
	for detail in full fast; do
		check "kernel, $detail: stacks" copied --detail "$detail"
		check_equal "kernel, $detail: each page that read() filled" "$(kernel_faults)" 40
	done
	"$FAULTMAP" run --stacks --stack-samples 1 --json -o "$TMP/log" -- "$TMP/copied" "$TMP/data"
	check "kernel: report" "$FAULTMAP" report --code --folded "$TMP/folded" "$TMP/log"
	check_equal "kernel: report: each page" "$(kernel_faults)" 40
	check_equal "kernel: the log has each" "$(jq -s 'map(select(.rec == "faults" and .mode == "kernel"
		and .mapping == "[anon]" and .kind == "demand_zero") | .minor) | add' "$TMP/log")" 40
	check_equal "kernel: all of its faults have such a part, and of the others those that slept" "$(jq -s '
		(map(select(.rec == "stack" and .kernel)) | INDEX(.stack)) as $with
		| map(select(.rec == "faults" and .stack) | if .mode == "kernel" then $with[.stack] != null
			else $with[.stack] == null or (.stall | del(.cpu) | length > 0) end)
		| all' "$TMP/log")" true
	keep_log "$TMP/log"
	check "kernel: without names" copied --disable-feature kernel_names
	check_contains "kernel: without names it is the kernel" "$TMP/folded" \
		'^copied;.*;main;.*read;\[kernel\]_\[k\];\[anon\] \(demand_zero(, sampled)?\) 40$'
	check "kernel: without the feature" copied --disable-feature kernel_stacks
	check_equal "kernel: without the feature there is no such part" "$(grep -c '_\[k\]' "$TMP/folded")" 0
else
	skip "kernel: each page that read() filled" \
		"no compiler, or no names of the kernel's functions: $(head -n 1 "$TMP/err")"
fi

# Faults that sleep: their path goes on to where they do. A userfaultfd serves each page after 2 ms.
slept()
{
	sed -n 's/^stalls;.*;case_userfaultfd;.*page_fault[a-z_]*_\[k\];.*handle_userfault_\[k\];\[anon\] (userfaultfd\(, sampled\)*) //p' \
		"$TMP/folded" | awk '{ sum += $1 } END { print sum + 0 }'
}

if lacks kernel_names || lacks switches; then
	skip "asleep: each page that a userfaultfd served" "no names of the kernel's functions, or no switches"
else
	for detail in full fast; do
		check "asleep, $detail: stacks" profile --stack-samples 1 --detail "$detail" -- \
			"$BUILD/workload/stalls" userfaultfd 20 2000
		check_equal "asleep, $detail: each page that a userfaultfd served" "$(slept)" 20
	done
fi

# Code outside of files, as its maker says in /tmp/perf-PID.map; it ends when that was opened.
check "jit: stacks" profile -- "$BUILD/workload/jit"
check_contains "jit: code has the name that its maker gave it last" "$TMP/folded" \
	'^jit;.*;main;Interpreted::touch pages;\[anon\] \(demand_zero\) 60$'

# The same where its PID is 1, and /tmp its own: the map is that of its namespaces.
contained='exec 9<"$0" && mount -t tmpfs none /tmp && cat <&9 >/tmp/jit && chmod +x /tmp/jit && exec /tmp/jit'
if unshare --pid --fork --mount true 2>"$TMP/err"; then
	check "jit, contained: stacks" profile -- unshare --pid --fork --mount sh -c "$contained" "$BUILD/workload/jit"
	check_contains "jit, contained: its map is found" "$TMP/folded" \
		'^jit;.*;Interpreted::touch pages;\[anon\] \(demand_zero\) 60$'
else
	skip "jit, contained: its map is found" "no namespaces: $(cat "$TMP/err")"
fi

# A file that is no ELF file in truth, and one that is gone, cost the name alone.
cp "$BUILD/workload/callers" "$TMP/callers_torn"
"$TMP/callers_torn" >"$TMP/said" && check "torn: stacks" profile -- sh -c "\"$TMP/callers_torn\"
	head -c 5000 /dev/urandom | dd of=\"$TMP/callers_torn\" conv=notrunc bs=1 seek=64 2>/dev/null"
check_contains "torn: what can be told is" "$TMP/folded" 'callers_torn.*\[anon\] \(demand_zero\) 240'

# The other outputs say the same.
check "stacks with every output" profile --pprof "$TMP/pprof" --flame "$TMP/flame.html" -- "$BUILD/workload/callers"
sum=$(awk '{ sum += $NF } END { print sum }' "$TMP/folded")
check_equal "pprof has as many faults" "$(gzip -dc "$TMP/pprof" | python3 tests/live/pprof.py faults)" "$sum"
check_equal "the flame graph has as many" \
	"$(sed -n '/<script id="data"/,/<\/script>/p' "$TMP/flame.html" |
		sed 's/.*application\/json">//; s/<\/script>//' | jq '[.samples[][4][0]] | add')" "$sum"

# Build ids, as binutils read them.
build_id_of()
{
	readelf -n "$1" 2>/dev/null | sed -n 's/.*Build ID: //p'
}
libc=$(ldd "$BUILD/workload/callers" | awk '$1 == "libc.so.6" { print $3 }')
libc=$(realpath "$libc")
callers=$(realpath "$BUILD/workload/callers")
want="$callers $(build_id_of "$callers")
$libc $(build_id_of "$libc")"
check "binutils find some" test -n "$(build_id_of "$libc")"
check_equal "pprof has the build ids" \
	"$(gzip -dc "$TMP/pprof" | python3 tests/live/pprof.py build_ids | grep -E "/(callers|libc\.so\.6) " | sort)" \
	"$(sort <<<"$want")"

# shellcheck source=tests/page/lines.bash
. tests/page/lines.bash
if command -v chromium >/dev/null; then
	check_lines tests/page/flame.py "$TMP/flame.html"
else
	skip "a browser shows the flame graph" "chromium is not installed"
fi

"$FAULTMAP" run --stacks --json -o "$TMP/log" -- "$BUILD/workload/callers" >"$TMP/said"
check "report --folded" "$FAULTMAP" report --code --folded "$TMP/folded" --pprof "$TMP/pprof" "$TMP/log"
check_equal "report: each call path has its faults" "$(counted)" "$(said)"
check_equal "the log's frames have the build ids" \
	"$(jq -r 'select(.rec == "stack").frames[] | select(.file | test("/(callers|libc[.]so[.]6)$")) | .file + " " + .build_id' \
		"$TMP/log" | sort -u)" "$(sort <<<"$want")"
check_equal "and report's pprof, from there" \
	"$(gzip -dc "$TMP/pprof" | python3 tests/live/pprof.py build_ids | grep -E "/(callers|libc\.so\.6) " | sort)" \
	"$(sort <<<"$want")"

"$FAULTMAP" stacks 2>"$TMP/err"
check_equal "stacks wants to be told of what: exit status" $? 2
"$FAULTMAP" stacks --kind such -a 2>"$TMP/err"
check_equal "a kind that there is not: exit status" $? 2
check_contains "and why" "$TMP/err" 'there is no kind "such"; give one of unknown, demand_zero, '
"$FAULTMAP" stacks -- sh -c 'exit 7' >/dev/null 2>&1
check_equal "the command's exit status is its own" $? 7

keep_log "$TMP/log"
check_schema
done_testing
