# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Both sides of each type of tool are there, and agree on helper programs."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.shipping.code.plugins.module_utils._toolbox.installer_registry import (
    INSTALLERS,
)
from ansible_collections.shipping.code.plugins.plugin_utils._catalog.tool_types import tool_type

PLUGINS = Path(__file__).parents[5] / "plugins"
FOLDERS = {
    "module_utils/_toolbox/installers": "installer",
    "plugin_utils/_catalog/types": "tool_type",
}


@pytest.mark.parametrize("folder", FOLDERS)
def test_each_type_has_a_file_on_both_sides(folder: str) -> None:
    files = {path.stem for path in (PLUGINS / folder).glob("*.py")}
    assert files - {"__init__", FOLDERS[folder]} == set(INSTALLERS)


@pytest.mark.parametrize("name", INSTALLERS)
def test_each_helper_program_has_a_hint(name: str) -> None:
    assert set(tool_type(name).program_hints) == set(INSTALLERS[name].programs)
