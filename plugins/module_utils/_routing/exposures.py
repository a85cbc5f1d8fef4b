# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Exposures: the router's log as data. Pure.

A line is JSON with ``"shipping": "exposure"``; all other lines of a router's log are skipped.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Exposure:
    """One request. ``unit`` is the HMAC of the unit in hex, empty without a unit.

    ``time`` is in seconds since 1970, ``duration`` in milliseconds. ``is_assigned`` is False for
    testers and bots. ``is_complete`` if the client got a complete response.
    """

    app: str
    service: str
    route: str
    variant: str
    revision: int
    unit: str
    time: float
    status: int
    duration: int
    bytes_out: int
    is_assigned: bool
    is_complete: bool


@dataclass(frozen=True)
class UnitSums:
    """Sums of the requests of one unit with one variant."""

    requests: int
    errors: int
    duration: int
    duration_squares: int


@dataclass(frozen=True)
class VariantSums:
    """Sums of a variant; ``lost`` are requests without a complete response.

    ``durations`` counts requests by the upper limit of their class in milliseconds, from which
    quantiles are read.
    """

    requests: int
    responses_4xx: int
    responses_5xx: int
    lost: int
    bytes_out: int
    durations: Mapping[int, int]
    units: Mapping[str, UnitSums]

    def quantile(self, share: float) -> int:
        """Return the upper limit in milliseconds that a share of the requests stays below."""
        raise NotImplementedError


def read_exposures(lines: Iterable[str]) -> list[Exposure]:
    """Return the exposures among the lines of a log."""
    raise NotImplementedError


def sums_by_variant(exposures: Iterable[Exposure]) -> dict[tuple[str, str, str], VariantSums]:
    """Return the sums by (app, service, variant)."""
    raise NotImplementedError
