# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One program in one file: the catalog has its checksum."""

from __future__ import annotations

from ....module_utils._toolbox.installers.installer import Details
from ..tool_sources import ToolSources
from ..wheels import System
from .tool_type import Content, Tool, ToolType, check_file, declared_file


def _content(sources: ToolSources, tool: Tool, details: Details, _system: System) -> Content:
    # Imported where it is used: most runs send nothing.
    from ..compressed_content import refuse_archive, refuse_wrong_name, sendable

    path, name = declared_file(sources, tool, details), tool["name"]
    refuse_wrong_name(path, details, name)
    sent, ending = sendable(sources, path, details, name)
    refuse_archive(sent, details, name)
    return [(f"content{ending}", sent)]


TOOL_TYPE = ToolType(_content, check_file)
