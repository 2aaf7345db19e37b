# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# What kinds.sh and kinds_alone.sh share: many cases of faultgen under one faultmap, each a process of its
# own, and what the log has to say about each.
# shellcheck disable=SC2016

faultgen=$BUILD/workload/faultgen
# Files have to lie on a disk: on tmpfs they would be shmem.
directory=$BUILD
if [ "$(stat -f -c %T "$directory")" = tmpfs ]; then
	directory=/var/tmp
fi

declare -A judged
find_lacks

# Options of `run` that come before --detail, and what a jq filter makes of faultgen's report for them.
run_options=()
seen_as=.
! lacks fault_entry || seen_as='without_error_code($detail)'

# How many links to hooks our parent, faultmap, has.
hooks_of_parent()
{
	cat "/proc/$PPID/fdinfo"/* 2>/dev/null | grep -c '^link_type:'
}

has_hooks()
{
	[ "$(hooks_of_parent)" -ge "$1" ]
}

# use_swap_file DETAIL: in full detail faultmap attaches one more hook then.
use_swap_file()
{
	local hooks

	hooks=$(hooks_of_parent)
	swapon --priority 32767 "$swap_file" || return
	[ "$1" = fast ] || lacks rss_stat || lacks fault_entry || wait_for 120 has_hooks $((hooks + 1))
}

# provoke CASE: leaves what faultgen printed, its messages and its exit status in $cases. Where the kernel's own count
# is not what was to be provoked, since something else took a hand in it (75), there is no oracle: it is tried again,
# as another process.
provoke()
{
	local try status

	for try in 1 2 3; do
		# shellcheck disable=SC2086
		"$faultgen" $1 --dir "$directory" >"$cases/$1.json" 2>"$cases/$1.err"
		status=$?
		[ "$status" -eq 75 ] || break
		echo "$1: try $try: $(<"$cases/$1.err")" >>"$cases/disturbed"
	done
	echo "$status" >"$cases/$1.status"
}
export faultgen directory
export -f hooks_of_parent has_hooks use_swap_file lacks longer wait_for provoke

# show_disturbed: what was tried again, as a comment.
show_disturbed()
{
	[ ! -e "$TMP/cases/disturbed" ] || sed 's/^/# /' "$TMP/cases/disturbed"
}

# run_cases DETAIL CASE...: a case may be "CASE PAGES". Each leaves what it printed, its messages and its
# exit status in $TMP/cases. $limited, if set, is the cgroup that they run in, $swap_file what they swap to: not
# before faultmap runs.
run_cases()
{
	local detail=$1
	shift

	rm -rf "$TMP/cases"
	mkdir "$TMP/cases"
	limited=${limited-} swap_file=${swap_file-} "$FAULTMAP" run "${run_options[@]}" --json "--detail=$detail" -o "$TMP/log" -- bash -c '
		[ -z "$limited" ] || echo $$ >"$limited/cgroup.procs"
		[ -z "$swap_file" ] || use_swap_file "$2"
		cases=$1
		for case in "${@:3}"; do
			provoke "$case"
		done' - "$TMP/cases" "$detail" "$@" 2>"$TMP/messages"
	check_equal "$detail: faultmap ran" "$? $(cat "$TMP/messages")" "0 "
	show_disturbed
	keep_log "$TMP/log"
	judge_cases "$detail"
	for case in "$@"; do
		check_case "$detail" "$case"
	done
	check_equal "$detail: nothing without a kind or a mapping in the whole run" \
		"$(grep -E '"(rec":"interval|kind":"unknown)"' "$TMP/log" |
			jq -s -L tests/live 'include "faults"; unexplained')" 0
}

# Sets judged[CASE], for each case that ran: what is wanted|what the log has|faults without a kind. The log is
# read once, and its rows are looked up by process: an emulated machine is slow.
judge_cases()
{
	local line

	judged=()
	while IFS= read -r line; do
		judged[${line%%|*}]=${line#*|}
	done < <(jq -rn -L tests/live --arg detail "$1" --slurpfile log "$TMP/log" 'include "faults";
		($log | map(select(.rec == "faults")) | group_by(.pid)
			| map({key: (.[0].pid | tostring), value: .}) | from_entries) as $rows_of
		| inputs | (in_detail($detail) | '"$seen_as"') as $case
		| ($rows_of[$case.pid | tostring] // []) as $rows
		| [(input_filename | sub(".*/"; "") | rtrimstr(".json")), ([$case | want] | join("; ")),
			([$rows | got($case)] | join("; ")),
			(total($rows[] | select(.kind == "unknown") | .minor + .major + .denied) | tostring)]
		| join("|")' "$TMP"/cases/*.json)
}

