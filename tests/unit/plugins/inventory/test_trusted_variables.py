# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ansible-inventory, which AWX runs, writes of the variables of hosts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from ansible.template import is_trusted_as_template
from ansible_collections.shipping.code.plugins.plugin_utils._controller.plain_texts import (
    trust_plain_texts,
)
from ansible_collections.shipping.code.plugins.plugin_utils._membership import membership_state
from ansible_collections.shipping.code.plugins.plugin_utils._membership.assignments import (
    Host,
    Membership,
    User,
)

from ..plugin_utils._controller.ansible_cores import VERSIONS, core

COLLECTIONS = Path(__file__).parents[4] / ".collections"
EVIL = "{{ lookup('pipe', 'touch templated') }}"
HINTS = {"uid": 1, "home": "/home/ada"}


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    """An inventory of two hosts, of which one has a project that looks like a template."""
    users = [User("ada", "1", ("alpha",), HINTS), User("bob", "2", (EVIL,), HINTS)]
    hosts = tuple(Host(f"{user.name}.example.com", (user,)) for user in users)
    projects = {"alpha": "project_alpha", EVIL: "project_evil"}
    membership = Membership("time:control:1", hosts, projects)
    state = tmp_path / "state"
    membership_state.write_wanted(state, membership_state.WantedMembership(membership))
    path = tmp_path / "ldap_projects.yml"
    options = {
        "plugin": "shipping.code.ldap_projects",
        "source": "state",
        "state_path": str(state),
        "compose": {"login": "shipping_users[0].name", "first": "shipping_projects[0]"},
        "strict": True,
    }
    path.write_text(json.dumps(options))
    return path


@pytest.mark.parametrize("version", VERSIONS)
def test_texts_are_plain_where_there_is_nothing_to_template(inventory: Path, version: str):
    done = subprocess.run(
        [sys.executable, "-m", "ansible", "inventory", "-i", inventory, "--list", "--export"],
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(inventory.parent),
            "LANG": "C.UTF-8",
            "PYTHONPATH": str(core(version).parent),
            "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
        },
        cwd=inventory.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    hosts = answer["_meta"]["hostvars"]
    assert hosts["ada.example.com"] == {
        "ansible_host": "ada.example.com",
        "first": "alpha",
        "login": "ada",
        "shipping_projects": ["alpha"],
        "shipping_users": [{"hints": HINTS, "id": "1", "name": "ada", "projects": ["alpha"]}],
    }
    assert answer["all"]["vars"] == {"shipping_membership_revision": "time:control:1"}
    evil = hosts["bob.example.com"]
    assert evil["ansible_host"] == "bob.example.com" and evil["login"] == "bob"
    assert evil["shipping_projects"] == [{"__ansible_unsafe": EVIL}]
    assert evil["first"] == {"__ansible_unsafe": EVIL}
    assert not (inventory.parent / "templated").exists()


@pytest.mark.parametrize(
    ("value", "is_trusted"),
    [
        ("plain", True),
        ("", True),
        ("{{ x }}", False),
        ("{% x %}", False),
        ("a {# b", False),
        ("#jinja2: variable_start_string: '[['\n[[ x ]]", False),
    ],
)
def test_only_texts_without_a_template_are_trusted(value, is_trusted):
    nested = trust_plain_texts({"a": [value, 7, None, (value,)]})
    assert nested == {"a": [value, 7, None, [value]]}
    for text in (trust_plain_texts(value), nested["a"][0], nested["a"][3][0]):
        assert is_trusted_as_template(text) is is_trusted
