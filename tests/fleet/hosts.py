# SPDX-License-Identifier: GPL-2.0-only
"""A fleet of hosts out of one daemon's recorded expositions.

hosts.py record URL N SECONDS DIR         N expositions, one each SECONDS, as DIR/0000, ...
hosts.py pack DIR SECONDS FILE            the same, SECONDS from one to the next, in one small file
hosts.py length FILE                      prints its seconds
hosts.py serve FILE PORT SPEED            /hosts/H is host H; time in the recording runs SPEED times as fast,
                                          and counts grow as slowly as they did; its second half comes once
                                          somebody has asked for /go; at its end it begins again
hosts.py write FILE HOSTS EVERY TIME      the recording twice, one after the other, from TIME on, in the format of
                                          promtool tsdb create-blocks-from openmetrics: each EVERY seconds of it

Hosts differ: each of 20 variants has its counts scaled, and a fourth of the groups' names are those of one of
five roles. Of each 20 hosts one (H % 20 == 6) has 50 times the faults of two groups, which `serve` names: the one with
the most minor faults, but for the cgroup "/", and the one with the most major ones. On each fourth (H % 4 == 3) the
group canary.service comes with the second half of the recording.
"""
import asyncio
import functools
import gzip
import lzma
import os
import re
import sys
import time
import urllib.request
import zlib

VARIANTS = 20
SAMPLE = re.compile(r'(\w+)(\{.*\})? (\S+)$')
GROUP = re.compile(r'([{,])group="((?:[^"\\]|\\.)*)"')
SCALED = re.compile(r'faultmap_(group_|mapping_|faults_|fault_latency|stall|entries|accounted)')
OUTLIER, CANARY, TIMES = 6, 3, 50


