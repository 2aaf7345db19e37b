# SPDX-License-Identifier: GPL-2.0-only
"""Answers of a daemon that there is not: overview.json and group.json of groups that a test makes
up."""

import base64
import hashlib
import json
import pathlib

SINK = pathlib.Path(__file__).resolve().parents[2] / "src/sink"
SEVERITIES = "minor", "major", "denied"
MOST_GROUPS = 100
BOUNDS = [2.0**i / 1e9 for i in range(8, 35)]


def group(name, minor=0, major=0, denied=0, stalled=0, resident=0, processes=1):
    return {"name": name, "minor": minor, "major": major, "denied": denied, "stalled": stalled,
            "resident_bytes": resident, "processes": processes}


def totals(name, minor, major=0, denied=0):
    return {"name": name, "minor": minor / 60, "major": major / 60, "denied": denied / 60,
            "minor_total": minor, "major_total": major, "denied_total": denied}


def finding(name, pid=0, comm="", mapping=None, cost_seconds=0.0, cost_bytes=0, seconds_ago=0.0):
    result = {"name": name, "sure": "likely", "pid": pid, "comm": comm, "cost_seconds": cost_seconds,
              "cost_bytes": cost_bytes, "do": "GLIBC_TUNABLES=glibc.malloc.trim_threshold=1073741824",
              "seconds_ago": seconds_ago, "seen": "192 MiB were touched where at most 20 MiB were resident"}
    return result if mapping is None else {**result, "mapping": mapping}


def flame_page():
    """As src/sink/profile_flame.c writes it, of a program with two functions."""
    html, body, css, js = ((SINK / name).read_text() for name in
                           ("flame.html", "flame_body.html", "flame.css", "flame.js"))
    script, style = (base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (js, css))
    data = {"texts": ["touch", "touch.c:7, /bin/touch", "main", "touch.c:20, /bin/touch", "program", "[heap]"],
            "places": [[0, 1], [2, 3]],
            "samples": [[4, [1, 0], 5, "demand_zero", [90, 90, 0, 4000000]], [4, [1], 5, "cow", [10, 10, 0, 90000], 1]],
            "weight": 0, "weights": ["faults", "pages", "major", "stall"]}
    return (html + '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
            f"script-src 'sha256-{script}'; style-src 'sha256-{style}'; base-uri 'none'; form-action 'none'\">\n"
            f"<style>{css}</style>\n{body}<script id=\"data\" type=\"application/json\">{json.dumps(data)}</script>\n"
            f"<script>{js}</script>\n</body>\n</html>\n")


class Daemon:
    """Answers as the daemon would that has these groups; called with a path and its arguments."""

    def __init__(self, groups, has_series=True, findings=(), has_flame=False):
        self.groups = groups
        self.findings = list(findings)
        self.has_flame = has_flame
        self.has_series = has_series
        self.ts = 1795867903.0
        self.asked = []

    def __call__(self, path, arguments):
        self.asked.append((path, arguments))
        self.ts += 1
        if path == "/overview.json":
            return self.overview(arguments.get("sort", "minor"), arguments.get("search", ""))
        if path == "/group.json":
            return self.group(arguments.get("name"))
        if path == "/flame.html" and self.has_flame:
            return flame_page()
        return 404

    def overview(self, sort, search):
        found = [g for g in self.groups if search.lower() in g["name"].lower()]
        found.sort(key=lambda g: (0 if sort == "name" else -g[sort], g["name"]))
        listed = found[:MOST_GROUPS]
        rest = [g for g in self.groups if g not in listed]
        keys = (*SEVERITIES, "stalled", "resident_bytes", "processes")
        every = {key: sum(g[key] for g in self.groups) for key in keys}
        kinds = [{"name": "demand_zero", **{k: every[k] for k in (*SEVERITIES, "stalled")}}] if self.groups else []
        point = {"seconds": 1.0, **{k: every[k] for k in (*SEVERITIES, "stalled")}}
        return {"faultmap": "0.1.0", "host": "test", "flame": self.has_flame, "group_by": "comm", "ts": self.ts, "seconds": 60.0,
                "processes": every["processes"], "sort": sort, "history": [point] * 100 if self.groups else [],
                "kinds": kinds, "found": len(found), "groups": listed,
                "findings": self.findings,
                "other": {"groups": len(rest), **{key: sum(g[key] for g in rest) for key in keys}}}

    def group(self, name):
        one = next((g for g in self.groups if g["name"] == name), None)
        if one is None:
            return 404
        result = {**one, "group_by": "comm", "ts": self.ts, "seconds": 60.0, "virtual_bytes": 1 << 30}
        if not self.has_series:
            return result
        stalls = [0] * 28
        stalls[4], stalls[5], stalls[27] = 70, 30, 1
        return {**result, "since": 1795860000.0, "minor_total": 123456, "major_total": 789, "denied_total": 0,
                "pages_total": 200000,
                "kinds": [totals("cow", 23456, 789), totals("demand_zero", 100000)],
                "mappings": [totals("[heap]", 100000), totals("<b>/tmp/x</b>", 3456), totals("other", 20000, 789)],
                "stalls": {"bounds": BOUNDS, "recent": [0] * 28, "total": stalls, "seconds_total": 1.5}}
