# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import time
from collections.abc import Sequence

import pytest
from ansible_collections.shipping.code.plugins.module_utils._core.errors import (
    PlanError,
    PlatformError,
    Unreachable,
)
from ansible_collections.shipping.code.plugins.module_utils._routing import weight_change
from ansible_collections.shipping.code.plugins.module_utils._routing.buckets import (
    BucketTable,
    allocate,
    first_table,
)
from ansible_collections.shipping.code.plugins.module_utils._routing.control_channel import (
    ControlChannel,
)
from ansible_collections.shipping.code.plugins.module_utils._routing.haproxy_configuration import (
    RouterPaths,
    map_path,
)
from ansible_collections.shipping.code.plugins.module_utils._routing.runtime_commands import (
    map_entries,
)
from ansible_collections.shipping.code.plugins.module_utils._routing.weight_change import (
    change_tables,
    tables_on_replicas,
)

PATHS = RouterPaths()
EMPTY = first_table("shop", "web", "salt")
BEFORE = allocate(EMPTY, {"stable": 9000, "green": 1000})
AFTER = allocate(BEFORE, {"stable": 5000, "green": 5000})
PATH = map_path("shop", "web", PATHS)


class Replica:
    """Stands in for a router whose maps are in memory; tests/routing has the real one.

    ``fails_at``: the beginning of a command at which it does not answer any more; ``drops``: it
    drops a payload as 2.6 does, with the answer of success.
    """

    def __init__(self, replica: str, table: BucketTable) -> None:
        self.replica = replica
        self.maps = {PATH: map_entries(table)}
        self.versions: dict[str, dict[str, str]] = {}
        self.fails_at = "never"
        self.commits_first = False
        self.drops = False
        self.is_overtaken = False

    def send(self, commands: Sequence[str]) -> list[str]:
        return [self._answer(command) for command in commands]

    def extend(self, deadline: float) -> None:
        pass

    def _answer(self, command: str) -> str:
        if self.fails_at == "always":
            raise Unreachable(f"router replica {self.replica} did not answer")
        if command.startswith(self.fails_at):
            self.fails_at = "always"
            raise Unreachable(f"router replica {self.replica} did not answer")
        verb, _space, rest = command.partition(" ")
        answer: str = getattr(self, f"_{verb}")(rest)
        return answer

    def _prepare(self, rest: str) -> str:
        self.versions["7"] = {}
        return "New version created: 7\n"

    def _add(self, rest: str) -> str:
        if not self.drops:
            lines = rest.splitlines()[1:]
            self.versions["7"].update(line.split(" ") for line in lines)  # type: ignore[arg-type]
        return ""

    def _commit(self, rest: str) -> str:
        if self.is_overtaken:
            self.is_overtaken = False
            return "Version number out of range\n"
        self.maps[PATH] = self.versions.pop("7")
        return ""

    def _clear(self, rest: str) -> str:
        self.versions.pop("7")
        return ""

    def _show(self, rest: str) -> str:
        path = rest.rpartition(" ")[2]
        entries = self.versions["7"] if "@7" in rest else self.maps.get(path)
        if entries is None:
            return "Unknown map identifier. Please use #<id> or <file>.\n"
        return "".join(f"0x1 {key} {value}\n" for key, value in entries.items())


class Wire:
    """A connection to such a replica; ``hangs_at``: a command that it takes and never answers."""

    def __init__(self, replica: Replica, hangs_at: str = "never") -> None:
        self.replica = replica
        self.hangs_at = hangs_at
        self.answer: str | None = ""
        self.seconds = 0.0

    def sendall(self, data: bytes, /) -> None:
        command = data.decode().removesuffix("\n")
        if self.answer is None or command.startswith(self.hangs_at):
            self.answer = None
        elif command != "prompt":
            self.answer = "".join(self.replica.send([command]))

    def recv(self, size: int, /) -> bytes:
        if self.answer is None:
            time.sleep(self.seconds)
            raise TimeoutError("timed out")
        return f"{self.answer}\n> ".encode()

    def settimeout(self, seconds: float | None, /) -> None:
        self.seconds = seconds or 0.0

    def close(self) -> None:
        pass


def replicas() -> list[Replica]:
    return [Replica("one", BEFORE), Replica("two", BEFORE)]


def test_all_replicas_get_the_table() -> None:
    both = replicas()
    change_tables(both, [AFTER], PATHS)
    assert [item.is_current for item in tables_on_replicas(both, [AFTER], PATHS)] == [True, True]
    assert [replica.versions for replica in both] == [{}, {}]


@pytest.mark.parametrize(
    ("fails_at", "lost"), [("prepare", []), ("add", []), ("show map @", []), ("commit", ["two"])]
)
def test_a_failure_puts_all_back(fails_at: str, lost: list[str]) -> None:
    both = replicas()
    both[1].fails_at = fails_at
    with pytest.raises(Unreachable, match="replica two did not answer") as caught:
        change_tables(both, [AFTER], PATHS)
    assert caught.value.facts["not_restored"] == lost
    assert both[0].maps[PATH] == map_entries(BEFORE)
    assert both[0].versions == {}


def test_all_are_put_back_although_the_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weight_change, "_RESTORE_SECONDS", 0.5)
    both = replicas()
    wires = [Wire(both[0]), Wire(both[1], "commit")]
    deadline = time.monotonic() + 0.5
    channels = [ControlChannel(wire.replica.replica, wire, deadline) for wire in wires]
    with pytest.raises(Unreachable, match="replica two did not answer") as caught:
        change_tables(channels, [AFTER], PATHS)
    assert both[0].maps[PATH] == map_entries(BEFORE)
    assert both[0].versions == {}
    assert caught.value.facts["not_restored"] == ["two"]


def test_an_unreachable_replica_stops_the_change_before_it_begins() -> None:
    both = replicas()
    both[1].fails_at = "always"
    with pytest.raises(Unreachable):
        change_tables(both, [AFTER], PATHS)
    assert both[0].maps[PATH] == map_entries(BEFORE)


def test_a_dropped_payload_is_no_success() -> None:
    both = replicas()
    both[1].drops = True
    with pytest.raises(PlatformError, match="it has 0 entries, and 5004 were sent"):
        change_tables(both, [AFTER], PATHS)
    assert [replica.maps[PATH] for replica in both] == [map_entries(BEFORE)] * 2


def test_a_replica_that_starts_in_between_is_set_again() -> None:
    both = replicas()
    both[1].is_overtaken = True
    change_tables(both, [AFTER], PATHS)
    assert all(item.is_current for item in tables_on_replicas(both, [AFTER], PATHS))


def test_a_newer_table_stays() -> None:
    both = replicas()
    both[1].maps[PATH] = map_entries(AFTER)
    with pytest.raises(PlanError, match="replica two has table revision 2, which is newer than 1"):
        change_tables(both, [BEFORE], PATHS)


def test_drift() -> None:
    both = replicas()
    both[0].maps[PATH]["0"] = "0.stable"
    found = tables_on_replicas(both, [BEFORE], PATHS)
    assert [(item.replica, item.is_current) for item in found] == [("one", False), ("two", True)]
    assert found[0].table.weights() == {"stable": 9001, "green": 999}
    change_tables(both, [BEFORE], PATHS)
    assert all(item.is_current for item in tables_on_replicas(both, [BEFORE], PATHS))
