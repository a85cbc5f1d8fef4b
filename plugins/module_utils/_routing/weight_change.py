# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Change the tables of all replicas of the router, or of none."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from typing import Protocol

from .._core.errors import PlanError, PlatformError, ShippingError
from .._core.parallel import side_by_side
from . import runtime_commands
from .buckets import BucketTable
from .haproxy_configuration import RouterPaths, map_path

# For putting back what was changed, which begins where the time of the change may be over.
_RESTORE_SECONDS = 10


class Channel(Protocol):
    """A connection to one replica of the router, such as ControlChannel."""

    @property
    def replica(self) -> str:
        """Return the replica's name for messages."""

    def send(self, commands: Sequence[str]) -> list[str]:
        """Return the answers in order; raise PlatformError if one is missing."""

    def extend(self, deadline: float) -> None:
        """Set another deadline, of ``time.monotonic()``."""


@dataclass(frozen=True)
class TableOnReplica:
    """A table as one replica has it; ``is_current`` if it assigns as the recorded one."""

    replica: str
    table: BucketTable
    is_current: bool


class _Overtaken(PlatformError):
    """A replica that starts has replaced a map since this change has begun a version of it."""


@dataclass
class _Changed:
    """A replica during a change: the entries that its maps had, and versions to commit."""

    channel: Channel
    former: dict[str, dict[str, str]] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    is_touched: bool = False


def change_tables(
    channels: Sequence[Channel], tables: Sequence[BucketTable], paths: RouterPaths
) -> None:
    """Give all replicas these tables: prepare on all, commit on all, read back from all.

    After a failure each replica that can be reached gets back the tables that it had; then raise
    ShippingError, which names the replica. Its fact ``not_restored`` has the replicas whose tables
    are unknown.
    """
    entries = {
        map_path(table.app, table.service, paths): runtime_commands.map_entries(table)
        for table in tables
    }
    try:
        _change(channels, tables, entries, paths)
    except _Overtaken:
        # It has the tables of its peers by now, so nothing else changes them.
        _change(channels, tables, entries, paths)


def _change(
    channels: Sequence[Channel],
    tables: Sequence[BucketTable],
    entries: Mapping[str, Mapping[str, str]],
    paths: RouterPaths,
) -> None:
    replicas = [_Changed(channel) for channel in channels]
    _each(partial(_read_former, tables=tables, paths=paths), replicas)
    try:
        _each(partial(_prepare, entries=entries), replicas)
        _each(_commit, replicas)
        _each(partial(_check, entries=entries), replicas)
    except ShippingError as error:
        lost = _put_back(replicas)
        error.add_facts(not_restored=lost)
        raise


def tables_on_replicas(
    channels: Sequence[Channel], tables: Sequence[BucketTable], paths: RouterPaths
) -> tuple[TableOnReplica, ...]:
    """Return the tables that replicas have, compared with the recorded ones: drift."""

    def read(channel: Channel) -> list[TableOnReplica]:
        return [_table_on(channel, table, paths) for table in tables]

    return tuple(chain.from_iterable(side_by_side(read, channels)))


def _table_on(channel: Channel, recorded: BucketTable, paths: RouterPaths) -> TableOnReplica:
    path = map_path(recorded.app, recorded.service, paths)
    table = runtime_commands.table_of_entries(
        recorded.app, recorded.service, _entries_on(channel, path)
    )
    return TableOnReplica(channel.replica, table, table.assigns_as(recorded))


def _each(call: Callable[[_Changed], None], replicas: Sequence[_Changed]) -> None:
    """Call for all replicas at once; raise the first error after all of them have ended."""
    outcomes = side_by_side(partial(_error_of, call), replicas)
    for error in filter(None, outcomes):
        raise error


def _error_of(call: Callable[[_Changed], None], replica: _Changed) -> ShippingError | None:
    # No replica may be left in the middle of a step while others are put back.
    try:
        call(replica)
    except ShippingError as error:
        return error
    return None


