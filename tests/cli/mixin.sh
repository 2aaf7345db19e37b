#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The jsonnet mixin makes the same rules and dashboards as the plain files, and promtool accepts them.
# shellcheck source=tests/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

# make EXPRESSION: of the mixin, as JSON.
make_of()
{
	jsonnet -J packaging -e "(import 'mixin/mixin.libsonnet').$1"
}

if ! command -v jsonnet >/dev/null; then
	skip "the mixin says what the plain files say" "jsonnet is not installed"
	done_testing
	exit
fi
make_of grafanaDashboards >"$TMP/dashboards"
check_equal "its dashboards" "$(jq -c 'keys' "$TMP/dashboards")" '["faultmap-fleet.json","faultmap.json"]'
check "are the plain ones" test "$(jq -cS '.["faultmap.json"], .["faultmap-fleet.json"]' "$TMP/dashboards")" = \
	"$(jq -cS . packaging/grafana/faultmap.json packaging/grafana/fleet.json)"
for part in prometheusRules prometheusAlerts; do
	make_of $part >"$TMP/$part.json"
	check "promtool takes its $part" promtool check rules "$TMP/$part.json"
done
check_equal "its rules and alerts are the plain ones, in their order" \
	"$(jq -r '.groups[].rules[] | .record // .alert' "$TMP/prometheusRules.json" "$TMP/prometheusAlerts.json")" \
	"$(sed -nE 's/^ *- (record|alert): //p' packaging/prometheus/faultmap.rules.yml)"
check_equal "with their expressions" \
	"$(jq -r '.groups[].rules[].expr' "$TMP/prometheusRules.json" "$TMP/prometheusAlerts.json" | tr -d ' \n' | sha256sum)" \
	"$(/usr/bin/python3 -c 'import sys, yaml
for group in yaml.safe_load(open(sys.argv[1]))["groups"]:
    for rule in group["rules"]: print(rule["expr"])' packaging/prometheus/faultmap.rules.yml | tr -d ' \n' | sha256sum)"
done_testing
