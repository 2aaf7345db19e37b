#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The recording rules and alerts: promtool accepts them, each alert fires when it should and only then, and each has a
# runbook page. tests/live/dashboard.sh holds their metrics against a real faultmap.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

RULES=packaging/prometheus/faultmap.rules.yml
RUNBOOKS=packaging/prometheus/runbooks

if ! command -v promtool >/dev/null; then
	skip "the alerts fire when they should" "promtool is not installed"
	done_testing
fi
check "promtool finds no fault in the rules" promtool check rules "$RULES"
mapfile -t alerts < <(sed -n 's/^ *- alert: //p' "$RULES")
check "there are alerts" test "${#alerts[@]}" -ge 6
for alert in "${alerts[@]}"; do
	tests=tests/rules/$alert.yml
	page=$RUNBOOKS/$alert.md
	check "$alert fires when it should, and not when it should not" promtool test rules "$tests"
	# Both must be asked: an alert that never fires passes all that expects nothing.
	check_contains "$alert: a case in which it fires" "$tests" '^ +- exp_labels:'
	check_contains "$alert: a case in which it does not" "$tests" '^ +exp_alerts: \[\]'
	check_contains "$alert: its page has its name" "$page" "^# $alert\$"
	check_contains "$alert: its page says what to look at" "$page" '^## What to look at next'
	check_contains "$alert: with a command of faultmap" "$page" 'faultmap (top|log|check)'
	check_contains "$alert: with a query" "$page" '\{instance="HOST"'
	check_contains "$alert names its page" "$RULES" "runbook_url: file:///.*/runbooks/$alert.md\$"
done
# The tests would notice: without its threshold no alert may pass.
mkdir -p "$TMP/packaging/prometheus" "$TMP/tests/rules"
cp tests/rules/*.yml "$TMP/tests/rules/"
sed -E 's/> (100|0\.5|0\.25|1|10000|200\))/> -1\1/; s/\[5m\]\)\) > 0$/[5m])) > -1/; s/ == 0/ >= 0/; s| / 10000| / 1e9|' "$RULES" \
	>"$TMP/$RULES"
check "the changed rules are rules" promtool check rules "$TMP/$RULES"
for alert in "${alerts[@]}"; do
	check_status "$alert: its tests fail when its threshold is gone" 1 \
		promtool test rules "$TMP/tests/rules/$alert.yml"
done
done_testing
