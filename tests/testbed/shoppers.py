# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shoppers with cookies, who order with a probability by the page that they see."""

from __future__ import annotations

import http.client
import json
import random
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

Page = Mapping[str, Any]


@dataclass
class Shoppers:
    """Sends shoppers through the router. ``probability`` is that of an order by the page."""

    address: str
    port: int
    host: str
    probability: Callable[[Page], float]
    seed: int = 1
    pages: Counter[str] = field(default_factory=Counter)
    orders: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)

    def send(self, number: int, threads: int = 8) -> None:
        """Send so many new shoppers, side by side."""
        seeds = [f"{self.seed}.{thread}" for thread in range(threads)]
        self.seed += 1
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(lambda seed: self._visit_all(number // threads, seed), seeds))

    def _visit_all(self, number: int, seed: str) -> None:
        chance = random.Random(seed)  # noqa: S311
        connection = self._connect()
        for _shopper in range(number):
            connection = self._visit(connection, chance)
        connection.close()

    def _connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self.address, self.port, timeout=10)

    def _visit(
        self, connection: http.client.HTTPConnection, chance: random.Random
    ) -> http.client.HTTPConnection:
        try:
            self._visit_once(connection, chance)
            return connection
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.lost.append(repr(error))
            connection.close()
            return self._connect()

    def _visit_once(self, connection: http.client.HTTPConnection, chance: random.Random) -> None:
        text, cookie = self._send(connection, "GET", "/", "")
        page = json.loads(text)
        key = "/".join(str(value) for value in page.values())
        self.pages[key] += 1
        self._send(connection, "GET", "/", cookie)
        if chance.random() < self.probability(page):
            value = round(chance.uniform(5, 50), 2)
            path = f"/.shipping/events?name=order&value={value}"
            self._send(connection, "POST", path, cookie)
            self.orders[key] += 1

    def _send(
        self, connection: http.client.HTTPConnection, method: str, path: str, cookie: str
    ) -> tuple[str, str]:
        headers = {"Host": self.host, **({"Cookie": cookie} if cookie else {})}
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        text = answer.read().decode()
        if answer.status not in (200, 204):
            raise ValueError(f"{path} was answered with {answer.status}")
        given = answer.getheader("Set-Cookie") or ""
        return text, given.partition(";")[0]
