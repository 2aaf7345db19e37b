# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Tables and targets as Markdown, for run.sh and ticks.sh. The samples are lines "WORKLOAD PROFILER
# NUMBER" in $TMP/samples; targets collect in $TARGETS, to be printed last.

TARGETS=${TARGETS:-$TMP/targets}

# statistics WORKLOAD PROFILER: "MEDIAN LOW MINIMUM" of its samples, low being the 1st percentile; nothing if there
# are none.
# What disturbs a sample on a virtual machine adds to it, so that the low ones tell; but not the lowest one: of
# 17 runs of 15 rounds what the empty program adds was 51 ns with a standard deviation of 9 by the smallest
# samples, 52 and 4 by the 1st percentile, 53 and 7 by the 5th, 55 and 10 by the median, and 54 and 7 by
# the median of the rounds' differences; another bare program adds 0 with 11, 4, 5, 7 and 4.
statistics()
{
	awk -v w="$1" -v p="$2" '$1 == w && $2 == p { print $3 }' "$TMP/samples" | sort -g | awk '
		{ v[NR] = $1 }
		END { if (NR) print (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2, v[int((NR - 1) / 100) + 1], v[1] }'
}

# low_of WORKLOAD PROFILER: the 1st percentile.
low_of()
{
	statistics "$1" "$2" | cut -d ' ' -f 2
}

# added_to WORKLOAD PROFILER: what it adds to the bare one; nothing where it was not measured.
added_to()
{
	local with bare

	with=$(low_of "$1" "$2") bare=$(low_of "$1" bare)
	[ -z "$with" ] || [ -z "$bare" ] || awk -v a="$with" -v b="$bare" 'BEGIN { print a - b }'
}

# credible_added WORKLOAD PROFILER: the same; nothing where it is less than the empty program adds,
# which no program on the same tracepoint can be: then other work was in the figures.
credible_added()
{
	awk -v added="$(added_to "$1" "$2")" -v floor="$(added_to "$1" empty)" 'BEGIN {
		if (added != "" && floor > 0 && added + 0 >= floor + 0) print added }'
}

# print_table WORKLOAD TITLE UNIT PROFILER...: the first profiler is what the others add to.
print_table()
{
	local workload=$1 profiler label row bare

	printf '\n### %s\n\n| %-29s | %9s | %9s | %9s | %9s | %9s | %9s |\n' "$2" "$3" median low minimum +median +low +minimum
	printf '| %s | --------: | --------: | --------: | --------: | --------: | --------: |\n' "-----------------------------"
	shift 3
	bare=$(statistics "$workload" "$1")
	for profiler in "$@"; do
		label=label_$profiler
		row=$(statistics "$workload" "$profiler")
		awk -v label="${!label}" -v row="$row" -v bare="$bare" 'BEGIN {
			if (!split(row, a, " ")) {
				printf "| %-29s | %9s | | | | | |\n", label, "not available"
				exit
			}
			split(bare, b, " ")
			printf "| %-29s | %9.0f | %9.0f | %9.0f | %9.0f | %9.0f | %9.0f |\n", label, a[1], a[2], a[3],
				a[1] - b[1], a[2] - b[2], a[3] - b[3]
		}'
	done
}

# add_target WHAT VALUE OTHER LIMIT: VALUE / OTHER shall be at most LIMIT; empty: not known.
add_target()
{
	awk -v what="$1" -v value="$2" -v other="$3" -v limit="$4" 'BEGIN {
		if (value == "" || other == "" || other <= 0) {
			printf "- not measurable here: %s, at most %s\n", what, limit
			exit
		}
		printf "- %s: %s, at most %s, is %.3f (%.4g / %.4g)\n",
			value / other <= limit ? "met" : "**not met**", what, limit, value / other,
			value, other
	}' >>"$TARGETS"
}

# add_floor WHAT VALUE OTHER: what nobody can save of the target before it: VALUE / OTHER.
add_floor()
{
	awk -v what="$1" -v value="$2" -v other="$3" 'BEGIN {
		if (value != "" && other > 0)
			printf "  - the floor, %s: %.3f (%.4g / %.4g)\n", what, value / other, value, other
	}' >>"$TARGETS"
}
