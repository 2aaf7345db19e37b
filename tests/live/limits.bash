# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# For live tests that run programs within limits: control groups of their own, swap, and what faultmap says of
# a program in them. Who sources this calls undo_limits before it ends.

stalls=$BUILD/workload/stalls
# Where files are on a disk.
directory=$BUILD
if [ "$(stat -f -c %T "$directory")" = tmpfs ]; then
	directory=/var/tmp
fi
groups=()
swap_file=

undo_limits()
{
	local group

	[ -z "$swap_file" ] || swapoff "$swap_file" 2>/dev/null
	for group in "${groups[@]}"; do
		wait_for 120 rmdir "$group"
	done
	rm -f "$swap_file"
}

# root_of CONTROLLER: where its cgroups are; sets $version to 1 or 2.
root_of()
{
	version=2
	root=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
	if grep -qsw "$1" "$root/cgroup.controllers"; then
		echo "+$1" >"$root/cgroup.subtree_control"
		return
	fi
	version=1
	[ "$1" != io ] || set -- blkio
	root=$(awk -v name="$1" '$3 == "cgroup" && $4 ~ "(^|,)" name "(,|$)" { print $2; exit }' \
		/proc/mounts)
	[ -n "$root" ]
}

make_group()
{
	group=$root/faultmap-test.$$
	[ -d "$group" ] || mkdir "$group" || return
	[[ " ${groups[*]} " = *" $group "* ]] || groups+=("$group")
}

# limit_memory [SIZE]: a cgroup of 8 MiB; $limit is the file that says so.
limit_memory()
{
	root_of memory && make_group || return
	limit=$group/memory.max
	[ "$version" = 2 ] || limit=$group/memory.limit_in_bytes
	echo "${1:-8M}" >"$limit"
}

# add_swap: 48 MiB in a file of this test's own, before all other swap.
add_swap()
{
	swap_file=$directory/faultmap-swap.$$
	dd if=/dev/zero of="$swap_file" bs=1M count=48 2>/dev/null
	chmod 600 "$swap_file"
	mkswap "$swap_file" >/dev/null && swapon --priority 32767 "$swap_file"
}

# run_in_groups CASE ARGUMENT...: the program in all of $groups, without faultmap. $case is what it printed.
run_in_groups()
{
	in_groups "${groups[@]}" -- "$stalls" "$@" >"$TMP/case"
}

# in_groups GROUP... -- COMMAND...
in_groups()
{
	bash -c "$enter_groups" - "$@"
}
# shellcheck disable=SC2016
enter_groups='until [ "$1" = -- ]; do
		echo $$ >"$1/cgroup.procs" && shift
	done
	shift
	exec "$@"'

# run_case DETAIL CASE ARGUMENT...: in all of $groups, with run_flags. $case is what it printed.
run_flags=()
run_case()
{
	local detail=$1
	shift

	name="$detail, $1"
	"$FAULTMAP" run --json "--detail=$detail" "${run_flags[@]}" -o "$TMP/log" -- bash -c "$enter_groups" - \
		"${groups[@]}" -- "$stalls" "$@" >"$TMP/case" 2>"$TMP/err"
	if ! check_equal "$name: exit status" "$?" 0; then
		sed 's/^/# /' "$TMP/err"
	fi
	keep_log "$TMP/log"
	check_equal "$name: the parts make the whole in each row" \
		"$(query '[.[] | select(.rec == "faults" and .latency)
			| select(.latency.sum_ns_total != ([.stall[].sum_ns_total] | add))
			| {mapping, kind, latency, stall}][:3]')" "[]"
}

# query FILTER: of the log. $case is what the program printed; `stall` the sums of causes in its memory.
query()
{
	jq -c -s -L tests/live --slurpfile case "$TMP/case" '
		include "faults"; $case[0] as $case
		| def in_case: faults_in($case.pid; $case.start; $case.end)
			| select(.latency and (.kind | test("'"${kinds-}"'")));
		def stall: [in_case | .stall | to_entries[]] | group_by(.key)
			| map({key: .[0].key, value: total(.[].value.sum_ns)}) | from_entries;
		def unknown: [.[] | select(.rec == "faults") | .stall.unknown.sum_ns // 0] | add;
		'"$1" "$TMP/log"
}
