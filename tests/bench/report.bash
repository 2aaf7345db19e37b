# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Tables and targets as Markdown, for the scripts beside it. The samples are lines "WORKLOAD PROFILER NUMBER" in
# $TMP/samples; targets collect in $TARGETS, which run.sh prints last.

NOISE=0.1 # of a target may be said to be noise, and of what a profiler adds in wall time

# statistics WORKLOAD PROFILER: "MEDIAN LOW MINIMUM QUARTILE COUNT" of its samples, low being the 1st percentile and
# quartile the 25th; nothing if there are none.
# What disturbs a sample on a virtual machine adds to it, so that the low ones tell; but not the lowest one: of
# 17 runs of 15 rounds what the empty program adds was 51 ns with a standard deviation of 9 by the smallest
# samples, 52 and 4 by the 1st percentile, 53 and 7 by the 5th, 55 and 10 by the median, and 54 and 7 by
# the median of the rounds' differences; another bare program adds 0 with 11, 4, 5, 7 and 4.
statistics()
{
	awk -v w="$1" -v p="$2" '$1 == w && $2 == p { print $3 }' "$TMP/samples" | sort -g | awk '
		{ v[NR] = $1 }
		END {
			if (NR)
				print (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2, v[int((NR - 1) / 100) + 1],
					v[1], v[int((NR - 1) / 4) + 1], NR
		}'
}

# low_of WORKLOAD PROFILER: the 1st percentile.
low_of()
{
	statistics "$1" "$2" | cut -d ' ' -f 2
}

# median_of WORKLOAD PROFILER
median_of()
{
	statistics "$1" "$2" | cut -d ' ' -f 1
}

# added_to WORKLOAD PROFILER: what it adds to the bare one; nothing where it was not measured.
added_to()
{
	local with bare

	with=$(low_of "$1" "$2") bare=$(low_of "$1" bare)
	[ -z "$with" ] || [ -z "$bare" ] || awk -v a="$with" -v b="$bare" 'BEGIN { print a - b }'
}

# noise_of WORKLOAD: what a second bare run adds to the first, by the low samples or the medians, whichever is more.
noise_of()
{
	awk -v a="$(statistics "$1" bare)" -v b="$(statistics "$1" bare_again)" '
		function away(x, y) { return x > y ? x - y : y - x }
		BEGIN {
			split(a, bare, " ")
			split(b, again, " ")
			median = away(again[1], bare[1])
			low = away(again[2], bare[2])
			print (median > low ? median : low)
		}'
}

# is_quiet WORKLOAD PROFILER: the machine is, so far that wall time can tell what this profiler adds.
is_quiet()
{
	awk -v noise="$(noise_of "$1")" -v added="$(added_to "$1" "$2")" -v part="$NOISE" 'BEGIN {
		exit !(added > 0 && noise <= part * added) }'
}

# noise_text WORKLOAD PROFILER: why is_quiet says no.
noise_text()
{
	local unit=unit_$1 label=label_$2

	awk -v noise="$(noise_of "$1")" -v added="$(added_to "$1" "$2")" -v unit="${!unit%% *}" -v label="${!label}" '
		BEGIN {
			if (added == "")
				printf "%s was not measured", label
			else
				printf "a second bare run differs by %.0f %s, %s by %.0f", noise, unit, label, added
		}'
}

# count_samples WORKLOAD PROFILER
count_samples()
{
	grep -c "^$1 $2 " "$TMP/samples"
}

# run_time_of WORKLOAD PROFILER: of its programs, by the median of the samples that nothing spoilt. Of 14 rounds of 4 on a
# machine with a load average of 15, drawn 8 rounds at a time, faultmap's / the empty program's was 1.68 with a standard
# deviation of 0.08 by the median, 1.62 and 0.06 by the lower quartile, 1.59 and 0.06 by the smallest; faultmap's / bpftrace's
# 0.318 with 0.017, 0.023 and 0.013.
run_time_of()
{
	median_of "${1}_run" "$2"
}

