# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the playbook of the guide's section on audits."""

from __future__ import annotations

import csv
import re

from tests.unit.docs.test_guide_contents import blocks

from .fleet import OPT, ROOT, Fleet

PC1, PC2, PC3 = "pc1.example.com", "pc2.example.com", "pc3.example.com"
GUIDE = ROOT / "docs" / "docsite" / "rst" / "guide_delivery.rst"


def test_who_has_what(fleet: Fleet):
    for name in ("atlas", "beta"):
        tool = {"type": "script", "version": "1.0", "file": f"{name}/run.sh", "commands": [name]}
        fleet.catalog_of(name, {name: tool}, **{"run.sh": b"#!/bin/sh\n"})
    fleet.projects = {"atlas": {"ada", "bob"}, "beta": {"ada"}}
    assert fleet.deliver().ok
    fleet.machines[PC2].run(
        "sh", "-c", f"echo evil >> $(readlink -f {OPT}/current/users/ada/bin/beta)"
    )
    fleet.machines[PC3].power_off()
    playbook = fleet.home / "audit.yml"
    playbook.write_text(blocks(GUIDE.read_text().partition("\nAudit a fleet\n")[2])[0])
    done = fleet.play(str(playbook))
    assert done.ok, done.output
    rows = list(csv.DictReader((fleet.home / "audit.csv").open()))
    found = {
        (row["host"], row["user"], row["project"], row["tool"], row["version"], row["drift"])
        for row in rows
    }
    assert found == {
        (PC1, "ada", "atlas", "atlas", "1.0", "no"),
        (PC1, "ada", "beta", "beta", "1.0", "no"),
        (PC1, "bob", "atlas", "atlas", "1.0", "no"),
        (PC2, "ada", "atlas", "atlas", "1.0", "no"),
        (PC2, "ada", "beta", "beta", "1.0", "yes"),
    }
    assert len(rows) == 5
    for row in rows:
        for when in ("requested", "ready"):
            assert re.fullmatch(r"20\d\d-\d\d-\d\dT[\d:]+Z", row[when])
