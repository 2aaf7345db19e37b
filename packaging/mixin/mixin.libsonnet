// SPDX-License-Identifier: GPL-2.0-only
// The dashboards, recording rules and alerts in the layout of a monitoring mixin (https://monitoring.mixins.dev),
// for deployment with jsonnet. It only reads the plain files beside it.
local rules = std.parseYaml(importstr '../prometheus/faultmap.rules.yml');
local all(is_wanted) = {
  groups: std.filter(function(group) group.rules != [], [
    group { rules: std.filter(is_wanted, group.rules) }
    for group in rules.groups
  ]),
};

{
  grafanaDashboards+:: {
    'faultmap.json': import '../grafana/faultmap.json',
    'faultmap-fleet.json': import '../grafana/fleet.json',
  },
  prometheusRules+:: all(function(rule) std.objectHas(rule, 'record')),
  prometheusAlerts+:: all(function(rule) std.objectHas(rule, 'alert')),
}
