# SPDX-License-Identifier: GPL-2.0-only
"""A receiver of OTLP/HTTP: otlp_receiver.py PORT SCHEMA DIR. Answers with the status in DIR/status, or 200. A body
that was taken is in DIR/body, one that is not valid against the schema is told of in DIR/wrong."""
import http.server
import json
import os
import sys

import jsonschema

PORT, SCHEMA, DIRECTORY = int(sys.argv[1]), sys.argv[2], sys.argv[3]
with open(SCHEMA, encoding="utf-8") as file:
    validator = jsonschema.Draft7Validator(json.load(file))


def note(name, text):
    with open(os.path.join(DIRECTORY, name), "a", encoding="utf-8") as file:
        file.write(text + "\n")


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status = 200
        if os.path.exists(os.path.join(DIRECTORY, "status")):
            with open(os.path.join(DIRECTORY, "status"), encoding="utf-8") as file:
                status = int(file.read())
        note("requests", f"{status} {self.path} {self.headers['Content-Type']} {self.headers.get('x-key')}")
        if status == 200:
            for wrong in validator.iter_errors(json.loads(body)):
                note("wrong", f"{list(wrong.absolute_path)}: {wrong.message[:200]}")
            with open(os.path.join(DIRECTORY, "body.new"), "wb") as file:
                file.write(body)
            os.rename(os.path.join(DIRECTORY, "body.new"), os.path.join(DIRECTORY, "body"))
        answer = b"{}" if status == 200 else b"no, thanks"
        self.send_response(status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


http.server.HTTPServer(("127.0.0.1", PORT), Handler).serve_forever()
