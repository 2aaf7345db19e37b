#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# takes 6 s
# Names of Kubernetes pods and containers. There is no kubelet here: the test makes the cgroups and the directories of
# logs that the kubelet and containerd would make.
# shellcheck source=tests/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

uid=3d1f0c9e-8a7b-4c6d-9e5f-$(printf '%012x' "$$")
unnamed=7c2e11aa-8a7b-4c6d-9e5f-$(printf '%012x' "$$")
server=$(sha256sum <<<"server $$" | cut -c 1-64)
helper=$(sha256sum <<<"helper $$" | cut -c 1-64)
stranger=$(sha256sum <<<"stranger $$" | cut -c 1-64)

# cgroup_of UID ID: as the systemd driver makes it.
cgroup_of()
{
	echo "$root/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${1//-/_}.slice/cri-containerd-$2.scope"
}

# start_in CGROUP COMMAND...: in it from its exec on.
start_in()
{
	mkdir -p "$1" && cgroups+=("$1") || return
	# shellcheck disable=SC2016
	start_background env -u HOSTNAME sh -c 'echo $$ >"$1/cgroup.procs" && shift && exec "$@"' sh "$@"
}

# has_line REGEX
has_line()
{
	scrape && grep -qE "$1" "$TMP/scrape"
}

remove_cgroups()
{
	local cgroup

	for cgroup in "${cgroups[@]}"; do
		wait_for 120 rmdir "$cgroup"
		rmdir "${cgroup%/*}" 2>/dev/null
	done
	rmdir "$root/kubepods.slice/kubepods-burstable.slice" "$root/kubepods.slice" 2>/dev/null
	return 0
}

test_by_pod()
{
	start_daemon --interval 0.2 --group-by pod --pod-logs "$TMP/log" --max-series 20000
	check "a pod is one group" wait_for 60 has_line '^faultmap_group_processes\{group="shop/web-0"\} 2$'
	check "with its names" has_line \
		"^faultmap_group_info\{group=\"shop/web-0\",runtime=\"\",container_id=\"\",pod_uid=\"$uid\",namespace=\"shop\",pod=\"web-0\"\} 1$"
	check "a pod without a name is its UID" has_line "^faultmap_group_processes\{group=\"pod:$unnamed\"\} 1$"
	check "what is in no pod is there by unit" has_line '^faultmap_group_processes\{group="([^"]*\.(service|scope|slice)|/[^"]*)"\}'
	check_equal "where the kubelet tells, no capability is kept" \
		"$(sed -n 's/^CapPrm:\t//p' "/proc/$daemon/status")" 0000000000000000
	mkdir "$TMP/log/pods/late_job-7_$unnamed"
	check "the kubelet's word that comes late is taken" wait_for 60 has_line \
		'^faultmap_group_processes\{group="late/job-7"\} 1$'
	stop_background "$daemon"
}

test_by_unit()
{
	start_daemon --interval 0.2 --pod-logs "$TMP/log" --max-series 20000
	check "by unit a container has its group, and its names" wait_for 60 has_line \
		"^faultmap_group_info\{group=\"containerd:${server:0:12}\",runtime=\"containerd\",container_id=\"$server\",pod_uid=\"$uid\",namespace=\"shop\",pod=\"web-0\",container=\"server\"\} 1$"
	check "and so has the other" has_line "container_id=\"$helper\",.*container=\"helper\""
	stop_background "$daemon"
}

# Without the kubelet's directories the environment tells, as far as it may be read.
test_environment()
{
	start_daemon --interval 0.2 --group-by pod --pod-logs "$TMP/none" --max-series 20000
	check "the environment tells, where nobody else does" wait_for 60 has_line \
		'^faultmap_group_processes\{group="mart/job-7"\} 1$'
	check "else the pod is its UID" has_line "^faultmap_group_processes\{group=\"pod:$uid\"\} 2$"
	stop_background "$daemon"
}

root=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/self/mounts)
cgroups=()
if [ -z "$root" ] || ! mkdir -p "$root/kubepods.slice" 2>"$TMP/mkdir.err"; then
	skip "pods have their names" "no cgroup v2 to write to: $(cat "$TMP/mkdir.err")"
	done_testing
	exit
fi
mkdir -p "$TMP/log/pods/shop_web-0_$uid" "$TMP/log/containers"
ln -s /nowhere "$TMP/log/containers/web-0_shop_server-$server.log"
ln -s /nowhere "$TMP/log/containers/web-0_shop_helper-$helper.log"
start_in "$(cgroup_of "$uid" "$server")" env HOSTNAME=web-0 sleep 1000 # of which namespace it does not say
started=("$BACKGROUND_PID")
start_in "$(cgroup_of "$uid" "$helper")" sleep 1000
started+=("$BACKGROUND_PID")
start_in "$(cgroup_of "$unnamed" "$stranger")" env HOSTNAME=job-7 POD_NAMESPACE=mart sleep 1000
started+=("$BACKGROUND_PID")
test_by_pod
test_by_unit
test_environment
for pid in "${started[@]}"; do
	stop_background "$pid"
done
check "the machine is as it was" remove_cgroups
done_testing
