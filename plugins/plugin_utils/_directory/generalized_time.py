# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Times as directories write them: generalized time, RFC 4517 3.3.13. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

# Minutes and seconds may be missing, a fraction belongs to the last unit, and a zone may be
# an offset. Some servers omit the zone, which means UTC here.
_TIME = re.compile(
    r"(\d{4})(\d\d)(\d\d)(\d\d)(?:(?P<minute>\d\d)(?P<second>\d\d)?)?(?:[.,](?P<fraction>\d+))?"
    r"(?:Z|(?P<sign>[+-])(?P<hours>\d\d)(?P<minutes>\d\d)?)?",
    re.ASCII,
)
LATEST = datetime.max.replace(tzinfo=UTC)
"""The last moment that a date can hold, used for all later times."""


def parse_time(text: str) -> datetime | None:
    """Return the moment, or None where the text is no generalized time."""
    match = _TIME.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(part or 0) for part in match.groups()[:6])
    offset = _offset(match)
    # RFC 4517 allows second 60, a leap second, which a datetime cannot hold.
    if second > 60 or offset is None:
        return None
    try:
        moment = datetime(year, month, day, hour, minute, tzinfo=UTC)
        return moment + timedelta(seconds=second) + _fraction(match) - offset
    except ValueError:
        return None
    except OverflowError:
        return LATEST if offset < timedelta() else None


def _offset(match: re.Match[str]) -> timedelta | None:
    """Return how far the zone is ahead of UTC; None where there is no such zone."""
    hours, minutes = int(match["hours"] or 0), int(match["minutes"] or 0)
    if hours > 23 or minutes > 59:
        return None
    offset = timedelta(hours=hours, minutes=minutes)
    return -offset if match["sign"] == "-" else offset


def _fraction(match: re.Match[str]) -> timedelta:
    units = [3600, 60, 1]
    unit = units[sum(match[name] is not None for name in ("minute", "second"))]
    return timedelta(microseconds=int((match["fraction"] or "0")[:6].ljust(6, "0")) * unit)
