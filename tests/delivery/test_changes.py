# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test changes of users, hosts and projects."""

from __future__ import annotations

import json
import os
import subprocess
import time
from typing import Any

import pytest

from .fleet import OPT, ROOT, Fleet

pytestmark = pytest.mark.long

PC1, PC2, PC3 = "pc1.example.com", "pc2.example.com", "pc3.example.com"


def simple(fleet: Fleet, name: str, text: str = "1", **more: object) -> None:
    """Write a project with one script of its name."""
    tool = {"type": "script", "version": text, "file": f"{name}/run.sh", "commands": [name], **more}
    fleet.catalog_of(name, {name: tool}, **{"run.sh": f"#!/bin/sh\necho {name} {text}\n".encode()})


def test_a_clash(fleet: Fleet):
    for name, priority in (("atlas", 0), ("beta", 5)):
        tool = {
            "type": "script",
            "version": "1",
            "file": f"{name}/run.sh",
            "commands": ["run"],
            "priority": priority,
        }
        fleet.catalog_of(name, {"t": tool}, **{"run.sh": f"#!/bin/sh\necho {name}\n".encode()})
    fleet.projects = {"atlas": {"bob"}, "beta": {"bob"}}
    done = fleet.deliver("--limit", PC1)
    assert done.ok and "run is the command of beta by its priority; also run@atlas" in done.output
    assert [fleet.says(PC1, "bob", command)[1] for command in ("run", "run@atlas", "run@beta")] == [
        "beta",
        "atlas",
        "beta",
    ]


def test_nothing_to_do_is_one_round_trip(fleet: Fleet):
    simple(fleet, "atlas")
    fleet.projects = {"atlas": {"ada"}}
    assert fleet.deliver().ok
    for python in ("/usr/bin/python3", "auto"):
        done = fleet.deliver("-vvv", ansible_python_interpreter=python)
        assert (
            done.ok and not done.changed and done.output.count(" SSH: EXEC ") == len(fleet.machines)
        ), done.output


def test_where_only_a_module_gets_through(fleet: Fleet):
    """It takes more round trips, with the same outcome."""
    simple(fleet, "atlas")
    fleet.projects = {"atlas": {"ada"}}
    first, second = (fleet.deliver("-vvv", delivery_pipelining=False) for _time in range(2))
    assert first.ok and first.changed >= {PC1, PC2} and second.ok and not second.changed
    assert second.output.count(" SSH: EXEC ") > len(fleet.machines) and fleet.says(
        PC1, "ada", "atlas"
    ) == (0, "atlas 1")
    fleet.projects = {}
    assert (
        fleet.deliver(delivery_pipelining=False).ok
        and fleet.commands(PC1, "ada") == set()
        and not fleet.objects(PC1)
    )


def test_a_python_that_is_not_there(fleet: Fleet):
    simple(fleet, "atlas")
    fleet.projects = {"atlas": {"ada"}}
    done = fleet.deliver("--limit", PC1, ansible_python_interpreter="/usr/bin/python4")
    assert (
        done.states[PC1] == "failed"
        and "interpreter '/usr/bin/python4' was not found" in done.output
        and "Traceback" not in done.output
    )


def test_leaving_in_a_delivery_to_some_machines_is_one_round_trip(fleet: Fleet):
    """The state has what they were delivered; the host reports the rest."""
    simple(fleet, "atlas")
    simple(fleet, "beta")
    fleet.projects = {"atlas": {"ada", "cy"}}
    assert fleet.deliver().ok
    fleet.projects = {"atlas": {"ada", "cy"}, "beta": {"ada"}}
    assert fleet.deliver("--limit", PC2, state=False).ok  # Nobody knows of beta.
    fleet.projects = {"atlas": {"cy"}}
    told = fleet.deliver("--limit", PC1, "--check")
    assert (
        told.ok and told.states[PC1] == "would change" and fleet.commands(PC1, "ada") == {"atlas"}
    )
    done = fleet.deliver("--limit", PC1, "-vvv")
    assert done.ok and done.states[PC1] == "ready" and done.output.count(" SSH: EXEC ") == 1, (
        done.output
    )
    assert fleet.commands(PC1, "ada") == set() and not fleet.objects(PC1)
    more = fleet.deliver("--limit", PC2, "-vvv")
    assert more.ok and more.states[PC2] == "ready" and more.output.count(" SSH: EXEC ") == 2, (
        more.output
    )
    assert fleet.commands(PC2, "ada") == set()
    assert fleet.deliver().changed == set() and fleet.commands(PC3, "cy") == {"atlas"}


