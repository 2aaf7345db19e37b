#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# takes 4 s
# How much of the memory shared since fork() parent and child copy: the summary of `run` has, for each process,
# the pages that the workload wrote to, plus copies in its heap and stack as its rows have them.

. "$(dirname "$0")/../lib.sh"

cat >"$TMP/fork.py" <<'END'
import ctypes, mmap, os, resource
PAGE, PAGES = mmap.PAGESIZE, 4096
memory = mmap.mmap(-1, PAGES * PAGE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
memory.madvise(15) # MADV_NOHUGEPAGE
for i in range(PAGES):
    memory[i * PAGE] = 1

def write(who, first, last):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for i in range(first, last):
        memory[i * PAGE] = 2
    faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
    print(who, os.getpid(), last - first, faults, flush=True)

done, go = os.pipe(), os.pipe()
child = os.fork()
if not child:
    write("child", 0, 2560)
    os.write(done[1], b"x")
    os.read(go[0], 1) # else the parent would be alone with its pages
    os._exit(0)
os.read(done[0], 1)
write("parent", 2560, 3840)
os.write(go[1], b"x")
os.waitpid(child, 0)
END
"$FAULTMAP" run --jsonl "$TMP/log" -o "$TMP/summary" -- /usr/bin/python3 "$TMP/fork.py" >"$TMP/said"
check_equal "exit status" "$?" 0
sed 's/^/# /' "$TMP/said"
grep '^copied' "$TMP/summary" | sed 's/^/# /'

# copied PID: pages that its rows have.
copied()
{
	jq -s --argjson pid "$1" '[.[] | select(.rec == "faults" and .pid == $pid and .kind == "cow"
		and (.mapping | startswith("["))).pages] | add' "$TMP/log"
}

unwrap "$TMP/summary"
while read -r who pid pages faults; do
	check "$who: each page was a fault (getrusage)" test "$faults" -ge "$pages"
	check_equal "$who: the rows have its copies, and its other first writes" \
		"$(($(copied "$pid") >= pages && $(copied "$pid") <= pages + 300))" 1
	size=$(numfmt --to=iec $(($(copied "$pid") * 4096)))
	check_equal "$who: the summary has them" \
		"$(grep -c "^copied on write: .* $size by $pid (" "$TMP/summary")" 1
done <"$TMP/said"
"$FAULTMAP" run -o "$TMP/summary" -- true
check_equal "a process that copies next to nothing is not mentioned" "$(grep -c '^copied' "$TMP/summary")" 0

# Of pages that the kernel fills itself, and that are in no row, the summary has the number per process.
"$FAULTMAP" run --disable-feature=populate --jsonl "$TMP/filled" -o "$TMP/summary" -- /usr/bin/python3 -c '
import mmap
mmap.mmap(-1, 16 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | mmap.MAP_POPULATE)'
unwrap "$TMP/summary"
grep '^populated' "$TMP/summary" | sed 's/^/# /'
filled=$(jq 'select(.rec == "exit").gup_total' "$TMP/filled")
check "all of it is without an exception" test "$filled" -ge 4096
check_equal "the summary says how much, and by which process" \
	"$(grep -cE "^populated without an exception: (\S+): $(numfmt --to=iec $((filled * 4096))) by [0-9]+ \(python3\); at least" \
		"$TMP/summary")" 1
done_testing
