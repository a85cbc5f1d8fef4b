# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Single requests, and what AWX 24.6.1 answers: the stand-in gives the same status and words.

With AWX_URL, the same requests go to a real AWX. None of them may be a rule that python-dateutil
evaluates without an end.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any

import pytest

from tests.testbed.awx import AwxStandIn

from .deliveries import Deliveries

START = "DTSTART:20260101T000000Z"
DAILY = "RRULE:FREQ=DAILY;INTERVAL=1"


@dataclass
class Fixed:
    """What the requests refer to, by the words that stand for it."""

    deliveries: Deliveries
    words: dict[str, Any]

    def filled(self, value: Any) -> Any:
        """Replace the words of a request; a value that is one word alone keeps its type."""
        if isinstance(value, dict):
            return {key: self.filled(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.filled(item) for item in value]
        if not isinstance(value, str):
            return value
        if value.startswith("@") and value[1:] in self.words:
            return self.words[value[1:]]
        for word, meaning in self.words.items():
            value = value.replace(f"<{word}>", str(meaning))
        return value

    def ask(self, method: str, place: str, content: Any) -> tuple[int, str]:
        """Return the status and the answer, as a text."""
        status, answer = self.deliveries.ask(
            method, f"/api/v2/{self.filled(place)}", self.filled(content)
        )
        return status, json.dumps(answer)


@pytest.fixture
def fixed(deliveries: Deliveries) -> Fixed:
    """An organization with one object of each kind."""
    words: dict[str, Any] = {"name": deliveries.name}
    found = Fixed(deliveries, words)

    def make(word: str, place: str, /, **content: Any) -> None:
        content = {"name": f"<name> {word}", **content}
        words[word] = deliveries.send("POST", f"/api/v2/{place}/", found.filled(content))["id"]

    for word, name in (("machine", "Machine"), ("scm", "Source%20Control")):
        words[word] = deliveries.get(f"/api/v2/credential_types/?name={name}")["results"][0]["id"]
    words["registry"] = deliveries.get("/api/v2/credential_types/?name=Container%20Registry")[
        "results"
    ][0]["id"]
    fields = [{"id": "password", "label": "Password", "secret": True}]
    injectors = {"env": {"THE_PASSWORD": "{{ password }}"}}
    make("organization", "organizations")
    make("other", "organizations")
    own = {"kind": "cloud", "inputs": {"fields": fields}, "injectors": injectors}
    make("own", "credential_types", **own)
    make("unused", "credential_types", **own)
    mine = {"organization": "@organization"}
    make("secret", "credentials", **mine, credential_type="@own", inputs={"password": "s"})
    make("key", "credentials", **mine, credential_type="@machine", inputs={"username": "u"})
    make("key2", "credentials", **mine, credential_type="@machine", inputs={"username": "u"})
    make("git", "credentials", **mine, credential_type="@scm", inputs={"username": "u"})
    make("ee", "execution_environments", **mine, image="i:1")
    make("project", "projects", **mine, scm_type="git", scm_url=deliveries.repository)
    make("inventory", "inventories", **mine)
    make("inventory2", "inventories", **mine)
    hook = {"url": "https://h.example.com/", "headers": {}}
    make(
        "hook",
        "notification_templates",
        **mine,
        notification_type="webhook",
        notification_configuration=hook,
    )
    _wait_for(deliveries, words["project"])
    scm = {"source": "scm", "source_project": "@project", "source_path": "x"}
    make("source", "inventory_sources", inventory="@inventory", **scm)
    make("template", "job_templates", project="@project", inventory="@inventory", playbook=PLAYBOOK)
    deliveries.send(
        "POST", f"/api/v2/job_templates/{words['template']}/credentials/", {"id": words["key"]}
    )
    make("schedule", "schedules", unified_job_template="@template", rrule=f"{START} {DAILY}")
    return found


PLAYBOOK = "deliver.yml"
MINE = {"organization": "@organization"}


def _wait_for(deliveries: Deliveries, project: int) -> None:
    deadline = time.monotonic() + 120
    place = f"/api/v2/projects/{project}/"
    while deliveries.get(place)["status"] != "successful":
        assert time.monotonic() < deadline, deliveries.get(place)
        time.sleep(0.1)


def _type(**more: Any) -> dict[str, Any]:
    return {"name": "<name> new", "kind": "cloud", **more}


def _fields(*fields: dict[str, Any]) -> dict[str, Any]:
    return {"fields": list(fields)}


def _project(**more: Any) -> dict[str, Any]:
    return {"name": "<name> new", **MINE, "scm_type": "git", **more}


def _template(**more: Any) -> dict[str, Any]:
    return {
        "name": "<name> new",
        "project": "@project",
        "inventory": "@inventory",
        "playbook": PLAYBOOK,
        **more,
    }


def _schedule(rule: str, **more: Any) -> dict[str, Any]:
    return {"name": "<name> new", "unified_job_template": "@template", "rrule": rule, **more}


def _email(**more: Any) -> dict[str, Any]:
    configuration = {
        "host": "h",
        "port": 25,
        "username": "",
        "password": "",
        "use_tls": False,
        "use_ssl": False,
        "sender": "s",
        "recipients": ["r"],
        **more,
    }
    return {
        "name": "<name> new",
        **MINE,
        "notification_type": "email",
        "notification_configuration": configuration,
    }


PASSWORD = {"id": "password", "label": "Password"}
CREDENTIAL = {"name": "<name> new", **MINE, "credential_type": "@machine"}
EE = {"name": "<name> new", **MINE, "image": "i:1"}
SOURCE = {
    "name": "<name> new",
    "inventory": "@inventory",
    "source": "scm",
    "source_project": "@project",
    "source_path": "x",
}
AGAIN = "already exists."
# The request, its content, the status, and what the answer has.
REJECTED: list[tuple[str, Any, int, str]] = [
    # What is unique.
    (
        "POST organizations/",
        {"name": "<name> organization"},
        400,
        '{"name": ["Organization with this Name already exists."]}',
    ),
    (
        "POST execution_environments/",
        {"name": "<name> ee", "organization": "@other", "image": "i:1"},
        400,
        '{"name": ["Execution environment with this Name already exists."]}',
    ),
    ("POST credential_types/", _type(name="<name> own"), 400, '{"__all__": ["Credential type with'),
    (
        "POST credentials/",
        {**CREDENTIAL, "name": "<name> key"},
        400,
        "Credential with this Organization, Name and Credential type already exists.",
    ),
    (
        "POST job_templates/",
        _template(name="<name> template"),
        400,
        '{"__all__": ["JobTemplate with this (',
    ),
    (
        "POST projects/",
        _project(name="<name> project", scm_url="https://g/x"),
        400,
        '{"__all__": ["Project with this (',
    ),
    ("POST inventories/", {"name": "<name> inventory", **MINE}, 400, AGAIN),
    ("POST schedules/", _schedule(f"{START} {DAILY}", name="<name> schedule"), 400, AGAIN),
    ("POST inventory_sources/", {**SOURCE, "name": "<name> source"}, 400, AGAIN),
    # Words of all kinds.
    ("POST organizations/", {"name": ""}, 400, '{"name": ["This field may not be blank."]}'),
    ("POST organizations/", {}, 400, '{"name": ["This field is required."]}'),
    ("GET organizations/999999/", None, 404, '"No Organization matches the given query."'),
    ("GET job_templates/999999/", None, 404, '"No JobTemplate matches the given query."'),
    ("GET nothing/", None, 404, "The requested resource could not be found."),
    ("GET organizations/?none=1", None, 400, "Organization has no field named 'none'"),
    ("PUT organizations/", {}, 405, 'Method \\"PUT\\" not allowed.'),
    ("POST organizations/<organization>/", {}, 405, 'Method \\"POST\\" not allowed.'),
    # Credential types.
    (
        "POST credential_types/",
        _type(inputs=_fields(PASSWORD), injectors={"env": {"X": "{{ nope }}"}}),
        400,
        "X uses an undefined field ('nope' is undefined)",
    ),
    (
        "POST credential_types/",
        _type(inputs=_fields(PASSWORD), injectors={"env": {"ANSIBLE_X": "{{ password }}"}}),
        400,
        "Environment variable ANSIBLE_X may affect Ansible configuration so its use is not allowed",
    ),
    (
        "POST credential_types/",
        _type(inputs=_fields({"id": "a"})),
        400,
        "'label' is a required property",
    ),
    (
        "POST credential_types/",
        _type(inputs=_fields({**PASSWORD, "hidden": True})),
        400,
        "Schema validation error in relative path ['fields', 0] (Additional properties are not"
        " allowed ('hidden' was unexpected))",
    ),
    ("POST credential_types/", _type(kind="ssh"), 400, "Must be 'cloud' or 'net', not ssh"),
    (
        "PATCH credential_types/<own>/",
        {"inputs": _fields({"id": "other", "label": "O"})},
        400,
        "THE_PASSWORD uses an undefined field ('password' is undefined)",
    ),
    (
        "PATCH credential_types/<own>/",
        {"inputs": _fields(PASSWORD, {"id": "other", "label": "O"})},
        403,
        "Modifications to inputs are not allowed for credential types that are in use",
    ),
    (
        "PATCH credential_types/<machine>/",
        {"description": "x"},
        403,
        "Modifications not allowed for managed credential types",
    ),
    (
        "DELETE credential_types/<own>/",
        None,
        403,
        "Credential types that are in use cannot be deleted",
    ),
    # Credentials.
    (
        "POST credentials/",
        {**CREDENTIAL, "inputs": {"username": 7}},
        400,
        "7 is not of type 'string'",
    ),
    (
        "POST credentials/",
        {**CREDENTIAL, "inputs": {"nope": "x"}},
        400,
        "Additional properties are not allowed ('nope' was unexpected)",
    ),
    (
        "POST credentials/",
        {"name": "<name> new", "credential_type": "@machine"},
        400,
        "Missing 'user', 'team', or 'organization'.",
    ),
    # Execution environments.
    (
        "POST execution_environments/",
        {**EE, "image": "a b"},
        400,
        "The container image name a b is not valid",
    ),
    (
        "POST execution_environments/",
        {**EE, "image": "docker://a/b:1"},
        400,
        "The container image name docker://a/b:1 is not valid",
    ),
    (
        "POST execution_environments/",
        {**EE, "credential": "@key"},
        400,
        "Only Container Registry credentials can be associated with an Execution Environment",
    ),
    (
        "PATCH execution_environments/<ee>/",
        {"organization": "@other"},
        400,
        "Cannot change the organization of an execution environment",
    ),
    # Projects.
    ("POST projects/", _project(scm_url="s3://x/y"), 400, '{"scm_url": ["Unsupported git URL"]}'),
    ("POST projects/", _project(), 400, '{"scm_url": ["SCM URL is required."]}'),
    (
        "POST projects/",
        _project(scm_url="https://g.example.com/x", credential="@key"),
        400,
        "Credential kind must be 'scm'.",
    ),
    # Job templates.
    (
        "POST job_templates/",
        _template(playbook="none.yml"),
        400,
        '{"playbook": ["Playbook not found for project."]}',
    ),
    ("POST job_templates/", _template(verbosity=9), 400, '\\"9\\" is not a valid choice.'),
    (
        "POST job_templates/",
        _template(forks=-1),
        400,
        "Ensure this value is greater than or equal to 0.",
    ),
    ("POST job_templates/", _template(extra_vars="[1]"), 400, "Cannot parse as JSON (error:"),
    (
        "POST job_templates/",
        _template(scm_branch="b"),
        400,
        "Project does not allow overriding branch.",
    ),
    (
        "POST job_templates/<template>/credentials/",
        {"id": "@key"},
        400,
        '{"error": "Cannot assign multiple Machine credentials."}',
    ),
    (
        "POST job_templates/<template>/credentials/",
        {"id": "@key2"},
        400,
        '{"error": "Cannot assign multiple Machine credentials."}',
    ),
    (
        "POST job_templates/<template>/credentials/",
        {"id": "@git"},
        400,
        "Cannot assign a Credential of kind `scm`.",
    ),
    # Inventory sources.
    (
        "POST inventory_sources/",
        {**SOURCE, "scm_branch": "b"},
        400,
        "Project does not allow overriding branch.",
    ),
    (
        "POST inventory_sources/",
        {**SOURCE, "source_project": None},
        400,
        "Project required for scm type sources.",
    ),
    # Notification templates.
    (
        "POST notification_templates/",
        _email(recipients=[]),
        400,
        '{"__all__": ["No values specified for field \'recipients\'"]}',
    ),
    (
        "POST notification_templates/",
        _email(port="25"),
        400,
        "Configuration field 'port' incorrect type, expected int.",
    ),
    # Schedules.
    (
        "POST schedules/",
        _schedule(f"{START} {DAILY}", extra_data={"a": 1}),
        400,
        "Variables a are not allowed on launch.",
    ),
    (
        "POST schedules/",
        _schedule(f"DTSTART:20260101T000000 {DAILY}"),
        400,
        "DTSTART cannot be a naive datetime.",
    ),
    (
        "POST schedules/",
        _schedule(f"DTSTART;TZID=Mars/Base:20260101T000000 {DAILY}"),
        400,
        "A valid TZID must be provided",
    ),
    (
        "POST schedules/",
        _schedule(f"{START} RRULE:FREQ=NEVER;INTERVAL=1"),
        400,
        "rrule parsing failed validation",
    ),
    (
        "POST schedules/",
        _schedule(f"DTSTART:20260231T000000Z {DAILY}"),
        400,
        "rrule parsing failed validation",
    ),
    (
        "POST schedules/",
        _schedule(f"{START} {DAILY};COUNT=1000"),
        400,
        "COUNT > 999 is unsupported",
    ),
    (
        "POST schedules/",
        _schedule(f"{START} {DAILY};COUNT=2;UNTIL=20260201T000000Z"),
        400,
        "RRULE may not contain both COUNT and UNTIL",
    ),
    (
        "POST schedules/",
        _schedule(f"{START} {DAILY} EXDATE:20260102T000000Z"),
        400,
        "EXDATE not allowed in rrule.",
    ),
    (
        "POST schedules/",
        _schedule(f"{START} RRULE:FREQ=MONTHLY;INTERVAL=1;BYDAY=1MO"),
        400,
        "BYDAY with numeric prefix not supported",
    ),
    ("POST schedules/", _schedule(f"{START} RRULE:FREQ=DAILY"), 400, "INTERVAL required in rrule"),
]
# The request, its content, and values that the answer has.
TAKEN: list[tuple[str, Any, dict[str, Any]]] = [
    ("PATCH organizations/<other>/", {"nothing_of_awx": 1, "max_hosts": "7"}, {"max_hosts": 7}),
    (
        "PATCH job_templates/<template>/",
        {"forks": "7", "become_enabled": "yes", "extra_vars": "a: 1\nb: two"},
        {"forks": 7, "become_enabled": True, "extra_vars": "a: 1\nb: two"},
    ),
    (
        "POST credentials/",
        {**CREDENTIAL, "inputs": {"become_method": "sudo", "become_username": "root"}},
        {"inputs": {"become_method": "sudo", "become_username": "root"}},
    ),
    ("POST credentials/", {**CREDENTIAL, "name": "<name> key", "credential_type": "@scm"}, {}),
    (
        "PATCH inventory_sources/<source>/",
        {"inventory": "@inventory2"},
        {"inventory": "@inventory"},
    ),
    ("PATCH credential_types/<unused>/", {"inputs": _fields(PASSWORD)}, {}),
    ("POST projects/", _project(scm_url="https://g.example.com/x"), {"status": "pending"}),
    (
        "POST schedules/",
        _schedule(f"DTSTART;TZID=Europe/Berlin:20260101T000000  {DAILY};UNTIL=20270101T000000"),
        {
            "rrule": f"DTSTART;TZID=Europe/Berlin:20260101T000000 {DAILY};UNTIL=20261231T230000Z",
        },
    ),
    (
        "POST job_templates/<template>/notification_templates_error/",
        {"id": "@hook"},
        {},
    ),
]


def test_what_awx_rejects(fixed: Fixed):
    wrong = []
    for request, content, status, text in REJECTED:
        method, place = request.split(" ", 1)
        answered, answer = fixed.ask(method, place, content)
        if answered != status or text not in answer:
            wrong.append(f"{request} {content}: {status} {text}\n  but {answered} {answer}")
    assert not wrong, "\n".join(wrong)


def test_a_project_that_is_not_fetched_yet(fixed: Fixed, stand_in: AwxStandIn | None):
    if stand_in:
        stand_in.api.store.fetching = 10
    _status, answer = fixed.ask("POST", "projects/", _project(scm_url=fixed.deliveries.repository))
    fixed.words["new"] = json.loads(answer)["id"]
    status, answer = fixed.ask("POST", "job_templates/", _template(project="@new"))
    assert (status, "Playbook not found for project." in answer) == (400, True), answer
    _wait_for(fixed.deliveries, fixed.words["new"])


def test_what_awx_takes_and_ignores(fixed: Fixed):
    wrong = []
    for request, content, values in TAKEN:
        method, place = request.split(" ", 1)
        status, answer = fixed.ask(method, place, content)
        got = json.loads(answer) or {}
        missing = {
            name: value for name, value in values.items() if got.get(name) != fixed.filled(value)
        }
        if status >= 300 or missing:
            wrong.append(f"{request} {content}: {missing}\n  but {status} {answer}")
    assert not wrong, "\n".join(wrong)


def test_the_list_of_inventories_has_a_key_of_its_own(deliveries: Deliveries):
    root = deliveries.get("/api/v2/")
    assert root["inventory"] == "/api/v2/inventories/" and "inventories" not in root
