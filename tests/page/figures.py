# SPDX-License-Identifier: GPL-2.0-only
"""figures.py URL GROUP PID...: whether what the page shows of a daemon is what its JSON, its /metrics and ps say.
The group's processes are these, and they sleep; it was born after the daemon. Prints a line for each check,
NAME, GOT and WANTED with tabs between, for tests/live/page.sh."""

import json
import re
import subprocess
import sys
import urllib.parse

from prometheus_client.parser import text_string_to_metric_families

from browser import Browser

# What the page shows of the list and of the group, with the answers that it is made of and the metrics of the
# same tick.
PICTURE = """(async () => {
    const figures = (selector) => Object.fromEntries([...document.querySelectorAll(selector)].map((line) =>
        [line.querySelector("th").textContent, [...line.querySelectorAll("[data-value]")].map((e) => Number(e.dataset.value))]));
    for (;;) {
        const ts = answers.overview.ts;
        const metrics = await (await fetch("metrics")).text();
        const after = await (await fetch("overview.json")).json();
        if (after.ts === ts && answers.overview.ts === ts && (!view.group || answers.group.ts === ts))
            return {
                metrics, ...answers,
                groups: figures("#groups tbody tr"), rest: figures("#groups tfoot tr"), kinds: figures("#kinds tbody tr"),
                tiles: [...document.querySelectorAll("#tiles dd")].map((e) => Number(e.dataset.value)),
                groupKinds: figures("#group-kinds + div tbody tr"),
                mappings: figures("#group-mappings + div tbody tr"),
                stalls: [...document.querySelectorAll("#group-stalls + div tbody td.number")].map((e) => Number(e.dataset.value)),
            };
        await new Promise((resolve) => setTimeout(resolve, 50));
    }
})()"""
FAULTS = ["minor", "major", "denied"]
COLUMNS = [*FAULTS, "stalled", "resident_bytes", "processes"]


def check(name, got, wanted=True):
    print(name, json.dumps(got, sort_keys=True), json.dumps(wanted, sort_keys=True), sep="\t", flush=True)


def series(metrics, name, group, label=None):
    """Of the group: by the label, and by severity or bound."""
    result = {}
    for family in text_string_to_metric_families(metrics):
        for sample in family.samples:
            if sample.name == name and sample.labels.get("group") == group:
                key = sample.labels[label] if label else ""
                value = int(sample.value) if sample.value.is_integer() else sample.value
                result.setdefault(key, {})[sample.labels.get("severity", sample.labels.get("le", ""))] = value
    return result


def counts(found):
    return {name: [by.get(severity, 0) for severity in FAULTS] for name, by in found.items()}


def resident(pids):
    lines = subprocess.run(["ps", "-o", "rss=", "-p", ",".join(pids)], capture_output=True, text=True, check=True)
    return sum(int(line) for line in lines.stdout.split()) * 1024


def check_list(browser, url):
    browser.open(url)
    shown = browser.ask(PICTURE)
    overview = shown["overview"]
    check("the groups are those of overview.json", shown["groups"],
          {group["name"]: [group[key] for key in COLUMNS] for group in overview["groups"]})
    check("the kinds too", shown["kinds"],
          {kind["name"]: [kind[key] for key in COLUMNS[:4]] for kind in overview["kinds"]})
    seconds, window = 0, []
    for point in reversed(overview["history"]):
        if seconds < overview["seconds"] - 1e-6:
            window.append(point)
            seconds += point["seconds"]
    check("history is of the same time", abs(seconds - overview["seconds"]) < 1e-6)
    for key in COLUMNS[:4]:
        sums = [sum(point[key] * point["seconds"] for point in window) / seconds,
                sum(kind[key] for kind in overview["kinds"]),
                sum(group[key] for group in overview["groups"]) + overview["other"][key]]
        check(f"history, kinds and groups add up to the same: {key}", max(sums) - min(sums) < 1e-4 or sums)
    total = sum(group["processes"] for group in overview["groups"]) + overview["other"]["processes"]
    check("so do processes", total, overview["processes"])
    check("that are those of /metrics", overview["processes"],
          int(re.search(r"^faultmap_processes (\d+)$", shown["metrics"], re.MULTILINE)[1]))
    text = browser.ask("document.querySelector('#state').textContent")
    check("the page says how many there are", re.match(r"[\d,]+ processes at ", text) is not None)


def check_group(browser, url, name, pids):
    browser.open(url + "#" + urllib.parse.urlencode({"group": name, "period": "total"}))
    shown = browser.ask(PICTURE)
    group, metrics = shown["group"], shown["metrics"]
    check("kinds are those of /metrics", shown["groupKinds"],
          counts(series(metrics, "faultmap_group_faults_total", name, "kind")))
    check("mappings too", shown["mappings"], counts(series(metrics, "faultmap_mapping_faults_total", name, "mapping")))
    faults = [sum(kind[i] for kind in shown["groupKinds"].values()) for i in range(3)]
    check("they are its faults", shown["tiles"][:3], faults)
    of_all = [series(metrics, metric, name).get("", {}).get("") for metric in (
        "faultmap_group_stall_seconds_sum", "faultmap_group_resident_bytes", "faultmap_group_processes",
        "faultmap_group_virtual_bytes", "faultmap_group_pages_total")]
    check("and all else", shown["tiles"][3:], of_all)
    stalls = group["stalls"]
    below = {"+Inf": sum(stalls["total"])} | {
        f"{bound:.11g}": sum(stalls["total"][: i + 1]) for i, bound in enumerate(stalls["bounds"])}
    buckets = series(metrics, "faultmap_group_stall_seconds_bucket", name)[""]
    check("stalls are those of /metrics", {le: below[le] for le in buckets}, buckets)
    check("the histogram shows all of them", sum(shown["stalls"]), below["+Inf"])
    check("of late is all that it has done",
          [round(group[key] * group["seconds"]) for key in FAULTS], [group[key + "_total"] for key in FAULTS])
    check("resident as ps says", group["resident_bytes"], resident(pids))
    check("as many processes", group["processes"], len(pids))


def main():
    url, group, *pids = sys.argv[1:]
    with Browser() as browser:
        check_list(browser, url)
        check_group(browser, url, group, pids)
        check("no error", browser.console, [])


main()
