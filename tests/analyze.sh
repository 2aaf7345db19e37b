#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# clang's analyzer over the files of src/, as many at once as there are CPUs. What is left when the reports
# below are taken out makes the exit status 1.
# usage: tests/analyze.sh FLAGS...      the compiler's (make analyze)

set -u
cd "$(dirname "$(realpath "${BASH_SOURCE[0]}")")/.." || exit 1
export CLANG=${CLANG:-clang}
BUILD=${BUILD:-build}
TMP=$(mktemp -d) || exit 1
trap 'rm -rf "$TMP"' EXIT
export TMP

# analyze FILE FLAGS...: what is no analysis, as a file that does not compile, is an error.
analyze()
{
	local file=$1 log
	log=$TMP/${file//[\/]/-}.log
	shift

	"$CLANG" --analyze --analyzer-output text "$@" "$file" >"$log" 2>&1 ||
		echo "$file: error: $CLANG failed" >>"$log"
}
export -f analyze

# is_explained FILE MESSAGE: why a report is none.
is_explained()
{
	local leaked

	# bpftool's text. Its "leak" is given to bpf_object__destroy_skeleton(), which frees it.
	[[ $1 != *.skel.h ]] || return 0
	# What the child of this vfork() calls before it executes another program is written for that.
	[[ $1 != src/cmd/child_user.c || $2 != *vfork* ]] || return 0
	# It reads on behind the end of the empty text that copy() gives where there is no memory.
	[[ $1 != src/term/lines.c || $2 != *"operand of '^' is a garbage value"* ]] || return 0
	# The analyzer does not know __attribute__((cleanup)), which frees these. LeakSanitizer and valgrind
	# see these variables' real leaks, tests/unit/test_nomem*.c those when memory is short.
	leaked=$(sed -n "s/.*Potential leak of memory pointed to by '\(.*[.]\)\?\([a-z_]*\)'.*/\2/p" <<<"$2")
	# What strsep() and next_piece() give is a part of one of them.
	[ "$leaked" ] && grep -Eq "^\s*autofree [^;]*[ *]$leaked = |[( ]$leaked = (strsep|next_piece)\(" "$1"
}

printf '%s\0' src/*/*.c | xargs -0 -P "$(nproc)" -I '{}' bash -c 'analyze "$@"' - '{}' "$@"
explained=0 left=0
while IFS= read -r line; do
	if is_explained "${line%%:*}" "$line"; then
		explained=$((explained + 1))
	else
		left=$((left + 1))
		echo "$line"
	fi
done < <(cat "$TMP"/*.log | grep -E '^[^ ]+: (error|warning): ' | sort -u)
if [ "$left" -gt 0 ]; then
	cat "$TMP"/*.log >"$BUILD/analyze.log"
	echo "tests/analyze.sh: $left reports, their paths in $BUILD/analyze.log" >&2
	exit 1
fi
printf '%s files, no report; %s are explained in tests/analyze.sh\n' "$(find src -name '*.c' | wc -l)" "$explained"
