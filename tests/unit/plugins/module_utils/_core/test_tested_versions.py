# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Only a version that is newer than each tested one is warned of."""

from __future__ import annotations

import pytest
from ansible_collections.shipping.code.plugins.module_utils._core import tested_versions

VERSIONS = [
    (("20.10", "26"), "26.1.5+dfsg1", False),
    (("20.10", "26"), "27.0", True),
    (("20.10",), "20.10.24", False),
    (("20.10",), "26.1", True),
    (("1.31", "1.36"), "v1.36.9+k3s1", False),
    (("1.31", "1.36"), "v1.37.0", True),
    (("3", "4"), "v4.3.2", False),
    (("3",), "v4.0.0", True),
    # Builds of a developer, and engines of another make.
    (("20.10",), "dev", False),
    (("20.10",), "", False),
]


@pytest.mark.parametrize(("tested", "version", "is_newer"), VERSIONS)
def test_a_newer_one_is_a_warning(monkeypatch, tested, version, is_newer):
    monkeypatch.setitem(tested_versions.TESTED, "engine", tested)
    warnings = tested_versions.newer_than_tested("engine", "Docker Engine", version)
    assert len(warnings) == is_newer
    assert not is_newer or f"is newer than {tested[-1]}, the newest" in warnings[0]


def test_the_table_is_in_order():
    for versions in tested_versions.TESTED.values():
        numbers = [tuple(map(int, version.split("."))) for version in versions]
        assert numbers == sorted(numbers) and numbers
