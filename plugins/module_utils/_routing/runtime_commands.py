# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands of HAProxy's runtime API, and the reading of its answers. Pure.

https://docs.haproxy.org/2.6/management.html#9.3
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from .._core.errors import PlatformError
from .buckets import BUCKETS, STABLE, BucketTable, VariantBuckets
from .request_headers import Headers, decoded, encoded, names_of

# 2.6 drops a command with its payload above 16 KiB, and answers as after success.
LARGEST_PAYLOAD = 12 * 1024
_TABLE = "table"
_VARIANT = "variant:"
# For replicas that start, which can look up keys and not list them.
_VARIANTS = "variants"
# By the value of a bucket, such as `headers:0.large`.
_HEADERS = "headers:"
# The fourth field of a table whose variants have headers: without it, requests look for none.
_HAS_HEADERS = "headers"
_NEW_VERSION = re.compile(r"New version created: ([0-9]+)")
# route_id of route_table, and the slot.
_VARIANT_BACKEND = re.compile(r"(.+\.[0-9a-f]{8})\.([0-9]+)")

NO_TABLE = "0.1.none"
"""The revision, algorithm and salt before the first change of weights."""
CELLS = "cells"
"""The end of the name of a route's table of counters of variants by headers alone."""
SHOW_STAT = "show stat"
SHOW_INFO = "show info"
SHOW_SERVERS = "show servers state"


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
class CellCounters:
    """Counters of one variant by headers alone, which the backend of ``stable`` has, too."""

    variant: str
    requests: int
    responses_4xx: int
    responses_5xx: int
    bytes_in: int
    bytes_out: int


@dataclass(frozen=True)
class ServerState:
    """One server of a backend as ``show servers state`` reports it; no address if unresolved."""

    backend: str
    server: str
    address: str
    weight: int
    is_up: bool


@dataclass(frozen=True)
class ReplicaInfo:
    """A replica as ``show info`` reports it: ``name`` is its id, from its environment."""

    name: str
    version: str
    uptime: int
    dropped_logs: int


def map_entries(table: BucketTable) -> dict[str, str]:
    """Return the entries of a table's map: revision and salt, variants, buckets off ``stable``."""
    # Keys and values have no blanks: the runtime API knows no quotes.
    names = names_of(variant.headers for variant in table.variants.values())
    fields = [str(table.revision), str(table.algorithm), table.salt]
    entries = {_TABLE: ".".join([*fields, _HAS_HEADERS] if names else fields)}
    values = {name: f"{variant.slot}.{name}" for name, variant in table.variants.items()}
    entries[_VARIANTS] = ",".join(values.values())
    entries.update({f"{_VARIANT}{name}": value for name, value in values.items()})
    if names:
        for name, variant in table.variants.items():
            entries[f"{_HEADERS}{values[name]}"] = encoded(variant.headers, names)
    for bucket, name in enumerate(table.owners()):
        if name != STABLE:
            entries[str(bucket)] = values[name]
    return entries


def table_of_entries(app: str, service: str, entries: Mapping[str, str]) -> BucketTable:
    """Return the table that a replica has, with each variant's buckets in ascending order.

    Raise PlatformError for entries that are no table.
    """
    try:
        revision, algorithm, salt, *_has_headers = entries[_TABLE].split(".")
        values = [value for key, value in entries.items() if key.startswith(_VARIANT)]
        owned: dict[str, list[int]] = {value: [] for value in {f"0.{STABLE}", *values}}
        for bucket in range(BUCKETS):
            # A variant that was set by hand is drift, not damage.
            owned.setdefault(entries.get(str(bucket), f"0.{STABLE}"), []).append(bucket)
        variants = {
            value.partition(".")[2]: VariantBuckets(
                int(value.partition(".")[0]), tuple(buckets), _headers_of(value, entries)
            )
            for value, buckets in owned.items()
        }
        return BucketTable(app, service, int(revision), salt, variants, int(algorithm))
    except (KeyError, ValueError) as error:
        raise PlatformError(
            f"the table of {app}/{service} on the router cannot be read",
            f"its entries are not complete ({error!r})",
            "Run the traffic task again, which replaces it",
        ) from error


def _headers_of(value: str, entries: Mapping[str, str]) -> Headers:
    return decoded(entries.get(f"{_HEADERS}{value}", ""))


def prepare_map(path: str) -> str:
    """Return the command that begins another version of a map."""
    return f"prepare map {path}"


def prepared_version(answer: str) -> str:
    """Return the number of the version that ``prepare map`` has begun."""
    match = _NEW_VERSION.search(answer)
    if not match:
        raise rejected("prepare map", answer)
    return match[1]


def add_entries(path: str, version: str, entries: Mapping[str, str]) -> Iterator[str]:
    """Yield the commands that add entries to a version, each small enough for one payload."""
    lines: list[str] = []
    length = 0
    for key, value in entries.items():
        line = f"{key} {value}"
        if lines and length + len(line) + 1 > LARGEST_PAYLOAD:
            yield _payload(path, version, lines)
            lines, length = [], 0
        lines.append(line)
        length += len(line) + 1
    if lines:
        yield _payload(path, version, lines)


