#!/usr/bin/env bash
# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# awxkit sends a POST five times, and takes a page of HTML for an answer of AWX.
#
# Guess:    a request whose connection is lost raises an error, at least a POST, and an answer that
#           is no JSON raises one, too.
# Seen:     awxkit 24.6.1. A POST whose connection is closed without an answer is sent five times
#           before ConnectionError (config.client_connection_attempts), although the server may have
#           taken each. GET of a login page in HTML with status 200 returns a page whose json is an
#           empty mapping.
# So:       set config.client_connection_attempts = 1, repeat only what may be repeated, and look
#           whether the root of the API names its lists.
# Needs:    python3 with venv, and PyPI.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/pip" --quiet --disable-pip-version-check install awxkit==24.6.1 'setuptools<81'
"$folder/bin/python" - <<'PYTHON'
import logging
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.metadata import version

import requests
from awxkit.api.client import Connection
from awxkit.api.pages import Page

logging.disable(logging.CRITICAL)
HTML = b"<html><title>Sign in</title></html>"
posted = []


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(HTML)))
        self.end_headers()
        self.wfile.write(HTML)

    def do_POST(self):
        # Reads the request, and closes the connection without an answer.
        posted.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.close_connection = True

    def log_message(self, *words):
        pass


server = HTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
connection = Connection(f"http://127.0.0.1:{server.server_port}")
answer = Page(connection, endpoint="/api/v2/").get().json
try:
    Page(connection, endpoint="/api/v2/organizations/").post({"name": "one"})
    outcome = "no error"
except requests.exceptions.ConnectionError:
    outcome = "ConnectionError"
print("awxkit", version("awxkit"), answer, len(posted), outcome)
assert answer == {}
assert len(posted) == 5 and len(set(posted)) == 1 and outcome == "ConnectionError"
print("as stated")
PYTHON
