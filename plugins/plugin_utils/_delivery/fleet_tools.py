# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which users of the whole fleet have which tools, and which of them the catalog drops. Pure.

A catalog is the same for all hosts: a tool that it drops on one host is dropped on every other one
of that platform, also if this run does not deliver to it. So a run for one host meets the same
limit as a run for all of them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from .fleet import OTHER_PLATFORM, HostDelivery
from .removal_limit import ToolDrops, ToolKey

UserTool = tuple[str, str, str]
"""Id of a user, project, tool."""


class HostTools(NamedTuple):
    """The tools of a host's users."""

    platform: str = ""
    """Such as ``linux x86_64``."""
    tools: frozenset[UserTool] = frozenset()
    dropped: frozenset[UserTool] = frozenset()
    """Those that the catalog has removed since the last delivery to the whole fleet."""

    def as_data(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "platform": self.platform,
            "tools": sorted(map(list, self.tools)),
            "dropped": sorted(map(list, self.dropped)),
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> HostTools:
        """Return what as_data() was made from."""
        return cls(
            str(data["platform"]),
            frozenset((user, project, tool) for user, project, tool in data["tools"]),
            frozenset((user, project, tool) for user, project, tool in data["dropped"]),
        )


@dataclass
class _Drops:
    """The tools of the fleet's users, as far as they are known."""

    had: dict[ToolKey, set[str]] = field(default_factory=dict)
    dropped: dict[ToolKey, set[str]] = field(default_factory=dict)

    def add(
        self, platform: str, tools: Collection[UserTool], dropped: Collection[UserTool]
    ) -> None:
        """Add the users of these tools; of those that are dropped, too."""
        for user, project, tool in (*tools, *dropped):
            self.had.setdefault((project, tool, platform), set()).add(user)
        for user, project, tool in dropped:
            self.dropped.setdefault((project, tool, platform), set()).add(user)


def drops(hosts: Iterable[HostDelivery], records: Mapping[str, HostTools]) -> ToolDrops:
    """Return what the catalog drops, over the whole fleet.

    ``records`` are the tools of hosts as deliveries left them, by name.
    """
    answered = {host.name: host for host in hosts if host.answered}
    current: set[ToolKey] = set()
    for host in answered.values():
        platform = _platform(host)
        current.update((project, tool, platform) for _user, project, tool in _dropped(host))
    known = _Drops()
    for host in answered.values():
        dropped = _dropped(host) | _former_drops(host, records)
        known.add(_platform(host), _installed(host.first_result), dropped)
    for name, record in records.items():
        if name not in answered:
            lost = {tool for tool in record.tools if (*tool[1:], record.platform) in current}
            known.add(record.platform, record.tools, record.dropped | lost)
    return ToolDrops(known.had, known.dropped, frozenset(current), _for_other_platforms(answered))


def after_run(
    host: HostDelivery, former: HostTools, approved: Collection[str], *, is_new_baseline: bool
) -> HostTools:
    """Return the tools of a host after a run.

    A delivery to the whole fleet is the new baseline. ``approved`` are projects that were allowed
    to lose all of their users: what they lose is not counted again.
    """
    if not host.answered:
        return former._replace(dropped=frozenset()) if is_new_baseline else former
    tools = _installed(host.last_result)
    removed = {tool for tool in _dropped(host) if tool[1] not in approved}
    dropped = frozenset() if is_new_baseline else (former.dropped | removed) - tools
    return HostTools(_platform(host), frozenset(tools), frozenset(dropped))


def _platform(host: HostDelivery) -> str:
    return str(host.first_result.get("platform", ""))


def _installed(answer: Mapping[str, Any]) -> set[UserTool]:
    installed: set[UserTool] = set()
    for user in answer.get("users") or ():
        installed.update((user["id"], tool["project"], tool["name"]) for tool in user["tools"])
    return installed


def _dropped(host: HostDelivery) -> set[UserTool]:
    dropped: set[UserTool] = set()
    for removal in host.dropped_tools:
        dropped.update((removal["id"], removal["project"], name) for name in removal["tools"])
    return dropped


def _former_drops(host: HostDelivery, records: Mapping[str, HostTools]) -> set[UserTool]:
    former = records.get(host.name, HostTools())
    return set(former.dropped) - _installed(host.first_result)


def _for_other_platforms(hosts: Mapping[str, HostDelivery]) -> frozenset[ToolKey]:
    keys: set[ToolKey] = set()
    for host in hosts.values():
        for removal in host.dropped_tools:
            if removal["cause"] == OTHER_PLATFORM:
                project, platform = removal["project"], _platform(host)
                keys.update((project, name, platform) for name in removal["tools"])
    return frozenset(keys)
