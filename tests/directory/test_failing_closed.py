# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No answer is better than a wrong one; and one bad entry is a matter of that entry alone."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator

import pytest
from ansible_collections.shipping.code.plugins.plugin_utils._directory.directory_errors import (
    Incomplete,
    Unanswered,
)

from tests.testbed.directory_servers import SUFFIX, Slapd
from tests.testbed.machine import Machine

from . import company_entries
from .company_entries import COMPANY, entry, works
from .conftest import Ansible, Directory, options
from .test_check import failure, steps
from .test_membership import added, changed, refusal, removed
from .test_unresolved import in_alpha

POSIX = ["inetOrgPerson", "posixAccount", "shadowAccount"]


def posix(name: str, **values: str | int | list[str]) -> str:
    own = {"cn": name, "sn": name, "uid": name, "uidNumber": 1900, "gidNumber": 100}
    home = {"homeDirectory": f"/home/{name}"}
    return entry(f"cn={name},ou=people,{SUFFIX}", **{"objectClass": POSIX, **own, **home, **values})


def device(name: str, *owners: str) -> str:
    return entry(
        f"cn={name},ou=machines,{SUFFIX}",
        objectClass="device",
        cn=name,
        owner=[f"cn={owner},ou=people,{SUFFIX}" for owner in owners],
    )


def taken_back(*entries: str) -> tuple[str, str]:
    """Entries to add, and how they are removed."""
    dns = [text.partition("\n")[0].removeprefix("dn: ") for text in entries]
    return "\n".join(map(added, entries)), "\n".join(map(removed, reversed(dns)))


def test_bad_entries_concern_only_themselves(groupofnames: Directory):
    """A date that no calendar has, names that no host has, and two entries of one host."""
    far = f"cn=far,ou=people,{SUFFIX}"
    tree = taken_back(
        posix("far", shadowExpire=2_147_483_647),
        device("pc_far", "far"),
        device("pc8", "far"),
        device("pc9", "far"),
        device("PC9.example.com", "far"),
    )
    with changed(groupofnames, *tree), in_alpha(groupofnames, "member", far):
        answer = groupofnames.ask()
    assert works(answer) == {**COMPANY.works, "pc8.example.com": {"far": ["alpha"]}}
    assert any("pc_far" in remark and "left out" in remark for remark in answer.remarks)
    assert any("two entries are the host pc9" in remark for remark in answer.remarks)


@pytest.fixture(scope="module")
def timed(machine: Machine) -> Iterator[Slapd]:
    """A slapd whose accounts have times as slapo-ppolicy lets an administrator write them."""
    server = Slapd(machine, "timed", port=9389, secure_port=9636)
    server.more = "overlay ppolicy"
    times = {
        "late": {"pwdEndTime": "203001010000Z"},
        "ended": {"pwdEndTime": "20010101000000+0100"},
        "early": {"pwdStartTime": "20990101000000Z"},
    }
    people = [posix(name, **values) for name, values in times.items()]
    members = [f"cn={name},ou=people,{SUFFIX}" for name in times]
    alpha = f"cn=alpha,ou=projects,{SUFFIX}"
    server.up(
        "\n".join(
            [
                company_entries.unit("people"),
                company_entries.unit("projects"),
                company_entries.unit("machines"),
                *people,
                *(device(f"pc-{name}", name) for name in times),
                entry(alpha, objectClass="groupOfNames", cn="alpha", member=members),
            ]
        )
    )
    yield server
    server.stop()


def test_times_without_seconds_and_with_an_offset(timed: Slapd):
    assert works(Directory(timed, options(timed)).ask()) == {
        "pc-late.example.com": {"late": ["alpha"]},
        "pc-ended.example.com": {},
        "pc-early.example.com": {},
    }


def test_any_number_in_account_expires(ad: Directory):
    dn = f"CN=Bob,OU=People,{ad.server.suffix}"
    replace = f"dn: {dn}\nchangetype: modify\nreplace: accountExpires\naccountExpires: "
    for number in ("9223372032559808511", "9223372036854775806", "0"):
        ad.server.change(input=f"{replace}{number}\n")
        assert works(ad.ask()) == COMPANY.works


# Half of an answer


@pytest.fixture(scope="module")
def unindexed(machine: Machine) -> Iterator[Slapd]:
    """A slapd that has got an index and was not told to build it (slapindex)."""
    server = Slapd(machine, "unindexed", port=8389, secure_port=8636)
    server.indexes = "uid,cn,member,memberUid,entryUUID,entryCSN"
    server.up(
        "\n".join(
            [
                company_entries.people(COMPANY),
                company_entries.machines(COMPANY),
                company_entries.by_dn(COMPANY, "groupOfNames"),
            ]
        )
    )
    server.stop()
    server.indexes += ",objectClass"
    server.configure()
    server.start()
    server.change(added(posix("new")))
    yield server
    server.stop()


def test_half_an_answer_is_none(unindexed: Slapd):
    """slapd gives the one new person with success, and none of the others."""
    given = options(
        unindexed,
        projects={"base": f"ou=projects,{SUFFIX}", "filter": "(cn=*)"},
        hosts={"base": f"ou=machines,{SUFFIX}", "domain": "example.com", "filter": "(cn=pc*)"},
    )
    error = refusal(Directory(unindexed, given))
    assert error.what.startswith("the search for users at ldaps://")
    assert "it left out cn=" in error.why
    assert "slapindex" in error.hint


# Empty answers


