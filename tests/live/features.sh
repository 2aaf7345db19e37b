#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# takes 20 s
# --disable-feature imitates a kernel that lacks a feature. Without any one of the optional features, faultgen's
# cases are counted exactly, with severity, mapping, access and mode; kinds and pages may be coarser, as
# `faultmap check` says, but never wrong. Without a required feature: exit status 77 and one line.

. "$(dirname "$0")/../lib.sh"
. tests/live/kinds.bash

# Of each way that a fault can go: counted at entry, stamped, major, denied, by the kernel.
cases=(demand_zero_write cow_zero cow_fork reuse huge_zero file_map_read file_map_major file_cow mkwrite
	shmem_anon userfaultfd stack_growth kernel_read denied_unmapped denied_access_write denied_bus)

# Without a shared zero page there is one case less in each bundle; faultgen finds that out.
drop_cow_zero()
{
	"$faultgen" cow_zero >/dev/null 2>"$TMP/err"
	[ $? -eq 77 ] || return 0
	skip "cow_zero" "$(head -n 1 "$TMP/err")"
	mapfile -t cases < <(printf '%s\n' "${cases[@]}" | grep -vx cow_zero)
}

# run_without FEATURE[,FEATURE]: the bundle, all cases in one run; its status in $status.
run_without()
{
	local feature arguments=()

	for feature in ${1//,/ }; do
		arguments+=(--disable-feature "$feature")
	done
	rm -rf "$TMP/cases"
	mkdir "$TMP/cases"
	# shellcheck disable=SC2016
	timeout "$(longer 500)" "$FAULTMAP" run --json --detail=full "${arguments[@]}" -o "$TMP/log" -- bash -c '
		cases=$1
		for case in "${@:2}"; do
			provoke "$case"
			[ "$(<"$cases/$case.status")" -eq 0 ] || rm "$cases/$case.json"
		done' - "$TMP/cases" "${cases[@]}" 2>"$TMP/messages"
	status=$?
	show_disturbed
}

# differences FEATURE[,FEATURE]: a line for each case that the log does not have as it should.
differences()
{
	LACKS=${LACKS:+$LACKS,}$1 jq -r -L tests/live --slurpfile log "$TMP/log" 'include "faults";
		in_detail("full") as $case
		| ([$case | want] | join("; ")) as $want | ([$log | got($case)] | join("; ")) as $got
		| select($got != $want) | "got:  \($got)\nwant: \($want)"' "$TMP"/cases/*.json
}

# check_without FEATURE[,FEATURE] [HOOKS]: HOOKS is what the hooks in use must not match.
check_without()
{
	local name="without ${1/,/ and }"

	run_without "$1"
	check_equal "$name: faultmap ran" "$status" 0
	check_equal "$name: cases that ran, all counted exactly" \
		"$(find "$TMP/cases" -name '*.json' | wc -l) $(differences "$1")" "${#cases[@]} "
	check_equal "$name: nothing without a kind or a mapping" \
		"$(jq -s -L tests/live 'include "faults"; unexplained' "$TMP/log")" 0
	check_equal "$name: no hook of its own" \
		"$(jq -c --arg hooks "${2:-^$}" 'select(.rec == "meta")
			| [.hooks[] | select(test($hooks))]' "$TMP/log")" "[]"
	[[ $1 == *perf_events* ]] || check_equal "$name: rows are what perf events and tasks counted" \
		"$(jq -nr -L tests/live 'include "faults"; discrepancies("full")' "$TMP/log")" ""
}

# refused FEATURE
refused()
{
	timeout "$(longer 500)" "$FAULTMAP" run --disable-feature "$1" -- true >"$TMP/out" 2>"$TMP/messages"
	check_equal "without $1: status 77, and one line that names it" \
		"$? $(wc -l <"$TMP/messages") $(grep -c "disable-feature $1; " "$TMP/messages")" "77 1 1"
}

# refused_both FEATURE FEATURE: either will do, but one it has to be; `run` and `check` say the same.
refused_both()
{
	local command

	for command in "run -o /dev/null -- true" check; do
		# shellcheck disable=SC2086
		timeout "$(longer 500)" "$FAULTMAP" ${command%% *} --disable-feature "$1" --disable-feature "$2" \
			${command#"${command%% *}"} >"$TMP/out" 2>"$TMP/messages"
		check_equal "without $1 and $2: ${command%% *} gives 77, and one line that names both" \
			"$? $(wc -l <"$TMP/messages") $(grep -c "disable-feature $1, and .*disable-feature $2; " \
				"$TMP/messages")" "77 1 1"
	done
}

declare -A hooks=([perf_events]='^perf_event/' [rss_stat]=rss_stat [tlb_flush]=tlb_flush
	[map_pages]=map_pages [reclaim]='direct_reclaim' [memcg_reclaim]='memcg_reclaim'
	[process_free]=process_free [signals]=signal_generate [switches]='sched_switch|contention'
	[locks]=contention [compaction]=mm_compaction [page_cache]=add_to_page_cache
	[writeback]='wait_writeback|balance_dirty' [refaults]=mod_memcg_lruvec_state)

drop_cow_zero
"$FAULTMAP" check --json >"$TMP/features"
check_equal "faultmap check" "$?" 0
for feature in $(jq -r 'select(.required).feature' "$TMP/features"); do
	refused "$feature"
done
refused_both fault_entry perf_events
refused_both task_walk task_iterator
# The programs for kernels before Linux 6.1 have no walk.
timeout "$(longer 500)" "$FAULTMAP" run --disable-feature maple_tree --disable-feature task_iterator -- true \
	>"$TMP/out" 2>"$TMP/messages"
check_equal "without maple_tree and task_iterator: status 77, and one line that names it" \
	"$? $(wc -l <"$TMP/messages") $(grep -c 'disable-feature task_iterator; ' "$TMP/messages")" "77 1 1"
# The one that `run` alone cannot do without.
refused process_fork
check "without process_fork: the daemon would work" "$FAULTMAP" check --disable-feature process_fork
# fault_entry.sh has every case without fault_entry.
for feature in $(jq -r 'select(.required or IN(.feature; "fault_entry", "process_fork") | not).feature' \
	"$TMP/features"); do
	if [ "$feature" = task_iterator ] && jq -e 'select(.feature == "task_walk").available | not' \
		"$TMP/features" >"$TMP/out"; then
		skip "without task_iterator" "it is all that this kernel has"
	elif [ "$(jq --arg feature "$feature" 'select(.feature == $feature).available' \
		"$TMP/features")" = true ]; then
		check_without "$feature" "${hooks[$feature]-}"
	else
		skip "without $feature" "this machine has none; every other test ran without it"
	fi
done
# Pages around a fault are counted either way.
check_without map_pages,direct_reads map_pages
done_testing
