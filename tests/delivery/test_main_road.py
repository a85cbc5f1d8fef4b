# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test joining, working, changing, leaving, on real hosts by SSH."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .fleet import OPT, Fleet


def test_join_work_leave(fleet: Fleet):
    fleet.sample()
    fleet.projects = {"atlas": {"ada"}}
    first = fleet.deliver()
    assert first.ok, first.output
    assert fleet.commands("pc1.example.com", "ada") == {
        "atlas-where",
        "atlas",
        "atlas-tiles",
    }, first.output
    assert fleet.says("pc1.example.com", "ada", "atlas-tiles 3") == (0, "64 tiles")
    assert fleet.says("pc2.example.com", "ada", "atlas --version") == (0, "atlas 1.0")
    assert fleet.says("pc1.example.com", "ada", "bash -lc atlas-where") == (
        0,
        "http://atlas.example.com:8080/",
    )
    assert fleet.says("pc1.example.com", "bob", "atlas-tiles 3")[0] == 127
    again = fleet.deliver()
    assert again.ok and again.changed == set(), again.output
    assert set(again.states.values()) == {"ready"}
    fleet.projects, fleet.revision = {"atlas": set()}, 2
    left = fleet.deliver()
    assert left.ok, left.output
    assert (
        fleet.commands("pc1.example.com", "ada") == set()
        and fleet.objects("pc1.example.com") == set()
    )
    assert fleet.says("pc1.example.com", "ada", "atlas-tiles 3")[0] == 127
    assert fleet.deliver().changed == set()


def test_a_third_user_cannot_look(fleet: Fleet):
    fleet.sample()
    fleet.projects = {"atlas": {"ada"}}
    assert fleet.deliver().ok
    real = fleet.says(
        "pc1.example.com", "root", f"readlink -f {OPT}/current/users/ada/bin/atlas-where"
    )[1]
    assert fleet.says(
        "pc1.example.com",
        "ada",
        f"cat {real} >/dev/null && ls {OPT}/current/users/ada/ >/dev/null && echo seen",
    ) == (0, "seen")
    for path in (
        real,
        f"{OPT}/current/users/ada/tools.txt",
        f"{OPT}/current/users/ada/",
        f"{OPT}/store/",
    ):
        code, said = fleet.says("pc1.example.com", "eve", f"ls {path}")
        assert code == 2 and "Permission denied" in said, (path, said)


def test_one_is_off_and_comes_back(fleet: Fleet):
    fleet.sample()
    fleet.projects = {"atlas": {"ada", "cy"}}
    fleet.machines["pc3.example.com"].power_off()
    first = fleet.deliver()
    assert (
        first.ok
        and first.states["pc3.example.com"] == "waiting"
        and first.states["pc1.example.com"] == "ready"
    ), first.output
    assert first.seconds < 30
    fleet.machines["pc3.example.com"].power_on()
    second = fleet.deliver()
    assert second.ok and second.changed == {"pc3.example.com"}, second.output
    assert fleet.says("pc3.example.com", "cy", "atlas-tiles 1") == (0, "4 tiles")


@pytest.fixture
def eve_may_become_root(fleet: Fleet, password: str) -> Iterator[None]:
    pc1, pc2 = (fleet.machines[name] for name in ("pc1.example.com", "pc2.example.com"))
    for machine in (pc1, pc2):
        rule = f"eve ALL=(ALL) {'' if password else 'NOPASSWD:'} ALL"
        machine.run(
            "sh",
            "-c",
            f"echo '{rule}' > /etc/sudoers.d/eve; chmod 440 /etc/sudoers.d/eve; echo"
            f" 'eve:{password or 'none'}' | chpasswd",
        )
        machine.run(
            "sh",
            "-c",
            f"grep -q {machine.machine.name} /etc/hosts || echo 127.0.1.1 {machine.machine.name} >>"
            " /etc/hosts",
        )  # sudo asks for it
    yield
    for machine in (pc1, pc2):
        machine.run("rm", "/etc/sudoers.d/eve")


@pytest.mark.parametrize("password", ["", "correct horse"])
def test_by_a_login_that_becomes_root(fleet: Fleet, password: str, eve_may_become_root: None):
    """Most inventories have no login of root, and set no Python."""
    two = {"pc1.example.com", "pc2.example.com"}
    login = {
        "ansible_user": "eve",
        "ansible_become": True,
        "ansible_python_interpreter": "auto",
        "ansible_become_password": password,
    }
    fleet.sample()
    fleet.projects = {"atlas": {"ada"}}
    first, second = (fleet.deliver("-vvv", "--limit", ",".join(two), **login) for _time in range(2))
    assert (
        first.ok
        and first.changed == two
        and second.ok
        and not second.changed
        and second.output.count(" SSH: EXEC ") == 2
    )
    assert fleet.says("pc1.example.com", "ada", "atlas-tiles 3") == (0, "64 tiles")
    wrong = fleet.deliver(
        "--limit", "pc1.example.com", **{**login, "ansible_become_password": "wrong"}
    )
    assert (
        wrong.ok is not bool(password)
        and ("Incorrect sudo password" in wrong.output) is bool(password)
        and "Traceback" not in wrong.output
    )
