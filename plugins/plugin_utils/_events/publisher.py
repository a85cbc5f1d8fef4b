# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Publish what is wanted: first on disk, then in events.

The file is written before the event, so that a play of the event finds it, and so that a killed
source announces it at the next start.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any

from .._membership.assignments import Host, Membership
from . import payloads
from .announcer import Announcer
from .blocked_removals import BlockedRemovals
from .membership_cache import MembershipCache
from .membership_diff import Context, Fleet, MembershipChange, compare, differing, renames
from .removal_approval import CheckedRemovals, RemovalApproval
from .source_options import Options
from .source_record import SourceRecord


class Publisher:
    """The answer that was published last."""

    def __init__(self, options: Options, announcer: Announcer) -> None:
        self.has_published = False
        """Whether this source has published something since its start."""
        self._folder = options.state_path
        self._record = SourceRecord(options.state_path)
        self._announcer = announcer
        wanted, recent = self._record.read(options.limits)
        self.was_published = wanted is not None
        """Whether this source or one before it has published something."""
        self.removals = RemovalApproval(options.state_path, recent)
        self._wanted: Membership = wanted.membership if wanted else Membership("", (), {})
        self._fleet: Fleet = {host.name: host for host in self._wanted.hosts}

    @property
    def revision(self) -> str:
        """Return the revision that was published last; empty at first."""
        return self._wanted.revision

    def counts(self) -> dict[str, int]:
        """Return the numbers of hosts, users and blocked removals."""
        ids: set[str] = set()
        for host in self._fleet.values():
            ids.update(user.id for user in host.users)
        return {
            "host_count": len(self._fleet),
            "user_count": len(ids),
            "blocked_count": len(self.removals.blocked.removals),
        }

    def publish(
        self,
        cache: MembershipCache,
        revision: str,
        cookie: str | None,
        moments: Mapping[str, Any],
    ) -> None:
        """Write what is wanted now, and announce changes; ``moments`` are their times."""
        self._announcer.revision = revision
        check = self.removals.check(self._fleet, {**cache.fleet, **self._kept(cache)})
        projects = self._projects(cache, check.blocked)
        changes = self._changes(cache, check.fleet)
        wanted = Membership(revision, (), projects, cache.remarks)
        if self._is_new(check, changes, projects):
            self._record.write(check.fleet, wanted, cookie, check.recent)
        former_fleet, former_blocked = self._fleet, self.removals.blocked
        self._fleet, self._wanted = check.fleet, wanted
        self.removals.accept(check)
        facts = {**self._announcer.facts(), **moments}
        if self.has_published:
            self._announce_changes(changes, former_blocked, facts)
            pending = differing(former_fleet, self._fleet) & self._fleet.keys()
        else:
            self.has_published = True
            self._announce_snapshot(cache, facts)
            self._announce_changes(changes, former_blocked, facts)
            pending = self._announce_again(changes, facts)
        self.was_published = True
        if pending:
            self._announcer.put(payloads.pending(pending, facts))

    def _kept(self, cache: MembershipCache) -> dict[str, Host]:
        """Return the uncertain hosts, as they were published last."""
        return {name: self._fleet[name] for name in cache.uncertain_hosts if name in self._fleet}

    def _projects(self, cache: MembershipCache, blocked: BlockedRemovals) -> dict[str, str]:
        """Return the projects that exist, and those that are wanted while a removal is blocked.

        Also those of uncertain hosts.
        """
        blocked_projects = {project for _host, _id, project in blocked.removals}
        for host in self._kept(cache).values():
            blocked_projects.update(host.projects)
        kept = {project: self._wanted.projects.get(project, "") for project in blocked_projects}
        return {**kept, **cache.projects}

    def _changes(self, cache: MembershipCache, fleet: Fleet) -> list[MembershipChange]:
        # Members of the first answer have not joined; the snapshot reports them.
        if not self.was_published:
            return []
        former, present = self._wanted.projects.keys(), cache.projects.keys()
        deleted, created = set(former - present), set(present - former)
        # This checks all users, and most changes do not need it.
        closed = functools.cache(lambda: cache.closed)
        context = Context(
            lambda user_id: user_id in closed(),
            renames(self._fleet, fleet, deleted, created),
            frozenset(deleted),
        )
        return compare(self._fleet, fleet, context)

    def _is_new(
        self,
        check: CheckedRemovals,
        changes: Sequence[MembershipChange],
        projects: Mapping[str, str],
    ) -> bool:
        """Return whether the answer has to be written."""
        return (
            not self.has_published
            or bool(changes)
            or check.blocked.id != self.removals.blocked.id
            or check.fleet != self._fleet
            or projects != self._wanted.projects
        )

    def _announce_snapshot(self, cache: MembershipCache, facts: Mapping[str, Any]) -> None:
        projects = sorted(self._wanted.projects)
        dynamic = cache.dynamic_groups
        facts = {**facts, "dynamic_groups": dynamic} if dynamic else facts
        self._announcer.put(
            payloads.event("snapshot", [], projects=projects, **self.counts(), **facts)
        )

    def _announce_changes(
        self, changes: Sequence[MembershipChange], former: BlockedRemovals, facts: Mapping[str, Any]
    ) -> None:
        blocked = self.removals.blocked
        for event in payloads.changed(changes, facts):
            self._announcer.put(event)
        if blocked.id and blocked.id != former.id:
            self._announcer.put(payloads.blocked(blocked, str(self._folder), facts))
        if former.id and not blocked.id:
            self._announcer.put(payloads.event("unblocked", [], approval=former.id, **facts))

    def _announce_again(
        self, changes: Sequence[MembershipChange], facts: Mapping[str, Any]
    ) -> set[str]:
        """Announce at the start what hosts have not received yet; return these hosts.

        It may have been announced before, to a play that was interrupted.
        """
        behind = self._record.behind
        wanted = {name: self._fleet[name] for name in behind}
        delivered = self._record.delivered(wanted)
        announced = {(change.project, change.id, change.type) for change in changes}
        again = [
            change
            for change in compare(delivered, {name: wanted[name] for name in delivered})
            if (change.project, change.id, change.type) not in announced
        ]
        for event in payloads.changed(again, {**facts, "again": True}):
            self._announcer.put(event)
        return behind
