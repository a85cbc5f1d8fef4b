# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who, where and why, as a user asks with membership_info."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.shipping.code.plugins.plugin_utils._directory import settings
from ansible_collections.shipping.code.plugins.plugin_utils._membership.explain import Question
from ansible_collections.shipping.code.plugins.plugin_utils._membership.membership import (
    explain_membership,
)

from tests.testbed.directory_servers import READER_PASSWORD, SUFFIX

from .company_entries import COMPANY, ODD, entry
from .conftest import Ansible, Directory
from .test_membership import added, changed, removed

CASES = [
    ({"user": "ada", "project": "alpha"}, "member"),
    ({"user": "cy", "project": "beta"}, "member"),
    ({"user": "eve", "project": ODD, "host": "PC6"}, "member"),
    ({"user": "dan", "project": "alpha"}, "disabled"),
    ({"user": "fay"}, "not_a_member"),
    ({"user": "ada", "project": "beta"}, "not_a_member"),
    ({"user": "ada", "project": "gamma"}, "no_project"),
    ({"user": "ada", "host": "pc2.example.com"}, "not_on_host"),
    ({"user": "ada", "host": "pc9.example.com"}, "no_such_host"),
    ({"user": "zoe"}, "unknown"),
]


def asked(ansible: Ansible, directory: Directory, **question: Any) -> dict[str, Any]:
    found = ansible.task({"source_file": str(ansible.write(directory.options)), **question})
    assert not found.get("failed"), found["msg"]
    assert found["changed"] is False
    return found


def explained(directory: Directory, **question: Any) -> list[dict[str, Any]]:
    """The users in the answer, without the way through Ansible."""
    listed = (
        [question[name]] if isinstance(question.get(name), str) else question.get(name, [])
        for name in ("user", "project", "host")
    )
    return explain_membership(settings.read(directory.options, "the test"), Question(*listed))[
        "users"
    ]


def test_why(directory: Directory):
    found = {
        user["name"]: user
        for user in explained(directory, user=["ada", "cy", "dan", "fay", "zoe", "eve"])
    }
    assert {name: user["cause"] for name, user in found.items()} == {
        "ada": "member",
        "cy": "member",
        "dan": "disabled",
        "eve": "member",
        "fay": "not_a_member",
        "zoe": "unknown",
    }
    assert {name for name, user in found.items() if user["gets_tools"]} == {"ada", "cy", "eve"}
    (beta,) = found["cy"]["projects"]
    way = [dn.lower().partition(",")[0] for dn in beta["through"]]
    assert way in (
        [["cn=beta", "cn=team"], ["cn=beta"]]
        if "rfc2307" in directory.options["layout"]
        else [["cn=beta", "cn=team"]]
    )
    assert found["cy"]["hosts"] == ["pc2.example.com"]
    assert "is disabled or has expired" in found["dan"]["why"]
    assert "there is no entry with the" in found["zoe"]["why"]


@pytest.mark.parametrize(("question", "cause"), CASES)
def test_causes(rfc2307: Directory, question: dict[str, Any], cause: str):
    (user,) = explained(rfc2307, **question)
    assert user["cause"] == cause
    assert user["gets_tools"] is (cause == "member")
    assert user["why"]


def test_the_whole_answer_is_that_of_the_inventory(directory: Directory, ansible: Ansible):
    found = asked(ansible, directory)
    assert {
        item["host"]: {user["name"]: user["projects"] for user in item["users"]}
        for item in found["hosts"]
    } == COMPANY.works
    assert {project["name"]: project["members"] for project in found["projects"]} == {
        "alpha": ["ada", "bob"],
        "beta": ["bob", "cy", "eve"],
        ODD: ["eve"],
    }
    assert READER_PASSWORD not in json.dumps(found)


def test_narrowed(groupofnames: Directory, ansible: Ansible):
    assert [item["host"] for item in asked(ansible, groupofnames, project="beta")["hosts"]] == [
        "pc2.example.com",
        "pc6.example.com",
    ]
    one = asked(ansible, groupofnames, host="pc2")
    assert [item["host"] for item in one["hosts"]] == ["pc2.example.com"]
    assert [project["name"] for project in asked(ansible, groupofnames, user="cy")["projects"]] == [
        "beta"
    ]
    assert [user["name"] for user in one["users"]] == ["bob", "cy"]


