# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The registry of platforms, and what is equal in the support of each."""

from __future__ import annotations

import pytest
from ansible_collections.shipping.code.plugins.module_utils._compose import keys
from ansible_collections.shipping.code.plugins.module_utils._compose.service import (
    EXTENSION,
    PARSERS,
    parsers_for,
)
from ansible_collections.shipping.code.plugins.module_utils._core.errors import ShippingError
from ansible_collections.shipping.code.plugins.module_utils._platforms import registry

from tests.integration.key_values import ELSEWHERE, values_on

PLATFORMS = registry.names()
SUPPORTS = [registry.support(name) for name in PLATFORMS]
SECTIONS = {"networks", "volumes", "secrets", "configs"}


def first_words(paths):
    return {path.partition(".")[0] for path in paths}


def all_keys(field):
    return set().union(*(getattr(support, field) for support in SUPPORTS))


def test_each_platform_is_known_by_its_name():
    assert PLATFORMS == ("swarm", "kubernetes")
    assert [support.platform for support in SUPPORTS] == list(PLATFORMS)
    assert all(support.platforms == PLATFORMS for support in SUPPORTS)


def test_an_unknown_platform_is_reported_with_those_that_there_are():
    with pytest.raises(ShippingError) as caught:
        registry.support("marathon")
    assert str(caught.value) == (
        "platform 'marathon' is unknown: the platforms are swarm, kubernetes."
        " Set platform to one of them."
    )
    with pytest.raises(ShippingError, match="did you mean kubernetes"):
        registry.support("kubernets")


def test_every_parser_is_of_a_key_that_a_platform_honors():
    assert first_words(all_keys("keys")) == {*PARSERS, EXTENSION}
    assert not set(PARSERS) & keys.LOCAL_KEYS


@pytest.mark.parametrize("support", SUPPORTS, ids=PLATFORMS)
def test_what_a_platform_honors_it_does_not_refuse(support):
    honored, refused = set(parsers_for(support)), set(support.refused_keys)
    assert honored == first_words(support.keys)
    assert not honored & refused and not refused & keys.LOCAL_KEYS
    assert honored | refused == {*PARSERS, EXTENSION} | all_keys("refused_keys"), (
        "each key is known to all platforms"
    )
    assert not set(support.object_keys) & set(support.refused_object_keys)


@pytest.mark.parametrize("support", SUPPORTS, ids=PLATFORMS)
def test_all_platforms_have_words_for_the_same_values(support):
    assert set(support.refused_values) == all_keys("refused_values")
    honored, refused = set(support.object_keys), set(support.refused_object_keys)
    assert honored | refused == all_keys("object_keys") | all_keys("refused_object_keys")
    assert first_words(support.object_keys) == SECTIONS
    assert all("{}" not in text for text in support.refused_keys.values())


@pytest.mark.parametrize("support", SUPPORTS, ids=PLATFORMS)
def test_every_key_is_tried_on_its_platform(support):
    """A key that is not tried is not supported."""
    assert set(values_on(support.platform)) | ELSEWHERE == set(support.keys)
