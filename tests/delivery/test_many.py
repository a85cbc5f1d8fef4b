# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test twenty hosts at once, one of them off."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.testbed.user_machine import UserMachine

from .fleet import Fleet

pytestmark = pytest.mark.long

NAMES = [f"many{number}.example.com" for number in range(20)]


@pytest.fixture
def many(tmp_path: Path, testrun_uid: str) -> Iterator[Fleet]:
    machines = {
        name: UserMachine(f"m{testrun_uid[:4]}-{number}") for number, name in enumerate(NAMES)
    }
    try:
        for machine in machines.values():
            machine.up("ada")
        (tmp_path / "projects").mkdir()
        yield Fleet(tmp_path, machines, {name: ["ada"] for name in NAMES})
    finally:
        for machine in machines.values():
            machine.down()


def test_twenty_at_once(many: Fleet):
    many.sample()
    many.projects = {"atlas": {"ada"}}
    many.machines[NAMES[7]].power_off()
    first = many.deliver("--forks", "20")
    assert first.ok and first.states == {
        name: "waiting" if name == NAMES[7] else "ready" for name in NAMES
    }, first.output
    assert {many.says(name, "ada", "atlas-tiles 3") for name in NAMES if name != NAMES[7]} == {
        (0, "64 tiles")
    }
    many.machines[NAMES[7]].power_on()
    second = many.deliver("--forks", "20")
    assert second.ok and second.changed == {NAMES[7]}, second.output
    many.projects = {"atlas": set()}
    stopped = many.deliver("--forks", "20")
    assert (
        not stopped.ok
        and "20 of 20 memberships on hosts would be removed, which is 100 %" in stopped.output
    )
    assert many.commands(NAMES[0], "ada") == {"atlas-where", "atlas", "atlas-tiles"}
    gone = many.deliver("--forks", "20", delivery_max_shrink=100)
    assert gone.ok and {frozenset(many.commands(name, "ada")) for name in NAMES} == {frozenset()}
