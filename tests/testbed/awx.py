# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for AWX 24.6.1, which cannot run here.

It is the REST API as far as it is used, with nothing behind it: awx_fields.py has the fields of the
objects, awx_rules.py what AWX rejects, this file the addresses. All texts and statuses are AWX's;
tests/awx/test_differences.py compares them with a real AWX. Lists come in pages of two. Projects
are fetched for real, with git. A job is whatever ``run`` does with it. The tests that use it run
against a real AWX as well: ``make test-awx AWX_URL=… AWX_TOKEN=…``.
"""

from __future__ import annotations

import itertools
import json
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit

from .awx_fields import KINDS, read_fields
from .awx_rules import (
    HIDDEN,
    Refused,
    check_kind,
    check_unique,
    notification_secrets,
    reject,
    stored_rule,
)

ROOT = "/api/v2/"
TOKEN = "a token of the tests"  # noqa: S105 - of this stand-in alone
PAGE = 2
_FETCHING, _DELETING = 0.3, 0.3
_SINGULAR = {"inventories": "inventory"}
Run = Callable[[dict[str, Any]], bool]
"""Does the work of a job, given as AWX shows it; whether it has succeeded."""
# awx/api/views/root.py: the list of inventories is the only one with a key of its own.
_ROOT_KEYS = {**{kind: kind for kind in KINDS}, "inventory": "inventories"}
del _ROOT_KEYS["inventories"]
_ROOT_KEYS |= {name: name for name in ("ping", "config", "me", "jobs", "unified_job_templates")}
# The names of Django's models, and what it calls them in a sentence.
_MODELS = {
    kind: "".join(word.title() for word in _SINGULAR.get(kind, kind.removesuffix("s")).split("_"))
    for kind in KINDS
}
_REFERRING: dict[str, list[tuple[str, str]]] = {kind: [] for kind in KINDS}
"""By a kind, the kinds and fields that refer to it."""
for _kind, _fields in KINDS.items():
    for _name, _field in _fields.items():
        if _field.to:
            _REFERRING[_field.to].append((_kind, _name))
# on_delete=CASCADE in awx/main/models; all other references become null.
_CASCADES = {
    ("organizations", "credentials"),
    ("organizations", "execution_environments"),
    ("organizations", "notification_templates"),
    ("organizations", "teams"),
    ("inventories", "inventory_sources"),
    ("projects", "inventory_sources"),
    ("job_templates", "schedules"),
    ("credential_types", "credentials"),
}
_NOTIFIED = (
    "notification_templates_started",
    "notification_templates_success",
    "notification_templates_error",
)
LISTS: dict[str, tuple[str, ...]] = {
    "job_templates": ("credentials", *_NOTIFIED),
    "inventory_sources": ("credentials", *_NOTIFIED),
}
_NOT_OF_ORGANIZATIONS = ("organizations", "credential_types", "inventory_sources", "schedules")
# awx/api/views/mixin.py: RelatedJobsPreventDeleteMixin.
_WITH_JOBS = ("organizations", "projects", "inventories", "inventory_sources", "job_templates")
# awx/main/models/projects.py: FIELDS_TRIGGER_UPDATE.
_PROJECT_SOURCE = ("scm_url", "scm_branch", "scm_type", "scm_refspec")
_KEY = {"format": "ssh_private_key", "multiline": True}


def _input(name: str, **more: Any) -> dict[str, Any]:
    return {"id": name, "label": name, "type": "string", **more}


# awx_plugins.credentials.plugins: name, kind and namespace, and fields.
_MANAGED: dict[str, tuple[str, list[dict[str, Any]]]] = {
    "Machine": (
        "ssh",
        [
            _input("username"),
            _input("password", secret=True, ask_at_runtime=True),
            _input("ssh_key_data", secret=True, **_KEY),
            _input("ssh_public_key_data", multiline=True),
            _input("ssh_key_unlock", secret=True, ask_at_runtime=True),
            _input("become_method"),
            _input("become_username"),
            _input("become_password", secret=True, ask_at_runtime=True),
        ],
    ),
    "Source Control": (
        "scm",
        [
            _input("username"),
            _input("password", secret=True),
            _input("ssh_key_data", secret=True, **_KEY),
            _input("ssh_key_unlock", secret=True),
        ],
    ),
    "Container Registry": (
        "registry",
        [
            _input("host"),
            _input("username"),
            _input("password", secret=True),
            _input("verify_ssl", type="boolean"),
        ],
    ),
}


def repository(folder: Path) -> str:
    """Return a git repository with what a company keeps for deliveries; its address."""
    (folder / "inventories" / "directory").mkdir(parents=True)
    (folder / "deliver.yml").write_text("- import_playbook: shipping.code.deliver\n")
    (folder / "inventories" / "directory" / "ldap_projects.yml").write_text(
        "plugin: shipping.code.ldap_projects\n"
    )
    git = ["git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@example.com"]
    for words in (
        ["init", "--quiet", "--initial-branch", "main"],
        ["add", "-A"],
        ["commit", "--quiet", "--message", "all"],
    ):
        subprocess.run([*git, *words], check=True)
    return f"file://{folder}"


@dataclass
class ObjectStore:
    """The objects of the stand-in, by kind and id."""

    objects: dict[str, dict[int, dict[str, Any]]] = field(
        default_factory=lambda: {kind: {} for kind in KINDS}
    )
    lists: dict[tuple[str, int, str], list[int]] = field(default_factory=dict)
    ready: dict[int, float] = field(default_factory=dict)
    """When a project's update ends."""
    going: dict[int, float] = field(default_factory=dict)
    """When the deletion of an inventory ends."""
    busy: set[tuple[str, int]] = field(default_factory=set)
    """What running jobs use."""
    processing: set[tuple[str, int]] = field(default_factory=set)
    """What jobs used that have ended, and whose events AWX still stores."""
    playbooks: dict[int, list[str] | None] = field(default_factory=dict)
    user: dict[str, Any] = field(
        default_factory=lambda: {
            "id": 1,
            "url": f"{ROOT}users/1/",
            "related": {},
            "username": "admin",
            "is_superuser": True,
            "summary_fields": {"direct_access": [], "indirect_access": [{"role": {"id": None}}]},
        }
    )
    """Whose token it is."""
    with_roles: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    """The users that have a role in an organization."""
    fetching: float = _FETCHING
    """How many seconds an update of a project takes."""
    lost: int = 0
    """How many of the next requests lose their connection before the answer."""
    jobs: list[dict[str, Any]] = field(default_factory=list)
    written: list[tuple[str, str]] = field(default_factory=list)
    """All requests that write."""
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def tick(self) -> None:
        """Do what AWX would do meanwhile."""
        now = time.monotonic()
        for number in [number for number, when in self.going.items() if when < now]:
            del self.going[number]
            self.drop("inventories", number)
        for number, when in list(self.ready.items()):
            self._tick_project(number, when - now)

    def _tick_project(self, number: int, left: float) -> None:
        project = self.of("projects", number)
        project["status"] = self._status(number, left)
        if left < 0:
            del self.ready[number]
            project["playbook_files"] = self.playbooks[number] or []

    def _status(self, project: int, left: float) -> str:
        """Return the status of a project whose update ends in some seconds."""
        if left > self.fetching / 2:
            return "pending"
        if left >= 0:
            return "running"
        return "failed" if self.playbooks[project] is None else "successful"

    def of(self, kind: str, number: int | None) -> dict[str, Any]:
        """Return an object; an empty one if it does not exist."""
        return self.objects[kind].get(number or 0, {})

    def all_of(self, kind: str) -> Iterable[dict[str, Any]]:
        """Return all objects of a kind."""
        return list(self.objects[kind].values())

    def is_there(self, kind: str, number: int) -> bool:
        """Return whether there is an object."""
        return number in self.objects[kind]

    def drop(self, kind: str, number: int) -> None:
        """Delete an object, and its dependents."""
        self.objects[kind].pop(number, None)
        for other, name in _REFERRING[kind]:
            referring = [one for one in self.objects[other].values() if one.get(name) == number]
            for one in referring:
                if (kind, other) in _CASCADES:
                    self.drop(other, one["id"])
                else:
                    one[name] = None
        for members in self.lists.values():
            if number in members:
                members.remove(number)


