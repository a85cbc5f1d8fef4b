# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module does in states of AWX that a play does not bring about, without Ansible."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from ansible_collections.shipping.code.plugins.module_utils._awx import object_sync
from ansible_collections.shipping.code.plugins.module_utils._awx.awx_api import ObjectInUse
from ansible_collections.shipping.code.plugins.module_utils._awx.object_sync import run
from ansible_collections.shipping.code.plugins.module_utils._core.errors import (
    Denied,
    PlatformError,
    ShippingError,
    SpecError,
)

from tests.testbed.awx import TOKEN, AwxStandIn

FIELDS = [{"id": "password", "label": "Password", "secret": True}]
ENV = {"env": {"THE_PASSWORD": "{{ password }}"}}
MACHINE = {"name": "key", "organization": "T", "credential_type": "Machine"}
TYPE: dict[str, Any] = {"name": "own", "kind": "cloud", "inputs": {"fields": FIELDS}}


class Module:
    """Calls of the module for one AWX, with its options."""

    def __init__(self, awx: AwxStandIn, repository: str) -> None:
        self.awx, self.store, self.url = awx, awx.api.store, awx.url
        self.shown: set[str] = set()
        self.objects: dict[str, Any] = {
            "organizations": [{"name": "T"}],
            "credential_types": [{**TYPE, "injectors": ENV}],
            "credentials": [
                {**MACHINE, "inputs": {"username": "r"}},
                {**MACHINE, "name": "own", "credential_type": "own", "inputs": {"password": "s"}},
            ],
            "execution_environments": [{"name": "e", "organization": "T", "image": "i:1"}],
            "projects": [
                {"name": "p", "organization": "T", "scm_type": "git", "scm_url": repository}
            ],
            "inventories": [{"name": "i", "organization": "T"}],
            "inventory_sources": [
                {
                    "name": "s",
                    "inventory": "i",
                    "source": "scm",
                    "source_project": "p",
                    "source_path": "x",
                    "execution_environment": "e",
                    "credential": "own",
                }
            ],
            "job_templates": [
                {
                    "name": "j",
                    "organization": "T",
                    "project": "p",
                    "inventory": "i",
                    "playbook": "deliver.yml",
                    "execution_environment": "e",
                    "credentials": ["key"],
                }
            ],
            "schedules": [
                {
                    "name": "d",
                    "unified_job_template": "j",
                    "rrule": "DTSTART:20260101T000000Z RRULE:FREQ=DAILY;INTERVAL=1",
                }
            ],
        }

    def __call__(
        self, *, check_mode: bool = False, objects: dict[str, Any] | None = None, **options: Any
    ) -> dict[str, str]:
        """Return the outcome of each object."""
        given = {
            "url": self.url,
            "token": TOKEN,
            "validate_certs": True,
            "ca_file": None,
            "state": "present",
            "adopt": False,
            "update_secrets": "changed",
            "request_timeout": 10,
            "timeout": 20,
            **options,
            "objects": self.objects if objects is None else objects,
        }
        result = run(given, check_mode=check_mode, disclose=self.shown.update)
        return {f"{one['type']} {one['name']}": one["outcome"] for one in result["objects"]}

    def changed(self, **options: Any) -> set[str]:
        """Return what is not as it is declared."""
        return {title for title, outcome in self(**options).items() if outcome != "unchanged"}

    def of(self, kind: str, name: str) -> dict[str, Any]:
        """Return an object as the stand-in keeps it."""
        return next(one for one in self.store.all_of(kind) if one["name"] == name)

    def make(self, kind: str, **content: Any) -> int:
        return int(self.awx.api.answer("POST", f"/api/v2/{kind}/", {}, content)[1]["id"])


@pytest.fixture
def module(only_here: AwxStandIn, repository: str, monkeypatch: pytest.MonkeyPatch) -> Module:
    monkeypatch.setattr(object_sync, "_INTERVAL", 0.05)
    return Module(only_here, repository)


def test_a_failed_job_or_inventory_update_does_not_fail_later_runs(module: Module):
    module()
    for kind, name in (("job_templates", "j"), ("inventory_sources", "s")):
        module.of(kind, name)["status"] = "failed"
    module.store.written.clear()
    assert module.changed() == set() and module.store.written == []


