# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of two membership records is the older one. Pure.

A revision is ``kind:source:value``; only values of one kind and source can be compared.
"""

from __future__ import annotations

from typing import NamedTuple

_NUMBERS = ("usn", "change", "time")


class Order(NamedTuple):
    """The result of comparing a revision with the last one."""

    older: bool = False
    other_source: bool = False


def compare(new: str, last: str) -> Order:
    """Return how ``new`` compares to the ``last`` revision that was applied.

    An empty one is older than all.
    """
    if not last or new == last:
        return Order()
    (kind, source, value), (last_kind, last_source, last_value) = _parts(new), _parts(last)
    if (kind, source) != (last_kind, last_source):
        return Order(other_source=True)
    if kind in _NUMBERS and value.isdigit() and last_value.isdigit():
        return Order(older=int(value) < int(last_value))
    # CSNs have a fixed width (draft-chu-ldap-csn; 20 digits in an RUV), so that their text has the
    # order of their times.
    return Order(older=value < last_value)


def is_older(revision: str, other: str) -> bool:
    """Return whether a revision is known to be older than another one."""
    return compare(revision, other).older


def is_revision(text: str) -> bool:
    """Return whether a text is a revision."""
    kind, _source, value = _parts(text)
    return value.isdecimal() if kind in _NUMBERS else bool(kind and value)


def _parts(revision: str) -> tuple[str, str, str]:
    """Split a revision. A source may contain colons (an LDAP URI); kind and value have none."""
    kind, _colon, rest = revision.partition(":")
    source, _colon, value = rest.rpartition(":")
    return kind, source, value
