# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""In which way a directory says that something has changed. Pure.

RFC 4533 (content synchronization), MS-ADTS 3.1.1.3.4.1.9 (change notification).
"""

from __future__ import annotations

from collections.abc import Container
from enum import StrEnum

SYNC = "1.3.6.1.4.1.4203.1.9.1.1"
NOTIFY = "1.2.840.113556.1.4.528"


class Way(StrEnum):
    """By which a change is seen."""

    SYNCREPL = "syncrepl"
    NOTIFICATION = "notification"
    POLLING = "polling"


def choose(asked: str, controls: Container[str], library: bool) -> tuple[Way, str]:
    """The way, and why it is this one.

    ``library`` is whether python-ldap is there, which both fast ways need.
    """
    if asked != "auto":
        return Way(asked), "it is asked for"
    offered = Way.SYNCREPL if SYNC in controls else Way.NOTIFICATION if NOTIFY in controls else None
    if offered is None:
        return (
            Way.POLLING,
            "the server offers neither content synchronization (RFC 4533) nor change notification",
        )
    if not library:
        return (
            Way.POLLING,
            f"the server offers {offered}, but the Python library python-ldap is missing",
        )
    return offered, "the server offers it"