def _payload(path: str, version: str, lines: Iterable[str]) -> str:
    # An empty line ends the payload.
    return "\n".join([f"add map @{version} {path} <<", *lines, ""])


def commit_map(path: str, version: str) -> str:
    """Return the command that replaces the entries of a map by those of a version."""
    return f"commit map @{version} {path}"


def is_older_version(answer: str) -> bool:
    """Return whether a version was not committed because another one begun later was."""
    return "Version number out of range" in answer


def drop_version(path: str, version: str) -> str:
    """Return the command that removes a version that was not committed."""
    return f"clear map @{version} {path}"


def show_map(path: str, version: str = "") -> str:
    """Return the command that shows the entries of a map, of a version that is not committed."""
    return f"show map @{version} {path}" if version else f"show map {path}"


def shown_entries(answer: str) -> dict[str, str]:
    """Return the entries that ``show map`` shows: ``0x55d0 KEY VALUE``."""
    entries = {}
    for line in filter(None, answer.splitlines()):
        words = line.split()
        if len(words) != 3 or not words[0].startswith("0x"):
            raise rejected("show map", answer)
        entries[words[1]] = words[2]
    return entries


def check_silent(command: str, answer: str) -> None:
    """Raise PlatformError unless the answer is empty, as after success of a change."""
    if answer.strip():
        raise rejected(command.partition("\n")[0], answer)


def rejected(command: str, answer: str) -> PlatformError:
    """Return the error of a command that the runtime API did not carry out."""
    first_line = answer.strip().partition("\n")[0]
    return PlatformError(
        f"the router rejected the command `{command}`",
        first_line or "its answer is empty",
        "Run the playbook that installs the router, then try again",
    )


def counters(show_stat: str) -> tuple[BackendCounters, ...]:
    """Return the counters of all variants from ``show stat``, whose columns are read by name."""
    # 129 columns in 2.6, 206 in 3.0.
    rows = csv.DictReader(show_stat.strip().removeprefix("# ").splitlines())
    matches = ((_VARIANT_BACKEND.fullmatch(row["pxname"] or ""), row) for row in rows)
    return tuple(
        _counters(match, row) for match, row in matches if match and row["svname"] == "BACKEND"
    )


def _counters(match: re.Match[str], row: Mapping[str, str]) -> BackendCounters:
    def number(column: str) -> int:
        return int(row.get(column) or 0)

    return BackendCounters(
        match[1],
        int(match[2]),
        requests=number("stot"),
        responses_4xx=number("hrsp_4xx"),
        responses_5xx=number("hrsp_5xx"),
        bytes_in=number("bin"),
        bytes_out=number("bout"),
        healthy_servers=number("act"),
    )


def show_cells(route: str) -> str:
    """Return the command that shows the counters of a route's variants by headers alone."""
    return f"show table {route}.{CELLS}"


def cells(show_table: str) -> tuple[CellCounters, ...]:
    """Return the counters that :func:`show_cells` shows: ``0x55d0: key=0.large use=0 ...``."""
    lines = [line for line in show_table.splitlines() if "key=" in line]
    return tuple(_cell(line) for line in lines)


def _cell(line: str) -> CellCounters:
    pairs = (word.partition("=") for word in line.split())
    fields = {name: value for name, sign, value in pairs if sign}
    return CellCounters(
        fields["key"].partition(".")[2],
        int(fields["http_req_cnt"]),
        int(fields["http_err_cnt"]),
        int(fields["http_fail_cnt"]),
        int(fields["bytes_in_cnt"]),
        int(fields["bytes_out_cnt"]),
    )


def servers(show_servers_state: str) -> tuple[ServerState, ...]:
    """Return the servers from ``show servers state``; those of the router itself are left out."""
    lines = [line for line in show_servers_state.splitlines() if line.strip()]
    header = next((line for line in lines if line.startswith("# ")), "# ")
    names = header[2:].split()
    rows = (dict(zip(names, line.split())) for line in lines if line[0].isdigit())
    return tuple(_server(row) for row in rows if _VARIANT_BACKEND.fullmatch(row.get("be_name", "")))


def _server(row: Mapping[str, str]) -> ServerState:
    # srv_op_state: 0 stopped, 1 starting, 2 running, 3 soft stop; "-" is no address.
    return ServerState(
        row["be_name"],
        row["srv_name"],
        "" if row["srv_addr"] == "-" else row["srv_addr"],
        int(row["srv_uweight"]),
        row["srv_op_state"] in ("1", "2") and row["srv_admin_state"] == "0",
    )


def replica_info(show_info: str) -> ReplicaInfo:
    """Return what ``show info`` reports of a replica."""
    pairs = (line.partition(": ") for line in show_info.splitlines())
    fields = {name: value.strip() for name, _colon, value in pairs}
    try:
        return ReplicaInfo(
            fields.get("node", ""),
            fields["Version"],
            int(fields["Uptime_sec"]),
            int(fields["DroppedLogs"]),
        )
    except (KeyError, ValueError) as error:
        raise rejected(SHOW_INFO, show_info) from error