# print_run_times WORKLOAD TITLE WHAT PROFILER...: in ns per WHAT; those that have BPF programs, beside the empty one.
print_run_times()
{
	local workload=$1 profiler label row

	printf '\n### %s, run time of the BPF programs\n\n' "$2"
	printf '| %-29s | %9s | %9s | %9s | %15s |\n' "ns per $3" median quartile "x empty" "samples kept"
	printf '| %s | --------: | --------: | --------: | --------------: |\n' "-----------------------------"
	shift 3
	for profiler in "$@"; do
		has_programs "$profiler" || continue
		label=label_$profiler
		row=$(statistics "${workload}_run" "$profiler")
		awk -v label="${!label}" -v row="$row" -v empty="$(run_time_of "$workload" empty)" \
			-v spoilt="$(count_samples "${workload}_spoilt" "$profiler")" 'BEGIN {
			if (!split(row, a, " ")) {
				printf "| %-29s | %9s | | | |\n", label, "not available"
				exit
			}
			printf "| %-29s | %9.0f | %9.0f | %9.2f | %15s |\n", label, a[1], a[4],
				(empty > 0 ? a[1] / empty : 0), a[5] " of " a[5] + spoilt
		}'
	done
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

# add_target MEASURE WHAT VALUE OTHER LIMIT: VALUE / OTHER shall be at most LIMIT; empty: not known.
add_target()
{
	awk -v measure="$1" -v what="$2" -v value="$3" -v other="$4" -v limit="$5" -v noise="$NOISE" 'BEGIN {
		if (value == "" || other == "" || other <= 0) {
			printf "| not measured here | %s | %s | | no sample, or other work spoilt them |\n", what, limit
			exit
		}
		ratio = value / other
		verdict = "**not met**"
		if (ratio <= limit * (1 + noise))
			verdict = "met but for a tenth, which may be noise"
		if (ratio <= limit)
			verdict = "met"
		printf "| %s | %s | %s | %.3f (%.4g / %.4g) | %s |\n", verdict, what, limit, ratio, value, other, measure
	}' >>"$TARGETS"
}

# add_limit MEASURE WHAT VALUE UNIT LIMIT: VALUE shall be at most LIMIT. Memory has no noise.
add_limit()
{
	awk -v measure="$1" -v what="$2" -v value="$3" -v unit="$4" -v limit="$5" -v noise="$NOISE" 'BEGIN {
		verdict = "**not met**"
		if (unit != "MiB" && value <= limit * (1 + noise))
			verdict = "met but for a tenth, which may be noise"
		if (value <= limit)
			verdict = "met"
		printf "| %s | %s | %s %s | %.3g %s | %s |\n", verdict, what, limit, unit, value, unit, measure
	}' >>"$TARGETS"
}

# add_unknown WHAT LIMIT WHY
add_unknown()
{
	printf '| not measured here | %s | %s | | %s |\n' "$1" "$2" "$3" >>"$TARGETS"
}

# add_floor WHAT VALUE OTHER: the lowest possible value for the target before it: VALUE / OTHER.
add_floor()
{
	awk -v what="$1" -v value="$2" -v other="$3" 'BEGIN {
		if (value != "" && other > 0)
			printf "| its floor | %s | | %.3f (%.4g / %.4g) | |\n", what, value / other, value, other
	}' >>"$TARGETS"
}

# less_empty WORKLOAD PROFILER: its run time without what the empty program takes, for each run of a program: that is the
# kernel's reading of the clock.
less_empty()
{
	awk -v value="$(run_time_of "$1" "$2")" -v runs="$(median_of "${1}_runs" "$2")" -v empty="$(run_time_of "$1" empty)" \
		'BEGIN { if (value != "" && runs != "" && empty != "") printf "%.1f", value - runs * empty }'
}

# add_less_empty WORKLOAD PROFILER OTHER: the target before it, of these two, by less_empty.
add_less_empty()
{
	awk -v value="$(less_empty "$1" "$2")" -v other="$(less_empty "$1" "$3")" 'BEGIN {
		if (value != "" && other != "" && other > 0)
			printf "| less the empty program | %s | | %.3f (%.4g / %.4g) | |\n",
				"without what is the clock of the statistics, in each run of a program", value / other, value, other
	}' >>"$TARGETS"
}

# print_targets: at the end of a script that was started alone; run.sh prints those of all.
print_targets()
{
	[ "$TARGETS" = "$TMP/targets" ] || return 0
	printf '\n### Targets\n\n| verdict | target | at most | is | measure |\n| --- | --- | --- | --- | --- |\n'
	cat "$TARGETS"
}

TARGETS=${TARGETS:-$TMP/targets}
[ -e "$TARGETS" ] || : >"$TARGETS"
