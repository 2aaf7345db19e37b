#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""pprof.py TYPE [COMM]: reads a profile.proto from standard input, as the format is published and not as faultmap
writes it, checks what its readers insist on, and prints the sum of one sample type; with COMM, of that command's
first touches of anonymous memory, for each function and the one that called it. TYPE build_ids: each mapping's file
and build id instead; TYPE labels: the labels of each sample, and its values; TYPE size: how many samples there are."""

import sys


def fields(data):
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(data):
        key = varint()
        if key & 7 == 0:
            yield key >> 3, varint()
        elif key & 7 == 2:
            size = varint()
            yield key >> 3, data[at : at + size]
            at += size
        else:
            raise ValueError(f"wire type {key & 7}")


def packed(values):
    numbers = []
    for value in values:
        if isinstance(value, int):
            numbers.append(value)
            continue
        number = shift = 0
        for byte in value:
            number |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                numbers.append(number)
                number = shift = 0
    return numbers


def collect(data):
    found = {}
    for number, value in fields(data):
        found.setdefault(number, []).append(value)
    return found


profile = collect(sys.stdin.buffer.read())
texts = [text.decode() for text in profile[6]]
if sys.argv[1] == "build_ids":
    for each in profile.get(3, []):
        mapping = collect(each)
        print(texts[mapping[5][0]], texts[mapping.get(6, [0])[0]])
    sys.exit()
if sys.argv[1] == "size":
    print(len(profile[2]))
    sys.exit()
types = [texts[collect(each).get(1, [0])[0]] for each in profile[1]]
units = [texts[collect(each).get(2, [0])[0]] for each in profile[1]]
assert texts[0] == "" and types == ["faults", "pages", "bytes", "stall"], types
assert units == ["count", "count", "bytes", "nanoseconds"], units
functions = [collect(each) for each in profile.get(5, [])]
mappings = [collect(each) for each in profile.get(3, [])]
locations = [collect(each) for each in profile.get(4, [])]
for kind, entries in (("function", functions), ("mapping", mappings), ("location", locations)):
    ids = [each[1][0] for each in entries]
    assert ids == list(range(1, len(ids) + 1)), f"{kind}: ids are not 1 to n"
for location in locations:
    assert 1 <= location[2][0] <= len(mappings)
    assert 1 <= collect(location[4][0])[1][0] <= len(functions)
def function_at(number):
    line = collect(locations[number - 1][4][0])
    return texts[functions[line[1][0] - 1][2][0]]


def print_labels():
    sums = {}
    for each in profile[2]:
        sample = collect(each)
        labels = {texts[collect(label)[1][0]]: collect(label) for label in sample[3]}
        key = tuple(texts[labels[name][2][0]] for name in ("kind", "mapping", "comm")) + (labels["pid"][3][0],)
        assert 2 not in labels["pid"], "pid is a number"
        sums[key] = [a + b for a, b in zip(sums.get(key, [0] * 4), packed(sample[2]))]
    for key, values in sums.items():
        print(*key, *values, sep="\t")


if sys.argv[1] == "labels":
    print_labels()
    sys.exit()
total = 0
calls = {}
for each in profile[2]:
    sample = collect(each)
    values = packed(sample[2])
    assert len(values) == len(types)
    assert all(1 <= number <= len(locations) for number in packed(sample.get(1, [])))
    labels = [texts[collect(label)[1][0]] for label in sample[3]]
    assert labels in (["kind", "mapping", "comm", "pid"], ["kind", "mapping", "comm", "pid", "callers"]), labels
    total += values[types.index(sys.argv[1])]
    said = {texts[collect(label)[1][0]]: texts[collect(label).get(2, [0])[0]] for label in sample[3]}
    if said["kind"] == "demand_zero" and said["mapping"] == "[anon]" and said["comm"] in sys.argv[2:]:
        path = " ".join(function_at(number) for number in packed(sample.get(1, []))[:2])
        calls[path] = calls.get(path, 0) + values[types.index(sys.argv[1])]
if sys.argv[2:]:
    for path, count in calls.items():
        print(count, path)
else:
    print(total)
