# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read changed entries, or everything, into the membership cache."""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import UTC, datetime

from ...module_utils._toolbox.revision_order import is_older
from .._directory import revision
from .._directory.connection import LdapSession
from .._directory.directory_errors import DirectoryError
from .._membership.empty_answer import require_content
from .._membership.entry_update import EntryUpdate, Role
from .._membership.facts import read_facts
from .membership_cache import MembershipCache
from .reread import reread
from .reread_queue import RereadRequest
from .source_options import Options

_DYNAMIC_PAUSE = 5.0
"""Seconds between two readings of everything because of dynamic groups."""
_MANY = 200
"""From so many changed entries on, reading everything is quicker."""


class Behind(DirectoryError):
    """The server lacks changes that another server has already sent."""


class DirectoryReader:
    """The membership cache, and the revision of the directory that it is from."""

    def __init__(self, options: Options) -> None:
        self.cache: MembershipCache | None = None
        self.revision = ""
        self._settings = options.directory
        self._reconcile = options.reconcile
        self._accepts_older = options.accept_older
        self._everything_read_at = float("-inf")
        self._dynamic_due_at = float("inf")
        """The time to read dynamic groups, after a user has changed."""

    def seconds_until_due(self) -> float:
        """Return the seconds until the next read that no report causes."""
        due_at = min(self._everything_read_at + self._reconcile, self._dynamic_due_at)
        seconds = due_at - time.monotonic()
        if self.cache and self.cache.next_expiry:
            expiry = (self.cache.next_expiry - datetime.now(UTC)).total_seconds()
            # No server reports that a date has passed, because no entry changes.
            return min(seconds, expiry)
        return seconds

    def read(
        self, session: LdapSession, request: RereadRequest, published: str
    ) -> tuple[MembershipCache, list[EntryUpdate] | None]:
        """Read what is requested, and what is due by the clock; return the cache and what was read.

        These are the entries that were read again; None if nothing was read.
        ``published`` is the revision of what was published last.
        """
        cache, now = self.cache, datetime.now(UTC)
        if cache is None or self._is_everything_due(request):
            return self._read_everything(session, published, now), []
        if not request.dns and not cache.is_expiry_due(now):
            return cache, None
        return self._read_changed(session, cache, request.dns, published)

    def _is_everything_due(self, request: RereadRequest) -> bool:
        return (
            request.everything
            or len(request.dns) > _MANY
            or time.monotonic() - self._everything_read_at >= self._reconcile
            or time.monotonic() >= self._dynamic_due_at
        )

    def _expect_dynamic(self, cache: MembershipCache, updates: Iterable[EntryUpdate]) -> None:
        """Record that members of dynamic groups may have changed, because a user has changed.

        The server computes them from any attribute, so that only a full reading shows them.
        """
        if cache.dynamic_groups and any(update.role == Role.USER for update in updates):
            due_at = max(time.monotonic(), self._everything_read_at + _DYNAMIC_PAUSE)
            self._dynamic_due_at = min(self._dynamic_due_at, due_at)

    def _read_changed(
        self, session: LdapSession, cache: MembershipCache, dns: Iterable[str], published: str
    ) -> tuple[MembershipCache, list[EntryUpdate]]:
        now = datetime.now(UTC)
        # Before the entries: what changes while they are read is newer than this, and comes again.
        taken = self._take_revision(session)
        updates = [self._reread(session, cache, dn) for dn in sorted(dns)]
        if cache.is_expiry_due(now):
            updates += cache.expired(now)
        # One that is half updated must not be used when the update or what follows fails.
        self.cache = None
        if not cache.update(updates, now):
            return self._read_everything(session, published, now), updates
        self._expect_dynamic(cache, updates)
        self.cache, self.revision = cache, taken
        return cache, updates

    def _reread(self, session: LdapSession, cache: MembershipCache, dn: str) -> EntryUpdate:
        return reread(session, self._settings, cache.role_of, dn)

    def _read_everything(
        self, session: LdapSession, published: str, now: datetime
    ) -> MembershipCache:
        taken = self._take_revision(session)
        if published and is_older(taken, published) and not self._accepts_older:
            hint = (
                "A replica catches up without action. If the directory was restored from a backup,"
                " write accept_older: true"
            )
            raise Behind(
                f"{session.uri} is older than what was published",
                f"it is at {taken}, and {published} was published",
                hint,
            )
        self.cache = None  # The former cache is out of date if the next line fails.
        cache = MembershipCache(read_facts(session, self._settings), self._settings, now)
        require_content(session, self._settings, cache.decision)
        self.cache, self.revision = cache, taken
        self._everything_read_at, self._dynamic_due_at = time.monotonic(), float("inf")
        return cache

    def _take_revision(self, session: LdapSession) -> str:
        if session.root.raw("highestCommittedUSN") or session.root.raw("lastChangeNumber"):
            session.read_root_entry()  # They are as old as this.
        return revision.read_revision(session, self._settings.base)