def test_an_entry_outside_the_users(groupofnames: Directory, ansible: Ansible):
    dn = f"uid=robot,ou=machines,{SUFFIX}"
    robot = entry(
        dn, objectClass=["account", "simpleSecurityObject"], uid="robot", userPassword="x"
    )
    with changed(groupofnames, added(robot), removed(dn)):
        (user,) = asked(ansible, groupofnames, user="robot")["users"]
    assert user["cause"] == "not_counted"
    assert (
        user["why"]
        == f"{dn} is not among the users below {SUFFIX} by the filter (objectClass=inetOrgPerson)"
    )


def test_a_user_without_a_host(groupofnames: Directory, ansible: Ansible):
    change = f"dn: cn=pc1,ou=machines,{SUFFIX}\nchangetype: modify\n"
    owner = f"owner: cn=Ada,ou=people,{SUFFIX}\n"
    with changed(groupofnames, f"{change}delete: owner\n{owner}", f"{change}add: owner\n{owner}"):
        (user,) = asked(ansible, groupofnames, user="ada")["users"]
    assert user["cause"] == "no_host"
    assert user["why"] == "ada has no host: no owner of a host names the account"


def test_what_is_different_from_a_former_answer(groupofnames: Directory, ansible: Ansible):
    former = asked(ansible, groupofnames)
    assert asked(ansible, groupofnames, former=former)["changes"] == {"added": [], "removed": []}
    modify = f"dn: cn=beta,ou=projects,{SUFFIX}\nchangetype: modify\n"
    there, back = (
        f"{modify}{verb}: member\nmember: cn={name},ou=people,{SUFFIX}\n"
        for verb, name in (("add", "Ada"), ("delete", "Ada"))
    )
    with changed(groupofnames, there, back):
        found = asked(ansible, groupofnames, former=former)["changes"]
        nobody = asked(
            ansible,
            groupofnames,
            former={**former, "query": {**former["query"], "user": ["bob"]}},
            user="bob",
        )["changes"]
    assert found == {
        "added": [{"user": "ada", "host": "pc1.example.com", "project": "beta"}],
        "removed": [],
    }
    assert nobody == {"added": [], "removed": []}
    refused = ansible.task(
        {"source_file": str(ansible.write(groupofnames.options)), "former": former, "user": "ada"}
    )
    assert "former: is the result for another query" in refused["msg"]


def test_mistakes(rfc2307: Directory, ansible: Ansible):
    source = {"source_file": str(ansible.write(rfc2307.options))}
    assert "Unsupported parameters" in ansible.task({**source, "usr": "ada"})["msg"]
    assert (
        "Write the path of the inventory's file"
        in ansible.task({"source_file": "nowhere.yml"})["msg"]
    )
    (ansible.home / "other.yml").write_text("plugin: ansible.builtin.yaml\n")
    assert (
        "plugin: is not shipping.code.ldap_projects"
        in ansible.task({"source_file": "other.yml"})["msg"]
    )
    assert "uris: is missing" in ansible.task({"layout": "rfc2307"})["msg"]
    assert (
        "former: is not a complete result"
        in ansible.task({**source, "former": {"hosts": [{}]}})["msg"]
    )
    refused = ansible.task({**source, "bind_password": "a wrong one"})
    assert "invalidCredentials" in refused["msg"]
    assert "a wrong one" not in json.dumps(refused)


def test_the_options_of_the_task_go_before_those_of_the_file(rfc2307: Directory, ansible: Ansible):
    found = asked(ansible, rfc2307, projects={"base": f"ou=projects,{SUFFIX}", "prefix": "al"})
    assert [project["name"] for project in found["projects"]] == ["pha"]


def test_without_a_file(rfc2307: Directory, ansible: Ansible):
    found = ansible.task({**rfc2307.options, "user": "ada"}, ANSIBLE_NO_LOG="false")
    assert found["users"][0]["cause"] == "member"
    assert READER_PASSWORD not in json.dumps(found)
