# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep the decision between changes, and the answer that follows from it. Pure.

An entry that was read again updates the decision, which returns the hosts concerned. The other
hosts stay the same objects, so that comparing and writing 10,000 of them is fast.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from .._directory.settings import Settings
from .._membership.assignments import Host
from .._membership.decide import Decision
from .._membership.entry_update import EntryUpdate, Role, Uncertain
from .._membership.facts import MembershipFacts


class MembershipCache:
    """A decision with the hosts that follow from it, by their names in ``fleet``."""

    def __init__(self, facts: MembershipFacts, settings: Settings, now: datetime) -> None:
        """Make the decision, which raises for an incomplete answer."""
        self.decision = Decision(facts, settings, now)
        self.decision.prepare_updates()
        # The revision is unknown here; the publisher adds it.
        membership = self.decision.membership("time:control:0")
        self.dynamic_groups = self.decision.groups.dynamic()
        """The groups whose members the server computes; no mode reports that they have changed."""
        self.projects: Mapping[str, str] = membership.projects
        self.remarks = membership.remarks
        self.fleet: dict[str, Host] = {host.name: host for host in membership.hosts}
        self.next_expiry = self.decision.users.next_expiry(now)
        """The time when the next account is enabled or disabled by a date."""

    @property
    def closed(self) -> frozenset[str]:
        """Return the ids of existing disabled accounts."""
        return self.decision.users.closed_ids()

    @property
    def uncertain_hosts(self) -> frozenset[str]:
        """Return the hosts with uncertain assignments."""
        return frozenset(self.decision.uncertain_hosts)

    def role_of(self, key: str) -> Role | None:
        """Return the role of an entry."""
        return self.decision.role_of(key)

    def is_expiry_due(self, now: datetime) -> bool:
        """Return whether a date has enabled or disabled an account since the last update."""
        return self.next_expiry is not None and self.next_expiry <= now

    def expired(self, now: datetime) -> list[EntryUpdate]:
        """Return the users whose accounts a date has enabled or disabled since then."""
        users = self.decision.users
        return [EntryUpdate(key, Role.USER, users.entries[key]) for key in users.expired(now)]

    def update(self, updates: Iterable[EntryUpdate], now: datetime) -> bool:
        """Apply entries that were read again.

        Return False if everything has to be read again. This cache must not be used then.
        """
        applied = list(updates)
        try:
            hosts = self.decision.update(applied, now)
        except Uncertain:
            return False
        for name in hosts:
            self.fleet[name] = self.decision.host(name)
        self._update_expiry([update.key for update in applied], now)
        return True

    def _update_expiry(self, changed: Iterable[str], now: datetime) -> None:
        # All 10,000 users take 25 ms, so they are checked only when an expiry is due. Until then
        # the former expiry stays, even if its account was extended.
        users = self.decision.users
        if self.is_expiry_due(now):
            self.next_expiry = users.next_expiry(now)
            return
        expiries = (self.next_expiry, users.next_expiry(now, changed))
        self.next_expiry = min(filter(None, expiries), default=None)
