# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory as a user has it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.testbed.directory_servers import READER_PASSWORD, SUFFIX

from .company_entries import COMPANY, ODD, entry, escaped
from .conftest import Ansible, Directory, decoded
from .test_membership import added, changed, removed


def hosts(inventory: dict[str, Any]) -> dict[str, Any]:
    return inventory["_meta"]["hostvars"]


def test_hosts_and_their_users(directory: Directory, ansible: Ansible):
    inventory = ansible.list(directory.options)
    found = {
        name: {user["name"]: user["projects"] for user in values["shipping_users"]}
        for name, values in hosts(inventory).items()
    }
    assert found == COMPANY.works
    assert inventory["project_beta"]["hosts"] == ["pc2.example.com", "pc6.example.com"]
    one = hosts(inventory)["pc2.example.com"]
    assert one["ansible_host"] == "pc2.example.com"
    assert one["shipping_projects"] == ["alpha", "beta"]
    assert one["shipping_membership_revision"].count(":") >= 2
    assert sorted(one["shipping_users"][0]) == ["hints", "id", "name", "projects"]


def test_graph(rfc2307: Directory, ansible: Ansible):
    done = ansible.run("-i", ansible.write(rfc2307.options), "--graph")
    assert done.returncode == 0
    assert (
        done.stdout
        == "@all:\n  |--@ungrouped:\n  |  |--pc3.example.com\n  |  |--pc4.example.com\n  | "
        " |--pc5.example.com\n  |--@project_Gr__e___co:\n  |  |--pc6.example.com\n "
        " |--@project_alpha:\n  |  |--pc1.example.com\n  |  |--pc2.example.com\n "
        " |--@project_beta:\n  |  |--pc2.example.com\n  |  |--pc6.example.com\n"
    )
    assert f"the project {ODD!r} is the group project_Gr__e___co" in " ".join(done.stderr.split())


def test_the_same_text_again(rfc2307: Directory, ansible: Ansible):
    path = ansible.write(rfc2307.options)
    assert ansible.run("-i", path, "--list").stdout == ansible.run("-i", path, "--list").stdout


def test_composed(rfc2307: Directory, ansible: Ansible):
    own = {
        "strict": True,
        "compose": {"people": "shipping_users | map(attribute='name') | list"},
        "groups": {"shared": "shipping_users | length > 1"},
        "keyed_groups": [{"key": "shipping_projects | length | string", "prefix": "projects"}],
    }
    inventory = ansible.list({**rfc2307.options, **own})
    assert hosts(inventory)["pc2.example.com"]["people"] == ["bob", "cy"]
    assert inventory["shared"]["hosts"] == ["pc2.example.com"]
    assert inventory["projects_2"]["hosts"] == ["pc2.example.com", "pc6.example.com"]


def test_what_looks_like_a_template_is_none(groupofnames: Directory, ansible: Ansible):
    name = "{{ lookup('pipe', 'touch templated') }}"
    dn = f"cn={escaped(name)},ou=projects,{SUFFIX}"
    project = entry(dn, objectClass="groupOfNames", cn=name, member=f"cn=Ada,ou=people,{SUFFIX}")
    composed = {
        "strict": True,
        "compose": {"copied": "shipping_projects"},
        "keyed_groups": [{"key": "shipping_projects", "prefix": "p"}],
    }
    with changed(groupofnames, added(project), removed(dn)):
        path = ansible.write({**groupofnames.options, **composed})
        done = ansible.run(
            "-i",
            path,
            "pc1.example.com",
            "-m",
            "ansible.builtin.debug",
            "-a",
            "msg={{ [shipping_projects, copied] }}",
            program="ansible",
        )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("touch templated") == 2
    assert not (ansible.home / "templated").exists()


def test_an_error_ends_the_run(rfc2307: Directory, ansible: Ansible):
    """Ansible itself would warn, and go on with no hosts at all."""
    path = ansible.write({**rfc2307.options, "bind_password": "wrong"})
    done = ansible.run("-i", path, "--list")
    assert done.returncode != 0
    assert done.stdout == ""
    assert "rejects the bind of cn=reader,dc=example,dc=com: invalidCredentials (49)" in " ".join(
        done.stderr.split()
    )
    assert "Traceback" not in done.stderr


