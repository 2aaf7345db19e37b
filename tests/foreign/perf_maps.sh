#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# takes 60 s
# Functions of programs in a virtual machine (node and java, by the /tmp/perf-PID.map that they write) and in an
# interpreter (perl and python, by the function of the interpreter itself): each touches exactly what its script says.

. "$(dirname "$0")/../lib.sh"

# Above what is at the start of a mapping: the allocator has touched that.
cat >"$TMP/touch.js" <<'END'
"use strict";
function touchPages(view, from, pages) { for (let i = 0; i < pages; i++) view[(from + i) * 4096] = 1; }
function touchMore(view, from, pages) { for (let i = 0; i < pages; i++) view[(from + i) * 4096] = 2; }
const small = new Uint8Array(1 << 16), big = new Uint8Array(40 << 20);
function warm() { for (let i = 0; i < 40000; i++) { touchPages(small, 0, 4); touchMore(small, 2, 4); } }
warm();
// The compiler works beside: what it made is there in the next turn.
setTimeout(() => { warm(); touchPages(big, 8, 3000); touchMore(big, 4000, 1234); }, 500);
process.stdin.resume(); // until it ends
END
cat >"$TMP/Touch.java" <<'END'
import java.io.RandomAccessFile;
import java.lang.management.ManagementFactory;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import javax.management.ObjectName;

public class Touch {
	static void touchPages(MappedByteBuffer area, int from, int pages) {
		for (int i = 0; i < pages; i++)
			area.put((from + i) * 4096, (byte) 1);
	}

	static void touchMore(MappedByteBuffer area, int from, int pages) {
		for (int i = 0; i < pages; i++)
			area.put((from + i) * 4096, (byte) 2);
	}

	static void writeMap() throws Exception {
		ManagementFactory.getPlatformMBeanServer().invoke(
			new ObjectName("com.sun.management:type=DiagnosticCommand"), "compilerPerfmap", null, null);
	}

	public static void main(String[] args) throws Exception {
		try (RandomAccessFile file = new RandomAccessFile(args[0], "rw")) {
			file.setLength(40 << 20);
			MappedByteBuffer area = file.getChannel().map(FileChannel.MapMode.READ_WRITE, 0, 40 << 20);
			writeMap(); // once before: what it loads throws compiled code away
			for (int i = 0; i < 40000; i++) {
				touchPages(area, 9000, 4);
				touchMore(area, 9002, 4);
			}
			writeMap();
			touchPages(area, 0, 3000);
			touchMore(area, 4000, 1234);
			System.in.read(); // until it ends
		}
	}
}
END

# has_map: faultmap has a map open.
has_map()
{
	map=$(find "/proc/$stacks/fd" -lname '/tmp/perf-*.map' -printf '%l\n' 2>/dev/null | head -n 1)
	[ -n "$map" ]
}

# profile COMMAND...: its folded call paths are in $TMP/folded; it ends when its map was opened.
profile()
{
	mkfifo "$TMP/stdin"
	exec 7<>"$TMP/stdin" # opening it for reading alone would wait
	start_background "$FAULTMAP" stacks --folded "$TMP/folded" -- "$@" <"$TMP/stdin" >"$TMP/out" 2>&1 7>&-
	stacks=$BACKGROUND_PID
	wait_for 120 has_map
	exec 7>&-
	rm "$TMP/stdin"
	wait "$stacks" || { cat "$TMP/out"; return 1; }
	rm -f "$map"
}

# touched FUNCTION MAPPING: faults there in the function, which calls none. Behind it the kernel's functions come where
# the fault slept.
touched()
{
	awk -F';' -v name="$1" -v mapping="$2" 'index($NF, mapping) == 1 {
		for (i = 1; i < NF && !index($i, name); i++)
			;
		n = split($NF, words, " "); sum += i < NF ? words[n] : 0 } END { print sum + 0 }' "$TMP/folded"
}

check "node: stacks" profile node --perf-basic-prof --no-logfile-per-isolate \
	--logfile="$TMP/v8.log" "$TMP/touch.js"
check_equal "node: touchPages() has its 3000" "$(touched 'JS:*touchPages ' '[anon]')" 3000
check_equal "node: touchMore() has its 1234" "$(touched 'JS:*touchMore ' '[anon]')" 1234

# In a shared mapping each page is a fault, and only this process has it.
shared=/dev/shm/faultmap-test-$$
check "java: the compiler" javac -d "$TMP" "$TMP/Touch.java"
check "java: stacks" profile java -Xbatch -XX:+PreserveFramePointer '-XX:CompileCommand=dontinline,Touch.touch*' \
	-cp "$TMP" Touch "$shared"
rm -f "$shared"
check_equal "java: touchPages() has its 3000" "$(touched 'Touch.touchPages(' "$shared")" 3000
check_equal "java: touchMore() has its 1234" "$(touched 'Touch.touchMore(' "$shared")" 1234

# 200 pages less what malloc() has at the start: Perl's operator x makes the text. Each stack is unwound.
check "perl: stacks" "$FAULTMAP" stacks --stack-samples 1 --folded "$TMP/folded" -- \
	perl -e 'my $n = shift; my $x = "a" x $n; print length $x, "\n"' $((200 * 4096 - 40))
check_equal "perl: the operator x has its 200" \
	"$(awk '/;Perl_pp_repeat;.*\[anon\] \(demand_zero/ { sum += $NF } END { print sum }' "$TMP/folded")" 200

# 201 pages with the header of a bytes object: malloc() writes to the first of them, and what allocates the object to the
# last, behind the text. The operator * copies to all others.
check "python: stacks" "$FAULTMAP" stacks --folded "$TMP/folded" -- \
	/usr/bin/python3 -c 'import sys; x = b"ab" * (int(sys.argv[1]) // 2)' $((200 * 4096))
check_equal "python: the operator * has its 199" \
	"$(awk '/;_PyBytes_Repeat;.*\[anon\] \(demand_zero/ { sum += $NF } END { print sum }' "$TMP/folded")" 199
done_testing
