# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may take an app, and who may still write it."""

from __future__ import annotations

import pytest
from ansible_collections.shipping.code.plugins.module_utils._deploy.lease import (
    Lease,
    LeaseAge,
    holder_text,
    is_held_by,
    may_acquire,
)
from ansible_collections.shipping.code.plugins.module_utils._deploy.run import new_run

HELD = Lease("id", 7, token=3, holder="alice@ci-7 4f", ttl=30, what="deploying 1.5.0")

FREE = [
    (None, LeaseAge(), True),
    (Lease("id", 7, token=3), LeaseAge(), True),
    (HELD, LeaseAge(), False),
    (HELD, LeaseAge(7, 29.9), False),
    (HELD, LeaseAge(7, 30.0), True),
    (HELD, LeaseAge(6, 99.0), False),
]


@pytest.mark.parametrize(("lease", "age", "free"), FREE)
def test_may_acquire(lease, age, free):
    assert may_acquire(lease, age, "bob@ci-8 5a") is free


def test_ones_own_is_may_acquire():
    assert may_acquire(HELD, LeaseAge(), HELD.holder)


@pytest.mark.parametrize(
    ("lease", "ours"),
    [
        (HELD, True),
        (None, False),
        (Lease("id", 8, 4, HELD.holder), False),
        (Lease("id", 8, 3, "bob@ci-8 5a"), False),
    ],
)
def test_is_held_by(lease, ours):
    assert is_held_by(lease, HELD.holder, 3) is ours


def test_labels_hold_all_of_it():
    assert Lease.from_labels("id", 7, HELD.labels()) == HELD
    assert Lease.from_labels("id", 7, {}) == Lease("id", 7)


def test_a_run_bears_the_name_of_who_releases():
    name = new_run("pipeline 4711\nof shop")
    assert holder_text(Lease("id", 1, holder=name)) == "pipeline 4711 of shop"
    assert "@" in new_run() and new_run("") != new_run("")


def test_a_holder_in_words():
    assert holder_text(HELD) == "alice@ci-7 (deploying 1.5.0)"
    assert holder_text(Lease("id", 1, holder="alice@ci-7 4f")) == "alice@ci-7"