def test_a_renamed_user(fleet: Fleet):
    simple(fleet, "atlas")
    fleet.projects = {"atlas": {"bob"}}
    assert fleet.deliver("--limit", PC1).ok
    fleet.machines[PC1].run("usermod", "--login", "rob", "bob")
    try:
        fleet.has[PC1], fleet.projects, fleet.ids = (
            ["ada", "rob"],
            {"atlas": {"rob"}},
            {"rob": "id-bob"},
        )
        done = fleet.deliver("--limit", PC1)
        assert done.ok and fleet.says(PC1, "rob", "atlas") == (0, "atlas 1"), done.output
        assert done.of(PC1)[0]["removals"] == []
        assert fleet.says(PC1, "root", f"ls {OPT}/current/users")[1] == "rob"
    finally:
        fleet.machines[PC1].run("usermod", "--login", "bob", "rob")


def test_a_machine_that_changes_hands(fleet: Fleet):
    simple(fleet, "atlas")
    fleet.projects = {"atlas": {"ada", "eve"}}
    assert fleet.deliver().ok
    fleet.has[PC2] = ["eve"]
    done = fleet.deliver()
    assert (
        done.ok
        and fleet.commands(PC2, "ada") == set()
        and fleet.says(PC2, "eve", "atlas") == (0, "atlas 1")
    ), done.output
    assert fleet.says(PC1, "ada", "atlas") == (0, "atlas 1")


def test_a_project_that_is_deleted(fleet: Fleet):
    """With two members it is removed, and reported; with three it is blocked."""
    simple(fleet, "atlas")
    simple(fleet, "beta")
    fleet.projects = {"atlas": {"ada", "bob"}, "beta": {"ada"}}
    assert fleet.deliver().ok
    (fleet.catalog / "atlas.yml").unlink()
    done = fleet.deliver()
    assert (
        done.ok and fleet.commands(PC1, "ada") == {"beta"} and fleet.commands(PC1, "bob") == set()
    ), done.output
    assert "atlas has no file in the catalog, and so no tools" in done.output
    assert (
        f"removed: atlas atlas from ada on {PC1}, bob on {PC1}, ada on {PC2} (the catalog has it no"
        " more)" in done.output
    )


def test_tools_that_the_catalog_drops(fleet: Fleet):
    """Three users: blocked by the catalog; a leaver loses tools; ``removed`` approves."""
    tool = {"type": "script", "version": "1", "file": "atlas/run.sh"}
    content = {"run.sh": b"#!/bin/sh\n"}
    fleet.catalog_of("atlas", {"map": tool, "sky": tool}, **content)
    simple(fleet, "beta")
    fleet.projects = {"atlas": {"ada", "bob", "cy"}, "beta": {"bob"}}
    assert fleet.deliver().ok
    fleet.catalog_of("atlas", {"map": {**tool, "version": "2"}})
    fleet.projects["beta"] = set()
    alone = fleet.deliver("--limit", PC3)
    assert not alone.ok and "all users of atlas would lose sky" in alone.output, alone.output
    for flags in (("--check",), (), ()):
        stopped = fleet.deliver(*flags)
        assert not stopped.ok and stopped.states[PC1] == "blocked", stopped.output
        assert (
            "all users of atlas would lose sky (removed: [sky] in atlas.yml, or"
            " delivery_may_empty: [atlas])" in stopped.output
        )
        assert f"{PC3}: cy loses sky of atlas" in stopped.output
        if flags:
            assert f"would be removed: beta beta from bob on {PC1}" in stopped.output
    assert stopped.changed == set()
    assert fleet.commands(PC1, "bob") == {"map", "sky"} and fleet.commands(PC3, "cy") == {
        "map",
        "sky",
    }
    (fleet.catalog / "atlas.yml").write_text(
        json.dumps({"tools": {"map": {**tool, "version": "2"}}, "removed": ["sky"]})
    )
    done = fleet.deliver()
    assert done.ok and fleet.commands(PC1, "bob") == {"map"}, done.output
    assert "(the catalog declares it removed)" in done.output
    assert fleet.deliver().changed == set()


