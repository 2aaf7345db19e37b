#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# In a PID namespace the kernel side would see other pids than the user does: faultmap refuses, in one line
# that names the reason and the remedy.

. "$(dirname "$0")/../lib.sh"

inside=(timeout 60 unshare --pid --fork --mount-proc "$FAULTMAP")
for command in "run -- true" "log -n 1" "top --once" "daemon --listen 127.0.0.1:0"; do
	# shellcheck disable=SC2086
	"${inside[@]}" $command >"$TMP/out" 2>"$TMP/messages" </dev/null
	check_equal "$command: exit status" "$?" 77
	check_equal "$command: one line" "$(wc -l <"$TMP/messages")" 1
	check_contains "$command: names the namespace and --pid=host" "$TMP/messages" \
		'^faultmap: .*PID namespace.*--pid=host'
done
"${inside[@]}" check --json >"$TMP/features" 2>"$TMP/messages"
check_equal "check: exit status" "$?" 77
check_equal "check: pid_namespace alone is missing" \
	"$(jq -r 'select(.required and (.available | not)).feature' "$TMP/features")" pid_namespace
done_testing
