# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The garbage collector rests while objects are created that stay, and only then."""

from __future__ import annotations

import gc

import pytest
from ansible_collections.shipping.code.plugins.plugin_utils._controller.long_lived_objects import (
    long_lived_objects,
)


@pytest.fixture(autouse=True)
def unfrozen():
    yield
    gc.unfreeze()
    gc.enable()


def test_no_garbage_is_collected_inside_and_what_stays_is_not_searched_later():
    before = gc.get_freeze_count()
    with long_lived_objects():
        assert not gc.isenabled()
        stays = [[number] for number in range(1000)]
    assert gc.isenabled()
    assert gc.get_freeze_count() >= before + len(stays)


def test_an_error_leaves_the_collector_as_it_was():
    before = gc.get_freeze_count()
    with pytest.raises(ValueError, match="bad"), long_lived_objects():
        raise ValueError("bad")
    assert gc.isenabled()
    assert gc.get_freeze_count() == before


def test_a_collector_that_its_process_has_switched_off_stays_off():
    gc.disable()
    with long_lived_objects():
        pass
    assert not gc.isenabled()
