#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Runs a command within its budget of page faults, in a build:
#
#	sudo faultmap-budget.sh BUDGET-FILE COMMAND [ARG...]
#
# COMMAND runs as the user who called sudo. Leaves faultmap.xml (JUnit), faultmap.jsonl and faultmap.txt (the
# summary, with findings) here. The exit status is COMMAND's, or 3 when it ended well and the budget is
# broken. On a runner that cannot count faults COMMAND runs without a budget, after a warning; with
# FAULTMAP_REQUIRED=1 that is an error.
set -uo pipefail

if [ $# -lt 2 ]; then
	echo "usage: $0 BUDGET-FILE COMMAND [ARG...]" >&2
	exit 2
fi
budget=$1
shift
as_user=()
[ -z "${SUDO_USER:-}" ] || as_user=(--user "$SUDO_USER")

rm -f faultmap.xml faultmap.jsonl faultmap.txt
"${FAULTMAP:-faultmap}" run --budget-file "$budget" --junit faultmap.xml --jsonl faultmap.jsonl \
	-o faultmap.txt ${as_user[@]+"${as_user[@]}"} -- "$@"
status=$?
if [ $status -eq 77 ] && [ "${FAULTMAP_REQUIRED:-0}" != 1 ] && [ ! -s faultmap.txt ]; then
	echo "warning: this runner cannot count page faults; the budget is not checked" >&2
	rm -f faultmap.xml faultmap.jsonl faultmap.txt # empty
	if [ -n "${SUDO_USER:-}" ]; then
		exec sudo -u "$SUDO_USER" -- "$@"
	fi
	exec "$@"
fi
[ ! -s faultmap.txt ] || cat faultmap.txt >&2
exit $status
