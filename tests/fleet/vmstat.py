# SPDX-License-Identifier: GPL-2.0-only
"""Serves the kernel's own count of page faults, /proc/vmstat, as metrics on the port of 127.0.0.1 given."""

import http.server
import sys


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        with open("/proc/vmstat", encoding="ascii") as file:
            values = dict(line.split() for line in file)
        text = "".join(
            f"# TYPE vmstat_{name}_total counter\nvmstat_{name}_total {values[name]}\n"
            for name in ("pgfault", "pgmajfault")
        )
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        pass


http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
