# SPDX-License-Identifier: GPL-2.0-only
"""otlp_relay.py PORT DIR URL: takes OTLP in JSON at PORT, reads it with protobuf's own reader by the messages that
protoc has made of opentelemetry-proto in DIR, which refuses unknown fields and wrong types, and posts it on to URL as
binary protobuf. What is refused is answered by 400 and the reason."""
import http.server
import sys
import urllib.request

from google.protobuf import json_format

port, directory, url = sys.argv[1:]
sys.path.insert(0, directory)
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2  # noqa: E402

opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def relay(body):
    request = metrics_service_pb2.ExportMetricsServiceRequest()
    json_format.Parse(body, request)
    forward = urllib.request.Request(url, request.SerializeToString(), {"Content-Type": "application/x-protobuf"})
    with opener.open(forward, timeout=60) as answer:
        answer.read()


class Relay(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status, text = 200, b"{}"
        try:
            if self.path != "/v1/metrics" or self.headers["Content-Type"] != "application/json":
                raise ValueError(f"{self.path}, {self.headers['Content-Type']}")
            relay(body)
        except Exception as error:
            status, text = 400, str(error).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *words):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", int(port)), Relay).serve_forever()
