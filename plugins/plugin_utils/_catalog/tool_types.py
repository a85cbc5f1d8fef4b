# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the catalog's side of a type of tool: the file of its name in ``types``.

There is no list here, as there is for installers: this side is never packed for a host.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from .types.tool_type import ToolType

# As a path, since tests.suites sees by paths what a file depends on.
_FOLDER = Path(__file__).parent / "types"


def tool_type(name: str) -> ToolType:
    """Return the type of this name, which is one of INSTALLERS."""
    module = import_module(f"{__package__}.{_FOLDER.name}.{name}")
    found: ToolType = module.TOOL_TYPE
    return found
