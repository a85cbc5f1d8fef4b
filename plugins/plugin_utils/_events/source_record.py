# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read and write the source's record.

The answer, the cookie, and the recent removals, in one file and one rename.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from .._delivery.removal_limit import RemovalLimits
from .._membership import membership_state
from .._membership.assignments import Host, Membership, User
from .blocked_removals import RecentRemovals, recent_removals_from
from .membership_diff import Fleet, differing


class SourceRecord:
    """The files ``wanted.json`` and ``pending.json``.

    A host is serialized again only after a change, because 10,000 hosts take 0.1 s.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._written: Fleet = {}
        self._serialized: dict[str, str] = {}
        self._exists = False
        """Whether a record exists already."""
        self._is_first = True
        """Whether this source has not written a record yet."""
        self._since: dict[str, str] = {}
        """The pending hosts, each with the revision at which it became pending."""

    @property
    def behind(self) -> set[str]:
        """Return the hosts that were pending at the last write."""
        return set(self._since)

    def read(
        self, limits: RemovalLimits
    ) -> tuple[membership_state.WantedMembership | None, RecentRemovals]:
        """Return the last published answer, or None."""
        path = self._folder / "wanted.json"
        if not path.exists():
            return None, RecentRemovals(limits)
        wanted = membership_state.read_wanted(self._folder)
        self._exists, self._since = True, membership_state.read_since(self._folder)
        self._serialize({host.name: host for host in wanted.membership.hosts})
        recent = json.loads(path.read_bytes()).get("recent_removals")
        return wanted, recent_removals_from(recent, limits)

    def write(
        self, fleet: Fleet, membership: Membership, cookie: str | None, recent: RecentRemovals
    ) -> None:
        """Replace the record; the hosts of ``membership`` are those of the fleet."""
        head = json.dumps(
            {
                "cookie": cookie,
                "format": membership_state.FORMAT,
                "recent_removals": recent.as_data(),
            }
        )
        rest = json.dumps(
            {
                "projects": dict(membership.projects),
                "remarks": list(membership.remarks),
                "revision": membership.revision,
            }
        )
        changed = self._serialize(fleet)
        hosts = ",\n".join(self._serialized.values())
        # By hand, so that only hosts that have changed are serialized again.
        text = f'{head[:-1]},\n"membership": {rest[:-1]}, "hosts": [\n{hosts}\n]}}}}\n'
        # Before pending.json, which is only used when it is not older.
        membership_state.replace_file(self._folder, "wanted.json", text)
        self._write_pending(fleet, membership, changed if self._exists else set())
        self._exists, self._is_first = True, False

    def delivered(self, wanted: Fleet) -> dict[str, Host]:
        """Return the delivered assignments of these hosts, if any."""
        records = membership_state.read_delivered(self._folder)
        return {
            name: Host(name, tuple(_user(user) for user in record["users"]))
            for name, record in records.items()
            if name in wanted
        }

    def _serialize(self, fleet: Fleet) -> set[str]:
        """Serialize the hosts that have changed; return their names."""
        changed = differing(self._written, fleet)
        for name in sorted(changed):
            if name in fleet:
                self._serialized[name] = json.dumps(fleet[name].as_data(), sort_keys=True)
            else:
                del self._serialized[name]
        self._written = fleet
        return changed

    def _write_pending(self, fleet: Fleet, membership: Membership, changed: set[str]) -> None:
        whole = replace(membership, hosts=tuple(fleet.values()))
        since = {**self._since, **dict.fromkeys(changed, membership.revision)}
        if self._is_first:
            delivered = membership_state.read_delivered(self._folder)
            pending = membership_state.pending(whole, delivered)
            names = (host.name for host in pending)
            since = {**dict.fromkeys(names, membership.revision), **since}
        self._since = membership_state.write_pending(self._folder, whole, since)


def _user(given: Mapping[str, Any]) -> User:
    return User(given["name"], given["id"], tuple(given["projects"]))