def test_a_user_that_the_machine_does_not_know(fleet: Fleet):
    simple(fleet, "atlas")
    fleet.has[PC1].append("nobody-here")
    fleet.projects = {"atlas": {"ada", "nobody-here"}}
    done = fleet.deliver()
    assert (
        done.ok
        and done.states[PC1] == "incomplete"
        and "nobody-here has no account on this host" in done.output
    )
    assert fleet.says(PC1, "ada", "atlas") == (0, "atlas 1")
    assert (
        not (fleet.state / "delivered" / f"{PC1}.json").exists()
        and (fleet.state / "delivered" / f"{PC2}.json").exists()
    )


def test_the_brake_of_a_project(fleet: Fleet):
    simple(fleet, "atlas")
    simple(fleet, "beta")
    fleet.projects = {"atlas": {"ada", "bob", "cy"}, "beta": {"ada"}}
    assert fleet.deliver().ok
    fleet.projects = {"atlas": set(), "beta": {"ada", "bob"}}
    for state in (True, False):
        stopped = fleet.deliver(state=state)
        assert (
            not stopped.ok
            and "atlas would lose all of its 3 members (delivery_may_empty: [atlas])"
            in stopped.output
        ), stopped.output
        assert f"{PC1}: bob leaves atlas" in stopped.output
        assert fleet.commands(PC1, "bob") == {"atlas", "beta"} and stopped.states[PC1] == "blocked"
    done = fleet.deliver(delivery_may_empty=["atlas"])
    assert done.ok and fleet.commands(PC1, "bob") == {"beta"} and fleet.commands(PC3, "cy") == set()
    assert fleet.deliver().changed == set()


def test_the_brake_counts_single_runs_together(fleet: Fleet):
    simple(fleet, "atlas")
    fleet.projects = {"atlas": {"ada", "bob", "cy"}}
    assert fleet.deliver().ok
    fleet.projects = {"atlas": {"ada", "cy"}}
    assert fleet.deliver(only={"users": ["bob"]}).ok
    fleet.projects = {"atlas": {"ada"}}
    assert fleet.deliver(only={"users": ["cy"]}).ok
    fleet.projects = {"atlas": set()}
    last = fleet.deliver(only={"users": ["ada"]})
    assert (
        not last.ok
        and "all of its 3 members" in last.output
        and fleet.commands(PC2, "ada") == {"atlas"}
    )
    assert (
        "Removals are blocked by the removal limit" in last.output
        and "2 of these memberships were removed since" in last.output
    ), last.output
    assert (
        f"{PC2}: ada leaves atlas" in last.output
        and "bob leaves" not in last.output
        and "cy leaves" not in last.output
    )


def test_what_a_run_has_removed_is_not_said_to_be_there(fleet: Fleet):
    """What they were delivered is removed at once.

    What they have besides they tell then, and that is too much.
    """
    everywhere = ("--limit", ",".join((PC1, PC2, PC3)))
    simple(fleet, "atlas")
    simple(fleet, "beta")
    fleet.projects = {"atlas": {"ada"}}
    assert fleet.deliver(*everywhere).ok
    fleet.projects = {"atlas": {"ada"}, "beta": {"ada", "bob", "cy"}}
    assert fleet.deliver(state=False).ok  # Nobody knows of beta.
    fleet.projects = {}
    stopped = fleet.deliver(*everywhere)
    assert not stopped.ok and "beta would lose all of its 3 members" in stopped.output, (
        stopped.output
    )
    assert (
        "Removals are blocked by the removal limit" in stopped.output
        and "2 of these memberships were removed since" in stopped.output
    )
    assert f"{PC3}: cy leaves beta" in stopped.output and "leaves atlas" not in stopped.output
    assert fleet.commands(PC1, "ada") == fleet.commands(PC2, "ada") == {"beta"}


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"only": {"user": ["ada"]}}, "only.user. Supported parameters include: projects, users"),
        (
            {"delivery_connect_timeout": "soon"},
            "'connect_timeout' is of type str found in 'settings'",
        ),
        ({"delivery_options": "keep"}, "'options' is of type str found in 'settings'"),
        ({"delivery_max_shrink": 200}, "max_shrink: must be from 0 to 100, not 200"),
        (
            {"shipping_users": [{"name": "ada", "projects": ["atlas"]}]},
            "shipping_users: must be a list of users, each with id, name and projects",
        ),
    ],
    ids=["only", "connect_timeout", "options", "max_shrink", "users"],
)
def test_a_mistake_in_what_the_play_is_given(fleet: Fleet, given: dict[str, Any], told: str):
    """It is reported once, before a connection to any host."""
    simple(fleet, "atlas")
    fleet.projects = {"atlas": {"ada"}}
    failed = fleet.deliver("-vvv", **given)
    assert not failed.ok and told in failed.output and "nothing was changed" in failed.output, (
        failed.output
    )
    assert " SSH: EXEC " not in failed.output and fleet.commands(PC1, "ada") == set()


