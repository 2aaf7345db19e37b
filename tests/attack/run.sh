#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Runs the attacks one after another, or those whose name contains a PATTERN. Prints a line for each, as TAP,
# followed by its measurements or its failures. The logs are in $BUILD/tests/attack.
# usage: tests/attack/run.sh [PATTERN]...

set -u
cd "$(dirname "$(realpath "${BASH_SOURCE[0]}")")/../.." || exit 1
export BUILD=${BUILD:-build} LC_ALL=C.UTF-8
logs=$BUILD/tests/attack
mkdir -p "$logs"

# wanted NAME PATTERN...
wanted()
{
	local name=$1 pattern
	shift

	[ $# -gt 0 ] || return 0
	for pattern; do
		[[ $name != *"$pattern"* ]] || return 0
	done
	return 1
}

count=0 failed=0
for attack in tests/attack/*.sh; do
	name=$(basename "$attack" .sh)
	[ "$name" != run ] && wanted "$name" "$@" || continue
	count=$((count + 1))
	began=$SECONDS
	timeout 1200 "$attack" >"$logs/$name.log" 2>&1
	status=$?
	result=ok
	if [ $status -ne 0 ] || ! grep -qE '^1\.\.[1-9]' "$logs/$name.log"; then
		result='not ok'
		failed=$((failed + 1))
	fi
	echo "$result $count - $(sed -n 's/^# attack: //p' "$attack") ($name.sh, $((SECONDS - began)) s)"
	if [ "$result" = ok ]; then
		grep -hE '^# |# SKIP|stays small' "$logs/$name.log" | sed -E 's/^(# |ok [0-9]+ - )/#   /' | head -n 5
	else
		grep -A 8 '^not ok' "$logs/$name.log" | head -n 30 | sed 's/^/#   /'
		echo "#   exit status $status; all of it is in $logs/$name.log"
	fi
done
echo "1..$count"
[ $failed -eq 0 ]
