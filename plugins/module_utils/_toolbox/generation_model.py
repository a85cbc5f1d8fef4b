# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Define generations: a view for each user, with the installed state of its tools. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple


class Tool(NamedTuple):
    """A tool that a user has or must have.

    Fields after ``packages`` are not requested: the delivery sets them.
    """

    project: str
    name: str
    type: str
    version: str
    description: str
    object: str
    commands: Mapping[str, str]
    priority: int = 0
    self_test: tuple[str, ...] = ()
    variables: Mapping[str, str] = MappingProxyType({})
    path: str = ""
    needs: tuple[str, ...] = ()
    """The tools of the project that it runs."""
    packages: tuple[str, ...] = ()
    """The packages of the host's distribution that it is, ``NAME`` or ``NAME=VERSION``."""
    place: str = ""
    """The folder in the store, empty if the type has none."""
    requested: str = ""
    ready: str = ""

    @property
    def as_wanted(self) -> Tool:
        """Return the tool as it is requested, without what the delivery has set."""
        return self._replace(place="", requested="", ready="")

    def as_data(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            **self._asdict(),
            "commands": dict(self.commands),
            "variables": dict(self.variables),
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Tool:
        """Return what as_data() was made from."""
        # Records of older versions of this collection lack some of them.
        lists = {key: tuple(data.get(key, ())) for key in ("self_test", "needs", "packages")}
        return cls(**{**data, **lists})


class View(NamedTuple):
    """The tools of one user."""

    id: str
    name: str
    uid: int
    tools: tuple[Tool, ...] = ()

    @property
    def projects(self) -> list[str]:
        """Return the projects of the tools."""
        return sorted({tool.project for tool in self.tools})

    def map_tools(self, change: Callable[[Tool], Tool]) -> View:
        """Return the view with each tool changed."""
        return self._replace(tools=tuple(map(change, self.tools)))

    def only(self, projects: Collection[str]) -> View:
        """Return the view with the tools of these projects only."""
        return self._replace(tools=tuple(tool for tool in self.tools if tool.project in projects))

    def find(self, project: str, name: str) -> Tool | None:
        """Return the tool of this name."""
        return next(
            (tool for tool in self.tools if (tool.project, tool.name) == (project, name)), None
        )

    def as_data(self) -> dict[str, Any]:
        """Return plain data."""
        return {**self._asdict(), "tools": [tool.as_data() for tool in self.tools]}

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> View:
        """Return what as_data() was made from."""
        return cls(data["id"], data["name"], data["uid"], tuple(map(Tool.from_data, data["tools"])))


class Generation(NamedTuple):
    """All views of a host at one time.

    Number 0 is a host without a delivery.
    """

    number: int = 0
    created: str = ""
    views: tuple[View, ...] = ()
    rolled_back_to: int | None = None

    @property
    def pairs(self) -> set[tuple[str, str]]:
        """Return the users and the projects of their tools."""
        return {(view.id, tool.project) for view, tool in self.tools}

    @property
    def places(self) -> set[str]:
        """Return the folders in the store that it needs."""
        return {tool.place for _view, tool in self.tools if tool.place}

    @property
    def tools(self) -> Iterator[tuple[View, Tool]]:
        """Yield each tool of each user."""
        for view in self.views:
            for tool in view.tools:
                yield view, tool

    def view(self, identity: str) -> View | None:
        """Return the view of a user, by id."""
        return next((view for view in self.views if view.id == identity), None)

    def as_data(self) -> dict[str, Any]:
        """Return plain data."""
        return {**self._asdict(), "views": [view.as_data() for view in self.views]}

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Generation:
        """Return what as_data() was made from."""
        return cls(
            data["number"],
            data["created"],
            tuple(map(View.from_data, data["views"])),
            data.get("rolled_back_to"),
        )


def ordered(views: list[View]) -> tuple[View, ...]:
    """Return views by name, their tools by project and name, without those that have no tools."""
    kept = (
        view._replace(tools=tuple(sorted(view.tools, key=lambda tool: (tool.project, tool.name))))
        for view in views
        if view.tools
    )
    return tuple(sorted(kept, key=lambda view: view.name))
