# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The time at which a server answered."""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import parsedate_to_datetime


def timestamp(headers: Mapping[str, str]) -> float | None:
    """Return the seconds of the header Date (RFC 9110, 6.6.1), None where there is no such time."""
    try:
        return parsedate_to_datetime(headers["Date"]).timestamp()
    # Before Python 3.10 a text that is no date is a TypeError.
    except (KeyError, TypeError, ValueError, OverflowError, IndexError):
        return None