def test_a_failed_project_is_fetched_again(module: Module):
    module()
    module.of("projects", "p")["status"] = "failed"
    module.store.written.clear()
    assert module.changed() == set()
    assert [place.rsplit("/", 2)[1] for _method, place in module.store.written] == ["update"]


@pytest.mark.parametrize("kept", ["busy", "processing"])
def test_a_removal_waits_for_jobs_and_their_events(module: Module, kept: str):
    module()
    used = ("job_templates", module.of("job_templates", "j")["id"])
    getattr(module.store, kept).add(used)
    with pytest.raises(ObjectInUse, match=r"running jobs|still processing events") as caught:
        module(state="absent", timeout=0.5)
    assert "token" not in str(caught.value)
    later = threading.Timer(0.5, lambda: getattr(module.store, kept).clear())
    later.start()
    assert set(module(state="absent").values()) <= {"removed", "absent"}
    later.join()


@pytest.mark.parametrize(
    ("kind", "name", "referring"),
    [
        ("execution_environments", "e", {"job_templates j", "inventory_sources s"}),
        # AWX removes the sources together with their project.
        ("projects", "p", {"job_templates j", "inventory_sources s"}),
        ("inventories", "i", {"job_templates j", "inventory_sources s"}),
        ("credentials", "key", {"job_templates j"}),
        ("credentials", "own", {"inventory_sources s"}),
    ],
)
def test_what_was_deleted_by_hand_comes_back_at_once(
    module: Module, kind: str, name: str, referring: set[str]
):
    module()
    module.store.drop(kind, module.of(kind, name)["id"])
    changed = module.changed(check_mode=True)
    assert changed == {f"{kind} {name}", *referring}
    assert module.changed() == changed and module.changed() == set()


def test_an_execution_environment_of_another_organization_is_seen_by_the_plan(module: Module):
    other = module.make("organizations", name="other")
    number = module.make(
        "execution_environments",
        name="e",
        organization=other,
        image="i:1",
        description="[shipping.code]",
    )
    module.store.written.clear()
    for check_mode in (True, False):
        with pytest.raises(SpecError, match=r"execution_environments\.e: is in AWX already, in an"):
            module(check_mode=check_mode)
    assert module.store.written == []
    module(objects={**module.objects, "execution_environments": [], **_without_environment(module)})
    outcomes = module(state="absent")
    assert outcomes["execution_environments e"] == "kept"
    assert number in module.store.objects["execution_environments"]


def _without_environment(module: Module) -> dict[str, Any]:
    return {
        kind: [
            {name: value for name, value in one.items() if name != "execution_environment"}
            for one in module.objects[kind]
        ]
        for kind in ("inventory_sources", "job_templates")
    }


def test_a_job_template_is_in_the_organization_of_its_project(module: Module):
    objects = {
        **module.objects,
        "organizations": [{"name": "T"}, {"name": "U"}],
        "job_templates": [{**module.objects["job_templates"][0], "organization": "U"}],
    }
    with pytest.raises(SpecError, match=r"job_templates\.j\.organization: is U, but .* write T"):
        module(objects=objects)
    module()
    # The project is not declared, and only AWX has its organization.
    del objects["projects"]
    with pytest.raises(SpecError, match=r"job_templates\.j\.organization: is U, but .* write T"):
        module(objects=objects)


def test_rights_are_looked_at_before_the_first_write(module: Module):
    module.store.user.update(username="kim", is_superuser=False)
    with pytest.raises(SpecError) as caught:
        module(check_mode=True)
    assert [problem.path for problem in caught.value.problems] == [
        "organizations.T",
        "credential_types.own",
    ]
    assert "kim is not one" in str(caught.value) and module.store.written == []
    module.store.user["is_superuser"] = True
    module()
    module.store.user["is_superuser"] = False
    # Nothing of these has to be written any more.
    assert module.changed() == set()
    module.store.written.clear()
    with pytest.raises(SpecError, match=r"credential_types\.own: can be written by system admin"):
        module(state="absent")
    assert module.store.written == []


