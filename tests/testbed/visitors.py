# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Visitors of a route, with a cookie each and unequal activity, who send requests all the time.

The service answers with its version, also where it fails, such as ``service_command`` does.
"""

from __future__ import annotations

import http.client
import random
import threading
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

COOKIE = "shipping_visitor"
# The version of visitors who had no answer of any yet.
ROUTER = "router"
# The most active of a thousand such visitors sends some thirty times as many as an average one.
_SPREAD = 1.2
# An answer at /; a share of them fails or is slow. Of the environment: VERSION, ERRORS and SLOW
# (shares), MILLISECONDS (of all answers) and SLOW_MILLISECONDS (of those that are slow).
_SERVICE = """
import os, random, signal, sys, threading, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
number = lambda name: float(os.environ.get(name, "0"))
body = ("shop " + os.environ.get("VERSION", "0")).encode()
class Shop(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        is_health = self.path == "/health"
        slow = not is_health and random.random() < number("SLOW")
        if not is_health:
            time.sleep((number("SLOW_MILLISECONDS") if slow else number("MILLISECONDS")) / 1000)
        fails = not is_health and random.random() < number("ERRORS")
        self.send_response(500 if fails else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *words):
        pass
class Server(ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True
    def handle_error(self, *words):
        pass
server = Server((os.environ.get("ADDRESS", ""), int(number("PORT") or 8000)), Shop)
def stop(*_):
    threading.Timer(number("DRAIN_SECONDS"), server.shutdown).start()
signal.signal(signal.SIGTERM, stop)
if number("CRASH_AFTER"):
    threading.Timer(number("CRASH_AFTER"), os._exit, [3]).start()
server.serve_forever(poll_interval=0.1)
"""


def service_command() -> list[str]:
    """Return the command of a service that harms by its environment; the image needs Python.

    ``ERRORS`` and ``SLOW`` are shares of the requests. ``CRASH_AFTER`` is in seconds.
    """
    # Compose interpolates a dollar sign; the program has none.
    return ["python3", "-c", _SERVICE]


@dataclass
class Version:
    """Count what a version did to its visitors."""

    requests: int = 0
    harmed: int = 0
    milliseconds: list[float] = field(default_factory=list)


class Visitors:
    """Visitors of a host; within ``with`` they send ``per_second`` requests together.

    ``versions`` has what each version did, ``harmed`` the number of requests that failed (5xx) or
    were lost, by version; a request without an answer of a version counts as one of the visitor's
    last version. ``changed`` has the versions of each visitor that had several, in their order.
    """

    def __init__(
        self,
        address: tuple[str, int],
        host: str,
        *,
        visitors: int = 300,
        per_second: float = 40.0,
        seed: int = 1,
    ) -> None:
        chance = random.Random(seed)  # noqa: S311 - a simulation
        self.address, self.host, self.per_second = address, host, per_second
        self.cookies = [str(uuid.UUID(int=chance.getrandbits(128))) for _number in range(visitors)]
        activity = (chance.lognormvariate(0, _SPREAD) for _number in range(visitors))
        self._limits = list(accumulate(activity))
        self._chance = chance
        self._lock = threading.Lock()
        self._stop = threading.Event()
        # Enough for slow answers: each sends one request after the other.
        self._threads = [
            threading.Thread(target=self._visit_on, daemon=True) for _number in range(8)
        ]
        self._next = 0.0
        self.versions: dict[str, Version] = {}
        self.lost: list[str] = []
        self.seen: dict[str, list[str]] = {}

    @property
    def requests(self) -> int:
        """Return the number of all requests so far."""
        return sum(version.requests for version in self.versions.values())

    @property
    def harmed(self) -> dict[str, int]:
        """Return the number of harmed requests by version."""
        return {name: version.harmed for name, version in self.versions.items()}

    @property
    def changed(self) -> dict[str, list[str]]:
        """Return the visitors that changed their version, with its versions in their order."""
        with self._lock:
            return {cookie: list(seen) for cookie, seen in self.seen.items() if len(seen) > 1}

    def summary(self) -> dict[str, Any]:
        """Return the numbers for the message of an assertion."""
        answered = Counter(versions[-1] for versions in self.seen.values() if versions)
        return {
            "requests": {name: version.requests for name, version in self.versions.items()},
            "harmed": self.harmed,
            "visitors": dict(answered),
            "changed": len(self.changed),
            "lost": self.lost[:5],
        }

    def visit(self, cookie: str) -> None:
        """Send one request of a visitor."""
        start = time.monotonic()
        try:
            status, version = self._answer(cookie)
        except (OSError, http.client.HTTPException) as error:
            self._count_lost(cookie, error)
            return
        with self._lock:
            seen = self.seen.setdefault(cookie, [])
            if version and (not seen or seen[-1] != version):
                seen.append(version)
            version = version or (seen or [ROUTER])[-1]
            found = self.versions.setdefault(version, Version())
            found.requests += 1
            found.harmed += status >= 500
            found.milliseconds.append(1000 * (time.monotonic() - start))

    def _answer(self, cookie: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection(*self.address, timeout=10)
        try:
            headers = {"Host": self.host, "Cookie": f"{COOKIE}={cookie}", "Connection": "close"}
            connection.request("GET", "/", headers=headers)
            answer = connection.getresponse()
            text = answer.read().decode(errors="replace").strip()
        finally:
            connection.close()
        # The router's own answers have other texts.
        return answer.status, text if text.startswith("shop ") else ""

    def _count_lost(self, cookie: str, error: Exception) -> None:
        with self._lock:
            last = (self.seen.get(cookie) or [ROUTER])[-1]
            found = self.versions.setdefault(last, Version())
            found.requests += 1
            found.harmed += 1
            self.lost.append(f"{time.strftime('%X')} {last}: {error}")

    def _visit_on(self) -> None:
        while not self._stop.wait(self._pause()):
            self.visit(self._chance.choices(self.cookies, cum_weights=self._limits)[0])

    def _pause(self) -> float:
        """Return the seconds until this thread's next request: the requests come by chance."""
        with self._lock:
            now = time.monotonic()
            self._next = max(self._next, now - 1) + self._chance.expovariate(self.per_second)
            return max(self._next - now, 0.0)

    def __enter__(self) -> Visitors:
        self._next = time.monotonic()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_unused: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Send no more requests."""
        self._stop.set()
        for thread in self._threads:
            thread.join(15)
