#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Every process has its cgroup's path as /proc/PID/cgroup has it, also one older than faultmap or gone at once.
# The path comes from BPF: no tick walks through the cgroups.
# shellcheck disable=SC2016

. "$(dirname "$0")/../lib.sh"

SERVICES=${SERVICES:-113}
ROOT_OF_CGROUPS=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/self/mounts)
top=$ROOT_OF_CGROUPS/faultmap-test-$$.slice

if [ -z "$ROOT_OF_CGROUPS" ] || ! mkdir "$top" 2>"$TMP/mkdir.err"; then
	skip "cgroups have their paths" "no cgroup v2 to write to: $(cat "$TMP/mkdir.err")"
	done_testing
fi

remove_cgroups()
{
	find "$top" -depth -type d -exec rmdir {} \; 2>/dev/null
	cleanup_test
}
trap remove_cgroups EXIT

# serve CGROUP COMMAND...: in a cgroup of its own, which is gone in a moment; prints the path that the process has
# by /proc, and its pid.
serve()
{
	mkdir "$1"
	bash -c 'echo $$ >"$0/cgroup.procs" || exit
		echo "$(sed -n "s/^0:://p" /proc/self/cgroup) $$"
		exec "$@"' "$@"
	rmdir "$1"
}

# serve_many PREFIX: one service after another.
serve_many()
{
	local i

	for ((i = 1; i <= SERVICES; i++)); do
		serve "$top/$1$i.service" true
	done
}

# paths LOG PIDS: "CGROUP PID" of each of these by its exit record, as serve prints it.
paths()
{
	jq -rn --slurpfile wanted <(awk '{ print $NF }' "$2") '
		($wanted | map({ key: tostring, value: true }) | from_entries) as $is_wanted
		| inputs | select(.rec == "exit" and $is_wanted[.pid | tostring]) | "\(.cgroup) \(.pid)"' "$1" |
		sort
}

# start_log FILE COMMAND...: faultmap behind the command.
start_log()
{
	start_background "${@:2}" "$FAULTMAP" log -d 0.2 -o "$1"
	log=$BACKGROUND_PID
	wait_for 120 grep -qs '"rec":"interval"' "$1"
}

# stop_log FILE SERVED: when it has seen all of them end.
stop_log()
{
	local pids

	mapfile -t pids < <(awk '{ print $NF }' "$2")
	wait_for 120 have_ended "$1" "${pids[@]}"
	stop_background "$log"
	keep_log "$1"
}

test_services()
{
	local old deep

	# Older than faultmap, and deep.
	deep=$top/$(printf 'level_%s.slice/' {1..20})old.service
	mkdir -p "$deep"
	start_background bash -c 'echo $$ >"$0/cgroup.procs" && exec sleep 1000' "$deep"
	old=$BACKGROUND_PID
	wait_for 120 grep -q . "$deep/cgroup.procs"
	start_log "$TMP/log"
	serve_many short >"$TMP/served"
	echo "${deep#"$ROOT_OF_CGROUPS"} $old" >>"$TMP/served"
	stop_background "$old"
	stop_log "$TMP/log" "$TMP/served"
	check_equal "each of $SERVICES services that lived for a moment has its path, an old one too" \
		"$(paths "$TMP/log" "$TMP/served")" "$(sort "$TMP/served")"
	check_equal "no process is without one" \
		"$(jq -rn '[inputs | select((.rec == "exit" or .rec == "process") and .cgroup == "")] | length' "$TMP/log")" 0
	check_equal "none is counted as lost" \
		"$(jq -s 'map(select(.rec == "interval").cgroups_lost) | add' "$TMP/log")" 0
}

# Where cgroups are not mounted any more, new ones still have their paths: nothing is read there.
test_unmounted()
{
	start_log "$TMP/unmounted" unshare -m --propagation private
	check "the cgroups are taken away" nsenter -t "$log" -m umount -l "$ROOT_OF_CGROUPS"
	serve_many hidden >"$TMP/served"
	stop_log "$TMP/unmounted" "$TMP/served"
	check_equal "the paths come from the kernel side" \
		"$(paths "$TMP/unmounted" "$TMP/served")" "$(sort "$TMP/served")"
}

# In a cgroup namespace paths begin at its root, and what is not below it has none.
test_namespace()
{
	local inside=$top/container

	mkdir -p "$inside/init"
	echo $BASHPID >"$inside/cgroup.procs"
	start_log "$TMP/namespace" unshare -C -m --propagation private bash -c '
		umount -l "$0" && mount -t cgroup2 none "$0" && exec "$@"' "$ROOT_OF_CGROUPS"
	echo $BASHPID >"$ROOT_OF_CGROUPS/cgroup.procs"
	bash -c 'echo $$ >"$0/cgroup.procs"; echo "/ $$"' "$inside" >"$TMP/served"
	serve "$inside/below.service" true | sed "s|^${inside#"$ROOT_OF_CGROUPS"}||" >>"$TMP/served"
	serve "$top/beside.service" true | sed 's|^[^ ]*||' >>"$TMP/served"
	stop_log "$TMP/namespace" "$TMP/served"
	check_equal "a namespace's paths begin at its root" \
		"$(paths "$TMP/namespace" "$TMP/served")" "$(sort "$TMP/served")"
}

# units_of LOG: of the services that ended, by the last part of their cgroups' paths.
units_of()
{
	jq -r 'select(.rec == "exit" and (.cgroup | test("/unit[0-9]*\\.service$"))) | .cgroup | sub(".*/"; "")' "$1" | sort -u
}

# The daemon's groups: each of these units has its own, with its name as in the log, and no process is in "unknown".
test_groups()
{
	start_daemon --interval 0.2 --mappings none --max-series 20000
	start_log "$TMP/alike"
	serve_many unit >"$TMP/served"
	check "the last service has its group" wait_for 120 has_group "unit$SERVICES.service"
	stop_log "$TMP/alike" "$TMP/served"
	check_equal "log and /metrics name the same units" \
		"$(grep -o '^faultmap_group_faults_total{group="unit[0-9]*\.service"' "$TMP/scrape" | cut -d '"' -f 2 | sort -u)" \
		"$(units_of "$TMP/alike")"
	check_equal "no fault is in the group unknown" "$(grep -c 'group="unknown"' "$TMP/scrape")" 0
	check_equal "$SERVICES units have their groups" \
		"$(grep -o '^faultmap_group_faults_total{group="unit[0-9]*\.service"' "$TMP/scrape" | sort -u | wc -l)" \
		"$SERVICES"
	stop_background "$daemon"
}

has_group()
{
	curl -s --noproxy '*' -m 30 "http://$target/metrics" >"$TMP/scrape" && grep -q "group=\"$1\"" "$TMP/scrape"
}

test_services
test_unmounted
test_namespace
test_groups
check_schema
done_testing
