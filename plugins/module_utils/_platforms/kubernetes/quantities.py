# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Convert amounts to the form that Kubernetes itself writes, so that reads equal writes.

https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
"""

from __future__ import annotations

from decimal import Decimal

from ..._core import units

_BINARY = ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")
_DECIMAL = ("", "k", "M", "G", "T", "P", "E")
_FACTORS = {
    **{suffix: Decimal(1024) ** power for power, suffix in enumerate(_BINARY)},
    **{suffix: Decimal(1000) ** power for power, suffix in enumerate(_DECIMAL)},
    **{suffix: Decimal(1000) ** -power for power, suffix in enumerate(("", "m", "u", "n"))},
}


def memory(text: str) -> str:
    """Convert an amount of memory: Compose's ``64M`` is ``64Mi``."""
    amount = units.octets(text)
    return (
        _shortened(amount, 1024, _BINARY)
        if amount and amount % 1024 == 0
        else _shortened(amount, 1000, _DECIMAL)
    )


def cpu(text: str) -> str:
    """Convert CPUs: Compose's ``0.5`` is ``500m``; parts of a thousandth are rounded up."""
    thousandths = -(-units.nanocpus(text) // 1_000_000)
    return (
        _shortened(thousandths // 1000, 1000, _DECIMAL)
        if thousandths % 1000 == 0
        else f"{thousandths}m"
    )


def seconds(text: str) -> int:
    """Return a duration in whole seconds, rounded up."""
    return -(-units.nanoseconds(text) // 1_000_000_000)


def billionths(text: str) -> int:
    """Return a quantity as Kubernetes writes it, such as ``250m`` or ``64Mi``, in billionths."""
    number = text.rstrip("numkKMGTPEi")
    return int(Decimal(number) * _FACTORS[text[len(number) :]] * 1_000_000_000)


def _shortened(amount: int, step: int, suffixes: tuple[str, ...]) -> str:
    power = 0
    while amount and amount % step == 0 and power < len(suffixes) - 1:
        amount, power = amount // step, power + 1
    return f"{amount}{suffixes[power]}"