def test_other_fields_of_a_credential_type_in_use_are_seen_by_the_plan(module: Module):
    module()
    other = [{**TYPE, "inputs": {"fields": [*FIELDS, {"id": "user", "label": "User"}]}}]
    module.store.written.clear()
    with pytest.raises(SpecError, match=r"credential_types\.own\.inputs: .* remove own first"):
        module(objects={**module.objects, "credential_types": other})
    assert module.store.written == []


def test_status_403_with_another_cause_is_no_matter_of_rights(module: Module):
    module()
    module.make(
        "credentials",
        name="theirs",
        organization=module.of("organizations", "T")["id"],
        credential_type=module.of("credential_types", "own")["id"],
    )
    outcomes = module(state="absent")
    assert outcomes["credential_types own"] == "kept" and outcomes["organizations T"] == "kept"
    with pytest.raises(PlatformError, match="Modifications not allowed for managed") as caught:
        module(objects={"credential_types": [{"name": "Machine", "kind": "cloud"}]}, adopt=True)
    assert not isinstance(caught.value, Denied) and "token" not in str(caught.value)


def test_a_field_without_type_changes_nothing_again(module: Module):
    module()
    stored = module.of("credential_types", "own")["inputs"]["fields"][0]
    assert stored["type"] == "string" and module.changed() == set()


def test_a_rule_with_an_end_in_another_zone_changes_nothing_again(module: Module):
    rule = "DTSTART;TZID=Europe/Berlin:20260101T000000   RRULE:FREQ=DAILY;INTERVAL=1"
    module.objects["schedules"][0]["rrule"] = f"{rule};UNTIL=20270101T000000"
    module()
    assert module.of("schedules", "d")["rrule"].endswith(";UNTIL=20261231T230000Z")
    assert module.changed() == set()


def test_an_organization_with_roles_of_other_users_is_kept(module: Module):
    module()
    other = {"url": "/api/v2/users/8/", "related": {}}
    direct = {"direct_access": [{"role": {"id": 7, "name": "Member"}}]}
    number = module.of("organizations", "T")["id"]
    module.store.with_roles[number] = [
        {**other, "id": 8, "username": "auditor", "summary_fields": {"direct_access": []}},
        {**other, "id": 9, "username": "kim", "summary_fields": direct},
    ]
    assert module(state="absent")["organizations T"] == "kept"
    module.store.with_roles.clear()
    assert module(state="absent")["organizations T"] == "removed"


def test_a_lost_connection_is_tried_again_for_reading_alone(module: Module):
    module.store.lost = 1
    assert module(check_mode=True)
    module.store.lost = 2
    with pytest.raises(ShippingError, match="no answer"):
        module(check_mode=True)


def test_a_lost_connection_is_not_tried_again_for_writing(module: Module, monkeypatch):
    answer, lost = module.awx.api.answer, list[str]()

    def losing(method: str, place: str, query: dict[str, str], sent: Any) -> tuple[int, Any]:
        if method == "POST":
            lost.append(place)
            raise ConnectionResetError
        return answer(method, place, query, sent)

    monkeypatch.setattr(module.awx.api, "answer", losing)
    with pytest.raises(ShippingError, match="no answer"):
        module()
    assert len(lost) == 1


def test_values_that_are_no_secrets_are_shown(module: Module):
    module()
    assert module.shown == {"r"}


class SomethingElse(BaseHTTPRequestHandler):
    """Answers each request with the content of its server."""

    content = b""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.content)))
        self.end_headers()
        self.wfile.write(self.content)

    def log_message(self, *_words: object) -> None:
        """Log nothing."""


@pytest.fixture(
    params=[b"<html>Log in</html>", b"[]", b"7", b'{"organizations": 7}'],
    ids=["page", "list", "number", "other"],
)
def something_else(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of what is no AWX."""
    handler = type("Handler", (SomethingElse,), {"content": request.param})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def test_what_answers_is_no_awx(module: Module, something_else: str):
    with pytest.raises(PlatformError, match="the answer is not that of AWX") as caught:
        module(url=something_else)
    assert "Check url" in str(caught.value)
