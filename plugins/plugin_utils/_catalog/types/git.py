# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of one commit, which pins them."""

from __future__ import annotations

from collections.abc import Iterator

from ....module_utils._toolbox.installers.installer import Details
from ..tool_sources import ToolSources, refuse_lfs_pointers
from ..wheels import System
from .tool_type import Tool, ToolType


def _content(
    sources: ToolSources, tool: Tool, details: Details, _system: System
) -> Iterator[tuple[str, str]]:
    archive = sources.commit(details["repository"], details["commit"], tool["name"])
    refuse_lfs_pointers(archive, tool["name"])
    yield "archive", archive


TOOL_TYPE = ToolType(_content)
