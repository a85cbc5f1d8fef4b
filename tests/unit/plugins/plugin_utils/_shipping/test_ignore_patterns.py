# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which files Docker ignores; tests/integration/test_ship.py compares with a real build."""

from __future__ import annotations

import pytest
from ansible_collections.shipping.code.plugins.module_utils._core.errors import SpecError
from ansible_collections.shipping.code.plugins.plugin_utils._shipping.ignore_patterns import (
    kept_paths,
    read_patterns,
)

from .ignore_samples import PATHS, SAMPLES


@pytest.mark.parametrize("sample", SAMPLES)
def test_kept_paths(sample: str) -> None:
    text, ignored = SAMPLES[sample]
    assert set(PATHS) - set(kept_paths(PATHS, read_patterns(text))) == ignored


@pytest.mark.parametrize("line", ["!", "!  ", "[a", "a[b-a]"])
def test_lines_without_meaning(line: str) -> None:
    with pytest.raises(SpecError) as caught:
        read_patterns(f"*.log\n\n  {line}\n")
    assert str(caught.value.problems[0]).startswith(".dockerignore:3:3: ")
