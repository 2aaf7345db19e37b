#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""usage: rows.py LOG ORACLE MAPPINGS

Holds the rows of `faultmap run --json` against the workload rows: LOG has the lines, ORACLE "PID MINOR MAJOR" of each
child by wait4(2), MAPPINGS is how many each child made. Prints a line for each difference, ten at most.
"""
import collections
import json
import sys

PLACE, STRIDE = 0x100000000000, 32768


def read_log(path):
    """Faults of each process, and of each of its mappings in PLACE; and the last interval's totals."""
    processes = collections.Counter()
    mappings = collections.defaultdict(collections.Counter)
    gup, totals = {}, {}
    with open(path) as lines:
        for line in map(json.loads, lines):
            if line["rec"] == "faults":
                processes[line["pid"]] += line["minor"] + line["major"]
                place = int(line["map_start"], 16) - PLACE
                if place >= 0 and place % STRIDE == 0 and line["kind"] == "demand_zero":
                    mappings[line["pid"]][place // STRIDE] += line["minor"]
            elif line["rec"] == "exit":
                gup[line["pid"]] = line["gup_total"]
            elif line["rec"] == "interval":
                totals = line
    return processes, mappings, gup, totals


def differences(processes, mappings, gup, totals, oracle, count):
    for name in ("map_full", "folded", "late", "latencies_lost", "names_lost", "exits_lost", "stamps_lost"):
        if totals[name + "_total"]:
            yield f"{name}: {totals[name + '_total']}"
    if totals["in_flight"]:
        yield f"in flight: {totals['in_flight']}"
    for pid, minor, major in oracle:
        got = processes[pid] + gup.get(pid, 0)
        if got != minor + major:
            yield f"process {pid}: rows and gup have {got}, wait4 {minor + major}"
        for number in range(count):
            if mappings[pid][number] != 1 + number % 3:
                yield f"process {pid}, mapping {number}: {mappings[pid][number]} faults, not {1 + number % 3}"
        extra = sum(number >= count for number in mappings[pid])
        if extra:
            yield f"process {pid}: {extra} mappings more than it made"


def main():
    log, oracle_path, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    with open(oracle_path) as lines:
        oracle = [tuple(map(int, line.split())) for line in lines]
    if not oracle:
        print("the oracle is empty")
    found = differences(*read_log(log), oracle, count)
    for _, line in zip(range(10), found):
        print(line)


main()
