# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from itertools import chain

import pytest
from ansible_collections.shipping.code.plugins.module_utils._core.errors import PlatformError
from ansible_collections.shipping.code.plugins.module_utils._routing.buckets import (
    BucketTable,
    VariantBuckets,
    allocate,
    first_table,
)
from ansible_collections.shipping.code.plugins.module_utils._routing.runtime_commands import (
    BackendCounters,
    ReplicaInfo,
    ServerState,
    add_entries,
    counters,
    map_entries,
    prepared_version,
    replica_info,
    servers,
    shown_entries,
    table_of_entries,
)

EMPTY = first_table("shop", "web", "salt")
TABLE = allocate(EMPTY, {"stable": 9998, "green": 2, "blue": 0})


def test_entries_of_a_table() -> None:
    assert map_entries(TABLE) == {
        "table": "1.1.salt",
        "variants": "0.stable,1.blue,2.green",
        "variant:stable": "0.stable",
        "variant:blue": "1.blue",
        "variant:green": "2.green",
        "0": "2.green",
        "1": "2.green",
    }


@pytest.mark.parametrize("green", [0, 1, 5000, 10_000])
def test_a_table_is_read_back(green: int) -> None:
    table = allocate(EMPTY, {"stable": 10_000 - green, "green": green})
    assert table_of_entries("shop", "web", map_entries(table)).assigns_as(table)


def test_a_variant_by_hand_is_another_table() -> None:
    entries = {**map_entries(TABLE), "7": "3.gray"}
    assert not table_of_entries("shop", "web", entries).assigns_as(TABLE)


CELLS = BucketTable(
    "shop",
    "web",
    3,
    "salt",
    {
        "stable": VariantBuckets(0, tuple(range(2, 10_000))),
        "large": VariantBuckets(0, (0,), (("x-button", "buy now & 10%"), ("x-size", "20"))),
        "green": VariantBuckets(1, (1,), (("x-size", "20"),)),
    },
)


def test_entries_of_variants_by_headers() -> None:
    entries = map_entries(CELLS)
    assert entries["table"] == "3.1.salt.headers"
    assert entries["variants"] == "0.stable,0.large,1.green"
    assert (entries["0"], entries["1"]) == ("0.large", "1.green")
    # Also stable: it deletes the headers that a client has sent.
    assert entries["headers:0.stable"] == "x-button&x-size"
    assert entries["headers:0.large"] == "x-button=buy%20now%20%26%2010%25&x-size=20"
    assert entries["headers:1.green"] == "x-button&x-size=20"
    assert table_of_entries("shop", "web", entries).assigns_as(CELLS)
    other = {**entries, "headers:0.large": "x-button=sell&x-size=20"}
    assert not table_of_entries("shop", "web", other).assigns_as(CELLS)


DAMAGED: list[dict[str, str]] = [
    {},
    {"table": "1.1"},
    {"table": "x.1.salt"},
    {"table": "1.1.salt", "7": "green"},
    {"table": "1.1.salt", "variant:green": "green"},
]


@pytest.mark.parametrize("entries", DAMAGED, ids=str)
def test_entries_that_are_no_table(entries: dict[str, str]) -> None:
    with pytest.raises(PlatformError, match="the table of shop/web on the router cannot be read"):
        table_of_entries("shop", "web", entries)


def test_chunks_are_small_and_complete() -> None:
    table = allocate(EMPTY, {"stable": 0, "a-variant-with-a-long-name": 10_000})
    entries = map_entries(table)
    commands = [*add_entries("/t.map", "7", entries)]
    assert max(len(command) for command in commands) < 16 * 1024
    assert {command.partition("\n")[0] for command in commands} == {"add map @7 /t.map <<"}
    # The empty line at the end of a payload is that of the command itself.
    assert not any("\n\n" in command for command in commands)
    lines = chain.from_iterable(command.splitlines()[1:] for command in commands)
    assert dict(line.split(" ") for line in lines) == entries


def test_answers_to_map_commands() -> None:
    assert prepared_version("New version created: 12\n") == "12"
    assert shown_entries("0x55fc3d405560 a b\n0x55fc3d405640 c d\n") == {"a": "b", "c": "d"}
    assert shown_entries("") == {}


@pytest.mark.parametrize(
    "answer", ["Unknown map identifier. Please use #<id> or <file>.", "0x55 a", "a b c"]
)
def test_other_answers_are_errors(answer: str) -> None:
    with pytest.raises(PlatformError, match="the router rejected the command"):
        shown_entries(answer)
    with pytest.raises(PlatformError, match="the router rejected the command"):
        prepared_version(answer)


def test_columns_are_read_by_name() -> None:
    stat = (
        "# pxname,svname,new_column,bin,bout,stot,hrsp_4xx,hrsp_5xx,act,\n"
        "router,FRONTEND,,1,2,3,4,5,,\n"
        "shop_web.0123abcd.1,replica1,,1,2,3,4,5,1,\n"
        "shop_web.0123abcd.1,BACKEND,,10,20,30,4,5,1,\n"
        "shop_web.0123abcd.rate,BACKEND,,0,0,0,0,0,0,\n"
    )
    assert counters(stat) == (BackendCounters("shop_web.0123abcd", 1, 30, 4, 5, 10, 20, 1),)


def test_servers() -> None:
    state = (
        "1\n"
        "# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight more\n"
        "3 shop_web.0123abcd.1 1 replica1 10.0.0.1 2 0 100 x\n"
        "3 shop_web.0123abcd.1 2 replica2 - 0 32 100 x\n"
        "9 control 1 api - 2 0 1 x\n"
    )
    assert servers(state) == (
        ServerState("shop_web.0123abcd.1", "replica1", "10.0.0.1", 100, True),
        ServerState("shop_web.0123abcd.1", "replica2", "", 100, False),
    )


def test_info() -> None:
    info = "Name: HAProxy\nVersion: 2.6.12\nUptime_sec: 7\nnode: task1\nDroppedLogs: 3\n"
    assert replica_info(info) == ReplicaInfo("task1", "2.6.12", 7, 3)
    with pytest.raises(PlatformError, match="rejected the command `show info`"):
        replica_info("Unknown command")
