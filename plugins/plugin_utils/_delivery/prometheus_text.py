# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Metrics in the text format of Prometheus, as its node exporter collects them from files.

https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format

The role membership_sync installs this file beside its program, which runs with the Python of the
system. So it imports nothing but the standard library, and is written for Python 3.9. The library
prometheus_client would have to be installed for that Python, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

# What render() writes, no more: neither exponents nor times of samples.
_SAMPLE = re.compile(r"^(\w+(?:{.*})?) ([0-9]+(?:\.[0-9]+)?)$", re.MULTILINE)


class Gauge(NamedTuple):
    """A metric with its samples by their labels, such as ``{state="ready"}`` or nothing."""

    name: str
    meaning: str
    samples: Mapping[str, float]
    decimals: int = 0


def render(gauges: Iterable[Gauge]) -> str:
    """Return the content of a file with these metrics."""
    return "".join(map(_lines, gauges))


def _lines(gauge: Gauge) -> str:
    samples = "".join(
        f"{gauge.name}{labels} {value:.{gauge.decimals}f}\n"
        for labels, value in gauge.samples.items()
    )
    return f"# HELP {gauge.name} {gauge.meaning}\n# TYPE {gauge.name} gauge\n{samples}"


def read_samples(path: str) -> dict[str, float]:
    """Return the samples in a file by name and labels; none where it cannot be read."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return {}
    return {name: float(value) for name, value in _SAMPLE.findall(text)}
