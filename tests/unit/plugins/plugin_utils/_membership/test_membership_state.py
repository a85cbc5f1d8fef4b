# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import os
import shutil
import stat
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.shipping.code.plugins.module_utils._toolbox.revision_order import (
    is_older,
    is_revision,
)
from ansible_collections.shipping.code.plugins.plugin_utils._directory.directory_errors import (
    Contradiction,
    Inaccessible,
)
from ansible_collections.shipping.code.plugins.plugin_utils._membership import membership_state
from ansible_collections.shipping.code.plugins.plugin_utils._membership.assignments import (
    Host,
    Membership,
    User,
    record,
)
from ansible_collections.shipping.code.plugins.plugin_utils._membership.membership_state import (
    WantedMembership,
)

SOURCE = "csn:dc=x:"
ADA = User("ada", "id-1", ("alpha",), {"uid": 7})


def membership(*hosts: Host, value: str = "2") -> Membership:
    return Membership(
        f"{SOURCE}{value}",
        hosts,
        {"alpha": "project_alpha", "beta": "project_beta"},
        ("a remark",),
    )


def modes(folder: Path) -> set[str]:
    return {stat.filemode(path.stat().st_mode) for path in folder.rglob("*")}


def test_what_is_written_is_what_is_read(tmp_path: Path):
    wanted = WantedMembership(
        membership(Host("pc1.example.com", (ADA,)), Host("pc2.example.com")), "a cookie"
    )
    membership_state.write_wanted(tmp_path / "state", wanted)
    assert membership_state.read_wanted(tmp_path / "state") == wanted
    given = record(wanted.membership.hosts[0], wanted.membership.revision)
    membership_state.write_delivered(tmp_path / "state", given)
    assert membership_state.read_delivered(tmp_path / "state") == {"pc1.example.com": given}
    assert modes(tmp_path) == {"drwx------", "-rw-------"}
    assert sorted(path.name for path in (tmp_path / "state").iterdir()) == [
        "delivered",
        "wanted.json",
    ]


def test_rights_do_not_follow_the_umask(tmp_path: Path):
    former = os.umask(0)
    try:
        membership_state.write_wanted(tmp_path / "state", WantedMembership(membership()))
    finally:
        os.umask(former)
    assert modes(tmp_path) == {"drwx------", "-rw-------"}


def test_a_delivery_may_be_the_first_to_write(tmp_path: Path):
    membership_state.write_delivered(
        tmp_path / "new" / "state", record(Host("pc1"), "time:control:1")
    )
    assert modes(tmp_path) == {"drwx------", "-rw-------"}


def test_a_host_may_be_forgotten(tmp_path: Path):
    membership_state.write_delivered(tmp_path, record(Host("pc1"), "time:control:1"))
    membership_state.forget_delivered(tmp_path, "pc1")
    membership_state.forget_delivered(tmp_path, "pc1")
    assert membership_state.read_delivered(tmp_path) == {}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, True),
        (
            {
                "revision": f"{SOURCE}2",
                "users": [{"id": "id-1", "name": "ada", "projects": ["alpha"]}],
            },
            False,
        ),
        (
            {
                "revision": f"{SOURCE}1",
                "users": [{"id": "id-1", "name": "ada", "projects": ["alpha"]}],
            },
            False,
        ),
        (
            {"revision": f"{SOURCE}1", "users": [{"id": "id-1", "name": "ada", "projects": []}]},
            True,
        ),
        (
            {
                "revision": f"{SOURCE}1",
                "users": [{"id": "id-2", "name": "ada", "projects": ["alpha"]}],
            },
            True,
        ),
        ({"revision": f"{SOURCE}1", "users": []}, True),
        ({"revision": f"{SOURCE}3", "users": []}, False),  # what is wanted is the older one
        ({"revision": "csn:dc=y:3", "users": []}, True),
    ],
)
def test_pending(given: dict[str, Any] | None, expected: bool):
    delivered = {} if given is None else {"pc1": {"host": "pc1", **given}}
    found = membership_state.pending(membership(Host("pc1", (ADA,))), delivered)
    assert found == ((Host("pc1", (ADA,)),) if expected else ())


@pytest.mark.parametrize(
    ("revision_", "other", "expected"),
    [
        ("usn:a:9", "usn:a:10", True),
        ("usn:a:10", "usn:a:9", False),
        ("usn:a:9", "usn:a:9", False),
        ("usn:a:9", "usn:b:10", False),
        ("change:ldaps://x:636:9", "change:ldaps://x:636:10", True),
        (
            "csn:dc=x:20260101000000.000000Z#000000#000#000000",
            "csn:dc=x:20260101000000.000001Z#000000#000#000000",
            True,
        ),
        ("ruv:65f:6930cd3a000000010000", "ruv:65f:6930cd3a000100010000", True),
        ("time:control:5", "csn:dc=x:6", False),
    ],
)
def test_which_revision_is_older(revision_: str, other: str, expected: bool):
    assert is_revision(revision_)
    assert is_older(revision_, other) is expected


@pytest.mark.parametrize("text", ["", "usn", "usn:a", "usn:a:x", "csn:a:", ":a:1"])
def test_invalid_revisions(text: str):
    assert not is_revision(text)


