# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check the output of ansible-inventory and ansible."""

import json
import os

import pytest

COMPANY = os.path.join(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"], "company")


@pytest.fixture(scope="module")
def inventory(host):
    done = host.run("ansible-inventory -i %s --list", COMPANY)
    assert done.rc == 0, done.stderr
    return json.loads(done.stdout, object_hook=lambda item: item.get("__ansible_unsafe", item))


def test_the_hosts_and_their_users(inventory):
    works = {
        machine: {user["name"]: user["projects"] for user in values["shipping_users"]}
        for machine, values in inventory["_meta"]["hostvars"].items()
    }
    assert works == {
        "pc1.example.com": {"ada": ["alpha"]},
        "pc2.example.com": {"bob": ["alpha", "beta"], "cy": ["beta"]},
        "pc3.example.com": {},
        "pc4.example.com": {"fay": []},
        "pc5.example.com": {},
        "pc6.example.com": {"eve": ["Größe & co", "beta"]},
    }


def test_the_groups(host):
    done = host.run("ansible-inventory -i %s --graph project_alpha", COMPANY)
    assert done.rc == 0, done.stderr
    assert done.stdout.splitlines() == [
        "@project_alpha:",
        "  |--pc1.example.com",
        "  |--pc2.example.com",
    ]


def test_variables_of_a_project_reach_its_hosts(inventory):
    greeted = [
        machine
        for machine, values in inventory["_meta"]["hostvars"].items()
        if "greeting" in values
    ]
    assert sorted(greeted) == ["pc1.example.com", "pc2.example.com"]


def test_a_project_is_a_pattern(host):
    done = host.run("ansible -i %s 'project_alpha:&project_beta' --list-hosts", COMPANY)
    assert done.rc == 0, done.stderr
    assert "pc2.example.com" in done.stdout and "pc1.example.com" not in done.stdout
