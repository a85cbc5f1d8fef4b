# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A private PostgreSQL, and data of units that are known in Python, too."""

from __future__ import annotations

import random
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

Row = dict[str, object]


@dataclass(frozen=True)
class UnitRows:
    """Rows of exposures and events."""

    exposures: list[Row]
    events: list[Row]


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """Start a PostgreSQL of its own on a socket, and return its address."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not programs:
        pytest.skip("PostgreSQL is not installed; make test-experiments installs it")
    folder = Path(tempfile.mkdtemp(prefix="shipping-postgres-"))
    shutil.chown(folder, "postgres")

    def as_postgres(program: str, *words: str) -> None:
        command = ["runuser", "-u", "postgres", "--", str(programs[-1] / program), *words]
        subprocess.run(command, check=True, cwd=folder, stdout=subprocess.DEVNULL)

    data = str(folder / "data")
    as_postgres("initdb", "-D", data, "-A", "trust", "--no-sync", "--encoding=UTF8")
    options = f"-k {folder} -c listen_addresses='' -c fsync=off"
    as_postgres("pg_ctl", "-D", data, "-w", "-l", str(folder / "log"), "-o", options, "start")
    try:
        yield f"postgres://postgres@/postgres?host={folder}"
    finally:
        as_postgres("pg_ctl", "-D", data, "-m", "immediate", "stop")
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def unit_rows() -> UnitRows:
    """Return rows with all that may be wrong with them: copies, early and late ones, strangers."""
    chance = random.Random(26)
    exposures: list[Row] = []
    events: list[Row] = []
    for number in range(400):
        unit = f"unit{number}"
        first = 1000.0 + chance.randrange(0, 4000) / 4
        arms = [chance.choice(("control", "new", "stable"))] * chance.randrange(1, 4)
        if number % 50 == 0:
            arms = ["control", "new"]
        for place, arm in enumerate(arms):
            exposures.append(
                {
                    "unit": unit,
                    "arm": arm,
                    "first": first + 60 * place,
                    "requests": chance.randrange(1, 9),
                    "errors": chance.randrange(0, 2),
                    "duration": chance.randrange(1, 900),
                }
            )
        events += _events(chance, unit, first)
    events += [
        {"unit": "stranger", "time": 1500.0, "name": "order", "value": 9.0, "id": "s1"},
        {"unit": None, "time": 1500.0, "name": "order", "value": 9.0, "id": "s2"},
        {"unit": None, "time": 1500.0, "name": "order", "value": 9.0, "id": None},
    ]
    return UnitRows(exposures, events)


def _events(chance: random.Random, unit: str, first: float) -> list[Row]:
    rows: list[Row] = []
    for index in range(chance.randrange(0, 7)):
        row: Row = {
            "unit": unit,
            "time": first + chance.choice((-900.0, -100.0, -1.0, 0.0, 10.0, 599.75, 600.0, 900.0)),
            "name": chance.choice(("order", "view", "other")),
            "value": chance.choice((None, 0.1, 12.35, 99.0, 1e4)),
            "id": chance.choice((None, "", f"e{index}", f"e{index}")),
        }
        rows += [row] * chance.choice((1, 1, 1, 2))
    return rows