def test_an_error_does_not_end_the_run_where_the_user_says_so(rfc2307: Directory, ansible: Ansible):
    path = ansible.write({**rfc2307.options, "base": f"ou=typo,{SUFFIX}", "projects": {}})
    done = ansible.run("-i", path, "--list", ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED="false")
    assert done.returncode == 0
    assert hosts(decoded(done.stdout)) == {}


def test_another_source_does_not_hide_an_error(rfc2307: Directory, ansible: Ansible):
    (ansible.home / "hosts.yml").write_text("all: {hosts: {pc1.example.com: {}}}\n")
    path = ansible.write({**rfc2307.options, "uris": ["ldaps://127.0.0.1:9"]})
    done = ansible.run("-i", ansible.home / "hosts.yml", "-i", path, "--list")
    assert done.returncode != 0


def test_all_mistakes_at_once(ansible: Ansible):
    path = ansible.write(
        {
            "uris": ["ldap://ldap.example.com"],
            "bind_dn": "cn=x",
            "layout": "rfc2307",
            "base": "dc=x",
            "projects": {"filer": "(cn=*)"},
        }
    )
    text = " ".join(ansible.run("-i", path, "--list").stderr.split())
    assert "projects.filer: is unknown; did you mean filter?" in text
    assert "bind: simple would send the password in clear text to ldap://ldap.example.com" in text
    assert "hosts: is missing" in text
    path = ansible.write(
        {
            "uris": ["ldap://ldap.example.com"],
            "base": "dc=x",
            "layout": "rfc2307",
            "start_tsl": True,
        }
    )
    assert "start_tsl: is unknown; did you mean start_tls?" in " ".join(
        ansible.run("-i", path, "--list").stderr.split()
    )


@pytest.mark.parametrize("how", ["environment", "file", "command"])
def test_where_the_password_comes_from(rfc2307: Directory, ansible: Ansible, how: str):
    path = ansible.write(rfc2307.options)
    options = json.loads(path.read_text())
    secret = options.pop("bind_password_file")
    environment = {}
    if how == "environment":
        environment = {"SHIPPING_LDAP_PASSWORD": READER_PASSWORD}
    elif how == "file":
        environment = {"SHIPPING_LDAP_PASSWORD_FILE": secret}
    else:
        options["bind_password_command"] = ["cat", secret]
    path.write_text(json.dumps(options))
    done = ansible.run("-i", path, "--list", **environment)
    assert done.returncode == 0, done.stderr
    assert READER_PASSWORD not in done.stdout + done.stderr


def test_the_cache_has_the_answer_and_no_password(rfc2307: Directory, ansible: Ansible):
    cached = {
        "cache": True,
        "cache_plugin": "ansible.builtin.jsonfile",
        "cache_connection": str(ansible.home / "cache"),
    }
    path = ansible.write({**rfc2307.options, **cached})
    first = ansible.run("-i", path, "--list")
    kept = list((ansible.home / "cache").iterdir())
    assert len(kept) == 1
    assert READER_PASSWORD not in kept[0].read_text()
    modify = f"dn: cn=alpha,ou=projects,{SUFFIX}\nchangetype: modify\n"
    with changed(
        rfc2307,
        f"{modify}delete: memberUid\nmemberUid: ada\n",
        f"{modify}add: memberUid\nmemberUid: ada\n",
    ):
        assert ansible.run("-i", path, "--list").stdout == first.stdout
        fresh = decoded(ansible.run("-i", path, "--list", "--flush-cache").stdout)
    assert hosts(fresh)["pc1.example.com"]["shipping_projects"] == []
    ansible.write({**rfc2307.options, **cached, "projects": {"base": SUFFIX, "prefix": "al"}})
    other = decoded(ansible.run("-i", path, "--list").stdout)
    assert "project_pha" in other, "other options are another answer"


def test_a_map_beside_the_inventory(rfc2307: Directory, ansible: Ansible):
    (ansible.home / "hosts.yml").write_text("laptop1.example.com: [ada]\nlaptop2.example.com: []\n")
    options = {**rfc2307.options, "host_map": "hosts.yml"}
    del options["hosts"]
    inventory = ansible.list(options)
    assert sorted(hosts(inventory)) == ["laptop1.example.com", "laptop2.example.com"]
    assert inventory["project_alpha"]["hosts"] == ["laptop1.example.com"]
