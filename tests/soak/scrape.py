#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Scrapes /metrics at a steady rate until TERM, as four clients: both formats, plain and gzipped, two
of them with a new connection each time. A scrape fails when it is refused, late (10 s), cut off, of
another type, or does not decode. About once a second each client reads what it got: no counter may
have gone down since, and groups and mappings have the sum of all faults.

STATE has the figures; a second run goes on from it. usage: scrape.py HOST:PORT PER_SECOND STATE"""
import gzip
import http.client
import json
import os
import signal
import sys
import threading
import time

OPENMETRICS = "application/openmetrics-text"
TIMEOUT_SECONDS = 10
MAX_TOLD = 20  # of each sort of complaint


class Client(threading.Thread):
    def __init__(self, address, per_second, index, state, ended):
        super().__init__()
        self.address = address
        self.period = 1 / per_second
        self.look_at = max(1, round(per_second))
        self.ended = ended
        self.is_openmetrics = index % 2 == 1
        self.is_gzip = index >= 2
        self.keeps_connection = index in (0, 3)
        self.connection = None
        self.state = state
        for name in ("scrapes", "looked_at", "bytes", "n_failed", "n_down"):
            state.setdefault(name, 0)
        for name in ("failed", "down", "unequal"):
            state.setdefault(name, [])
        state.setdefault("slowest_seconds", 0)
        self.before = state.setdefault("counters", {})

    def run(self):
        due = time.monotonic()
        while not self.ended.is_set():
            self.scrape()
            due += self.period
            # Behind, it catches up.
            self.ended.wait(max(0, due - time.monotonic()))
        self.drop()

    def drop(self):
        if self.connection:
            self.connection.close()
        self.connection = None

    def scrape(self):
        begin = time.monotonic()
        self.state["scrapes"] += 1
        try:
            text = self.get()
            if self.state["scrapes"] % self.look_at == 1:
                self.look(text)
        except (OSError, http.client.HTTPException, EOFError, ValueError) as why:
            self.state["n_failed"] += 1
            self.state["failed"] = (self.state["failed"] + [repr(why)])[:MAX_TOLD]
            self.drop()
        seconds = time.monotonic() - begin
        self.state["slowest_seconds"] = max(self.state["slowest_seconds"], round(seconds, 3))

    def get(self):
        if not self.connection:
            self.connection = http.client.HTTPConnection(self.address, timeout=TIMEOUT_SECONDS)
        headers = {"Accept": OPENMETRICS + ";version=1.0.0" if self.is_openmetrics else "text/plain"}
        if self.is_gzip:
            headers["Accept-Encoding"] = "gzip"
        self.connection.request("GET", "/metrics", headers=headers)
        answer = self.connection.getresponse()
        body = answer.read()
        if not self.keeps_connection:
            self.drop()
        media_type = answer.getheader("Content-Type", "")
        if answer.status != 200:
            raise ValueError(f"status {answer.status}")
        if media_type.split(";")[0] != (OPENMETRICS if self.is_openmetrics else "text/plain"):
            raise ValueError(f"Content-Type is {media_type}")
        if (answer.getheader("Content-Encoding") == "gzip") != self.is_gzip:
            raise ValueError("gzip, or none, against what was asked for")
        self.state["bytes"] += len(body)
        text = (gzip.decompress(body) if self.is_gzip else body).decode()
        if not text.endswith("# EOF\n" if self.is_openmetrics else "\n"):
            raise ValueError(f"cut off after {len(text)} characters")
        return text

    def look(self, text):
        counters, sums = read_counters(text)
        self.state["looked_at"] += 1
        down = [
            f"{series}: {self.before[series]:.17g} -> {value:.17g}"
            for series, value in counters.items()
            if value < self.before.get(series, 0)
        ]
        self.state["n_down"] += len(down)
        self.state["down"] = (self.state["down"] + down)[:MAX_TOLD]
        if len(set(sums.values())) != 1 or not any(sums.values()):
            self.state["unequal"] = (self.state["unequal"] + [sums])[:MAX_TOLD]
        # A group that left and came back begins at 0: only neighbours in time are compared.
        self.before = self.state["counters"] = counters


def read_counters(text):
    """Each series of counters and histograms, and what three families sum up to."""
    types = {}
    counters = {}
    sums = {f"faultmap_{of}faults": 0 for of in ("", "group_", "mapping_")}
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            _, _, family, kind = line.split(" ")
            types[family] = kind
        elif not line.startswith("#"):
            series, value = line.rsplit(" ", 1)
            name = series.split("{", 1)[0]
            if name.endswith("_created"):
                continue
            family = name
            for suffix in ("_total", "_bucket", "_count", "_sum"):
                family = family.removesuffix(suffix)
            if (types.get(name) or types.get(family)) in ("counter", "histogram"):
                counters[series] = float(value)
                if family in sums:
                    sums[family] += float(value)
    if not counters:
        raise ValueError("no counter in it")
    return counters, sums


def main():
    address, per_second, path = sys.argv[1], float(sys.argv[2]), sys.argv[3]
    clients = [{}, {}, {}, {}]
    seconds = 0
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            before = json.load(file)
        clients, seconds = before["clients"], before["seconds"]
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    begin = time.monotonic()
    threads = [
        Client(address, per_second / len(clients), index, state, ended)
        for index, state in enumerate(clients)
    ]
    for thread in threads:
        thread.start()
    # With a timeout, so that the signal's handler gets its turn.
    while not ended.wait(0.1):
        pass
    for thread in threads:
        thread.join()
    seconds += time.monotonic() - begin
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"seconds": seconds, "clients": clients}, file)


main()
