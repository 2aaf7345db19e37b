# SPDX-License-Identifier: GPL-2.0-only
"""Reads an exposition with Prometheus' own Python parsers and says what is in it, as JSON.

usage: exposition.py text|openmetrics FILE [BEFORE]

Sums by family over groups, the number of series, and what went down since the scrape BEFORE. A
parser that objects ends it with its message."""

import json
import sys

import prometheus_client.openmetrics.parser
import prometheus_client.parser

PARSERS = {
    "text": prometheus_client.parser.text_string_to_metric_families,
    "openmetrics": prometheus_client.openmetrics.parser.text_string_to_metric_families,
}


def read(form, path):
    with open(path, encoding="utf-8", newline="\n") as file:
        families = list(PARSERS[form](file.read()))
    samples = {}
    for family in families:
        for sample in family.samples:
            key = (sample.name, tuple(sorted(sample.labels.items())))
            if key in samples:
                sys.exit(f"twice: {key}")
            samples[key] = (family.type, sample.value)
    return families, samples


def total(samples, name, **labels):
    return round(
        sum(
            value
            for (other, pairs), (_, value) in samples.items()
            if other == name and labels.items() <= dict(pairs).items()
        )
    )


def main():
    families, samples = read(sys.argv[1], sys.argv[2])
    before = read(sys.argv[1], sys.argv[3])[1] if len(sys.argv) > 3 else {}
    print(
        json.dumps(
            {
                "series": len(samples),
                "families": len(families),
                "no_help": [family.name for family in families if not family.documentation],
                "ended_groups": total(samples, "faultmap_series_ended_total", family="group_faults"),
                "ended_mappings": total(
                    samples, "faultmap_series_ended_total", family="mapping_faults"
                ),
                "ended_accounted": total(
                    samples, "faultmap_series_ended_total", family="group_faults_accounted"
                ),
                "ended_stalls": total(
                    samples, "faultmap_series_ended_total", family="group_stall_seconds"
                ),
                "faults": total(samples, "faultmap_faults_total"),
                "group_faults": total(samples, "faultmap_group_faults_total"),
                "mapping_faults": total(samples, "faultmap_mapping_faults_total"),
                "other_faults": total(samples, "faultmap_group_faults_total", group="other"),
                "accounted": total(samples, "faultmap_process_faults_accounted_total"),
                "group_accounted": total(samples, "faultmap_group_faults_accounted_total"),
                "stalls": total(samples, "faultmap_fault_latency_seconds_count"),
                "group_stalls": total(samples, "faultmap_group_stall_seconds_count"),
                "processes": total(samples, "faultmap_processes"),
                "group_processes": total(samples, "faultmap_group_processes"),
                "longest_label": max(
                    len(value.encode()) for _, pairs in samples for _, value in pairs
                ) if any(pairs for _, pairs in samples) else 0,
                "down": [
                    str(key)
                    for key, (kind, value) in samples.items()
                    if kind in ("counter", "histogram")
                    and key in before
                    and value < before[key][1]
                    and not key[0].endswith("_created")
                ],
            }
        )
    )


main()
