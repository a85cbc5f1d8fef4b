# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Start three workstations with three users.

Two users are on the first, one of them on the second as well, a third user is on the third.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.testbed.user_machine import UserMachine
from tests.unit.plugins.module_utils._toolbox.conftest import box

from .fleet import OPT, Fleet

__all__ = ["box"]

HAS = {"pc1.example.com": ["ada", "bob"], "pc2.example.com": ["ada"], "pc3.example.com": ["cy"]}


@pytest.fixture(scope="session")
def machines(testrun_uid: str, worker_id: str) -> Iterator[dict[str, UserMachine]]:
    if os.geteuid():
        pytest.skip("needs root")
    found = {
        name: UserMachine(f"pc{testrun_uid[:4]}{worker_id[-1]}-{number}")
        for number, name in enumerate(HAS)
    }
    try:
        for name, machine in found.items():
            machine.up(*HAS[name], "eve")
        yield found
    finally:
        for machine in found.values():
            machine.down()


@pytest.fixture
def fleet(machines: dict[str, UserMachine], tmp_path: Path) -> Iterator[Fleet]:
    """Clean the workstations; the home's path is short, since SSH puts a socket there."""
    for machine in machines.values():
        if not machine.machine.pid("sshd"):
            machine.power_on()
        machine.run(
            "sh",
            "-c",
            f"rm -rf {OPT} /etc/profile.d/shipping.sh; sed -i '/BEGIN shipping.code/,/END"
            " shipping.code/d' /etc/security/pam_env.conf",
        )
    (tmp_path / "projects").mkdir()
    yield Fleet(tmp_path, dict(machines), {name: list(users) for name, users in HAS.items()})
