# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From group to tools: a user who is added has the commands, one who is taken out none."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.testbed import awx
from tests.testbed.company import HAS, CompanyBed
from tests.testbed.machine import Machine

from .rulebook import Rulebook, environment, installed, running


@pytest.fixture(scope="module")
def company(testrun_uid: str) -> Iterator[CompanyBed]:
    if os.geteuid():
        pytest.skip("needs root")
    company = CompanyBed(Machine(f"evc{testrun_uid[:4]}"), HAS)
    try:
        company.up()
        yield company
    finally:
        company.down()


@pytest.fixture(scope="module")
def collections(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return installed(tmp_path_factory.mktemp("installed"))


def works(company: CompanyBed, machine: str, user: str) -> bool:
    done = company.machines[machine].ssh(user, "atlas-tiles 2")
    return (done.returncode, done.stdout.strip()) == (0, "16 tiles")


def settled(rulebook: Rulebook) -> bool:
    return len(list((rulebook.state / "delivered").glob("*.json"))) == len(HAS)


def test_from_group_to_tools(company: CompanyBed, collections: Path, tmp_path: Path):
    with running(company, tmp_path, collections) as rulebook:
        rulebook.wait(lambda: settled(rulebook))
        company.join("ada")
        rulebook.wait(lambda: works(company, "pc1", "ada") and works(company, "pc2", "ada"))
        company.leave("ada")
        rulebook.wait(lambda: not works(company, "pc1", "ada") and not works(company, "pc2", "ada"))
        company.machines["pc3"].power_off()
        company.join("cy")
        company.join("bob")
        rulebook.wait(lambda: works(company, "pc1", "bob"))
        company.machines["pc3"].power_on()
        rulebook.kill()  # at whatever it is doing
        rulebook.start()
        rulebook.wait(lambda: works(company, "pc3", "cy"))
        assert "Traceback" not in rulebook.text()


class Controller:
    """An AWX whose jobs are the playbook, limited as it was launched.

    A stand-in, since AWX cannot run here.
    """

    def __init__(self, company: CompanyBed, collections: Path, folder: Path):
        self.company, self.environment = company, environment(folder, collections)
        self.awx = awx.AwxStandIn(self.deliver)
        tools = self.make("organizations", name="Tools")
        project = self.make(
            "projects",
            name="tools",
            organization=tools,
            scm_type="git",
            scm_url=awx.repository(folder / "tools"),
        )
        inventory = self.make("inventories", name="people", organization=tools)
        time.sleep(0.5)  # for the project to be fetched
        given = {
            "project": project,
            "inventory": inventory,
            "playbook": "deliver.yml",
            "ask_limit_on_launch": True,
        }
        self.make("job_templates", name="shipping deliver events", **given)

    def make(self, kind: str, **content: object) -> int:
        return int(self.awx.api.answer("POST", f"{awx.ROOT}{kind}/", {}, content)[1]["id"])

    def deliver(self, job: dict[str, Any]) -> bool:
        given = {"delivery_catalog": str(self.company.catalog)}
        words = [
            Path(sys.executable).parent / "ansible-playbook",
            "-i",
            self.company.inventory,
            "--limit",
            job["limit"],
            "-e",
            json.dumps(given),
        ]
        return (
            subprocess.run(
                [*words, "shipping.code.deliver"],
                env=self.environment,
                capture_output=True,
                check=False,
            ).returncode
            == 0
        )

    def done(self, *machines: str) -> list[str]:
        """The states of the jobs for just these machines."""
        limit = ",".join(f"{machine}.example.com" for machine in machines)
        return [job["status"] for job in self.awx.api.store.jobs if job["limit"] == limit]


def test_by_a_job_template(company: CompanyBed, collections: Path, tmp_path: Path):
    controller = Controller(company, collections, tmp_path / "awx")
    with controller.awx:
        given = {
            "EDA_CONTROLLER_URL": controller.awx.url,
            "EDA_CONTROLLER_TOKEN": awx.TOKEN,
            "EDA_JOB_TEMPLATE_REFRESH_DELAY": "0.2",
        }
        rulebook = Rulebook(company, tmp_path, collections, given)
        rulebook.write()
        rulebook.start("shipping.code.deliver_job_template", inventory=False)
        try:
            rulebook.wait(lambda: controller.done("pc1", "pc2", "pc3") == ["successful"])
            company.join("ada")
            rulebook.wait(lambda: controller.done("pc1", "pc2") == ["successful"])
            assert works(company, "pc1", "ada") and works(company, "pc2", "ada")
            company.leave("ada")
            rulebook.wait(lambda: controller.done("pc1", "pc2") == ["successful"] * 2)
            assert not works(company, "pc1", "ada") and not works(company, "pc2", "ada")
        finally:
            rulebook.kill()
        assert "Traceback" not in rulebook.text()


def test_a_mistake_is_reported_without_a_traceback(
    company: CompanyBed, collections: Path, tmp_path: Path
):
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
