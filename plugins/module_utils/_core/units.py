# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Durations, sizes and scalars as the Compose Specification writes them.

Durations: https://github.com/compose-spec/compose-spec/blob/main/11-extension.md#specifying-durations
Sizes: https://github.com/compose-spec/compose-spec/blob/main/11-extension.md#specifying-byte-values
"""

from __future__ import annotations

import math
import re
from decimal import Decimal, InvalidOperation

SECOND = 1_000_000_000

_NUMBER = r"(\d+(?:\.\d*)?|\.\d+)"
# Go writes microseconds with the micro sign (U+00B5), and reads the Greek mu (U+03BC), too.
_DURATION_UNITS = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    "\u03bcs": 1_000,
    "ms": 1_000_000,
    "s": SECOND,
    "m": 60 * SECOND,
    "h": 3600 * SECOND,
}
# docker compose reads durations by go-str2duration, which adds days and weeks to those of Go.
_DURATION_UNITS.update(d=24 * _DURATION_UNITS["h"], w=7 * 24 * _DURATION_UNITS["h"])
_DURATION = re.compile(_NUMBER + r"(ns|us|µs|\u03bcs|ms|s|m|h|d|w)", re.ASCII)
# As go-units, by which Docker reads sizes: `k`, `kb` and `KiB` are all 1024 bytes.
_SIZE = re.compile(rf"{_NUMBER}\s*(?:([kmgtp])i?b?|b?)", re.IGNORECASE | re.ASCII)
_SIZE_UNITS = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3, "t": 1024**4, "p": 1024**5}


def nanoseconds(value: object) -> int:
    """Convert ``1m30s`` to nanoseconds.

    A number without a unit is a duration only when it is 0.
    """
    text = str(value).strip()
    if text in ("0", "0.0"):
        return 0
    if not text or _DURATION.sub("", text):
        raise ValueError(f"{value!r} is no duration; write for example 10s, 1m30s or 500ms")
    return int(
        # Decimal: as a binary float, 1.001s would be one nanosecond short.
        sum(Decimal(number) * _DURATION_UNITS[unit] for number, unit in _DURATION.findall(text))
    )


def duration(amount: int) -> str:
    """Convert nanoseconds to the shortest text that :func:`nanoseconds` reads back."""
    if amount == 0:
        return "0s"
    parts = []
    # Up to hours, as Go prints a duration.
    for unit in ("h", "m", "s", "ms", "us", "ns"):
        count, amount = divmod(amount, _DURATION_UNITS[unit])
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts)


def octets(value: object) -> int:
    """Convert ``512M``, ``1.5gb`` or a number to bytes (units of 1024, as Docker counts)."""
    match = _SIZE.fullmatch(str(value).strip())
    if not match:
        raise ValueError(f"{value!r} is no size; write for example 512M or 2G")
    return int(Decimal(match[1]) * _SIZE_UNITS[(match[2] or "").lower()])


def size(amount: int) -> str:
    """Convert bytes to the shortest text that :func:`octets` reads back."""
    for unit in ("P", "T", "G", "M", "K"):
        factor = _SIZE_UNITS[unit.lower()]
        if amount and amount % factor == 0:
            return f"{amount // factor}{unit}"
    return str(amount)


def nanocpus(value: object) -> int:
    """Convert ``0.5`` CPUs to billionths of a CPU."""
    try:
        amount = Decimal(str(value))
    except InvalidOperation as error:
        raise ValueError(f"{value!r} is no number of CPUs; write for example 0.5") from error
    if not amount.is_finite() or amount < 0:
        raise ValueError(f"{value!r} is no number of CPUs; write for example 0.5")
    return int(amount * 1_000_000_000)


def cpus(amount: int) -> str:
    """Convert billionths of a CPU to the shortest decimal."""
    return format((Decimal(amount) / 1_000_000_000).normalize(), "f")


def scalar_text(value: object) -> str:
    """Return a YAML scalar as the text that a container gets, as ``docker compose`` writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _float_text(value)
    return str(value)


def _float_text(value: float) -> str:
    """Return a float as Go prints it (``%v``): shortest digits.

    It has an exponent from 1e+06 and below 1e-04.
    """
    if not math.isfinite(value):
        return {"inf": "+Inf", "-inf": "-Inf"}.get(str(value), "NaN")
    number = Decimal(repr(value)).normalize()
    exponent = number.adjusted()
    if number and not -4 <= exponent < 6:
        mantissa = format(number.scaleb(-exponent), "f")
        return f"{mantissa}e{'-' if exponent < 0 else '+'}{abs(exponent):02d}"
    return format(number, "f")
