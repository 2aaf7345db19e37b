# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# What several tests of the daemon share.

# check_failure NAME STATUS REGEX FLAG...: one line on stderr, which matches, and the exit status.
check_failure()
{
	timeout "$(longer 120)" "$FAULTMAP" daemon "${@:4}" >"$TMP/out" 2>"$TMP/err"
	check_equal "$1: exit status" "$?" "$2"
	check_equal "$1: one line" "$(wc -l <"$TMP/err")" 1
	check_contains "$1: says what" "$TMP/err" "$3"
}

