#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# faultmap-metrics(7) has exactly the metrics that are served: names, types and labels.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

# The labels of these depend on what the machine runs, on its memory being short, and on
# kernel.bpf_stats_enabled.
optional='faultmap_group_refaults_total|faultmap_group_info|faultmap_bpf_run_seconds_total|faultmap_bpf_runs_total'

# page_metrics: "NAME TYPE LABEL...", a line each. Prometheus has no type for what info is: gauge.
page_metrics()
{
	awk '
		/^\.It Cm faultmap_/ {
			name = $3
			sub(/^[^{]*Brq/, "")
			labels = /^\.It/ ? "" : $0
			gsub(/ ,/, "", labels)
		}
		name && /^(Counter|Gauge|Histogram)\.$/ {
			print name, tolower(substr($0, 1, length($0) - 1)) labels
			name = ""
		}' packaging/man/faultmap-metrics.7 | sort
}

# served_metrics FILE: the same of a scrape. A histogram's le is no label of ours.
served_metrics()
{
	/usr/bin/python3 - "$1" <<-'END'
		import sys
		from prometheus_client.parser import text_string_to_metric_families
		for family in text_string_to_metric_families(open(sys.argv[1]).read()):
		    name = family.name + ("_total" if family.type == "counter" else "")
		    labels = []
		    for sample in family.samples:
		        labels += [l for l in sample.labels if l not in labels and l != "le"]
		    print(" ".join([name, family.type] + labels))
	END
}

# names: of a list of metrics, with their types.
names()
{
	cut -d' ' -f1,2
}

has_everything()
{
	scrape && grep -q '^faultmap_mapping_faults_total{' "$TMP/scrape" &&
		grep -q '^faultmap_fault_latency_seconds_bucket{' "$TMP/scrape"
}

start_daemon --config /dev/null --interval 0.2 --detail full
check "the daemon serves groups, mappings and latencies" wait_for 120 has_everything
"$FAULTMAP" guard -p $$ -d 0.1 -o /dev/null --prometheus-textfile "$TMP/guard.prom" 2>"$TMP/guard.err"
served_metrics <(cat "$TMP/scrape" "$TMP/guard.prom") | sort >"$TMP/served"
page_metrics >"$TMP/page"
check_equal "faultmap-metrics(7) has the metrics that are served, of their types" \
	"$(names <"$TMP/page")" "$(names <"$TMP/served")"
check_equal "and their labels" "$(grep -vE "^($optional) " "$TMP/page")" \
	"$(grep -vE "^($optional) " "$TMP/served")"

done_testing
