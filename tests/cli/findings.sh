#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Each finding has a live workload that must trigger it and one close to it that must not; each threshold has its reason.
. "$(dirname "$0")/../lib.sh"

rules=src/verdict/findings_rules.c

# NAME|FILE|check that expects it|check of what comes close
# shellcheck disable=SC2016 # of those files
workloads='again|live/findings|the same memory again and again|more memory, but once
cow-storm|live/findings|copies after a fork|a small fork
cold-file|live/findings|a cold file, page by page|a file that is in the cache
lock-convoy|live/findings|a thread that always changes the address space, and one that faults|one that does it now and then
swap-in|live/refaults|$name: a finding|$name: memory that fits has none
slow-handler|live/findings|a file system that answers late|one that is asked once
denied-mechanism|live/findings|denied faults as a mechanism|a crash has none
thrash|live/findings|a file that does not fit below a limit|one that fits is cold at first, and stays
reserved|live/findings|reserved and not touched|less than a gibibyte of it
huge-pages|live/findings|page by page where huge pages would do|the same in huge pages
compaction|vm/live/compaction|$name: a finding|huge pages are free: no finding
thread-stacks|live/findings|a thread for each task|a large pool
arenas|live/findings|an arena for each thread|with what it says to do there is none of arenas
populate|live/findings|populated by the kernel|a few milliseconds of it
unused|live/findings|memory that nobody uses|memory of which most is used
relocations|live/findings|relocations at each start|as many starts of a small program
numa-hints|vm/live/numa|its memory comes after it again and again: a finding|its memory came after it, and that was all: no finding'

# expected FILE CHECK: what it expects, the last word in quotes of that call.
expected()
{
	awk -v title="check_equal \"$2\"" '
		index($0, title) { text = $0; while (text ~ /\\$/ && (getline line) > 0) text = text line
			match(text, /"[^"]*"$/); print substr(text, RSTART + 1, RLENGTH - 2); found = 1 }
		END { exit !found }' "tests/$1.sh"
}

check_equal "the list has all findings" "$(cut -d '|' -f 1 <<<"$workloads" | sort)" \
	"$(sed -n '/rules\[\] = {/,/^};/s/^	{ "\([a-z-]*\)",.*/\1/p' $rules | sort)"
while IFS='|' read -r name file triggers misses; do
	check_equal "$name: a workload triggers it" "$(expected "$file" "$triggers" | sort -u)" "$name "
	wanted=$(expected "$file" "$misses") || wanted="no such check"
	check_equal "$name: what comes close does not" "$(grep -c "^$name \$\|^no such check$" <<<"$wanted")" 0
done <<<"$workloads"

# A threshold stands behind a comment, which ends a line above it.
check_equal "each threshold has its reason" "$(awk '
	/^\/\* Thresholds/ { on = 1 } /^\/\* Rules/ { on = 0 }
	on && /^#define/ && previous !~ /\*\/$/ { print $2 }
	{ previous = $0 }' $rules)" ""
check_equal "they are in one place" "$(grep -lE '^#define (MANY|LONG|LARGE|TIMES|WALL|RESERVED)_' src/verdict/findings*.[ch])" $rules
done_testing
