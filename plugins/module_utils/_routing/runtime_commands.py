# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands of HAProxy's runtime API, and the reading of its answers. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .buckets import BucketTable


@dataclass(frozen=True)
class BackendCounters:
    """Counters of one variant of a route on one replica of the router, since its start."""

    route: str
    slot: int
    requests: int
    responses_4xx: int
    responses_5xx: int
    bytes_in: int
    bytes_out: int
    healthy_servers: int


@dataclass(frozen=True)
class ServerState:
    """One server of a backend as ``show servers state`` reports it."""

    backend: str
    server: str
    address: str
    weight: int
    is_up: bool


@dataclass(frozen=True)
class ReplicaInfo:
    """What ``show info`` reports: ``name`` is the replica's id, from its environment."""

    name: str
    version: str
    uptime: int
    dropped_logs: int


def map_entries(table: BucketTable) -> dict[str, str]:
    """Return the entries of a table's map: revision and salt, variants, buckets off ``stable``."""
    raise NotImplementedError


def table_of_entries(app: str, service: str, entries: Mapping[str, str]) -> BucketTable:
    """Return the table that a replica has, with each variant's buckets in ascending order."""
    raise NotImplementedError


def counters(show_stat: str) -> tuple[BackendCounters, ...]:
    """Return the counters of all variants from ``show stat``, whose columns are read by name."""
    raise NotImplementedError


def servers(show_servers_state: str) -> tuple[ServerState, ...]:
    """Return the servers from ``show servers state``."""
    raise NotImplementedError


def replica_info(show_info: str) -> ReplicaInfo:
    """Return what ``show info`` reports of a replica."""
    raise NotImplementedError
