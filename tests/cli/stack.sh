#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Before Linux 6.13, and on arm64 still, all functions of a BPF program that are called within each other share 512
# bytes of stack. The running kernel may allow more, so this test adds up the bytes from the disassembly. The verifier
# rounds each function's bytes up to 32 (to 16 since Linux 6.8).

. "$(dirname "$0")/../lib.sh"

# A line for each program: BYTES FUNCTION FUNCTION...
deepest()
{
	llvm-objdump -dr "$1" | awk '
		/^Disassembly of section/ { text = / \.text:/ }
		/^[0-9a-f]+ <[^>]+>:/ && !/<LBB/ {
			name = $2
			gsub(/[<>:]/, "", name)
			section[name] = text
			if (text) # by number of the instruction
				functions[first = hex($1) / 8] = name
			stack[name] += 0
		}
		match($0, /r10 - [0-9]+/) { uses(substr($0, RSTART + 6, RLENGTH - 6)) }
		match($0, /\+= -[0-9]+/) { uses(substr($0, RSTART + 4, RLENGTH - 4)) }
		# To another section: a relocation, that has all but the number of the instruction. Within one, it is
		# relative to the next, and BPF_PSEUDO_CALL (the byte 10) tells it from the helpers; -1 is to be relocated.
		/\t85 .*\tcall / { target = $NF + 1 }
		text && /\t85 10 .*\tcall / && $NF != -1 { calls[name] = calls[name] " " $1 + 1 + $NF }
		/ = [0-9]+ ll$/ { target = $(NF - 1) / 8 }
		/R_BPF_64_(32|64)\t\.text/ { calls[name] = calls[name] " " target }
		/R_BPF_64_32\t[a-z]/ { calls[name] = calls[name] " " $NF }
		# An address on the stack is r10 plus a constant that is added next.
		function uses(bytes) {
			if (bytes + 0 > stack[name] && bytes + 0 <= 512)
				stack[name] = bytes + 0
		}
		function hex(text,    i, value) {
			for (i = 1; i <= length(text); i++)
				value = value * 16 + index("0123456789abcdef", substr(text, i, 1)) - 1
			return value
		}
		function rounded(bytes) {
			return bytes < 1 ? 32 : int((bytes + 31) / 32) * 32
		}
		# Sets path[name], returns its bytes.
		function depth(name,    n, i, callees, callee, most, below) {
			if (name in total)
				return total[name]
			n = split(calls[name], callees, " ")
			path[name] = name
			for (i = 1; i <= n; i++) {
				callee = callees[i] in functions ? functions[callees[i]] : callees[i]
				if (!(callee in stack) || (below = depth(callee)) <= most)
					continue
				most = below
				path[name] = name " " path[callee]
			}
			return total[name] = rounded(stack[name]) + most
		}
		END {
			for (name in stack)
				if (!section[name])
					print depth(name), path[name]
		}' | sort -nr
}

for object in "$BUILD"/bpf/faultmap*.bpf.o; do
	name=$(basename "$object")
	deepest "$object" >"$TMP/programs"
	check "$name: calls were found" \
		grep -qE ' fault_begin [a-z_]+( [a-z_]+){3}' "$TMP/programs"
	check_equal "$name: no program uses more than 512 bytes of stack" \
		"$(awk '$1 > 512' "$TMP/programs")" ""
done
done_testing
