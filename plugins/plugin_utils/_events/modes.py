# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Choose the mode in which the source detects changes. Pure.

RFC 4533 (content synchronization), MS-ADTS 3.1.1.3.4.1.9 (change notification).
"""

from __future__ import annotations

from collections.abc import Container
from enum import StrEnum

SYNC = "1.3.6.1.4.1.4203.1.9.1.1"
NOTIFY = "1.2.840.113556.1.4.528"


class Mode(StrEnum):
    """The mode in which changes are detected."""

    SYNCREPL = "syncrepl"
    NOTIFICATION = "notification"
    POLLING = "polling"


def choose(requested: str, controls: Container[str], *, has_library: bool) -> tuple[Mode, str]:
    """Return the mode, and the reason.

    ``has_library`` is true if python-ldap is installed, which both fast modes need.
    """
    if requested != "auto":
        return Mode(requested), "it was requested"
    offered = _offered(controls)
    if offered is None:
        return (
            Mode.POLLING,
            "the server offers neither content synchronization (RFC 4533) nor change notification",
        )
    if not has_library:
        return (
            Mode.POLLING,
            f"the server offers {offered}, but the Python library python-ldap is missing",
        )
    return offered, "the server offers it"


def _offered(controls: Container[str]) -> Mode | None:
    # First, because it also reports deletions, and resumes from a cookie.
    if SYNC in controls:
        return Mode.SYNCREPL
    return Mode.NOTIFICATION if NOTIFY in controls else None
