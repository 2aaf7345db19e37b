# SPDX-License-Identifier: GPL-2.0-only
"""A fleet of hosts out of one daemon's real expositions.

hosts.py record URL N SECONDS DIR    N expositions, one each SECONDS, as DIR/0000, ...
hosts.py serve DIR PORT              /hosts/H is host H: each scrape is answered with the next of the
                                     recorded ones, the last again at the end

Hosts differ: each of 20 variants has its counts scaled, and a fourth of the groups' names are those of one of
five roles. Of each 20 hosts one (H % 20 == 6) has 50 times the faults of the busiest group. On each fourth
(H % 4 == 3) the group canary.service comes with the second half of the recording.
"""
import gzip
import http.server
import os
import re
import sys
import time
import urllib.request
import zlib

VARIANTS = 20
SAMPLE = re.compile(r'(faultmap_[a-z_]+)(\{.*\})? (\S+)$')
GROUP = re.compile(r'([{,])group="((?:[^"\\]|\\.)*)"')
SCALED = re.compile(r'faultmap_(group_|mapping_|faults_|fault_latency|stall|entries|accounted)')
OUTLIER, CANARY = 6, 3


def record(url, count, seconds, directory):
    for number in range(count):
        begin = time.monotonic()
        with urllib.request.urlopen(url, timeout=60) as answer:
            text = answer.read()
        with open(os.path.join(directory, f"{number:04}"), "wb") as file:
            file.write(text)
        time.sleep(max(0, seconds - (time.monotonic() - begin)))


def busiest(lines):
    faults = {}
    for line in lines:
        if line.startswith("faultmap_group_faults_total"):
            group = GROUP.search(line)[2]
            faults[group] = faults.get(group, 0) + float(line.rsplit(" ", 1)[1])
    faults.pop("other", None)
    return max(faults, key=faults.get)


def role_of(group, variant):
    if group == "other" or zlib.crc32(group.encode()) % 4:
        return group
    return f"{group}-role{variant % 5}"


def number(value, factor):
    return str(int(int(value) * factor)) if value.isdigit() else f"{float(value) * factor:.9f}"


def vary(line, variant, top):
    found = SAMPLE.match(line)
    if not found:
        return line
    name, labels, value = found[1], found[2] or "", found[3]
    group = GROUP.search(labels)
    factor = 0.3 + 0.15 * variant
    if variant == OUTLIER and group and group[2] == top:
        factor *= 50
    if group and group[2] != top:
        labels = labels[:group.start(2)] + role_of(group[2], variant) + labels[group.end(2):]
    scales = SCALED.match(name) and not name.endswith(("_info", "_processes"))
    return f"{name}{labels} {number(value, factor) if scales else value}"


def with_canary(lines, top):
    """The lines of the busiest group once more, each behind its own: families stay together."""
    for line in lines:
        yield line
        group = GROUP.search(line) if line.startswith("faultmap_") else None
        if group and group[2] == top:
            yield line[:group.start(2)] + "canary.service" + line[group.end(2):]


def bodies(directory):
    """variant -> the expositions, compressed."""
    recorded = []
    for name in sorted(os.listdir(directory)):
        with open(os.path.join(directory, name), encoding="utf-8") as file:
            recorded.append(file.read().splitlines())
    top = busiest(recorded[-1])
    hosts = []
    for variant in range(VARIANTS):
        texts = []
        for index, lines in enumerate(recorded):
            varied = [vary(line, variant, top) for line in lines]
            if variant % 4 == CANARY and index >= len(recorded) // 2:
                varied = with_canary(varied, top)
            texts.append(gzip.compress(("\n".join(varied) + "\n").encode(), 1))
        hosts.append(texts)
    return hosts, top


def serve(directory, port):
    hosts, top = bodies(directory)
    turns = {}

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            if not self.path.startswith("/hosts/"):
                self.send_error(404)
                return
            host = int(self.path.rsplit("/", 1)[1])
            texts = hosts[host % VARIANTS]
            turn = turns[host] = turns.get(host, -1) + 1
            body = texts[min(turn, len(texts) - 1)]
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
            self.send_header("Content-Encoding", "gzip")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
    print("serving", top, flush=True)
    server.serve_forever()


if sys.argv[1] == "record":
    record(sys.argv[2], int(sys.argv[3]), float(sys.argv[4]), sys.argv[5])
else:
    serve(sys.argv[2], int(sys.argv[3]))
