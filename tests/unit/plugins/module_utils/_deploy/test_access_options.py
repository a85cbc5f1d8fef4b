# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options by which an account for a CI reaches its cluster."""

from __future__ import annotations

from ansible_collections.shipping.code.plugins.module_utils._deploy import argument_specs
from ansible_collections.shipping.code.plugins.module_utils._platforms.registry import PLATFORMS


def test_the_cluster_is_that_of_a_release() -> None:
    """Another default would make the account on another cluster than the one deployed to."""
    access = PLATFORMS.access_argument_spec(argument_specs.CI_ACCESS)
    release = PLATFORMS.argument_spec(argument_specs.RELEASE)
    reaching = set(PLATFORMS.with_accounts.connection_options) - {"namespace"}
    assert reaching | set(argument_specs.CONNECTION) <= set(access)
    for name in reaching | set(argument_specs.CONNECTION):
        assert access[name] == release[name], name
    assert access["namespace"]["required"]