def changed(*path: Any, to: Any) -> dict[str, Any]:
    content: Any = json.loads(
        json.dumps(
            {
                "format": 1,
                "cookie": None,
                "membership": membership(Host("pc1", (ADA,)), Host("pc2")).as_data(),
            }
        )
    )
    place = content
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = to
    return content


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (changed("format", to=2), "it is not of format 1"),
        ([], "it is not of format 1"),
        (changed("cookie", to=7), "its cookie is missing or of another type"),
        (changed("membership", to=None), "its membership is missing or of another type"),
        (changed("membership", "revision", to="x"), "its revision 'x' is invalid"),
        (
            changed("membership", "hosts", 0, "host", to="../pc1"),
            "'../pc1' is no host's name",
        ),
        (changed("membership", "hosts", 1, "host", to="pc1"), "it has the host pc1 twice"),
        (
            changed("membership", "hosts", 0, "users", 0, "projects", to=["gamma"]),
            "ada is in a project that is not among the projects",
        ),
        (
            changed("membership", "hosts", 0, "users", 0, "projects", to=[7]),
            "a value that must be a string has another type",
        ),
        (
            changed("membership", "hosts", 0, "users", 0, "id", to=None),
            "its id is missing or of another type",
        ),
        (
            changed("membership", "projects", to={"alpha": 7}),
            "a value that must be a string has another type",
        ),
    ],
)
def test_a_state_that_is_broken_is_not_used(tmp_path: Path, content: Any, text: str):
    (tmp_path / "wanted.json").write_text(json.dumps(content))
    with pytest.raises(Contradiction) as caught:
        membership_state.read_wanted(tmp_path)
    assert text in caught.value.why
    assert str(tmp_path) in caught.value.what


def test_a_state_that_is_cut_off_or_not_there(tmp_path: Path):
    with pytest.raises(Inaccessible, match="Start the event source"):
        membership_state.read_wanted(tmp_path)
    (tmp_path / "wanted.json").write_text('{"format": 1')
    with pytest.raises(Contradiction, match="it is no JSON"):
        membership_state.read_wanted(tmp_path)
    (tmp_path / "delivered").mkdir()
    (tmp_path / "delivered" / "pc1.json").write_text("{}")
    with pytest.raises(Contradiction, match=r"pc1\.json cannot be used"):
        membership_state.read_delivered(tmp_path)


def test_a_record_is_checked_before_it_is_written(tmp_path: Path):
    with pytest.raises(Contradiction, match="no host's name"):
        membership_state.write_delivered(
            tmp_path, {"host": "../../etc/x", "revision": "usn:a:1", "users": []}
        )
    assert not list(tmp_path.rglob("*"))


def test_a_folder_that_cannot_be_written(tmp_path: Path):
    (tmp_path / "state").write_text("a file")
    with pytest.raises(Inaccessible, match="cannot be written"):
        membership_state.write_wanted(tmp_path / "state", WantedMembership(membership()))


def test_a_reader_never_sees_half_of_it(tmp_path: Path):
    """One writes two contents in turn, and another one reads all the time."""
    contents = [
        WantedMembership(
            membership(*(Host(f"pc{number}", (ADA,)) for number in range(size))), str(size)
        )
        for size in (3, 300)
    ]
    membership_state.write_wanted(tmp_path, contents[0])
    done = threading.Event()

    def write() -> None:
        for turn in range(60):
            membership_state.write_wanted(tmp_path, contents[turn % 2])
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    seen = set()
    while not done.is_set():
        found = membership_state.read_wanted(tmp_path)
        assert found in contents
        seen.add(found.cookie)
    writer.join()
    assert seen == {"3", "300"}
    assert [path.name for path in tmp_path.iterdir()] == ["wanted.json"]


@pytest.fixture
def many(tmp_path: Path) -> Path:
    for number in range(150):
        membership_state.write_delivered(tmp_path, _given(number))
    assert len(membership_state.read_delivered(tmp_path)) == 150
    assert (tmp_path / "delivered.cache").exists()
    return tmp_path


def _given(number: int, revision: int = 1) -> dict[str, Any]:
    return {
        "host": f"pc{number}",
        "revision": f"{SOURCE}{revision}",
        "users": [{"id": f"id-{number}", "name": "ada", "projects": ["alpha"]}],
    }


def _without_cache(folder: Path) -> dict[str, Any]:
    (folder / "delivered.cache").unlink()
    return membership_state.read_delivered(folder)


def _write_one(folder: Path) -> None:
    membership_state.write_delivered(folder, _given(7, revision=2))


def _write_all(folder: Path) -> None:
    for number in range(150):
        membership_state.write_delivered(folder, _given(number, revision=2))


def _forget_one(folder: Path) -> None:
    membership_state.forget_delivered(folder, "pc7")


def _add_one(folder: Path) -> None:
    membership_state.write_delivered(folder, _given(150))


def _break_cache(folder: Path) -> None:
    (folder / "delivered.cache").write_text("{")


