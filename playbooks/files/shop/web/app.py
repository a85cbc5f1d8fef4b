# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A web service of a shop.

Returns its version, reports whether it is healthy, and drains when it is stopped.
"""

import os
import signal
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

VERSION = os.environ.get("VERSION", "0")
DRAIN_SECONDS = float(os.environ.get("DRAIN_SECONDS", "3"))
draining = threading.Event()


class Shop(BaseHTTPRequestHandler):
    def do_GET(self):
        healthy = self.path != "/health" or not draining.is_set()
        body = f"shop {VERSION}\n".encode()
        self.send_response(200 if healthy else 503)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words):
        pass


class Server(ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True


def main():
    for name in filter(None, os.environ.get("NEEDS", "").split(",")):
        if name not in os.environ:
            sys.exit(f"{name} is missing: cannot start")
    server = Server(("", 8000), Shop)

    def drain():
        time.sleep(DRAIN_SECONDS)
        server.shutdown()

    def stop(*_):
        if not draining.is_set():
            draining.set()
            threading.Thread(target=drain, daemon=True).start()

    signal.signal(signal.SIGTERM, stop)
    server.serve_forever(poll_interval=0.1)


if __name__ == "__main__":
    main()
