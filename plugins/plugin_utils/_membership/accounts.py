# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which accounts are open. Pure.

A lockout after wrong passwords and an expired password change nothing: they pass by themselves.
MS-ADTS 2.2.16 (userAccountControl), MS-ADA1 2.1 (accountExpires), shadow(5), slapo-ppolicy(5), the
schemas of 389-ds and FreeIPA.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from .._directory.directory_errors import Contradiction
from .._directory.search import Entry

ATTRIBUTES = (
    "userAccountControl",
    "accountExpires",
    "nsAccountLock",
    "krbPrincipalExpiration",
    "shadowExpire",
    "pwdAccountLockedTime",
    "pwdEndTime",
)
_DISABLED = 0x2
_NEVER = (0, 0x7FFFFFFFFFFFFFFF)
# slapo-ppolicy(5): locked until an administrator unlocks it. Any other time is a lockout after
# wrong passwords.
_FOREVER = "000001010000Z"
_TIME = re.compile(r"(\d{14})(?:[.,]\d+)?Z")


def is_open(entry: Entry, now: datetime) -> bool:
    """Return whether a person may still work with this account."""
    return not why_closed(entry, now)


def why_closed(entry: Entry, now: datetime) -> str:
    """Return the attribute that closes an account, with its value; nothing where it is open."""
    name = next(_disabling(entry), "") or next(
        (name for name, end in closing_dates(entry) if end <= now), ""
    )
    return f"{name} is {entry.text(name)}" if name else ""


def next_end(entry: Entry) -> datetime | None:
    """Return when an open account closes by its date."""
    return min((end for _name, end in closing_dates(entry)), default=None)


def _disabling(entry: Entry) -> Iterator[str]:
    if _number(entry, "userAccountControl") & _DISABLED:
        yield "userAccountControl"
    if entry.text("nsAccountLock").lower() == "true":
        yield "nsAccountLock"
    if entry.text("pwdAccountLockedTime") == _FOREVER:  # slapo-ppolicy: by an administrator
        yield "pwdAccountLockedTime"


def closing_dates(entry: Entry) -> Iterator[tuple[str, datetime]]:
    """Yield the attributes that close an account at a date, with it."""
    for name in ("krbPrincipalExpiration", "pwdEndTime"):
        if entry.text(name):
            yield name, _time(entry, name)
    # A FILETIME: steps of 100 ns since 1601 (MS-DTYP 2.3.3).
    filetime = _number(entry, "accountExpires")
    if filetime not in _NEVER:
        yield (
            "accountExpires",
            datetime(1601, 1, 1, tzinfo=UTC) + timedelta(microseconds=filetime // 10),
        )
    days = _number(entry, "shadowExpire")
    if days > 0:  # 0 and -1: never, as most systems read it
        yield "shadowExpire", datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=days)


def _number(entry: Entry, name: str) -> int:
    text = entry.text(name)
    try:
        return int(text or 0)
    except ValueError:
        raise Contradiction(
            f"{name} of {entry.dn} is no number", repr(text), "Correct it in the directory"
        ) from None


def _time(entry: Entry, name: str) -> datetime:
    text = entry.text(name)
    match = _TIME.fullmatch(text)
    try:
        return datetime.strptime(match[1] if match else text, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        raise Contradiction(
            f"{name} of {entry.dn} is no time",
            repr(text),
            "Correct it in the directory; RFC 4517 3.3.13 says how times are written",
        ) from None
