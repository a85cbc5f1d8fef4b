# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A file: its checksum pins it, and its path in a view is its own."""

from __future__ import annotations

from ....module_utils._toolbox.installers.installer import Details
from ..tool_sources import ToolSources
from .tool_type import Tool, ToolType, file_content, pin_file


def _pin(sources: ToolSources, tool: Tool, details: Details) -> Details:
    return {**pin_file(sources, tool, details), "as": details.get("path") or tool["name"]}


def _shared_path(tool: Tool) -> str:
    return str((tool["variants"] or [{}])[0].get("path") or tool["name"])


TOOL_TYPE = ToolType(file_content, _pin, _shared_path)
