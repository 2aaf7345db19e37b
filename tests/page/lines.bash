# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Sourced by the tests of the page at /.

lines_seconds=200 # that a program of check_lines may take

# check_lines PROGRAM [ARGUMENT...]: one check for each line that it prints, NAME, GOT and WANTED with tabs between.
check_lines()
{
	local name got wanted

	timeout "$(longer "$lines_seconds")" /usr/bin/python3 -B "$@" >"$TMP/lines" 2>"$TMP/lines.err"
	check_equal "${1##*/} ends well" "$?$(tail -n 3 "$TMP/lines.err")" 0
	while IFS=$'\t' read -r name got wanted; do
		check_equal "$name" "$got" "$wanted"
	done <"$TMP/lines"
}
