#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A kernel that lacks what faultmap needs, by its own feature table: each command says so in one line,
# which names what is missing, and exits with 77.

. "$(dirname "$0")/../../lib.sh"

why=$("$FAULTMAP" check --json 2>/dev/null |
	jq -rs 'map(select(.required and (.available | not)))[0].why // ""')
check "the feature table has a reason" test -n "$why"
for command in "run -- true" "log -n 1" "top --once" "daemon --listen 127.0.0.1:0"; do
	# shellcheck disable=SC2086
	timeout 120 "$FAULTMAP" $command >"$TMP/out" 2>"$TMP/messages" </dev/null
	check_equal "$command: exit status" "$?" 77
	check_equal "$command: one line, with the reason of the feature table" \
		"$(wc -l <"$TMP/messages") $(grep -cF "$why" "$TMP/messages")" "1 1"
done
"$FAULTMAP" check >"$TMP/out" 2>"$TMP/messages"
check_equal "check: exit status" "$?" 77
done_testing
