# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which accounts are open. Pure.

A lockout after wrong passwords and an expired password change nothing: both are temporary.
MS-ADTS 2.2.16 (userAccountControl), MS-ADA1 2.1 (accountExpires), shadow(5), slapo-ppolicy(5), the
schemas of 389-ds and FreeIPA.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta

from .._directory.generalized_time import LATEST, parse_time
from .._directory.search import Entry

ATTRIBUTES = (
    "userAccountControl",
    "accountExpires",
    "nsAccountLock",
    "krbPrincipalExpiration",
    "shadowExpire",
    "pwdAccountLockedTime",
    "pwdStartTime",
    "pwdEndTime",
)
_KEYS = frozenset(name.lower() for name in ATTRIBUTES)
_DISABLED = 0x2
_NEVER = (0, 0x7FFFFFFFFFFFFFFF)
# slapo-ppolicy(5): locked until an administrator unlocks it. Any other time is a lockout after
# wrong passwords.
_FOREVER = "000001010000Z"


def is_open(entry: Entry, now: datetime) -> bool:
    """Return whether a user may still work with this account."""
    # Most accounts of most directories have none of these attributes.
    return _KEYS.isdisjoint(entry.values) or not why_closed(entry, now)


def has_limits(entry: Entry) -> bool:
    """Return whether any attribute limits the account."""
    return not _KEYS.isdisjoint(entry.values)


def why_closed(entry: Entry, now: datetime) -> str:
    """Return the attribute that closes an account, with its value; nothing where it is open."""
    name = next(_disabling(entry, now), "") or next(
        (name for name, end in closing_dates(entry) if end <= now), ""
    )
    return f"{name} is {entry.text(name)}" if name else ""


def next_change(entry: Entry, now: datetime) -> datetime | None:
    """Return when an account opens or closes next by a date of its own."""
    if _KEYS.isdisjoint(entry.values):
        return None
    start = parse_time(entry.text("pwdStartTime"))
    dates = [end for _name, end in closing_dates(entry)] + ([start] if start else [])
    return min((date for date in dates if now < date < LATEST), default=None)


def unreadable(entry: Entry) -> Iterator[tuple[str, str]]:
    """Yield the attributes whose values cannot be read, with the expected form.

    They close no account: one wrong value must not remove the tools of a user.
    """
    for key, (name, parse, form) in _FORMS.items():
        if key in entry.values and entry.text(key) and parse(entry.text(key)) is None:
            yield name, form


def _disabling(entry: Entry, now: datetime) -> Iterator[str]:
    for key, (name, disables) in _SWITCHES.items():
        if key in entry.values and disables(entry.text(key), now):
            yield name


def closing_dates(entry: Entry) -> Iterator[tuple[str, datetime]]:
    """Yield the attributes that close an account at a date, with it."""
    for key, (name, parse) in _DATES.items():
        end = parse(entry.text(key)) if key in entry.values else None
        if end:
            yield name, end


def _filetime(text: str) -> datetime | None:
    """Return a date in steps of 100 ns since 1601 (MS-DTYP 2.3.3); None for never."""
    # Samba takes any number of 64 bits.
    number = _integer(text) or 0
    is_never = number <= 0 or number in _NEVER
    return None if is_never else _after(datetime(1601, 1, 1, tzinfo=UTC), number // 10)


def _days(text: str) -> datetime | None:
    """Return a date in days since 1970; None for never, as most systems read 0 and -1."""
    days = _integer(text) or 0
    return _after(datetime(1970, 1, 1, tzinfo=UTC), days * _DAY) if days > 0 else None


_DAY = 86_400 * 10**6


def _after(epoch: datetime, microseconds: int) -> datetime:
    """Return a date, or the last one where it is later than a date can hold: never."""
    try:
        return epoch + timedelta(microseconds=microseconds)
    except OverflowError:
        return LATEST


def _integer(text: str) -> int | None:
    try:
        return int(text)
    except ValueError:
        return None


def _is_disabled(text: str, _now: datetime) -> bool:
    return bool((_integer(text) or 0) & _DISABLED)


def _is_locked(text: str, _now: datetime) -> bool:
    return text.lower() == "true"


def _is_locked_by_admin(text: str, _now: datetime) -> bool:
    return text == _FOREVER


def _is_too_early(text: str, now: datetime) -> bool:
    start = parse_time(text)
    return start is not None and start > now


# By lower-case names, as entries have them: a decision reads 10,000 users, and nearly all of them
# have one of these attributes or none.
_SWITCHES: Mapping[str, tuple[str, Callable[[str, datetime], bool]]] = {
    name.lower(): (name, disables)
    for name, disables in (
        ("userAccountControl", _is_disabled),
        ("nsAccountLock", _is_locked),
        ("pwdAccountLockedTime", _is_locked_by_admin),
        ("pwdStartTime", _is_too_early),
    )
}
_DATES: Mapping[str, tuple[str, Callable[[str], datetime | None]]] = {
    name.lower(): (name, parse)
    for name, parse in (
        ("krbPrincipalExpiration", parse_time),
        ("pwdEndTime", parse_time),
        ("accountExpires", _filetime),
        ("shadowExpire", _days),
    )
}
_FORMS: Mapping[str, tuple[str, Callable[[str], object], str]] = {
    name.lower(): (name, parse, form)
    for name, parse, form in (
        ("userAccountControl", _integer, "number"),
        ("accountExpires", _integer, "number"),
        ("shadowExpire", _integer, "number"),
        ("krbPrincipalExpiration", parse_time, "time"),
        ("pwdStartTime", parse_time, "time"),
        ("pwdEndTime", parse_time, "time"),
    )
}
