# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory from the state, without a directory; and who is behind."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.shipping.code.plugins.plugin_utils._membership import membership_state
from ansible_collections.shipping.code.plugins.plugin_utils._membership.assignments import (
    Membership,
)

from tests.testbed.directory_servers import SUFFIX

from .company_entries import COMPANY
from .conftest import Ansible, Directory, decoded
from .test_inventory import hosts
from .test_membership import changed


def from_state(ansible: Ansible, **more: Any) -> Path:
    path = ansible.home / "state.ldap_projects.yml"
    path.write_text(
        json.dumps(
            {
                "plugin": "shipping.code.ldap_projects",
                "source": "state",
                "state_path": "state",
                **more,
            }
        )
    )
    return path


def listed(ansible: Ansible, path: Path) -> dict[str, Any]:
    done = ansible.run("-i", path, "--list")
    assert done.returncode == 0, done.stderr
    return decoded(done.stdout)


def deliver(folder: Path, answer: Membership, *machines: str) -> None:
    for name in machines:
        membership_state.write_delivered(folder, answer.record(name))


def test_the_state_gives_what_the_directory_gave(directory: Directory, ansible: Ansible):
    answer = directory.ask()
    membership_state.write_wanted(ansible.home / "state", membership_state.WantedMembership(answer))
    inventory = ansible.list(directory.options)
    again = listed(ansible, from_state(ansible))
    for one in (inventory, again):
        for values in hosts(one).values():
            del values[
                "shipping_membership_revision"
            ]  # 389-ds without a changelog has none of its own.
    assert again == inventory


def test_the_directory_is_not_queried(rfc2307: Directory, ansible: Ansible):
    """Neither a server nor the library is needed."""
    membership_state.write_wanted(
        ansible.home / "state", membership_state.WantedMembership(rfc2307.ask())
    )
    (ansible.home / "ldap3.py").write_text("raise RuntimeError('asked')\n")
    done = ansible.run("-i", from_state(ansible), "--list", PYTHONPATH=str(ansible.home))
    assert done.returncode == 0, done.stderr
    assert sorted(hosts(decoded(done.stdout))) == sorted(COMPANY.works)
    blocked = ansible.run(
        "-i", ansible.write(rfc2307.options), "--list", PYTHONPATH=str(ansible.home)
    )
    assert "asked" in blocked.stderr


@pytest.mark.parametrize("source", ["state", "directory"])
def test_pending_hosts(groupofnames: Directory, ansible: Ansible, source: str):
    folder = ansible.home / "state"
    before = groupofnames.ask()
    membership_state.write_wanted(folder, membership_state.WantedMembership(before))
    own = {"source": source, "only": "pending", "state_path": "state"}
    path = (
        from_state(ansible, only="pending")
        if source == "state"
        else ansible.write({**groupofnames.options, **own})
    )
    assert sorted(hosts(listed(ansible, path))) == sorted(COMPANY.works)
    deliver(folder, before, *COMPANY.works)
    assert hosts(listed(ansible, path)) == {}
    modify = f"dn: cn=beta,ou=projects,{SUFFIX}\nchangetype: modify\n"
    there, back = (
        f"{modify}{verb}: member\nmember: cn=Ada,ou=people,{SUFFIX}\n" for verb in ("add", "delete")
    )
    with changed(groupofnames, there, back):
        after = groupofnames.ask()
        membership_state.write_wanted(folder, membership_state.WantedMembership(after))
        inventory = listed(ansible, path)
    assert sorted(hosts(inventory)) == ["pc1.example.com"]
    assert hosts(inventory)["pc1.example.com"]["shipping_projects"] == ["alpha", "beta"]
    assert (
        hosts(inventory)["pc1.example.com"]["shipping_membership_only"] == "pending"
    )  # A delivery must not take it for the whole fleet.
    assert inventory["project_beta"]["hosts"] == ["pc1.example.com"]
    deliver(folder, after, "pc1.example.com")
    membership_state.write_wanted(
        folder, membership_state.WantedMembership(before)
    )  # an older answer comes late
    if source == "state":
        assert hosts(listed(ansible, path)) == {}


def test_what_would_change(groupofnames: Directory, ansible: Ansible):
    answer = groupofnames.ask()
    deliver(
        ansible.home / "state",
        answer,
        *(name for name in COMPANY.works if name != "pc1.example.com"),
    )
    found = ansible.task(
        {"source_file": str(ansible.write(groupofnames.options)), "state_path": "state"}
    )
    assert found["changes"] == {
        "added": [{"user": "ada", "host": "pc1.example.com", "project": "alpha"}],
        "removed": [],
    }


def test_a_state_that_is_not_there_ends_the_run(ansible: Ansible):
    for more, text in (
        ({}, "Start the event source"),
        ({"state_path": ""}, "state_path: is missing"),
        ({"only": "some"}, "only"),
    ):
        done = ansible.run("-i", from_state(ansible, **more), "--list")
        assert done.returncode != 0
        assert text in " ".join(done.stderr.split())
        assert "Traceback" not in done.stderr
    (ansible.home / "state").mkdir()
    (ansible.home / "state/wanted.json").write_text("{")
    done = ansible.run("-i", from_state(ansible), "--list")
    assert done.returncode != 0
    assert "it is no JSON" in " ".join(done.stderr.split())