# show_rows CASE: where the case was, and where the log has its process's mappings.
show_rows()
{
	jq -r '"\(.pid) \(.start) \(.end)"' "$1"
	jq -r --slurpfile case "$1" 'select(.rec == "faults" and .pid == $case[0].pid)
		| "\(.map_start) \(.map_end) \(.mapping) \(.kind) \(.minor) \(.major)"' "$TMP/log"
}

# check_case DETAIL CASE
check_case()
{
	local name="$1, $2" file="$TMP/cases/$2" status want got unknown

	read -r status <"$file.status"
	if [ "$status" = 77 ]; then
		skip "$name" "$(head -n 1 "$file.err")"
		return
	fi
	check_equal "$name: runs" "$status $(<"$file.err")" "0 "
	[ "$status" = 0 ] || return # there is nothing to hold the log against
	IFS='|' read -r want got unknown <<<"${judged[$2]-}"
	check_equal "$name: counted exactly, in its mapping" "$got" "$want"
	[ "$got" = "$want" ] || show_rows "$file.json" | sed 's/^/#   /'
	check_equal "$name: nothing without a kind" "$unknown" 0
}

# What populate brings in had no exception: the kernel faults it in itself. With full detail it has rows of its own.
check_populate()
{
	local case=$TMP/cases/populate.json gup want in_rows

	want=$(jq .gup "$case")
	gup=$(grep -F '"rec":"exit"' "$TMP/log" | jq -n --slurpfile case "$case" \
		'inputs | select(.pid == $case[0].pid) | .gup_total')
	in_rows=$(grep -F '"kind":"populate"' "$TMP/log" | jq -n --slurpfile case "$case" \
		'[inputs | select(.pid == $case[0].pid and .rec == "faults") | .minor] | add // 0')
	if [ "$1" = full ] && ! lacks populate; then
		check_equal "$1, populate: rows of that kind" "$in_rows" "$want"
		check "$1, populate: gup is the handful that exec takes (got $gup)" test "$gup" -le 16
	else
		check_equal "$1, populate: no rows" "$in_rows" 0
		check "$1, populate: gup is $want and the handful that exec takes (got $gup)" \
			test "$gup" -ge "$want" -a "$gup" -le $((want + 16))
	fi
}

# All but those of kinds_alone.sh; in $cases. Where fault entry is a perf event, without heap, which has a test of its
# own, and efault_read_only: nobody tells that it was a write, and what populate brings in looks like its end.
list_cases()
{
	local others=swap_in\|swap_cached\|hugetlb\|reclaim

	[ "$seen_as" = . ] || others+=\|heap\|efault_read_only
	# shellcheck disable=SC2034
	mapfile -t cases < <("$faultgen" --list | grep -vxE "$others")
}

# Where fault entry is a perf event, heap is not run below a shell: what its child writes to the shell's heap before
# exec is demand_zero as well there, and a process's heaps are one mapping.
check_heap()
{
	[ "$seen_as" != . ] || return 0
	"$FAULTMAP" run "${run_options[@]}" --json -o "$TMP/log" -- "$faultgen" heap >"$TMP/heap.json"
	check_equal "heap: counted exactly" \
		"$(jq -r -s --slurpfile case "$TMP/heap.json" -L tests/live 'include "faults";
			[got($case[0])] | join("; ")' "$TMP/log")" \
		"$(jq -r -L tests/live 'include "faults"; without_error_code("full") | [want] | join("; ")' \
			"$TMP/heap.json")"
}