def test_only_some(fleet: Fleet):
    simple(fleet, "atlas")
    simple(fleet, "beta")
    fleet.projects = {"atlas": {"ada", "bob"}, "beta": {"cy", "bob"}}
    done = fleet.deliver(only={"projects": ["beta"]})
    assert done.ok and done.changed == {PC1, PC3} and set(done.states) == {PC1, PC3}
    assert fleet.commands(PC1, "ada") == {"atlas"} and fleet.commands(PC2, "ada") == set()


def test_only_a_project_whose_last_member_has_left(fleet: Fleet):
    """The inventory has no former members; the state of deliveries has them."""
    simple(fleet, "atlas")
    simple(fleet, "beta")
    fleet.projects = {"atlas": {"ada", "bob"}, "beta": {"cy"}}
    assert fleet.deliver().ok
    fleet.projects = {"atlas": set(), "beta": {"cy"}}
    without = fleet.deliver(state=False, only={"projects": ["atlas"]})
    assert (
        without.ok
        and "no host has any of atlas" in without.output
        and fleet.commands(PC1, "bob") == {"atlas"}
    )
    done = fleet.deliver(only={"projects": ["atlas"]})
    assert done.ok and done.changed == {PC1, PC2} and set(done.states) == {PC1, PC2}, done.output
    assert fleet.commands(PC1, "ada") == fleet.commands(PC1, "bob") == fleet.commands(
        PC2, "ada"
    ) == set() and fleet.commands(PC3, "cy") == {"beta"}
    again = fleet.deliver(only={"projects": ["atlas"]})
    assert again.ok and "no host has any of atlas" in again.output and again.changed == set()


def test_in_parts(fleet: Fleet):
    """One host after the other.

    The brake looks at all of them before the first one loses anything.
    """
    simple(fleet, "atlas")
    simple(fleet, "beta")
    fleet.projects = {"atlas": {"ada", "bob", "cy"}, "beta": {"cy"}}
    first = fleet.deliver(play={"serial": 1})
    assert (
        first.ok
        and set(first.states.values()) == {"ready"}
        and fleet.says(PC3, "cy", "atlas") == (0, "atlas 1")
    ), first.output
    assert fleet.deliver(play={"serial": 1}).changed == set()
    fleet.projects = {"atlas": set(), "beta": {"cy", "bob"}}
    stopped = fleet.deliver(play={"serial": 1})
    assert not stopped.ok and "atlas would lose all of its 3 members" in stopped.output
    assert (
        fleet.commands(PC1, "ada") == {"atlas"}
        and fleet.commands(PC1, "bob") == {"atlas", "beta"}
        and fleet.commands(PC3, "cy") == {"atlas", "beta"}
    )
    done = fleet.deliver(play={"serial": 1}, delivery_may_empty=["atlas"])
    assert (
        done.ok and fleet.commands(PC2, "ada") == set() and fleet.commands(PC3, "cy") == {"beta"}
    ), done.output


def test_an_older_record_is_refused(fleet: Fleet):
    simple(fleet, "atlas")
    fleet.projects, fleet.revision = {"atlas": {"ada"}}, 5
    assert fleet.deliver().ok
    fleet.projects, fleet.revision = {"atlas": set()}, 4
    done = fleet.deliver()
    assert not done.ok and "the host assignment is older than the last one" in done.output
    assert fleet.commands(PC1, "ada") == {"atlas"}


