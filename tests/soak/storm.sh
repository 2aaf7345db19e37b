#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Runs one workload again and again until TERM, which ends it after the current round. The workload prints the
# kernel's counts of each process.
# usage: storm.sh spawn|lives|remap     with BUILD set

set -u
workload=$BUILD/workload

# Processes of a millisecond, one after another.
spawn()
{
	"$workload/spawn" 100 /bin/true
}

# However a process begins and ends; 77 is a life that this machine does not allow.
lives()
{
	local life

	for life in vfork spawn fork threads_first leader_first exec_thread exec_orphan killed \
		same_pid; do
		"$workload/lives" "$life" 10 || [ $? -eq 77 ] || return 1
	done
}

remap()
{
	"$workload/remap" 20
}

case ${1-} in
spawn | lives | remap) ;;
*)
	echo "usage: storm.sh spawn|lives|remap" >&2
	exit 2
	;;
esac
ended=
trap 'ended=yes' TERM
until [ "$ended" ]; do
	"$1" || exit 1
done
