# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from ansible_collections.shipping.code.plugins.plugin_utils._directory.directory_errors import (
    Contradiction,
)
from ansible_collections.shipping.code.plugins.plugin_utils._directory.search import Entry
from ansible_collections.shipping.code.plugins.plugin_utils._membership.accounts import is_open

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
        ("cn", "a", True),
    ],
)
def test_who_may_work(name, value, expected):
    assert is_open(entry(name, value), NOW) is expected


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("shadowExpire", "soon"),
        ("krbPrincipalExpiration", "tomorrow"),
        ("pwdEndTime", "20261301000000Z"),
    ],
)
def test_what_cannot_be_read_is_an_error(name, value):
    with pytest.raises(Contradiction, match=f"{name} of cn=a,dc=x is no"):
        is_open(entry(name, value), NOW)