def test_check_mode_and_diff(fleet: Fleet):
    simple(fleet, "atlas")
    fleet.projects = {"atlas": {"ada"}}
    told = fleet.deliver("--check", "--diff")
    assert (
        told.ok and "+ada: atlas atlas 1" in told.output and told.states[PC1] == "would change"
    ), told.output
    assert fleet.says(PC1, "root", f"ls {OPT}")[0] == 2 and not fleet.state.exists()
    assert fleet.deliver().ok
    fleet.projects = {"atlas": set()}
    told = fleet.deliver("--check", "--diff")
    assert (
        told.ok and "-ada: atlas atlas 1" in told.output and fleet.commands(PC1, "ada") == {"atlas"}
    )


def test_a_dead_url(fleet: Fleet):
    tool = {"type": "binary", "version": "1", "url": "http://127.0.0.1:9/t", "sha256": "a" * 64}
    fleet.catalog_of("atlas", {"t": tool})
    simple(fleet, "beta")
    fleet.projects = {"atlas": {"bob", "ada", "cy"}, "beta": {"bob", "cy"}}
    reason = "t cannot be downloaded from http://127.0.0.1:9/t"
    checked = fleet.deliver("--check")
    # Once for three hosts; ansible-core prints the message of a failed task twice.
    assert not checked.ok and checked.output.count(reason) == 2, checked.output
    assert (checked.states[PC1], checked.states[PC3]) == ("would change", "would change")
    done = fleet.deliver()
    assert not done.ok and done.output.count(reason) == 2, done.output
    assert (done.states[PC1], done.states[PC3]) == ("incomplete", "incomplete")
    assert fleet.commands(PC3, "cy") == {"beta"}


def test_a_self_test_that_fails(fleet: Fleet):
    simple(fleet, "atlas", "1", self_test=["atlas"])
    simple(fleet, "beta")
    fleet.projects = {"atlas": {"ada"}, "beta": {"bob", "ada"}}
    assert fleet.deliver().ok
    simple(fleet, "atlas", "2; exit 3", self_test=["atlas"])
    fleet.projects = {"atlas": {"ada"}, "beta": {"ada"}}
    done = fleet.deliver()
    assert (
        not done.ok
        and "the self-test exited with code 3" in done.output
        and done.states[PC1] == "failed"
    )
    assert fleet.says(PC1, "ada", "atlas") == (0, "atlas 1"), "the former version stays"
    assert fleet.commands(PC1, "bob") == set(), "who leaves leaves all the same"


def test_a_mistake_in_the_catalog(fleet: Fleet):
    """Its project stays; others are delivered, leavers lose tools; it is reported once."""
    simple(fleet, "atlas")
    simple(fleet, "beta")
    fleet.projects = {"atlas": {"ada", "bob"}, "beta": {"bob"}}
    assert fleet.deliver().ok
    simple(fleet, "atlas", "2", descripton="x")
    simple(fleet, "beta", "2")
    tools = {"t": {"type": "script", "version": "1", "file": "gamma/none.sh"}}
    fleet.catalog_of("gamma", {**tools, "e": {"type": "env", "variables": {"A": "b"}}})
    fleet.projects = {"atlas": {"ada", "cy"}, "beta": {"ada"}, "gamma": {"cy"}}
    done = fleet.deliver()
    assert not done.ok and "did you mean description?" in done.output
    assert done.output.count("atlas.yml:1:") == 2, "Ansible shows the one failure twice"
    assert "gamma.yml:1:" in done.output and "none.sh cannot be read" in done.output
    assert done.states == dict.fromkeys((PC1, PC2, PC3), "incomplete"), done.output
    assert fleet.says(PC1, "ada", "atlas") == (0, "atlas 1")
    assert fleet.says(PC1, "ada", "beta") == (0, "beta 2")
    assert fleet.commands(PC1, "bob") == set() and fleet.commands(PC3, "cy") == set()
    simple(fleet, "atlas", "2")
    fleet.catalog_of("gamma", {"t": {**tools["t"], "file": "gamma/t.sh"}}, **{"t.sh": b"#!"})
    assert fleet.deliver().ok and fleet.says(PC3, "cy", "atlas") == (0, "atlas 2")


def test_a_call_of_the_module_with_a_mistake_in_the_catalog(fleet: Fleet):
    """It delivers the rest, and fails with the error."""
    simple(fleet, "atlas", descripton="x")
    simple(fleet, "beta")
    record = {"host": PC1, "revision": "time:control:1"}
    users = [{"id": "id-ada", "name": "ada", "projects": ["atlas", "beta"]}]
    options = {"catalog": str(fleet.catalog), "record": {**record, "users": users}}
    done = fleet.task("toolbox", options, "--limit", PC1)
    assert not done.ok and "did you mean description?" in done.output
    assert "not all tools are ready" in done.output and fleet.commands(PC1, "ada") == {"beta"}


