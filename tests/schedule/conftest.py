# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A control machine and a machine of people, with a cable between them."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.testbed.user_machine import UserMachine

from .control import SHOWS, Control


@pytest.fixture(scope="session")
def machines(testrun_uid: str) -> Iterator[tuple[UserMachine, UserMachine]]:
    if os.geteuid():
        pytest.skip("needs root")
    control, pc = UserMachine(f"ctl{testrun_uid[:5]}", SHOWS), UserMachine(f"ctp{testrun_uid[:5]}")
    try:
        control.up()
        pc.up("ada")
        control.machine.connect(pc.machine)
        yield control, pc
    finally:
        control.down()
        pc.down()


@pytest.fixture(scope="module")
def control(
    machines: tuple[UserMachine, UserMachine], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Control]:
    """The role is taken away again at the end of a file of tests."""
    found = Control(*machines, tmp_path_factory.mktemp("c"))
    found.prepare()
    yield found
    found.apply(membership_sync_state="absent")