@pytest.mark.parametrize(
    ("kind", "changes", "what", "cause"),
    [
        ("rfc2307", {"layout": "rfc2307bis"}, "no member in any of 3 projects", "member or unique"),
        ("rfc2307", {"users": {"filter": "(uid=typo)"}}, "no user", "(uid=typo)"),
        ("groupofnames", {"projects": {"filter": "(cn=typo)"}}, "no project", "(cn=typo)"),
        ("groupofnames", {"hosts": {"filter": "(cn=typo)"}}, "no host", "(cn=typo)"),
        (
            "groupofnames",
            {"users": {"base": f"ou=people,{SUFFIX}", "filter": "(uid=fay)"}},
            "no member in any of 3 projects",
            "none of them",
        ),
    ],
)
def test_what_no_healthy_directory_lacks(
    request: pytest.FixtureRequest, kind: str, changes: dict[str, object], what: str, cause: str
):
    directory: Directory = request.getfixturevalue(kind)
    error = refusal(directory, **changes)
    assert isinstance(error, Incomplete)
    assert what in error.what
    assert cause in error.why
    assert "allow_empty: true" in error.hint
    assert directory.ask(**changes, allow_empty=True).remarks is not None


def test_an_empty_answer_names_the_attribute_that_has_the_members(rfc2307: Directory):
    error = refusal(rfc2307, layout="rfc2307bis")
    assert f"ou=projects,{SUFFIX} has memberUid: write layout: rfc2307" in error.hint
    assert "no member in any" in failure(steps(rfc2307, layout="rfc2307bis"), "membership")["text"]


# Members of other roles


def test_a_host_in_a_project(ad: Directory, groupofnames: Directory):
    computer = f"CN=PC3,OU=Machines,{ad.server.suffix}"
    for directory, dn in ((groupofnames, f"cn=pc3,ou=machines,{SUFFIX}"), (ad, computer)):
        with in_alpha(directory, "member", dn):
            answer = directory.ask()
        assert works(answer) == COMPANY.works
        (remark,) = [text for text in answer.remarks if "names hosts" in text]
        assert remark.startswith("project alpha names hosts, which are ignored: ")


def test_a_group_of_another_class_inside(rfc2307bis: Directory):
    teams = [
        entry(
            f"cn=plain,ou=teams,{SUFFIX}",
            objectClass="groupOfUniqueNames",
            cn="plain",
            uniqueMember=f"cn=nested,ou=teams,{SUFFIX}",
        ),
        entry(
            f"cn=nested,ou=teams,{SUFFIX}",
            objectClass="groupOfNames",
            cn="nested",
            member=f"cn=Fay,ou=people,{SUFFIX}",
        ),
    ]
    with (
        changed(rfc2307bis, *taken_back(*reversed(teams))),
        in_alpha(rfc2307bis, "member", f"cn=plain,ou=teams,{SUFFIX}"),
    ):
        answer = rfc2307bis.ask()
    assert works(answer) == {**COMPANY.works, "pc4.example.com": {"fay": ["alpha"]}}


def test_each_login_name_identifies_the_user(rfc2307: Directory):
    tree = taken_back(
        posix("hal", uid=["hal.zuse", "hal"]),
        device("pc8", "hal"),
    )
    with changed(rfc2307, *tree), in_alpha(rfc2307, "memberUid", "hal.zuse"):
        one = rfc2307.ask(unresolved="error")
    with changed(rfc2307, *tree), in_alpha(rfc2307, "memberUid", "HAL"):
        other = rfc2307.ask(unresolved="error")
    assert works(one)["pc8.example.com"] == {"hal": ["alpha"]}
    assert works(other)["pc8.example.com"] == {"hal": []}
    assert any("differs in case from the login name hal" in text for text in other.remarks)


# Placeholders


def test_placeholders(groupofnames: Directory):
    nobody = f"cn=nobody,{SUFFIX}"
    fresh = [
        entry(f"cn={name},ou=projects,{SUFFIX}", objectClass="groupOfNames", cn=name, member=member)
        for name, member in (("fresh", ""), ("refint", nobody))
    ]
    with changed(groupofnames, *taken_back(*fresh)):
        answer = groupofnames.ask(placeholders=[nobody])
        error = refusal(groupofnames)
    assert works(answer) == COMPANY.works
    assert error.what == f"project refint names {nobody}, which cannot be found"


# What is no directory


@pytest.fixture
def web() -> Iterator[str]:
    """The URI of a server that speaks HTTP."""
    handler = http.server.BaseHTTPRequestHandler
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"ldap://127.0.0.1:{server.server_address[1]}"
    server.shutdown()


def test_a_port_that_speaks_http(rfc2307: Directory, web: str):
    allowed = {"allow_clear_text": True, "timeout": 2}
    answer = rfc2307.ask(uris=[web, rfc2307.server.secure_uri], **allowed)
    assert works(answer) == COMPANY.works
    assert any(web in text for text in answer.remarks)
    error = refusal(rfc2307, uris=[web], **allowed)
    assert isinstance(error, Unanswered)
    assert "not LDAP" in error.why or "did not answer" in error.why


def test_an_inventory_file_of_another_name(rfc2307: Directory, ansible: Ansible):
    """Ansible only warns of a file that it ignores."""
    done = ansible.run("-i", ansible.write(rfc2307.options, "ldap.yml"), "--list")
    assert done.returncode == 0, done.stderr
    assert '"pc1.example.com"' in done.stdout
    ignored = ansible.write(rfc2307.options, "ldap.json")
    done = ansible.run("-i", ignored, "shipping.code.deliver", program="ansible-playbook")
    assert done.returncode != 0
    assert "The inventory is empty" in done.stdout + done.stderr