class AwxRequest(NamedTuple):
    """A request to a path: the method, the query and the content that was sent."""

    method: str
    query: dict[str, str]
    sent: Any


class Api:
    """The answers of the stand-in: a status and a content for each request."""

    def __init__(self, run: Run) -> None:
        self.store = ObjectStore()
        self._run = run
        for name, (kind, fields) in _MANAGED.items():
            managed = {"kind": kind, "namespace": kind, "managed": True}
            self._add("credential_types", {"name": name, **managed, "inputs": {"fields": fields}})

    def answer(self, method: str, place: str, query: dict[str, str], sent: Any) -> tuple[int, Any]:
        """Answer a request."""
        self.store.tick()
        if method != "GET":
            self.store.written.append((method, place))
        kind, *words = place.removeprefix(ROOT).strip("/").split("/")
        if not place.startswith(ROOT) or (kind not in _ROOT_KEYS.values() and kind != ""):
            # awx/main/views.py: handle_404.
            raise Refused(404, {"detail": "The requested resource could not be found."})
        if kind not in KINDS:
            if method != "GET":
                raise _not_allowed(method)
            return 200, self._overview(kind, query)
        return self._of_kind(kind, words, AwxRequest(method, query, sent))

    def _of_kind(self, kind: str, words: list[str], request: AwxRequest) -> tuple[int, Any]:
        """Answer a request for a list, for an object, or for what is related to one."""
        if not words:
            match request.method:
                case "GET":
                    return self._list(kind, request.query)
                case "POST":
                    return self._create(kind, request.sent)
            raise _not_allowed(request.method)
        number, *related = words
        if len(related) > 1:
            raise Refused(404, {"detail": "The requested resource could not be found."})
        one = self._object(kind, number)
        if related:
            return self._related(kind, one, related[0], request)
        return self._detail(kind, one, request.method, request.sent)

    def _overview(self, kind: str, query: dict[str, str]) -> dict[str, Any]:
        """Return what has no objects of a kind."""
        match kind:
            case "":
                return {key: f"{ROOT}{name}/" for key, name in _ROOT_KEYS.items()}
            case "config" | "ping":
                return {"version": "24.6.1", "time_zone": "UTC"}
            case "me":
                return _page([self.store.user])
            case "unified_job_templates":
                content: dict[str, Any] = self._list("job_templates", query)[1]
                next_page = content["next"] and content["next"].replace(
                    "/job_templates/", "/unified_job_templates/"
                )
                return {**content, "next": next_page}
        wanted = query.get("id__in", "").split(",")
        return _page([job for job in self.store.jobs if str(job["id"]) in wanted])

    def _launch(self, one: dict[str, Any], sent: Any) -> dict[str, Any]:
        """Return a job, which runs beside.

        Values that it does not accept are ignored and reported, as AWX does.
        """
        asked = {
            name: value
            for name, value in (sent or {}).items()
            if one.get(f"ask_{name.replace('extra_vars', 'variables')}_on_launch")
        }
        number = next(self.store.numbers)
        ignored = {name: value for name, value in (sent or {}).items() if name not in asked}
        created = time.strftime("%Y-%m-%dT%H:%M:%S.000000Z", time.gmtime())
        job = {
            "id": number,
            "type": "job",
            "url": f"{ROOT}jobs/{number}/",
            "job": number,
            "name": one["name"],
            "status": "running",
            "created": created,
        }
        job |= {
            "job_template": one["id"],
            "limit": one["limit"],
            "extra_vars": one["extra_vars"],
            "ignored_fields": ignored,
            "artifacts": {},
            **asked,
        }
        self.store.jobs.append(job)

        one["status"] = "running"

        def work() -> None:
            job["status"] = "successful" if self._run(job) else "failed"
            one["status"] = job["status"]

        threading.Thread(target=work, daemon=True).start()
        return job

    def _object(self, kind: str, number: str) -> dict[str, Any]:
        if not number.isdigit() or int(number) not in self.store.objects[kind]:
            raise Refused(404, {"detail": f"No {_MODELS[kind]} matches the given query."})
        return self.store.objects[kind][int(number)]

    def _detail(self, kind: str, one: dict[str, Any], method: str, sent: Any) -> tuple[int, Any]:
        if method == "GET":
            return 200, self._shown(kind, one)
        if method == "PATCH":
            return 200, self._change(kind, one, sent)
        if method == "DELETE":
            return self._delete(kind, one)
        raise _not_allowed(method)

    def _list(
        self, kind: str, query: dict[str, str], among: list[int] | None = None
    ) -> tuple[int, Any]:
        """Answer a list in pages; ``among`` some objects, whose list has no pages."""
        page, size = int(query.pop("page", 1)), min(int(query.pop("page_size", 25)), PAGE)
        found = [one for one in self._among(kind, among) if self._matches(kind, one, query)]
        last = max(1, -(-len(found) // size))
        if not 1 <= page <= last:
            raise Refused(404, {"detail": "Invalid page."})
        following, shown = None, found
        if among is None:
            shown = found[(page - 1) * size : page * size]
            if page < last:
                following_query = urlencode({**query, "page_size": size, "page": page + 1})
                following = f"{ROOT}{kind}/?{following_query}"
        results = [self._shown(kind, one) for one in shown]
        return 200, {"count": len(found), "next": following, "previous": None, "results": results}

    def _among(self, kind: str, numbers: list[int] | None) -> list[dict[str, Any]]:
        objects = self.store.objects[kind].values()
        return [one for one in objects if numbers is None or one["id"] in numbers]

    def _matches(self, kind: str, one: dict[str, Any], query: dict[str, str]) -> bool:
        """Return whether an object is what a query looks for, also in what it refers to."""
        found = []
        for path, text in query.items():
            *names, last = path.split("__")
            lookup = last if last in ("startswith", "icontains") else ""
            names = names if lookup else [*names, last]
            value = str(self._value_at(kind, one, names))
            if lookup == "startswith":
                found.append(value.startswith(text))
            elif lookup == "icontains":
                found.append(text.lower() in value.lower())
            else:
                found.append(value == text)
        return all(found)

    def _value_at(self, kind: str, one: dict[str, Any], names: list[str]) -> Any:
        name, *rest = names
        if name not in KINDS[kind] and name != "id":
            # django.db.models.options, as ansible_base's filters answer it.
            raise reject("detail", f"{_MODELS[kind]} has no field named '{name}'")
        to = KINDS[kind][name].to if rest else ""
        return self._value_at(to, self.store.of(to, one[name]), rest) if to else one.get(name)

    def _create(self, kind: str, sent: Any) -> tuple[int, Any]:
        self._check_rights(kind)
        one = self._add(kind, self._checked(kind, sent, None))
        if kind == "projects" and one["scm_type"]:
            self._fetch(one)
        return 201, self._shown(kind, one)

    def _check_rights(self, kind: str) -> None:
        # awx/main/access.py: BaseAccess.can_add, CredentialTypeAccess.
        if kind in ("organizations", "credential_types") and not self.store.user["is_superuser"]:
            raise Refused(403, {"detail": "You do not have permission to perform this action."})

    def _add(self, kind: str, values: dict[str, Any]) -> dict[str, Any]:
        number = next(self.store.numbers)
        one = {"id": number, **_defaults(kind), **values}
        if kind == "projects":
            one["playbook_files"] = []
        self.store.objects[kind][number] = one
        return one

    def _change(self, kind: str, one: dict[str, Any], sent: Any) -> dict[str, Any]:
        if one.get("managed"):
            # awx/api/serializers.py: CredentialTypeSerializer.validate.
            text = "Modifications not allowed for managed credential types"
            raise Refused(403, {"detail": text})
        if kind == "credential_types":
            self._check_rights(kind)
        values = self._checked(kind, sent, one)
        if kind == "credential_types":
            self._check_type_change(one, values)
        else:
            values = _with_hidden_values(one, values)
        source = [one.get(name) for name in _PROJECT_SOURCE]
        one.update(values)
        if kind == "projects" and source != [one.get(name) for name in _PROJECT_SOURCE]:
            self._fetch(one)
        return self._shown(kind, one)

    def _check_type_change(self, one: dict[str, Any], values: dict[str, Any]) -> None:
        if values.get("inputs", one["inputs"]) != one["inputs"] and self._is_used_type(one["id"]):
            text = "Modifications to inputs are not allowed for credential types that are in use"
            raise Refused(403, {"detail": text})

    def _checked(self, kind: str, sent: Any, have: dict[str, Any] | None) -> dict[str, Any]:
        """Return the values that AWX takes from what is sent, or raise its answer."""
        if not isinstance(sent, dict):
            text = f"Invalid data. Expected a dictionary, but got {type(sent).__name__}."
            raise reject("__all__", text)
        values, errors = read_fields(
            kind, json.loads(json.dumps(sent)), self.store.is_there, is_new=have is None
        )
        if errors:
            raise Refused(400, errors)
        if kind == "job_templates":
            project = self.store.of("projects", {**(have or {}), **values}.get("project"))
            values["organization"] = project.get("organization")
        before = _defaults(kind) if have is None else have
        one = {**before, **values}
        check_unique(kind, one, have, self.store)
        check_kind(kind, one, have, self.store)
        if "rrule" in values:
            values["rrule"] = stored_rule(values["rrule"])
        return values

    def _is_used_type(self, number: int) -> bool:
        """Return whether a credential is of this type."""
        credentials = self.store.objects["credentials"].values()
        return any(credential["credential_type"] == number for credential in credentials)

    def _delete(self, kind: str, one: dict[str, Any]) -> tuple[int, Any]:
        number = one["id"]
        if kind in _WITH_JOBS:
            self._check_jobs(kind, number)
        if kind == "credential_types":
            self._check_type_removal(one)
        if kind == "inventories":
            if number in self.store.going:
                raise Refused(400, {"error": "Inventory is already pending deletion."})
            self.store.going[number] = time.monotonic() + _DELETING
            return 202, None
        self.store.drop(kind, number)
        return 204, None

    def _check_jobs(self, kind: str, number: int) -> None:
        # awx/api/exceptions.py: ActiveJobConflict.
        if (kind, number) in self.store.busy:
            active = [{"type": "job", "id": "7"}]
            text = "Resource is being used by running jobs."
            raise Refused(409, {"error": text, "active_jobs": active})
        # awx/api/views/mixin.py: for a minute, until all that a job printed is stored.
        if (kind, number) in self.store.processing:
            text = "Related job job 7 (successful) is still processing events."
            raise Refused(403, {"detail": text})

    def _check_type_removal(self, one: dict[str, Any]) -> None:
        self._check_rights("credential_types")
        if one["managed"]:
            raise Refused(403, {"detail": "Deletion not allowed for managed credential types"})
        if self._is_used_type(one["id"]):
            text = "Credential types that are in use cannot be deleted"
            raise Refused(403, {"detail": text})

    def _related(
        self, kind: str, one: dict[str, Any], name: str, request: AwxRequest
    ) -> tuple[int, Any]:
        match kind, name:
            case "organizations", name if name in KINDS:
                return self._owned(name, "organization", one, request)
            case "credential_types", "credentials":
                return self._owned(name, "credential_type", one, request)
            case "organizations", "access_list":
                return 200, _page([self.store.user, *self.store.with_roles.get(one["id"], ())])
            case "projects" | "inventory_sources", "update":
                return self._update(kind, one, request)
            case "job_templates", "launch":
                if request.method != "POST":
                    return 200, {"can_start_without_user_input": True}
                return 201, dict(self._launch(one, request.sent))
        return self._members(kind, one, name, request)

    def _owned(
        self, kind: str, reference: str, owner: dict[str, Any], request: AwxRequest
    ) -> tuple[int, Any]:
        """Answer a list of what refers to an object; it can only be read here."""
        if request.method != "GET":
            raise _not_allowed(request.method)
        objects = self.store.objects[kind].values()
        numbers = [other["id"] for other in objects if other.get(reference) == owner["id"]]
        return self._list(kind, request.query, numbers)

    def _update(self, kind: str, one: dict[str, Any], request: AwxRequest) -> tuple[int, Any]:
        if request.method != "POST":
            return 200, {"can_update": True}
        number = next(self.store.numbers)
        if kind == "projects":
            self._fetch(one)
            return 202, {"id": number, "project_update": number}
        one["status"] = "successful"
        return 202, {"id": number, "inventory_update": number}

    def _members(
        self, kind: str, one: dict[str, Any], name: str, request: AwxRequest
    ) -> tuple[int, Any]:
        """Answer a request for a list of other objects that an object has."""
        if name not in LISTS.get(kind, ()):
            raise Refused(404, {"detail": "The requested resource could not be found."})
        of = "notification_templates" if name in _NOTIFIED else name
        members = self.store.lists.setdefault((kind, one["id"], name), [])
        match request.method:
            case "GET":
                return self._list(of, request.query, members)
            case "POST":
                return self._attach(of, members, request.sent)
        raise _not_allowed(request.method)

    def _attach(self, of: str, members: list[int], sent: Any) -> tuple[int, Any]:
        """Attach or detach; awx/api/generics.py: SubListCreateAttachDetachAPIView."""
        number = sent.get("id")
        if not number and "disassociate" in sent:
            raise reject_text("msg", '"id" is required to disassociate')
        if not isinstance(number, int):
            raise reject_text("msg", '"id" field must be an integer.')
        if number not in self.store.objects[of]:
            raise reject_text("detail", f"{_MODELS[of]} matching query does not exist.")
        if "disassociate" in sent:
            members[:] = [member for member in members if member != number]
            return 204, None
        if of == "credentials":
            self._check_attached(number, members)
        if number not in members:
            members.append(number)
        return 204, None

    def _check_attached(self, number: int, members: list[int]) -> None:
        # awx/api/views/__init__.py: JobTemplateCredentialsList; also of one that is attached.
        kinds = [self.store.of("credentials", one)["credential_type"] for one in members]
        kind = self.store.of(
            "credential_types", self.store.of("credentials", number)["credential_type"]
        )
        if kind["id"] in kinds:
            raise reject_text("error", f"Cannot assign multiple {kind['name']} credentials.")
        if kind["kind"] not in ("ssh", "vault", "cloud", "net", "kubernetes"):
            raise reject_text("error", f"Cannot assign a Credential of kind `{kind['kind']}`.")

    def _shown(self, kind: str, one: dict[str, Any]) -> dict[str, Any]:
        place = f"{ROOT}{kind}/{one['id']}/"
        summary = {
            name: {"id": one[name], "name": self.store.objects[about.to][one[name]]["name"]}
            for name, about in KINDS[kind].items()
            if about.to and one.get(name) in self.store.objects[about.to]
        }
        secret = ("inputs", "notification_configuration") if kind != "credential_types" else ()
        hidden = {name: self._hide(kind, one, name) for name in secret if name in one}
        return {
            **{name: value for name, value in one.items() if name != "playbook_files"},
            **hidden,
            "type": _SINGULAR.get(kind, kind.removesuffix("s")),
            "url": place,
            "related": {name: f"{place}{name}/" for name in _related_names(kind)},
            "summary_fields": summary,
        }

    def _hide(self, kind: str, one: dict[str, Any], name: str) -> dict[str, Any]:
        if kind == "notification_templates":
            secret = notification_secrets(one["notification_type"])
        else:
            fields = self.store.of("credential_types", one["credential_type"])["inputs"]["fields"]
            secret = {about["id"] for about in fields if about.get("secret")}
        return {
            key: HIDDEN if key in secret and value else value for key, value in one[name].items()
        }

    def _fetch(self, one: dict[str, Any]) -> None:
        """Update a project for real."""
        branch = ["--branch", one["scm_branch"]] if one["scm_branch"] else []
        with tempfile.TemporaryDirectory() as folder:
            words = ["git", "clone", "--quiet", "--depth", "1", *branch, one["scm_url"], folder]
            fetched = subprocess.run(words, capture_output=True, check=False).returncode == 0
            files = (
                subprocess.run(
                    ["git", "-C", folder, "ls-files"], capture_output=True, text=True, check=False
                ).stdout.split()
                if fetched
                else []
            )
        self.store.playbooks[one["id"]] = (
            [name for name in files if name.endswith((".yml", ".yaml"))] if fetched else None
        )
        one["status"] = "pending"
        self.store.ready[one["id"]] = time.monotonic() + self.store.fetching


def _defaults(kind: str) -> dict[str, Any]:
    defaults = {name: about.default for name, about in KINDS[kind].items()}
    copied: dict[str, Any] = json.loads(json.dumps(defaults))
    return copied


def _page(results: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    shown = list(results)
    return {"count": len(shown), "next": None, "previous": None, "results": shown}


def _not_allowed(method: str) -> Refused:
    return Refused(405, {"detail": f'Method "{method}" not allowed.'})


def reject_text(field_name: str, text: str) -> Refused:
    """Return an answer whose text is in no list, as views write it themselves."""
    return Refused(400, {field_name: text})


def _related_names(kind: str) -> list[str]:
    """Return the names of the places that an object of a kind refers to."""
    match kind:
        case "organizations":
            owned = [name for name in KINDS if name not in _NOT_OF_ORGANIZATIONS]
            return [*owned, "access_list"]
        case "credential_types":
            return ["credentials"]
        case "projects":
            return ["update"]
        case "inventory_sources":
            return [*LISTS[kind], "update"]
        case "job_templates":
            return [*LISTS[kind], "launch"]
    return list(LISTS.get(kind, ()))


def _with_hidden_values(one: dict[str, Any], sent: dict[str, Any]) -> dict[str, Any]:
    """Return what is sent, with the values that an object has where they are shown as hidden."""
    kept = dict(sent)
    for name in ("inputs", "notification_configuration"):
        if name in sent and name in one:
            kept[name] = {
                key: one[name].get(key) if value == HIDDEN else value
                for key, value in sent[name].items()
            }
    return kept


class AwxStandIn:
    """The stand-in, while it serves on an address of this computer."""

    def __init__(self, run: Run = lambda _job: True) -> None:
        self.api = Api(run)
        lock, api = threading.Lock(), self.api

        class AwxHandler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # Head and content are two packets, of which the second would wait for 40 ms.
            disable_nagle_algorithm = True

            def _serve(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length)
                with lock:
                    if api.store.lost:
                        api.store.lost -= 1
                        self.close_connection = True
                        return
                    try:
                        status, content = self._answer(body)
                    except Refused as refused:
                        status, content = refused.status, refused.content
                data = b"" if content is None else json.dumps(content).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def _answer(self, body: bytes) -> tuple[int, Any]:
                if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                    raise Refused(
                        401,
                        {
                            "detail": (
                                "Authentication credentials were not provided. To establish a login"
                                " session, visit /api/login/."
                            )
                        },
                    )
                parts = urlsplit(self.path)
                try:
                    sent = json.loads(body) if body else None
                except ValueError as error:
                    raise Refused(400, {"detail": f"JSON parse error - {error}"}) from error
                return api.answer(self.command, parts.path, dict(parse_qsl(parts.query)), sent)

            do_GET = do_POST = do_PATCH = do_DELETE = do_PUT = _serve

            def log_message(self, *words: object) -> None:
                """Discard the log."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), AwxHandler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> AwxStandIn:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.shutdown()
        self._server.server_close()