def record(url, count, seconds, directory):
    begin = time.monotonic()
    for number in range(count):
        # As Prometheus asks: it sees a new counter as 0 once.
        request = urllib.request.Request(url, headers={"X-Prometheus-Scrape-Timeout-Seconds": "60"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            text = answer.read()
        with open(os.path.join(directory, f"{number:04}"), "wb") as file:
            file.write(text)
        time.sleep(max(0, begin + (number + 1) * seconds - time.monotonic()))


class Recording:
    """Lines of a family, "# HELP", "# TYPE" or (name, labels), in their order -> each exposition's value, or None."""

    def __init__(self, seconds, count):
        self.seconds, self.count, self.lines = seconds, count, {}


def read_expositions(directory, seconds):
    names = sorted(os.listdir(directory))
    recording = Recording(seconds, len(names))
    families = {}
    for index, name in enumerate(names):
        with open(os.path.join(directory, name), encoding="utf-8") as file:
            for line in file.read().splitlines():
                if line.startswith("#"):
                    family = families.setdefault(line.split(" ")[2], {})
                    family.setdefault(line, None)
                    continue
                found = SAMPLE.match(line)
                values = family.setdefault((found[1], found[2] or ""), [None] * len(names))
                values[index] = found[3]
    for family in families.values():
        recording.lines.update(family)
    return recording


def packed(values):
    """A word for each value: "-" none, "=" as before, +N, the number itself."""
    before = None
    for value in values:
        if value is None:
            yield "-"
            continue
        if value == before:
            yield "="
        elif before and before.isdigit() and value.isdigit() and int(value) > int(before):
            yield f"+{int(value) - int(before)}"
        else:
            yield value
        before = value


def unpacked(words):
    before = None
    for word in words:
        if word == "-":
            yield None
            continue
        if word.startswith("+"):
            before = str(int(before) + int(word[1:]))
        elif word != "=":
            before = word
        yield before


def pack(directory, seconds, path):
    recording = read_expositions(directory, seconds)
    with lzma.open(path, "wt", encoding="utf-8", preset=9) as file:
        print(recording.seconds, recording.count, file=file)
        for line, values in recording.lines.items():
            if values is None:
                print(line, file=file)
            else:
                print(*line, " ".join(packed(values)), sep="\t", file=file)


def unpack(path):
    with lzma.open(path, "rt", encoding="utf-8") as file:
        seconds, count = file.readline().split()
        recording = Recording(float(seconds), int(count))
        for line in file.read().splitlines():
            if line.startswith("#"):
                recording.lines[line] = None
            else:
                name, labels, words = line.split("\t")
                recording.lines[name, labels] = list(unpacked(words.split(" ")))
    return recording


def busiest(recording, severity):
    """Of the groups that are there all the time."""
    faults = {}
    for line, values in recording.lines.items():
        if not values or None in values[len(values) // 8 :]:
            continue
        if line[0] == "faultmap_group_faults_total" and f'severity="{severity}"' in line[1]:
            group = GROUP.search(line[1])[2]
            faults[group] = faults.get(group, 0) + max(int(value or 0) for value in values)
    return max(faults.keys() - {"other", "/"}, key=faults.get)


def role_of(group, variant):
    if group in ("other", "/") or zlib.crc32(group.encode()) % 4:
        return group
    return f"{group}-role{variant % 5}"


def renamed(labels, group, name):
    return labels[: group.start(2)] + name + labels[group.end(2) :]


def scaled(value, factor):
    return str(int(int(value) * factor)) if value.isdigit() else f"{float(value) * factor:.9f}"


class Fleet:
    def __init__(self, path, speed=1.0):
        self.recording, self.speed = unpack(path), speed
        self.minor, self.major = busiest(self.recording, "minor"), busiest(self.recording, "major")

    @functools.lru_cache(None)
    def lines(self, variant):
        """("# ..." or "NAME{LABELS}", values or None, the factor for them or None)."""
        lines = []
        for line, values in self.recording.lines.items():
            if values is None:
                lines.append((line, None, None))
                continue
            name, labels = line
            group = GROUP.search(labels)
            kept = group and group[2] in (self.minor, self.major)
            factor = (0.3 + 0.15 * variant) / self.speed
            if variant == OUTLIER and (kept or name == "faultmap_faults_total" and 'severity="major"' in labels):
                factor *= TIMES
            if not SCALED.match(name) or name.endswith(("_info", "_processes")):
                factor = None
            if group and not kept:
                labels = renamed(labels, group, role_of(group[2], variant))
            lines.append((name + labels, values, factor))
            if variant % 4 == CANARY and group and group[2] == self.minor:
                half = len(values) // 2
                late = [None] * half + values[half:]
                lines.append((name + renamed(labels, group, "canary.service"), late, factor))
        return lines

    def samples(self, variant, index):
        for text, values, factor in self.lines(variant):
            value = values[index] if values else ""
            if value is not None:
                yield f"{text} {scaled(value, factor) if factor else value}" if values else text

    @functools.lru_cache(None)
    def answer(self, variant, index):
        text = "\n".join(self.samples(variant, index)) + "\n"
        body = gzip.compress(text.encode(), 6)
        return (
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"
            f"Content-Encoding: gzip\r\nContent-Length: {len(body)}\r\n\r\n"
        ).encode() + body


class Clock:
    """Which exposition it is time for."""

    def __init__(self, recording, speed):
        self.count, self.pace = recording.count, speed / recording.seconds
        self.begin, self.from_step, self.gone = time.monotonic(), 0, False

    def step(self):
        step = self.from_step + int((time.monotonic() - self.begin) * self.pace)
        return step % (self.count if self.gone else self.count // 2)

    def go(self):
        self.begin, self.from_step, self.gone = time.monotonic(), self.step(), True


def serve(path, port, speed):
    fleet = Fleet(path, speed)
    clock = Clock(fleet.recording, speed)

    def answer(path):
        if path == b"/go":
            clock.go()
            return b"HTTP/1.1 204 No Content\r\n\r\n"
        return fleet.answer(int(path.rsplit(b"/", 1)[1]) % VARIANTS, clock.step())

    async def converse(reader, writer):
        try:
            while True:
                request = await reader.readuntil(b"\r\n\r\n")
                writer.write(answer(request.split(b" ", 2)[1]))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def run():
        server = await asyncio.start_server(converse, "127.0.0.1", port, backlog=1024)
        print("serving", fleet.minor, fleet.major, flush=True)
        await server.serve_forever()

    asyncio.run(run())


def write(path, hosts, every, begin):
    fleet = Fleet(path)
    step = int(every / fleet.recording.seconds)
    for host in range(hosts):
        for text, values, factor in fleet.lines(host % VARIANTS):
            if values is None:
                continue
            text = text[:-1] + "," if text.endswith("}") else text + "{"
            text += f'job="faultmap",instance="host{host}"}}'
            kept = values[::step][: 3600 // every]  # two hours fit into one block
            for number, value in enumerate(kept + kept):
                if value is not None:
                    print(text, scaled(value, factor) if factor else value, begin + number * every)
    print("# EOF")


def main(what, *words):
    if what == "record":
        record(words[0], int(words[1]), float(words[2]), words[3])
    elif what == "pack":
        pack(words[0], float(words[1]), words[2])
    elif what == "length":
        recording = unpack(words[0])
        print(recording.seconds * recording.count)
    elif what == "serve":
        serve(words[0], int(words[1]), float(words[2]))
    else:
        write(words[0], int(words[1]), int(words[2]), int(words[3]))


main(*sys.argv[1:])
