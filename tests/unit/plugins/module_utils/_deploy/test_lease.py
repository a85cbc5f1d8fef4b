# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may take an app, and who may still write it."""

from __future__ import annotations

import pytest
from ansible_collections.shipping.code.plugins.module_utils._deploy.lease import (
    Lease,
    Seen,
    free_to_take,
    still_ours,
    who,
)

HELD = Lease("id", 7, token=3, holder="alice@ci-7 4f", ttl=30, what="who releases 1.5.0")

FREE = [
    (None, Seen(), True),
    (Lease("id", 7, token=3), Seen(), True),
    (HELD, Seen(), False),
    (HELD, Seen(7, 29.9), False),
    (HELD, Seen(7, 30.0), True),
    (HELD, Seen(6, 99.0), False),
]


@pytest.mark.parametrize(("lease", "seen", "free"), FREE)
def test_free_to_take(lease, seen, free):
    assert free_to_take(lease, seen, "bob@ci-8 5a") is free


def test_ones_own_is_free_to_take():
    assert free_to_take(HELD, Seen(), HELD.holder)


@pytest.mark.parametrize(
    ("lease", "ours"),
    [
        (HELD, True),
        (None, False),
        (Lease("id", 8, 4, HELD.holder), False),
        (Lease("id", 8, 3, "bob@ci-8 5a"), False),
    ],
)
def test_still_ours(lease, ours):
    assert still_ours(lease, HELD.holder, 3) is ours


def test_labels_hold_all_of_it():
    assert Lease.from_labels("id", 7, HELD.labels()) == HELD
    assert Lease.from_labels("id", 7, {}) == Lease("id", 7)


def test_a_holder_in_words():
    assert who(HELD) == "alice@ci-7, who releases 1.5.0"
    assert who(Lease("id", 1, holder="alice@ci-7 4f")) == "alice@ci-7"
