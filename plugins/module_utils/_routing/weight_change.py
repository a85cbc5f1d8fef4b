# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Change the tables of all replicas of the router, or of none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from .buckets import BucketTable
from .haproxy_configuration import RouterPaths


class Channel(Protocol):
    """A connection to one replica of the router, such as ControlChannel."""

    @property
    def replica(self) -> str:
        """Return the replica's name for messages."""

    def send(self, commands: Sequence[str]) -> list[str]:
        """Return the answers in order; raise PlatformError if one was not carried out."""


@dataclass(frozen=True)
class TableOnReplica:
    """A table as one replica has it; ``is_current`` if it equals the recorded one."""

    replica: str
    table: BucketTable
    is_current: bool


def change_tables(
    channels: Sequence[Channel],
    tables: Sequence[BucketTable],
    paths: RouterPaths,
) -> None:
    """Give all replicas these tables: prepare on all, commit on all, read back from all.

    After a failure each replica that can be reached gets back the tables that it had; then raise
    ShippingError, which names the replica, and in ``facts`` those that could not be put back.
    """
    raise NotImplementedError


def tables_on_replicas(
    channels: Sequence[Channel], tables: Sequence[BucketTable], paths: RouterPaths
) -> tuple[TableOnReplica, ...]:
    """Return the tables that replicas have, compared with the recorded ones: drift."""
    raise NotImplementedError
