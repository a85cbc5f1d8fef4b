# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An entry that was read again, as ``Decision.update`` takes it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from .._directory.search import Entry


class Role(StrEnum):
    """The role of an entry."""

    PROJECT = "project"
    GROUP = "group"
    """A group that is no project, and that may be inside of one."""
    USER = "user"
    HOST = "host"


@dataclass(frozen=True)
class EntryUpdate:
    """An entry as it is now; without a role where it no longer counts, or no longer exists."""

    key: str
    role: Role | None = None
    entry: Entry | None = None

    def certain(self, role: Role) -> Entry:
        """Return the entry; raise Uncertain where it has not this role."""
        if self.role != role or self.entry is None:
            raise Uncertain
        return self.entry


class Uncertain(Exception):
    """The outcome of an update is uncertain without reading everything again."""


def require(certain: object) -> None:
    """Raise Uncertain unless this holds."""
    if not certain:
        raise Uncertain
