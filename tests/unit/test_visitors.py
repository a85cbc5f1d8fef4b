# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The visitors of the test bed, and the service that harms them."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

from tests.testbed.machine import free_port
from tests.testbed.visitors import Visitors, service_command


@contextlib.contextmanager
def service(**environment: str) -> Iterator[int]:
    """Run the service on a port."""
    port = free_port()
    _python, *words = service_command()
    values = {**os.environ, "PORT": str(port), **environment}
    with subprocess.Popen([sys.executable, *words], env=values) as process:
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.02)
        yield port
        process.terminate()


def asked(port: int, number: int) -> Visitors:
    """Return visitors after some requests."""
    visitors = Visitors(("127.0.0.1", port), "shop.test", visitors=50)
    for cookie in visitors.cookies[:number]:
        visitors.visit(cookie)
    return visitors


def test_harm_is_counted_by_version() -> None:
    with service(VERSION="1.1.0", ERRORS="0.5") as port:
        visitors = asked(port, 50)
    version = visitors.versions["shop 1.1.0"]
    assert version.requests == 50
    assert 10 <= version.harmed <= 40
    assert visitors.changed == {}


def test_slow_answers() -> None:
    with service(SLOW="1", SLOW_MILLISECONDS="60") as port:
        visitors = asked(port, 5)
    assert min(visitors.versions["shop 0"].milliseconds) >= 60


def test_lost_requests_are_of_the_last_version() -> None:
    with service(VERSION="1") as port:
        visitors = asked(port, 1)
    visitors.visit(visitors.cookies[0])
    assert visitors.harmed == {"shop 1": 1}
    assert len(visitors.lost) == 1


def test_a_changed_version() -> None:
    visitors = Visitors(("127.0.0.1", 1), "shop.test", visitors=1)
    for version in ("1", "2"):
        with service(VERSION=version) as port:
            visitors.address = ("127.0.0.1", port)
            visitors.visit(visitors.cookies[0])
    assert [*visitors.changed.values()] == [["shop 1", "shop 2"]]


def test_visitors_are_unequal_and_send_the_rate() -> None:
    with (
        service() as port,
        Visitors(("127.0.0.1", port), "shop.test", per_second=100) as visitors,
    ):
        time.sleep(2)
    assert 120 <= visitors.requests <= 280
    assert not visitors.lost
    assert len(visitors.seen) < visitors.requests


def test_the_service_crashes() -> None:
    with service(CRASH_AFTER="0.3") as port:
        visitors = asked(port, 1)
        time.sleep(0.6)
        visitors.visit(visitors.cookies[0])
    assert visitors.harmed == {"shop 0": 1}
