# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the source has told, on disk.

Who is wanted, the cookie, and what the brake remembers, in one file and one rename.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from .._delivery.removal_limit import RemovalLimits
from .._membership import membership_state
from .._membership.assignments import Machine, Membership, User
from .blocked_removals import Brake, brake_from
from .membership_diff import Fleet, differing


class Record:
    """``wanted.json``, and ``pending.json`` beside it.

    Each machine is put into words once and again only when it has changed, since there may be many.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._written: Fleet = {}
        self._words: dict[str, str] = {}
        self._known = self._began = False
        self._since: dict[str, str] = {}
        """The machines that are behind, and the serial at which it came to be wanted what they are to have."""

    @property
    def behind(self) -> set[str]:
        """The machines that had not been given what is wanted, when it was written."""
        return set(self._since)

    def read(self, limits: RemovalLimits) -> tuple[membership_state.Wanted | None, Brake]:
        """What was told last; None where nothing was."""
        path = self.folder / "wanted.json"
        if not path.exists():
            return None, Brake(limits)
        wanted = membership_state.read_wanted(self.folder)
        self._known, self._since = True, membership_state.read_since(self.folder)
        self._put_into_words({machine.machine: machine for machine in wanted.membership.machines})
        return wanted, brake_from(json.loads(path.read_bytes()).get("lately"), limits)

    def write(self, fleet: Fleet, membership: Membership, cookie: str | None, brake: Brake) -> None:
        """Replace it."""
        rest = {
            "projects": dict(membership.projects),
            "remarks": list(membership.remarks),
            "serial": membership.serial,
        }
        changed = self._put_into_words(fleet)
        machines = ",\n".join(self._words.values())
        head = json.dumps(
            {"cookie": cookie, "format": membership_state.FORMAT, "lately": brake.as_data()}
        )
        inside = json.dumps(rest)
        text = f'{head[:-1]},\n"membership": {inside[:-1]}, "machines": [\n{machines}\n]}}}}\n'
        membership_state.replace_file(self.folder, "wanted.json", text)
        self._write_pending(fleet, membership, changed if self._known else set())
        self._known = self._began = True

    def _put_into_words(self, fleet: Fleet) -> set[str]:
        """The machines that are others than before."""
        changed = differing(self._written, fleet)
        for name in sorted(changed):
            if name in fleet:
                self._words[name] = json.dumps(fleet[name].as_data(), sort_keys=True)
            else:
                del self._words[name]
        self._written = fleet
        return changed

    def _write_pending(self, fleet: Fleet, membership: Membership, changed: set[str]) -> None:
        whole = replace(membership, machines=tuple(fleet.values()))
        since = {**self._since, **dict.fromkeys(changed, membership.serial)}
        if not self._began:
            since = {
                **{
                    machine.machine: membership.serial
                    for machine in membership_state.pending(
                        whole, membership_state.read_delivered(self.folder)
                    )
                },
                **since,
            }
        self._since = membership_state.write_pending(self.folder, whole, since)


def delivered_fleet(
    delivered: Mapping[str, Mapping[str, Any]], wanted: Fleet
) -> dict[str, Machine]:
    """What the machines were given, for those that are wanted."""
    found = (record for name, record in delivered.items() if name in wanted)
    return {
        record["machine"]: Machine(
            record["machine"], tuple(_user(user) for user in record["users"])
        )
        for record in found
    }


def _user(given: Mapping[str, Any]) -> User:
    return User(given["name"], given["id"], tuple(given["projects"]))
