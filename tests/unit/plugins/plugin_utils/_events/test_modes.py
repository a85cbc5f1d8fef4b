# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from ansible_collections.shipping.code.plugins.plugin_utils._events.backoff import LONGEST, pause
from ansible_collections.shipping.code.plugins.plugin_utils._events.modes import (
    NOTIFY,
    SYNC,
    Mode,
    choose,
)
from ansible_collections.shipping.code.plugins.plugin_utils._events.polling import bases, clock_of

NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("requested", "controls", "has_library", "mode"),
    [
        ("auto", [SYNC], True, Mode.SYNCREPL),
        ("auto", [NOTIFY], True, Mode.NOTIFICATION),
        ("auto", [SYNC], False, Mode.POLLING),
        ("auto", [], True, Mode.POLLING),
        ("polling", [SYNC], True, Mode.POLLING),
        ("syncrepl", [], False, Mode.SYNCREPL),
    ],
)
def test_the_mode(requested: str, controls: list[str], has_library: bool, mode: Mode):
    chosen, why = choose(requested, controls, has_library=has_library)
    assert chosen == mode and why
    if not has_library and requested == "auto":
        assert "python-ldap is missing" in why


def test_pauses_grow_and_end_at_a_minute():
    waits = [pause(failures, random.Random(1)) for failures in range(1, 40)]
    assert (
        0.25 <= waits[0] <= 0.75 and max(waits) <= 1.5 * LONGEST and min(waits[10:]) >= LONGEST / 2
    )
    assert len({pause(5, random.Random(seed)) for seed in range(10)}) > 5


def test_the_directory_s_clock():
    assert clock_of("csn:dc=x:20260101000000.000001Z#000000#000#000000", NOW) == datetime(
        2025, 12, 31, 23, 59, 58, tzinfo=UTC
    )
    assert clock_of("ruv:5f0:69a3800000000000ffff", NOW).year == 2026
    assert clock_of("change:ldap://x:7", NOW) < NOW - timedelta(minutes=1)


def test_no_base_below_another():
    places = {"base": "ou=a,dc=x", "users": "OU=users, dc=x", "projects": "ou=inner,ou=a,dc=x"}
    settings = SimpleNamespace(
        base=places["base"],
        projects=SimpleNamespace(base=places["projects"]),
        users=SimpleNamespace(base=places["users"]),
        hosts=None,
        netgroups=None,
    )
    assert bases(settings) == ["ou=a,dc=x", "OU=users, dc=x"]  # type: ignore[arg-type]
