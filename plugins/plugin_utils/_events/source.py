# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The source: it follows the directory, keeps what is wanted on disk, and tells what has changed.

What is wanted is on disk before anybody is told of it, so that a play that an event starts finds it
there, and so that whoever is killed in between tells it at the next start.
"""

from __future__ import annotations

import functools
import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from ...module_utils._core.errors import ShippingError
from ...module_utils._toolbox.revision_order import is_older
from .._directory import revision
from .._directory.connection import LdapSession, connect
from .._directory.directory_errors import DirectoryError, Refused, Unanswered
from .._membership import membership_state
from .._membership.assignments import Membership
from .._membership.facts import read_facts
from . import announce, modes
from .ad_notification import Notification
from .announce import Event
from .backoff import REFUSED, pause
from .blocked_removals import Held
from .listener import AGAIN, Line, NotOffered, ldap_library
from .membership_cache import Picture, Reading
from .membership_diff import Context, Fleet, compare, differing, renames
from .modes import Way
from .polling import Poll, bases
from .reread import changed_at, read_again
from .reread_queue import Inbox, Notes
from .source_options import Options
from .source_record import Record, delivered_fleet
from .syncrepl import Memory, Syncrepl

_MANY = 200
"""From so many changed entries on, reading everything is quicker."""
_LOOK = 1.0
"""Seconds between two looks for what a person has let go."""
_SLOW = 30.0
"""Seconds that a notification may take; some servers look for changes now and then only."""
Put = Callable[[Event], None]


class Behind(DirectoryError):
    """The server has not yet what another one has told already."""


class Source:
    """From the directory to events, in the thread that calls run()."""

    def __init__(self, options: Options, put: Put, stop: threading.Event) -> None:
        self.options = options
        self.settings = options.directory
        self.inbox = Inbox()
        self.way: Way | None = None
        self._put = put
        self._stop = stop
        self._record = Record(options.state_path)
        self._chance = random.SystemRandom()
        self._memories: dict[str, Memory] = {}
        self._lines: list[Line] = []
        self._picture: Picture | None = None
        self._open = Notes()
        """What has come in and is not decided yet."""
        self._serial = ""
        self._held = Held()
        self._trouble = ""
        self._began = False
        self._lag: float | None = None
        self._alive = False
        """Whether everything has worked since the connection was made."""
        self._answered = self._last_full = float("-inf")
        self._told: set[str] = set()
        """What was decided since the last look."""
        self._unheard: dict[str, float] = {}
        """What a look has found and the line has not told yet, and since when."""
        wanted, self._brake = self._record.read(options.limits)
        self._known = wanted is not None
        self._wanted: Membership = wanted.membership if wanted else Membership("", (), {})
        self._fleet: Fleet = {machine.machine: machine for machine in self._wanted.machines}

    def run(self) -> None:
        """Follow until told to stop.

        At the very first start every error ends it. At a later one a directory that does not
        answer, or that lags, is waited for, since it may have been started together with this
        machine; and once it is followed nothing ends it.
        """
        failures = 0
        while not self._stop.is_set():
            try:
                with self._connected() as session:
                    self._follow(session)
            except ShippingError as error:
                if not self._began and not (
                    self._known and isinstance(error, (Unanswered, Behind))
                ):
                    raise
                refused = isinstance(error, Refused) and error.facts.get("bind") is True
                failures, self._alive = 1 if self._alive else failures + 1, False
                self._tell_trouble(error)
                self._wait_for_next(failures, refused)

    def _came_back(self) -> None:
        """Everything has worked once since the connection was made."""
        self._alive = True
        if self._trouble:
            self._trouble = ""
            self._put(announce.event("recovered", [], **self._facts()))

    def _wait_for_next(self, failures: int, refused: bool) -> None:
        if not refused:
            self._stop.wait(pause(failures, self._chance))
            return
        # Each further attempt may lock the account, so that only another password is a reason for
        # one before its time.
        deadline = time.monotonic() + REFUSED
        while not self._stop.wait(min(self.options.heartbeat, 5)) and time.monotonic() < deadline:
            password = self.options.password()
            if password != self.settings.connection.password:
                self.settings = replace(
                    self.settings, connection=replace(self.settings.connection, password=password)
                )
                return

    @contextmanager
    def _connected(self) -> Iterator[LdapSession]:
        try:
            session = connect(self.settings.connection)
        except Refused as error:
            # A ticket may be renewed at any time; only passwords that are wrong lock an account.
            error.facts["bind"] = self.settings.connection.bind == "simple"
            raise
        with session:
            try:
                self._listen(session)
                yield session
            finally:
                for line in self._lines:
                    line.stop()
                self._lines = []

    def _listen(self, session: LdapSession) -> None:
        library = ldap_library()
        way, why = modes.choose(
            self.options.way, session.root.texts("supportedControl"), library is not None
        )
        if way != Way.POLLING and library is None:
            remedy = (
                "Call pip install python-ldap for the Python that runs ansible-rulebook, or write"
                " way: polling"
            )
            raise DirectoryError(
                f"way {way} cannot be gone", "the Python library python-ldap is missing", remedy
            )
        try:
            self._start_lines(library, way, session)
        except NotOffered as error:
            if self.options.way != "auto":
                raise
            way, why = Way.POLLING, f"{error.what}: {error.why}"
        if self.way != way:
            self.way = way
            self._put(announce.event("way", [], way=str(way), reason=why, server=session.uri))

    def _start_lines(self, library: Any, way: Way, session: LdapSession) -> None:
        if way == Way.POLLING:
            return
        connection, uri, inbox = self.settings.connection, session.uri, self.inbox
        kind = Syncrepl if way == Way.SYNCREPL else Notification
        places = (
            bases(self.settings)
            if way == Way.SYNCREPL
            else sorted({_context_of(base, session) for base in bases(self.settings)})
        )
        lines: list[Line] = [
            kind(library, connection, uri, base, inbox, self.options.heartbeat) for base in places
        ]
        for line in lines:
            if isinstance(line, Syncrepl):
                line.memory = self._memories.setdefault(line.base, Memory())
            line.start()
        self._lines = lines
        try:
            for line in lines:
                line.wait()
        except NotOffered:
            self._lines = []
            self.inbox.take(0)  # That it has ended is no news.
            raise

    # Following

    def _follow(self, session: LdapSession) -> None:
        session.limit(self.settings.connection.total_timeout)
        poll = Poll(self.settings, session, revision.read_revision(session, self.settings.base))
        poll.changed(session)  # What is there already is read below.
        if self._picture is None or self.way != Way.SYNCREPL:
            self._open.everything = True
        beat = looked = time.monotonic()
        self._collect(0)
        self._work(session)
        self._came_back()
        while not self._stop.is_set():
            interval = self.options.poll if self.way == Way.POLLING else self.options.heartbeat
            self._collect(self._patience(beat, looked, interval))
            if self._stop.is_set():
                return
            session.limit(self.settings.connection.total_timeout)
            if time.monotonic() - looked >= interval:
                self._look(session, poll)
                looked = time.monotonic()
            self._work(session)
            if time.monotonic() - beat >= self.options.heartbeat:
                self._beat(session)
                beat = time.monotonic()

    def _patience(self, beat: float, looked: float, interval: float) -> float:
        now = time.monotonic()
        ends = [
            beat + self.options.heartbeat - now,
            looked + interval - now,
            self._last_full + self.options.reconcile - now,
        ]
        if self._picture and self._picture.next_end:
            ends.append((self._picture.next_end - datetime.now(UTC)).total_seconds())
        return min([*ends, _LOOK] if self._held.id else ends)

    def _collect(self, patience: float) -> None:
        """Take what comes; what comes right after the last answer is taken together."""
        notes = self.inbox.take(patience)
        for dn in notes.dns & self._unheard.keys():
            del self._unheard[dn]
        left = self._answered + self.options.settle - time.monotonic()
        if notes and left > 0:
            self._stop.wait(left)
            notes = _both(notes, self.inbox.take(0))
        if notes.failure:
            self._open = _both(self._open, replace(notes, failure=None))
            raise notes.failure
        self._open = _both(self._open, notes)

    def _look(self, session: LdapSession, poll: Poll) -> None:
        """See by the directory's own marks what has changed.

        A line that never tells of it is dead.
        """
        found = poll.changed(session)
        self._collect(0)
        if self.way == Way.POLLING:
            self._open = _both(self._open, Notes(found, since=time.time() if found else 0))
            return
        late, self._told = found - self._open.dns - self._told, set()
        if late and self._picture and not self._open.everything:
            before = dict(self._picture.fleet)
            self._open = _both(self._open, Notes(late, since=time.time()))
            self._work(session)
            if self._picture.fleet != before:  # It may be another one now.
                self._unheard.update(dict.fromkeys(late, time.monotonic()))
        grace = (
            max(self.options.heartbeat, _SLOW)
            if self.way == Way.NOTIFICATION
            else self.options.heartbeat
        )
        overdue = [dn for dn, since in self._unheard.items() if time.monotonic() - since >= grace]
        if overdue:
            self._unheard.clear()
            raise Unanswered(
                f"the line to {session.uri} is dead", f"it has not told of {min(overdue)}", AGAIN
            )

    # Deciding

    def _work(self, session: LdapSession) -> None:
        """Decide what has come in, and whatever is due by the clock."""
        now = datetime.now(UTC)
        if time.monotonic() - self._last_full >= self.options.reconcile:
            self._open.everything = True
        if self._open.everything or len(self._open.dns) > _MANY or self._picture is None:
            self._read_everything(session, now)
        elif self._open.dns or (self._picture.next_end and self._picture.next_end <= now):
            self._read_changed(session, self._picture, now)
        elif self._held.id and self._let_go():
            self._answer(self._picture, {}, now)

    def _read_changed(self, session: LdapSession, picture: Picture, now: datetime) -> None:
        taken = self._take_serial(session)
        readings = [
            read_again(session, self.settings, picture, dn) for dn in sorted(self._open.dns)
        ]
        if picture.next_end and picture.next_end <= now:
            readings += picture.ended(now)
        if not picture.absorb(readings, now):
            self._read_everything(session, now, readings)
            return
        self._serial = taken
        self._done(picture, readings, now)

    def _read_everything(
        self, session: LdapSession, now: datetime, readings: Iterable[Reading] = ()
    ) -> None:
        taken = self._take_serial(session)
        if (
            self._wanted.serial
            and is_older(taken, self._wanted.serial)
            and not self.options.accept_older
        ):
            remedy = (
                "It catches up by itself if it is a replica; if the directory was set back on"
                " purpose, write accept_older: true"
            )
            raise Behind(
                f"{session.uri} is older than what was told already",
                f"it is at {taken}, and {self._wanted.serial} was told",
                remedy,
            )
        self._picture = None  # What is half absorbed is not to be used when the next line fails.
        picture = Picture(read_facts(session, self.settings), self.settings, now)
        self._picture, self._serial, self._last_full = picture, taken, time.monotonic()
        self._done(picture, readings, now)

    def _take_serial(self, session: LdapSession) -> str:
        if session.root.raw("highestCommittedUSN") or session.root.raw("lastChangeNumber"):
            session.read_root_entry()  # They are as old as this.
        return revision.read_revision(session, self.settings.base)

    def _done(self, picture: Picture, readings: Iterable[Reading], now: datetime) -> None:
        since = self._open.since or time.time()
        stamps = [stamp for stamp in map(changed_at, readings) if stamp]
        facts: dict[str, Any] = {"seen_at": _iso(datetime.fromtimestamp(since, UTC))}
        if stamps:
            facts["directory_changed_at"] = _iso(max(stamps))
            self._lag = since - max(stamps).timestamp()
        self._told |= self._open.dns
        self._answer(picture, facts, now)
        self._open = Notes()
        self._answered = time.monotonic()

    # Telling

    def _answer(self, picture: Picture, facts: Mapping[str, Any], now: datetime) -> None:
        """Write what is wanted now, and tell what is new."""
        let_go = self._let_go()
        fleet, held, brake = self._brake.apply(
            self._fleet, dict(picture.fleet), time.time(), let_go
        )
        projects = dict(picture.projects)
        if held.id:
            projects = {
                **{name: self._wanted.projects.get(name, "") for _machine, _id, name in held.lost},
                **projects,
            }
        news = [] if not self._known else compare(self._fleet, fleet, self._context(picture, fleet))
        first = not self._began
        membership = Membership(self._serial, (), projects, picture.remarks)
        if (
            first
            or news
            or held.id != self._held.id
            or fleet != self._fleet
            or projects != self._wanted.projects
        ):
            self._record.write(fleet, membership, self._cookie(), brake)
        former_held, before = self._held, self._fleet
        self._fleet, self._wanted, self._held, self._brake = fleet, membership, held, brake
        if let_go:
            (self.options.state_path / f"let-go-{let_go}").unlink(missing_ok=True)
        self._tell(news, before, former_held, facts, first)

    def _tell(
        self,
        news: list[Any],
        before: Fleet,
        former_held: Held,
        facts: Mapping[str, Any],
        first: bool,
    ) -> None:
        told = {**self._facts(), **facts}
        if first:
            self._began = True
            self._put(
                announce.event(
                    "snapshot", [], projects=sorted(self._wanted.projects), **self._counts(), **told
                )
            )
        for event in announce.changed(news, told):
            self._put(event)
        if self._held.id and self._held.id != former_held.id:
            self._put(announce.held(self._held, str(self.options.state_path), told))
        if former_held.id and not self._held.id:
            self._put(announce.event("released", [], let_go=former_held.id, **told))
        machines = (
            self._tell_again(news, told)
            if first
            else differing(before, self._fleet) & self._fleet.keys()
        )
        self._known = True
        if machines:
            self._put(announce.pending(machines, told))

    def _tell_again(self, news: list[Any], told: Mapping[str, Any]) -> set[str]:
        """At the start: what machines have not been given yet, whenever it was told first."""
        behind = self._record.behind
        had = delivered_fleet(
            membership_state.read_delivered(self.options.state_path),
            {name: self._fleet[name] for name in behind},
        )
        wanted = {name: self._fleet[name] for name in had}
        told_now = {(one.project, one.id, one.type) for one in news}
        again = [
            one for one in compare(had, wanted) if (one.project, one.id, one.type) not in told_now
        ]
        for event in announce.changed(again, {**told, "again": True}):
            self._put(event)
        return behind

    def _context(self, picture: Picture, fleet: Fleet) -> Context:
        gone, new = (
            self._wanted.projects.keys() - picture.projects.keys(),
            picture.projects.keys() - self._wanted.projects.keys(),
        )
        closed = functools.cache(lambda: picture.closed)
        return Context(
            lambda one: one in closed(),
            renames(self._fleet, fleet, set(gone), set(new)),
            frozenset(gone),
        )

    def _let_go(self) -> str:
        """The id of what is held, where a person has let it go."""
        return (
            self._held.id
            if self._held.id and (self.options.state_path / f"let-go-{self._held.id}").exists()
            else ""
        )

    def _cookie(self) -> str | None:
        return next((memory.cookie for memory in self._memories.values() if memory.cookie), None)

    def _facts(self) -> dict[str, Any]:
        return {"serial": self._serial, "way": str(self.way or "")}

    def _counts(self) -> dict[str, int]:
        users = {user.id for machine in self._fleet.values() for user in machine.users}
        return {
            "machine_count": len(self._fleet),
            "user_count": len(users),
            "held_count": len(self._held.lost),
        }

    def _beat(self, session: LdapSession) -> None:
        lag = {} if self._lag is None else {"lag_seconds": round(max(self._lag, 0.0), 3)}
        self._put(
            announce.event(
                "heartbeat",
                [],
                connected=True,
                server=session.uri,
                at=_iso(datetime.now(UTC)),
                **lag,
                **self._counts(),
                **self._facts(),
            )
        )

    def _tell_trouble(self, error: ShippingError) -> None:
        """Once for each trouble; that it goes on is seen by heartbeats that do not come."""
        text = str(error)
        if text != self._trouble:
            self._trouble = text
            self._put(
                announce.event(
                    "trouble",
                    [],
                    what=error.what,
                    cause=error.why,
                    remedy=error.remedy,
                    **self._facts(),
                )
            )


def _both(one: Notes, other: Notes) -> Notes:
    since = min((second for second in (one.since, other.since) if second), default=0.0)
    return Notes(
        one.dns | other.dns, one.everything or other.everything, one.failure or other.failure, since
    )


def _context_of(base: str, session: LdapSession) -> str:
    """The root of the naming context that a base is in."""
    lower = base.lower()
    fitting = (
        name
        for name in session.naming_contexts
        if lower == name.lower() or lower.endswith(f",{name.lower()}")
    )
    return max(fitting, key=len, default=base)


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
