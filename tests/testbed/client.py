# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A client that sends requests to an app all the time, and counts lost ones."""

from __future__ import annotations

import threading
import time
import urllib.request


class Client:
    """Query an app all the time, each time by a new connection, and keep its answers."""

    def __init__(self, url: str, every: float = 0.03, host: str = "") -> None:
        self.url = url
        self.headers = {"Host": host} if host else {}
        self.every = every
        self.answers: dict[str, int] = {}
        self.lost: list[str] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._ask_on, daemon=True)

    def ask(self) -> str:
        """Send one request; return the answer, or ``lost: …``."""
        try:
            request = urllib.request.Request(self.url, headers=self.headers)  # noqa: S310 - the test bed's own address
            with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
                return str(answer.read().decode().strip())
        except OSError as error:
            return f"lost: {error}"

    def until(self, wanted: str, timeout: float = 20) -> None:
        """Query until the app returns the expected answer."""
        deadline = time.monotonic() + timeout
        while self.ask() != wanted:
            if time.monotonic() > deadline:
                raise AssertionError(f"{self.url} says {self.ask()!r} and not {wanted!r}")
            time.sleep(0.05)

    def _ask_on(self) -> None:
        while not self._stop.wait(self.every):
            answer = self.ask()
            if answer.startswith("lost"):
                self.lost.append(f"{time.strftime('%X')} {answer}")
            else:
                self.answers[answer] = self.answers.get(answer, 0) + 1

    def __enter__(self) -> Client:
        self._thread.start()
        return self

    def __exit__(self, *_unused: object) -> None:
        self._stop.set()
        self._thread.join()
