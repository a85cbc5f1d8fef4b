# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A tool that is not ready for a user, with the reason. Pure."""

from __future__ import annotations

from typing import Any, NamedTuple

from .generation_model import Tool, View

Key = tuple[str, str, str]
"""The id of a user, a project and a tool."""


class FailedTool(NamedTuple):
    """A tool that is not ready for a user, with the reason."""

    view: View
    tool: Tool
    reason: str
    output: tuple[str, ...] = ()

    @property
    def key(self) -> Key:
        """Return the user, the project and the name of the tool."""
        return self.view.id, self.tool.project, self.tool.name

    def __str__(self) -> str:
        """Return a clause, with the last line of the test."""
        tool = self.tool
        last = f" ({self.output[-1]})" if self.output else ""
        return (
            f"{tool.project} {tool.name} {tool.version} for {self.view.name}: {self.reason}{last}"
        )

    def as_data(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "user": self.view.name,
            "project": self.tool.project,
            "tool": self.tool.name,
            "version": self.tool.version,
            "reason": self.reason,
            "output": list(self.output),
        }
