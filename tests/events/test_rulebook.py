# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From group to tools: whoever is added to a group has its commands, and whoever is taken out has them no more."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.testbed.company import HAS, Company
from tests.testbed.machine import Machine

from .rulebook import Rulebook, installed, running


@pytest.fixture(scope="module")
def company(testrun_uid: str) -> Iterator[Company]:
    if os.geteuid():
        pytest.skip("needs root")
    company = Company(Machine(f"evc{testrun_uid[:4]}"), HAS)
    try:
        company.up()
        yield company
    finally:
        company.down()


@pytest.fixture(scope="module")
def collections(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return installed(tmp_path_factory.mktemp("installed"))


def works(company: Company, machine: str, user: str) -> bool:
    done = company.machines[machine].ssh(user, "atlas-tiles 2")
    return (done.returncode, done.stdout.strip()) == (0, "16 tiles")


def settled(rulebook: Rulebook) -> bool:
    return len(list((rulebook.state / "delivered").glob("*.json"))) == len(HAS)


def test_from_group_to_tools(company: Company, collections: Path, tmp_path: Path):
    with running(company, tmp_path, collections) as rulebook:
        rulebook.wait(lambda: settled(rulebook))
        company.join("ada")
        rulebook.wait(lambda: works(company, "pc1", "ada") and works(company, "pc2", "ada"))
        company.leave("ada")
        rulebook.wait(lambda: not works(company, "pc1", "ada") and not works(company, "pc2", "ada"))
        company.machines["pc3"].off()
        company.join("cy")
        company.join("bob")
        rulebook.wait(lambda: works(company, "pc1", "bob"))
        company.machines["pc3"].on()
        rulebook.kill()  # at whatever it is doing
        rulebook.start()
        rulebook.wait(lambda: works(company, "pc3", "cy"))
        assert "Traceback" not in rulebook.text()


def test_a_mistake_is_told_without_a_traceback(company: Company, collections: Path, tmp_path: Path):
    rulebook = Rulebook(company, tmp_path, collections)
    rulebook.write()
    path = tmp_path / "variables.yml"
    path.write_text(path.read_text().replace("ldap_projects.yml", "nowhere.yml"))
    rulebook.start()
    assert rulebook.process
    try:
        assert rulebook.process.wait(60) != 0
    finally:
        rulebook.kill()
    assert "nowhere.yml cannot be read" in rulebook.text() and "Traceback" not in rulebook.text()
