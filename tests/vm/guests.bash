# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# The guests: which kernel, on which machine, and the test files that run there.
# shellcheck disable=SC2034

# What CI runs, and there the files of $live alone.
short='amd64-5.10 amd64-6.1 amd64-6.12 amd64-newest arm64-6.12'

# The files of tests/live that every kernel runs. The others are shared out, so that the set is over in time; those
# of tests/vm/live need a machine of their own.
live=demo,kinds

# NAME ARCH SUITE PATTERN TESTS. The pattern is matched against what `uname -r` says; newest:N is the
# newest release of the Nth newest series. What is behind a + is for variant_of().
guests="
amd64-5.10 amd64 bullseye 5[.]10[.]0-[0-9]+-cloud-amd64 $live,children,tasks,mappings,paths,full,rows,guard,programs
amd64-6.1 amd64 bookworm 6[.]1[.]0-[0-9]+-cloud-amd64 $live,kinds_alone,privilege,full,mappings,paths,slices,run,latency,rows,tasks
amd64-6.12 amd64 trixie 6[.]12[.].*-cloud-amd64 $live,memory_high,privilege,paranoid,hotplug,mappings,new_names,rows,tasks
amd64-6.16 amd64 trixie 6[.]16[.].*-cloud-amd64 $live,latency,paths,top
amd64-6.18 amd64 trixie 6[.]18[.].*-cloud-amd64 $live,twice,mappings,run
amd64-newest2 amd64 trixie newest:2 $live,mappings,full
amd64-newest amd64 trixie newest:1 $live,kinds_alone,mappings,paths,slices,children,rows,tasks,refaults,populate
amd64-6.12-rt amd64 trixie 6[.]12[.].*-rt-amd64 $live
arm64-6.1 arm64 bookworm 6[.]1[.]0-[0-9]+-cloud-arm64 $live
arm64-6.12 arm64 trixie 6[.]12[.].*-cloud-arm64 $live,privilege,full,mappings,rows,tasks
arm64-newest arm64 trixie newest:1 $live,kinds_alone,paths,populate
amd64-6.1+stalls amd64 bookworm 6[.]1[.]0-[0-9]+-cloud-amd64 stalls
amd64-6.12+stalls amd64 trixie 6[.]12[.].*-cloud-amd64 stalls
amd64-6.12+preempt amd64 trixie 6[.]12[.].*-cloud-amd64 storm
amd64-6.12+integrity amd64 trixie 6[.]12[.].*-cloud-amd64 kinds
amd64-6.12+confidentiality amd64 trixie 6[.]12[.].*-cloud-amd64 kinds
amd64-6.12+swap amd64 trixie 6[.]12[.].*-cloud-amd64 kinds_alone,thrash
amd64-6.12+numa amd64 trixie 6[.]12[.].*-cloud-amd64 numa
amd64-6.12+hugetlb amd64 trixie 6[.]12[.].*-cloud-amd64 kinds_alone
amd64-6.12+thp amd64 trixie 6[.]12[.].*-cloud-amd64 demo,kinds
amd64-6.12+fragmented amd64 trixie 6[.]12[.].*-cloud-amd64 compaction
amd64-6.12+slowdisk amd64 trixie 6[.]12[.].*-cloud-amd64 slow_disk,delays
amd64-6.1+dax amd64 bookworm 6[.]1[.]0-[0-9]+-cloud-amd64 dax
amd64-newest+dax amd64 trixie newest:1 dax
amd64-6.12+pidns amd64 trixie 6[.]12[.].*-cloud-amd64 pid_namespace
"

# variant_of NAME: sets $APPEND, the kernel's further arguments, and adds to the array `options`.
variant_of()
{
	APPEND=
	case $1 in
	*+preempt) APPEND=preempt=full ;;
	*+integrity | *+confidentiality) APPEND=lockdown=${1#*+} ;;
	*+hugetlb) APPEND=hugepages=32 ;;
	*+thp) APPEND=transparent_hugepage=always ;;
	# Little memory is soon filled. Without these instructions of its CPU, which QEMU executes byte by byte, clearing a
	# huge page does not take a hundred times as long as making room for it.
	*+fragmented) APPEND='mem=768M clearcpuid=erms,rep_good' ;;
	*+dax) APPEND='memmap=128M!1G' ;; # persistent memory in the place of that memory
	*+swap) blank_disk swap 256 ;;
	# 200 requests per second: what waits for it waits for 5 ms.
	*+slowdisk) blank_disk slow 128 throttling.iops-total=200 ;;
	*+numa)
		# A socket for each node: CPUs of one socket are on one node, or the kernel warns.
		options+=(-smp "2,sockets=2,cores=1,threads=1" -object "memory-backend-ram,id=m0,size=1G" -numa "node,nodeid=0,cpus=0,memdev=m0"
			-object "memory-backend-ram,id=m1,size=1G" -numa "node,nodeid=1,cpus=1,memdev=m1")
		;;
	esac
}