def _cache_of_another_format(folder: Path) -> None:
    (folder / "delivered.cache").write_text(json.dumps({"format": 2, "read": {"pc7.json": "odd"}}))


@pytest.mark.parametrize(
    "change",
    [_write_one, _write_all, _forget_one, _add_one, _break_cache, _cache_of_another_format],
)
def test_what_is_kept_of_many_hosts_is_what_their_files_say(many: Path, change):
    change(many)
    found = membership_state.read_delivered(many)
    assert found == membership_state.read_delivered(many) == _without_cache(many)


def test_a_file_that_is_damaged_later_is_reported_despite_the_cache(many: Path):
    (many / "delivered" / "pc7.json").write_text("{")
    with pytest.raises(Contradiction, match=r"pc7\.json"):
        membership_state.read_delivered(many)


def test_an_account_without_write_access_works_without_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    for number in range(150):
        membership_state.write_delivered(tmp_path, _given(number))

    def refuse(*_words: object, **_more: object) -> None:
        raise Inaccessible("it cannot be written", "", "")

    monkeypatch.setattr(membership_state, "replace_file", refuse)
    assert len(membership_state.read_delivered(tmp_path)) == 150
    assert not (tmp_path / "delivered.cache").exists()


FLEET = Membership(
    f"{SOURCE}2",
    tuple(Host(f"pc{number}", (replace(ADA, id=f"id-{number}"),)) for number in range(4)),
    {"alpha": "alpha"},
)


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """pc0 and pc1 have what they need, and the shortcut says so."""
    membership_state.write_wanted(tmp_path, WantedMembership(FLEET))
    for number in range(2):
        membership_state.write_delivered(tmp_path, _given(number))
    membership_state.write_pending(
        tmp_path, FLEET, {f"pc{number}": f"{SOURCE}1" for number in range(4)}
    )
    assert names(membership_state.read_pending(tmp_path)) == {"pc2", "pc3"}
    return tmp_path


def names(membership: Membership) -> set[str]:
    return {host.name for host in membership.hosts}


def _delivered_meanwhile(folder: Path) -> None:
    membership_state.write_delivered(folder, _given(2))


def _forgotten(folder: Path) -> None:
    membership_state.forget_delivered(folder, "pc1")


def _all_forgotten(folder: Path) -> None:
    shutil.rmtree(folder / "delivered")


def _newer_wanted(folder: Path) -> None:
    user = replace(ADA, id="id-0", projects=())
    membership_state.write_wanted(
        folder,
        WantedMembership(replace(FLEET, hosts=(Host("pc0", (user,)), *FLEET.hosts[1:]))),
    )
    os.utime(folder / "pending.json", ns=(1, 1))


def _broken(folder: Path) -> None:
    (folder / "pending.json").write_text("{")


def _no_shortcut(folder: Path) -> None:
    (folder / "pending.json").unlink()


SHORTCUTS = [
    (_delivered_meanwhile, {"pc3"}),
    (_forgotten, {"pc1", "pc2", "pc3"}),
    (_all_forgotten, {"pc0", "pc1", "pc2", "pc3"}),
    (_newer_wanted, {"pc0", "pc2", "pc3"}),
    (_broken, {"pc2", "pc3"}),
    (_no_shortcut, {"pc2", "pc3"}),
]


@pytest.mark.parametrize(("change", "expected"), SHORTCUTS)
def test_the_shortcut_of_what_is_pending_says_what_the_whole_says(kept: Path, change, expected):
    change(kept)
    found = membership_state.read_pending(kept)
    whole = membership_state.read_wanted(kept).membership
    assert names(found) == expected
    assert found == replace(
        whole, hosts=membership_state.pending(whole, membership_state.read_delivered(kept))
    )


@pytest.mark.parametrize(
    ("since", "given", "expected"),
    [
        (f"{SOURCE}3", f"{SOURCE}2", {"pc0"}),  # what was wanted in between may be on its way to it
        (f"{SOURCE}3", f"{SOURCE}3", set()),
        (f"{SOURCE}2", f"{SOURCE}3", set()),
        (f"{SOURCE}3", f"{SOURCE}5", set()),
        (f"{SOURCE}3", "csn:dc=y:9", {"pc0"}),  # nobody knows
    ],
)
def test_an_equal_assignment_of_an_older_revision_is_pending(
    tmp_path: Path, since: str, given: str, expected: set[str]
):
    whole = replace(FLEET, revision=f"{SOURCE}4", hosts=FLEET.hosts[:1])
    membership_state.write_delivered(tmp_path, {**_given(0), "revision": given})
    behind = membership_state.write_pending(tmp_path, whole, {"pc0": since})
    assert set(behind) == set(membership_state.read_since(tmp_path)) == expected
    membership_state.write_wanted(tmp_path, WantedMembership(whole))
    os.utime(tmp_path / "wanted.json", ns=(1, 1))
    assert names(membership_state.read_pending(tmp_path)) == expected


def test_nothing_is_pending_without_a_wanted_file(kept: Path):
    (kept / "wanted.json").unlink()
    with pytest.raises(Inaccessible, match=r"wanted\.json does not exist"):
        membership_state.read_pending(kept)