def test_two_runs_at_once(fleet: Fleet):
    simple(fleet, "atlas")
    fleet.projects = {"atlas": {"ada", "cy"}}
    words = ("-e", json.dumps({"delivery_catalog": str(fleet.catalog)}))
    both = [fleet.start(str(ROOT / "playbooks" / "deliver.yml"), *words) for _number in range(2)]
    done = [delivering.wait(120) for delivering in both]
    assert [outcome.rc for outcome in done] == [0, 0], [outcome.output for outcome in done]
    assert fleet.says(PC1, "ada", "atlas") == (0, "atlas 1")
    assert fleet.says(PC1, "root", f"ls {OPT}/generations")[1] == "1"


def test_killed_while_it_builds(fleet: Fleet):
    simple(fleet, "atlas")
    fleet.projects = {"atlas": {"bob"}}
    assert fleet.deliver("--limit", PC1).ok
    simple(fleet, "atlas", "2", self_test=["sleep", "30"])
    delivering = fleet.start(
        str(ROOT / "playbooks" / "deliver.yml"),
        "-e",
        json.dumps({"delivery_catalog": str(fleet.catalog)}),
    )
    machine = fleet.machines[PC1]
    deadline = time.monotonic() + 30
    while (
        "sleep 30" not in machine.ssh("root", "ps ax -o args").stdout
        and time.monotonic() < deadline
    ):
        time.sleep(0.2)
    assert fleet.says(PC1, "bob", "atlas") == (0, "atlas 1")
    machine.power_off()
    delivering.kill()
    machine.power_on()
    assert fleet.says(PC1, "bob", "atlas") == (0, "atlas 1")
    simple(fleet, "atlas", "3")
    assert fleet.deliver("--limit", PC1).ok and fleet.says(PC1, "bob", "atlas") == (0, "atlas 3")
    assert fleet.deliver("--limit", PC1).changed == set()


def test_a_full_disk(fleet: Fleet):
    """What does not fit is reported and left out.

    What was there works, and the next run with more room goes on.
    """
    machine = fleet.machines[PC1]
    machine.run("mkdir", "-p", OPT)
    machine.run("mount", "-t", "tmpfs", "-o", "size=2m,mode=755", "tmpfs", OPT)
    try:
        simple(fleet, "atlas")
        fleet.projects = {"atlas": {"bob"}}
        assert fleet.deliver("--limit", PC1).ok
        script = b"#!/bin/sh\necho large\nexit\n"
        tools = {
            name: {"type": "script", "version": "2", "file": f"atlas/{name}.sh"}
            for name in ("atlas", "large")
        }
        fleet.catalog_of(
            "atlas",
            tools,
            **{
                "atlas.sh": b"#!/bin/sh\necho atlas 2\n",
                "large.sh": script + os.urandom(4_000_000),
            },
        )
        full = fleet.deliver("--limit", PC1)
        assert (
            not full.ok
            and full.states[PC1] == "failed"
            and "no space left on device" in full.output.lower()
        ), full.output
        assert (
            "Traceback" not in full.output
            and fleet.says(PC1, "bob", "atlas")[0] == 0
            and "large" not in fleet.commands(PC1, "bob")
        )
        machine.run("mount", "-o", "remount,size=20m", OPT)
        done = fleet.deliver("--limit", PC1)
        assert done.ok and [fleet.says(PC1, "bob", name) for name in ("atlas", "large")] == [
            (0, "atlas 2"),
            (0, "large"),
        ], done.output
        assert fleet.deliver("--limit", PC1).changed == set()
    finally:
        machine.run("umount", "--lazy", OPT)


