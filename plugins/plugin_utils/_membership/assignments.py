# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host assignment, which inventory, events and deliveries exchange. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, order=True, slots=True)
class User:
    """A user on a host.

    The directory's stable id, the login name, and the projects in alphabetical order.
    """

    name: str
    id: str
    projects: tuple[str, ...] = ()
    # Not compared: hints are not part of the assignment, so a new uidNumber changes nothing.
    hints: Mapping[str, Any] = field(default_factory=dict, compare=False)

    def as_data(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "id": self.id,
            "name": self.name,
            "projects": list(self.projects),
            "hints": dict(self.hints),
        }


@dataclass(frozen=True, slots=True)
class Host:
    """A host and all its users, in the order of their names."""

    name: str
    users: tuple[User, ...] = ()

    @property
    def projects(self) -> list[str]:
        """Return the projects of all its users."""
        return sorted(set[str]().union(*(user.projects for user in self.users)))

    def as_data(self) -> dict[str, Any]:
        """Return plain data."""
        return {"host": self.name, "users": [user.as_data() for user in self.users]}


@dataclass(frozen=True)
class Membership:
    """The assignments of all hosts, as of ``revision``."""

    revision: str
    hosts: tuple[Host, ...]
    projects: Mapping[str, str]
    """The name of the Ansible group of each project."""
    remarks: tuple[str, ...] = ()

    def as_data(self) -> dict[str, Any]:
        """Return plain data, for a cache."""
        return {
            "revision": self.revision,
            "hosts": [host.as_data() for host in self.hosts],
            "projects": dict(self.projects),
            "remarks": list(self.remarks),
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Membership:
        """Return the membership from its plain data."""
        hosts = (
            Host(entry["host"], tuple(_user(user) for user in entry["users"]))
            for entry in data["hosts"]
        )
        return cls(data["revision"], tuple(hosts), dict(data["projects"]), tuple(data["remarks"]))

    def record(self, name: str) -> dict[str, Any]:
        """Return the assignment of one host."""
        return record(next(host for host in self.hosts if host.name == name), self.revision)


def record(host: Host, revision: str) -> dict[str, Any]:
    """Return the assignment of a host, without hints."""
    users = [
        {"id": user.id, "name": user.name, "projects": list(user.projects)} for user in host.users
    ]
    return {"host": host.name, "revision": revision, "users": users}


def _user(data: Mapping[str, Any]) -> User:
    return User(data["name"], data["id"], tuple(data["projects"]), dict(data["hints"]))


def ordered(hosts: Iterable[Host]) -> tuple[Host, ...]:
    """Return the hosts in the order of their names."""
    return tuple(sorted(hosts, key=lambda host: host.name))
