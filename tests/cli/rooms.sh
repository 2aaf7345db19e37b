#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The rooms of src/: each line says which other rooms a room may use, and names no room above it, so
# dependencies go one way. An include that no line allows, or that does not name its room, fails. In all of the
# C code no function has more than 70 lines, and no file more than 700.

. "$(dirname "$0")/../lib.sh"

declare -A may_use=(
	[base]=""
	[model]="base"
	[verdict]="base model"
	[collect]="base model"
	[sink]="base model verdict"
	[metrics]="base model verdict"
	[replay]="base model"
	[serve]="base"
	[symbol]="base"
	[client]="base"
	[term]="base model"
	[cmd]="base model verdict collect sink metrics replay serve symbol client term"
)

# outside ROOM: its includes that are no room's it may use, made by the build, or the bpf/abi.h that model
# and collect share with the kernel side.
outside()
{
	local allowed=$1\ ${may_use[$1]}

	[[ $1 != @(model|collect) ]] || allowed+=" bpf"
	grep -HoE '^#include "[^"]*"' src/"$1"/*.[ch] |
		grep -vE "\"(${allowed// /|})/[a-z_0-9]+\.h\"\$" |
		grep -vE '/(collect/.*"faultmap(_old|_usual)?\.skel|sink/.*"(faultmap\.schema|flame_csp|profile\.pb-c)|serve/.*"flame_csp)\.h"$'
}

check_equal "every folder of src/ is a room with its line" \
	"$(find src -mindepth 1 -maxdepth 1 -type d -printf '%f\n' | sort)" "$(printf '%s\n' "${!may_use[@]}" | sort)"
# The table of src/README.md, "ROOM USED...", sorted.
documented()
{
	# shellcheck disable=SC2016 # Markdown's `
	sed -nE 's#^\| `([a-z]+)/` \| [^|]* \| ([^|]*) \| .*#\1 \2#p' src/README.md |
		sed 's/the C library//; s/`//g' | sed "s/all rooms/${may_use[cmd]}/" | sorted_words
}

# sorted_words: of each line those behind the first one, and the lines.
sorted_words()
{
	local room words

	while read -r room words; do
		# shellcheck disable=SC2086
		echo "$room $(printf '%s\n' $words | sort | paste -sd ' ')"
	done | sort
}

check_equal "src/README.md says the same" "$(documented)" \
	"$(for room in "${!may_use[@]}"; do echo "$room ${may_use[$room]}"; done | sorted_words)"
check_equal "bpf/README.md names every file of bpf/" \
	"$(for file in bpf/*.[ch]; do grep -qF "\`${file#bpf/}\`" bpf/README.md || echo "$file"; done)" ""
check_equal "no source lies outside of the rooms" "$(find src -maxdepth 1 -name '*.[ch]')" ""
for room in "${!may_use[@]}"; do
	check_equal "$room uses only: ${may_use[$room]:-nothing}" "$(outside "$room")" ""
done
check_equal "only collect/ knows libbpf" \
	"$(grep -lE '#include <bpf/|\.skel\.h"' src/*/*.[ch] | grep -v ^src/collect/)" ""
check_equal "only serve/ knows HTTP and TLS" \
	"$(grep -lE '#include <(microhttpd|gnutls)' src/*/*.[ch] | grep -v ^src/serve/)" ""
check_equal "only client/ knows libcurl" \
	"$(grep -lE '#include <curl/' src/*/*.[ch] | grep -v ^src/client/)" ""
check_equal "only term/ knows the terminal" \
	"$(grep -lE '#include <(n?curses|term|termios)' src/*/*.[ch] | grep -v ^src/term/)" ""

# too_long FILE...: functions and files. A function begins and ends with a brace in the first column.
too_long()
{
	awk '
		function file_ends() { if (lines > 700) print file ": " lines " lines" }
		FNR == 1 { file_ends(); file = FILENAME; start = 0 }
		{ lines = FNR }
		/^{/ { start = FNR }
		/^}/ && start {
			if (FNR - start - 1 > 70)
				print file ":" start ": a function of " FNR - start - 1 " lines"
			start = 0
		}
		END { file_ends() }' "$@"
}

# cmocka 2, on Debian sid, refuses its own macro.
check_equal "unit tests take assert_in_range() from range.h" \
	"$(grep -l 'assert_in_range(' tests/unit/*.c | xargs grep -L '"range.h"')" ""

shopt -s globstar
check_equal "functions fit a screen, files have one job" \
	"$(too_long src/**/*.[ch] bpf/*.[ch] packaging/**/*.c tests/**/*.[ch])" ""
{
	printf 'int f(void)\n{\n' && printf '\tg();\n%.0s' {1..70} && printf '}\n'
	printf 'int h(void)\n{\n' && printf '\tg();\n%.0s' {1..71} && printf '}\n'
} >"$TMP/functions.c"
printf '\n%.0s' {1..701} >"$TMP/file.c"
check_equal "one that does not is found" "$(too_long "$TMP/functions.c" "$TMP/file.c" | sed 's|.*/||')" \
	"functions.c:75: a function of 71 lines
file.c: 701 lines"
done_testing
