#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Holds all lines of a soak (as lines.jq made them) against what the kernel told the workloads.

Pids come round: a process is a pid and a start, and each report of a workload wants one of its own.
usage: tally.py LINES SPAWN LIVES REMAP      prints a JSON object; lists name what is wrong"""
import bisect
import collections
import json
import sys

COUNTS = ("entries", "minor", "major", "denied", "aborted", "gup")


def read_lines(path):
    log = {"rows": [0, 0, 0], "exits": [], "intervals": [], "areas": {}, "lines": 0}
    with open(path, encoding="utf-8") as file:
        for line in file:
            log["lines"] += 1
            what, *columns = line.rstrip("\n").split("\t")
            if what == "row":
                add(log["rows"], columns)
            elif what == "area":
                add(log["rows"], columns[5:])
                pid, start, low, high, kind, *counts = columns
                process = log["areas"].setdefault((int(pid), int(start)), [])
                process.append((int(low, 16), int(high, 16), kind, *map(int, counts)))
            elif what == "exit":
                pid, start, comm, ppid, seconds, minor, major = columns
                log["exits"].append(
                    (int(pid), int(start), json.loads(comm), int(ppid), float(seconds),
                     int(minor), int(major))
                )
            elif what == "interval":
                log["intervals"].append(json.loads(columns[0]))
    return log


def add(sums, columns):
    for i, column in enumerate(columns):
        sums[i] += int(column)


def read_reports(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def check_lives(exits, reports):
    """Each process's final counts as wait4(2) told its parent."""
    seen = collections.Counter(
        (ppid, pid, minor, major) for pid, _, _, ppid, _, minor, major in exits
    )
    wanted = collections.Counter(
        (report["parent"], report["pid"], report["minor"], report["major"]) for report in reports
    )
    return [f"(parent, pid, minor, major) {key}: {n} too few" for key, n in (wanted - seen).items()]


def check_spawn(exits, reports):
    """Sums over a spawn's children as its getrusage(RUSAGE_CHILDREN) has them."""
    children = collections.defaultdict(list)
    for _, start, _, ppid, _, minor, major in exits:
        children[ppid].append((start, minor, major))
    for family in children.values():
        family.sort()
    sums = collections.Counter()
    for pid, start, comm, _, seconds, _, _ in exits:
        if comm == "spawn":
            family = children[pid]
            first = bisect.bisect(family, (start,))
            last = bisect.bisect(family, (start + (seconds + 0.001) * 1e9,))
            born = family[first:last]
            sums[pid, len(born), sum(c[1] for c in born), sum(c[2] for c in born)] += 1
    wanted = collections.Counter(
        (report["pid"], report["children"], report["minor"], report["major"]) for report in reports
    )
    return [
        f"(pid, children, minor, major) {key}: not seen, but {[s for s in sums if s[0] == key[0]]}"
        for key in wanted - sums
    ]


def check_remap(areas, reports):
    """Each area's faults, held against getrusage(RUSAGE_THREAD) by remap, in its rows."""
    wrong = []
    by_pid = collections.defaultdict(list)
    for (pid, _), rows in areas.items():
        by_pid[pid].append(rows)
    for report in reports:
        pid = report.pop("pid")
        for rows in by_pid[pid]:
            got = {name: in_area(rows, area) for name, area in report.items()}
            if all(got[name] == {"demand_zero": area["faults"]} for name, area in report.items()):
                by_pid[pid].remove(rows)
                break
        else:
            wrong.append(f"remap {pid}: {report}, but {[spans_of(rows) for rows in by_pid[pid]]}")
    return wrong


def spans_of(rows):
    """For a message: where the process's rows are, and what they count."""
    spans = collections.Counter()
    for start, end, kind, minor, major, denied in rows:
        spans[start, end, kind] += minor + major + denied
    return [f"{low:#x}-{high:#x} {kind} {n}" for (low, high, kind), n in sorted(spans.items())]


def in_area(rows, area):
    low, high = int(area["start"], 16), int(area["end"], 16)
    kinds = collections.Counter()
    for start, end, kind, minor, major, denied in rows:
        if start < high and end > low:
            kinds[kind] += minor + major + denied
    return kinds


def check_intervals(intervals):
    """Deltas add up to the totals from line to line: none is missing."""
    wrong = []
    before = None
    for line in intervals:
        if before:
            wrong += [
                f"{line['ts']}: {name} {line[name]} after {before[name + '_total']}"
                f" makes {line[name + '_total']}"
                for name in COUNTS
                if before[name + "_total"] + line[name] != line[name + "_total"]
            ]
        before = line
    return wrong


def main():
    log = read_lines(sys.argv[1])
    spawn, lives, remap = map(read_reports, sys.argv[2:5])
    last = log["intervals"][-1]
    result = {
        "lines": log["lines"],
        "processes": len(log["exits"]),
        "children": sum(report["children"] for report in spawn),
        "lives": len(lives),
        "remaps": len(remap),
        "rows": log["rows"],
        "last": last,
        "wrong_lives": check_lives(log["exits"], lives),
        "wrong_spawn": check_spawn(log["exits"], spawn),
        "wrong_remap": check_remap(log["areas"], remap),
        "wrong_intervals": check_intervals(log["intervals"]),
    }
    print(json.dumps(result))


main()