def _entries_on(channel: Channel, path: str) -> dict[str, str]:
    return runtime_commands.shown_entries(_one(channel, runtime_commands.show_map(path)))


def _one(channel: Channel, command: str) -> str:
    return channel.send([command])[0]


def _read_former(replica: _Changed, tables: Iterable[BucketTable], paths: RouterPaths) -> None:
    for table in tables:
        path = map_path(table.app, table.service, paths)
        replica.former[path] = _entries_on(replica.channel, path)
        _check_revision(replica, table, replica.former[path])


def _check_revision(replica: _Changed, table: BucketTable, entries: Mapping[str, str]) -> None:
    """Raise PlanError if a replica has a newer table, which another run has made."""
    revision = entries.get("table", "0").partition(".")[0]
    if revision.isdigit() and int(revision) > table.revision:
        raise PlanError(
            f"the weights of {table.app}/{table.service} cannot be set",
            f"router replica {replica.channel.replica} has table revision {revision}, which is"
            f" newer than {table.revision}",
            "Run the task again, so that it begins with the newest record",
        )


def _prepare(replica: _Changed, entries: Mapping[str, Mapping[str, str]]) -> None:
    for path, wanted in entries.items():
        _prepare_map(replica, path, wanted)


def _prepare_map(replica: _Changed, path: str, wanted: Mapping[str, str]) -> None:
    channel = replica.channel
    answer = _one(channel, runtime_commands.prepare_map(path))
    version = runtime_commands.prepared_version(answer)
    replica.versions[path] = version
    commands = [*runtime_commands.add_entries(path, version, wanted)]
    for command, answer in zip(commands, channel.send(commands)):
        runtime_commands.check_silent(command, answer)
    # A payload that was dropped has the same answer as one that was taken.
    shown = runtime_commands.shown_entries(_one(channel, runtime_commands.show_map(path, version)))
    if shown != wanted:
        raise _not_taken(channel, len(shown), len(wanted))


def _commit(replica: _Changed) -> None:
    for path, version in replica.versions.items():
        replica.is_touched = True
        command = runtime_commands.commit_map(path, version)
        answer = _one(replica.channel, command)
        if runtime_commands.is_older_version(answer):
            raise _Overtaken(
                f"the table on router replica {replica.channel.replica} was not set",
                "another table was set at the same time",
                "Run the task again",
            )
        runtime_commands.check_silent(command, answer)


def _check(replica: _Changed, entries: Mapping[str, Mapping[str, str]]) -> None:
    for path, wanted in entries.items():
        shown = _entries_on(replica.channel, path)
        if shown != wanted:
            raise _not_taken(replica.channel, len(shown), len(wanted))


def _not_taken(channel: Channel, shown: int, wanted: int) -> _Overtaken:
    # HAProxy drops a version when a later one is committed.
    return _Overtaken(
        f"the table on router replica {channel.replica} is not the one that was sent",
        f"it has {shown} entries, and {wanted} were sent",
        "Run the task again",
    )


def _put_back(replicas: Sequence[_Changed]) -> list[str]:
    """Give all replicas their former tables; return the names of those that did not answer."""
    deadline = time.monotonic() + _RESTORE_SECONDS
    for replica in replicas:
        replica.channel.extend(deadline)
    outcomes = side_by_side(partial(_error_of, _restore), replicas)
    # One that was not touched has its former tables, also if it does not answer.
    pairs = zip(replicas, outcomes)
    return [replica.channel.replica for replica, error in pairs if error and replica.is_touched]


def _restore(replica: _Changed) -> None:
    if not replica.is_touched:
        for path, version in replica.versions.items():
            _one(replica.channel, runtime_commands.drop_version(path, version))
        return
    _prepare(replica, replica.former)
    _commit(replica)
    _check(replica, replica.former)
