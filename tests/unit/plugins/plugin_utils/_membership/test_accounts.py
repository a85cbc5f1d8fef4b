# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from ansible_collections.shipping.code.plugins.plugin_utils._directory.search import Entry
from ansible_collections.shipping.code.plugins.plugin_utils._membership.accounts import (
    is_open,
    next_change,
    unreadable,
)

NOW = datetime(2026, 3, 1, tzinfo=UTC)
YESTERDAY, TOMORROW = NOW - timedelta(days=1), NOW + timedelta(days=1)


def filetime(time: datetime) -> str:
    return str(int((time - datetime(1601, 1, 1, tzinfo=UTC)).total_seconds()) * 10**7)


def days(time: datetime) -> str:
    return str((time - datetime(1970, 1, 1, tzinfo=UTC)).days)


def entry(name: str, value: str) -> Entry:
    return Entry("cn=a,dc=x", {name.lower(): [value.encode()]})


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("userAccountControl", "512", True),
        ("userAccountControl", "514", False),
        ("userAccountControl", str(512 | 0x10), True),  # locked out
        ("userAccountControl", str(512 | 0x800000), True),  # the password has expired
        ("accountExpires", "0", True),
        ("accountExpires", "9223372036854775807", True),
        ("accountExpires", filetime(YESTERDAY), False),
        ("accountExpires", filetime(TOMORROW), True),
        ("nsAccountLock", "TRUE", False),
        ("nsAccountLock", "false", True),
        ("pwdAccountLockedTime", "000001010000Z", False),
        ("pwdAccountLockedTime", "20260228120000Z", True),
        ("pwdEndTime", "20260228000000Z", False),
        ("krbPrincipalExpiration", "20260228000000Z", False),
        ("krbPrincipalExpiration", "20260302000000.5Z", True),
        ("shadowExpire", "-1", True),
        ("shadowExpire", "0", True),
        ("shadowExpire", days(YESTERDAY), False),
        ("shadowExpire", days(TOMORROW), True),
        ("shadowExpire", "2932897", True),  # the first day that no date can hold
        ("shadowExpire", "2147483647", True),
        ("accountExpires", "9223372032559808511", True),
        ("accountExpires", "9223372036854775806", True),
        ("accountExpires", "-1", True),
        ("pwdEndTime", "202602280000Z", False),  # without seconds
        ("pwdEndTime", "2026022823Z", False),  # without minutes
        ("pwdEndTime", "20260301003000+0100", False),
        ("pwdEndTime", "20260228233000-0100", True),
        ("pwdEndTime", "203001010000Z", True),
        ("pwdEndTime", "99991231235959-0100", True),
        ("pwdStartTime", "20260302000000Z", False),
        ("pwdStartTime", "20260228000000Z", True),
        ("cn", "a", True),
    ],
)
def test_enabled_accounts(name, value, expected):
    assert is_open(entry(name, value), NOW) is expected


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("shadowExpire", "soon"),
        ("krbPrincipalExpiration", "tomorrow"),
        ("pwdEndTime", "20261301000000Z"),
    ],
)
def test_what_cannot_be_read_closes_no_account_and_is_reported(name, value):
    assert is_open(entry(name, value), NOW)
    assert [name for name, _form in unreadable(entry(name, value))] == [name]


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("shadowExpire", days(TOMORROW), TOMORROW),
        ("shadowExpire", days(YESTERDAY), None),
        ("shadowExpire", "2147483647", None),
        ("pwdStartTime", "20260302000000Z", TOMORROW),
    ],
)
def test_when_an_account_opens_or_closes_next(name, value, expected):
    assert next_change(entry(name, value), NOW) == expected
