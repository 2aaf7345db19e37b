#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# takes 10 s
# How many instructions the verifier processes while the programs load, which is most of the time of a start: one branch
# too many in a function that is verified on each path makes a start take seconds, or a kernel refuse the program.
# The kernel says the number for each program (fdinfo, since Linux 5.16).

. "$(dirname "$0")/../lib.sh"

# verified PID: the instructions of all programs that the process has, and of the largest.
verified()
{
	cat "/proc/$1/fdinfo/"* | awk '/^verified_insns:/ { sum += $2; if ($2 > most) most = $2 } END { print sum + 0, most + 0 }'
}

# check_verified MOST FLAG...: a log with these flags takes at most MOST instructions, and each program a third of what a
# kernel allows (BPF_COMPLEXITY_LIMIT_INSNS is a million), half of it with the object for old kernels.
check_verified()
{
	local most=$1 sum largest
	shift
	rm -f "$TMP/log"
	start_background "$FAULTMAP" log -o "$TMP/log" "$@"
	wait_for 120 test -s "$TMP/log"
	read -r sum largest < <(verified "$BACKGROUND_PID")
	check "${*:-fast}: the kernel tells" test "$sum" -gt 10000
	check "${*:-fast}: $sum instructions are verified, at most $most" test "$sum" -le "$most"
	check "${*:-fast}: $largest of one program, half a million at most" test "$largest" -le 500000
	stop_background "$BACKGROUND_PID"
}

if [ "$(printf '%s\n' 5.16 "$(uname -r)" | sort -V | head -n 1)" != 5.16 ]; then
	skip "how much is verified" "the kernel tells from Linux 5.16 on"
	done_testing
	exit
fi
check_verified 100000
check_verified 110000 --detail full
check_verified 185000 --stacks
check_verified 1000000 --disable-feature maple_tree
done_testing