def test_open_shells_and_running_programs(fleet: Fleet):
    """An open shell has the new command.

    A program that runs goes on through the change.
    """
    assert fleet.deliver("--limit", PC1).ok
    simple(fleet, "atlas", "1; until [ -e /tmp/stop ]; do sleep 0.1; done; echo end")
    machine = fleet.machines[PC1]
    machine.run("sh", "-c", "touch /tmp/out; chmod 666 /tmp/out")
    assert (
        machine.ssh(
            "bob",
            "nohup sh -c 'until [ -e /tmp/go ]; do sleep 0.1; done; atlas' > /tmp/out 2>&1 <"
            " /dev/null &",
        ).returncode
        == 0
    )
    fleet.projects = {"atlas": {"bob"}}
    assert fleet.deliver("--limit", PC1).ok
    machine.run("touch", "/tmp/go")
    time.sleep(0.5)
    simple(fleet, "atlas", "2")
    assert fleet.deliver("--limit", PC1).ok
    machine.run("sh", "-c", "touch /tmp/stop; sleep 0.5")
    assert machine.run("cat", "/tmp/out").split() == ["atlas", "1", "end"]
    assert fleet.says(PC1, "bob", "atlas") == (0, "atlas 2")


def test_back_and_away(fleet: Fleet):
    for version in ("1", "2"):
        simple(fleet, "atlas", version)
        fleet.projects = {"atlas": {"ada", "cy"}}
        assert fleet.deliver().ok
    assert fleet.task("toolbox", {"generation": "previous"}).ok
    assert fleet.says(PC1, "ada", "atlas") == (0, "atlas 1")
    found = fleet.task("toolbox_info", {}).of(PC1, "toolbox_info")[0]
    assert [one["rolled_back_to"] for one in found["generations"]] == [None, None, 1] and found[
        "drift"
    ] == []
    held = fleet.deliver()
    assert held.ok and not held.changed and fleet.says(PC1, "ada", "atlas") == (0, "atlas 1")
    assert "atlas atlas is held at 1, and the catalog has 2" in held.output
    assert fleet.deliver(delivery_options={"unhold": ["atlas"]}).ok
    assert fleet.says(PC1, "ada", "atlas") == (0, "atlas 2")
    gone = fleet.task("toolbox", {"state": "absent"})
    assert gone.ok and gone.changed == {PC1, PC2, PC3}
    assert fleet.says(
        PC1,
        "root",
        f"ls {OPT} /etc/profile.d/shipping.sh; grep -c shipping /etc/security/pam_env.conf",
    )[1].endswith("0")
    assert fleet.task("toolbox", {"state": "absent"}).changed == set()


@pytest.mark.parametrize(
    "damage",
    [
        "chmod 600 {real}",
        "echo evil >> {real}",
        "rm {real}",
        "rm -r {root}/current/users/ada/bin",
        "ln -sfn /etc {root}/current",
    ],
)
def test_drift(fleet: Fleet, damage: str):
    simple(fleet, "atlas")
    fleet.projects = {"atlas": {"ada"}}
    assert fleet.deliver("--limit", PC2).ok
    real = fleet.says(PC2, "root", f"readlink -f {OPT}/current/users/ada/bin/atlas")[1]
    fleet.machines[PC2].run("sh", "-c", damage.format(real=real, root=OPT))
    done = fleet.deliver("--limit", PC2)
    assert (
        done.ok and done.changed == {PC2} and fleet.says(PC2, "ada", "atlas") == (0, "atlas 1")
    ), done.output
    assert fleet.deliver("--limit", PC2).changed == set()


def test_nothing_is_written_elsewhere(fleet: Fleet):
    """Only /opt/shipping and the files of the shell integration.

    The machine's own layers have all that it writes, and nothing that others write on this one.
    """
    fleet.sample()
    fleet.projects = {"atlas": {"ada"}}
    before = fleet.home / "before"
    before.touch()
    assert fleet.deliver("--limit", PC1).ok
    newer = ("-newer", before, "-not", "-type", "d", "-not", "-name", "*.pyc", "-printf", "/%P\n")
    listed = subprocess.run(
        ["find", fleet.machines[PC1].path("/"), *newer], check=True, capture_output=True, text=True
    )
    written = set(listed.stdout.split())
    elsewhere = {path for path in written if not path.startswith((f"{OPT}/", "/var/log/"))}
    ours = {
        "/etc/profile.d/shipping.sh",
        "/etc/environment.d/60-shipping.conf",
        "/etc/security/pam_env.conf",
    }
    ours |= {"/etc/zsh/zshenv", "/etc/fish/conf.d/shipping.fish"}  # where these shells are
    assert "/etc/profile.d/shipping.sh" in elsewhere and elsewhere <= ours
