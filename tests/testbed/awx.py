# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for AWX, which cannot run here.

It is the REST API as far as it is documented and used, with nothing behind it.
It is stricter than AWX: a field that AWX does not have is refused, where AWX passes over it. Lists
come in pages of two. Projects are fetched for real, with git. A job is whatever ``run`` does with
it. The tests that use it run against a real AWX as well: ``make test-awx AWX_URL=… AWX_TOKEN=…``.
"""

from __future__ import annotations

import itertools
import json
import re
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit

ROOT = "/api/v2/"
TOKEN = "a token of the tests"  # noqa: S105 - of this stand-in alone
HIDDEN = "$encrypted$"
PAGE = 2
_FETCHING, _DELETING = 0.3, 0.3
_SINGULAR = {"inventories": "inventory"}
Run = Callable[[dict[str, Any]], bool]
"""Does the work of a job, given as AWX shows it; whether it has succeeded."""


@dataclass(frozen=True)
class FieldRule:
    """A field of a kind: its type, or the kind that it refers to."""

    type: type = str
    to: str = ""
    required: bool = False
    default: Any = None
    choices: tuple[str, ...] = ()
    readable_only: bool = False

    @property
    def may_be_null(self) -> bool:
        """Return whether null is a value of the field."""
        return self.default is None and not self.required


def _text(default: str = "") -> FieldRule:
    return FieldRule(str, default=default)


def _flag(*, default: bool = False) -> FieldRule:
    return FieldRule(bool, default=default)


def _number(default: int = 0) -> FieldRule:
    return FieldRule(int, default=default)


def _to(kind: str, *, required: bool = False) -> FieldRule:
    return FieldRule(int, to=kind, required=required)


_NAMED = {"name": FieldRule(required=True), "description": _text()}
_ASK = {
    f"ask_{what}_on_launch": _flag()
    for what in (
        "scm_branch",
        "diff_mode",
        "variables",
        "limit",
        "tags",
        "skip_tags",
        "job_type",
        "verbosity",
        "forks",
    )
}
_ASK |= {
    f"ask_{what}_on_launch": _flag()
    for what in ("inventory", "labels", "credential", "execution_environment", "timeout")
}
KINDS: dict[str, dict[str, FieldRule]] = {
    "organizations": {
        **_NAMED,
        "max_hosts": _number(),
        "default_environment": _to("execution_environments"),
    },
    "credential_types": {
        **_NAMED,
        "kind": FieldRule(required=True, choices=("cloud", "net")),
        "inputs": FieldRule(dict, default={}),
        "injectors": FieldRule(dict, default={}),
        "managed": FieldRule(bool, default=False, readable_only=True),
    },
    "credentials": {
        **_NAMED,
        "organization": _to("organizations"),
        "credential_type": _to("credential_types", required=True),
        "inputs": FieldRule(dict, default={}),
    },
    "execution_environments": {
        **_NAMED,
        "organization": _to("organizations"),
        "image": FieldRule(required=True),
        "credential": _to("credentials"),
        "pull": FieldRule(default="", choices=("", "always", "missing", "never")),
    },
    "projects": {
        **_NAMED,
        "organization": _to("organizations"),
        "scm_type": FieldRule(default="", choices=("", "git", "svn", "insights", "archive")),
        **{name: _text() for name in ("scm_url", "scm_branch", "scm_refspec")},
        **{
            name: _flag()
            for name in (
                "scm_clean",
                "scm_track_submodules",
                "scm_delete_on_update",
                "scm_update_on_launch",
                "allow_override",
            )
        },
        "credential": _to("credentials"),
        "default_environment": _to("execution_environments"),
        "timeout": _number(),
        "scm_update_cache_timeout": _number(),
        "status": FieldRule(default="pending", readable_only=True),
    },
    "inventories": {
        **_NAMED,
        "organization": _to("organizations", required=True),
        "kind": _text(),
        "host_filter": FieldRule(),
        "variables": _text(),
    },
    "inventory_sources": {
        **_NAMED,
        "inventory": _to("inventories", required=True),
        "source": FieldRule(default="", choices=("", "file", "scm", "ec2")),
        "source_project": _to("projects"),
        **{
            name: _text()
            for name in (
                "source_path",
                "source_vars",
                "scm_branch",
                "enabled_var",
                "enabled_value",
                "host_filter",
                "limit",
            )
        },
        "credential": _to("credentials"),
        "execution_environment": _to("execution_environments"),
        **{name: _flag() for name in ("overwrite", "overwrite_vars", "update_on_launch")},
        "update_cache_timeout": _number(),
        "timeout": _number(),
        "verbosity": _number(1),
    },
    "notification_templates": {
        **_NAMED,
        "organization": _to("organizations", required=True),
        "notification_type": FieldRule(required=True, choices=("email", "slack", "webhook")),
        "notification_configuration": FieldRule(dict, default={}),
        "messages": FieldRule(
            dict,
            default={"started": None, "success": None, "error": None, "workflow_approval": None},
        ),
    },
    "job_templates": {
        **_NAMED,
        "job_type": FieldRule(default="run", choices=("run", "check")),
        "inventory": _to("inventories"),
        "project": _to("projects"),
        **{
            name: _text()
            for name in (
                "playbook",
                "scm_branch",
                "limit",
                "extra_vars",
                "job_tags",
                "skip_tags",
                "start_at_task",
            )
        },
        **{name: _number() for name in ("forks", "timeout", "verbosity")},
        **_ASK,
        **{
            name: _flag()
            for name in (
                "allow_simultaneous",
                "become_enabled",
                "diff_mode",
                "use_fact_cache",
                "survey_enabled",
                "force_handlers",
            )
        },
        "execution_environment": _to("execution_environments"),
        "organization": FieldRule(int, to="organizations", readable_only=True),
    },
    "schedules": {
        **_NAMED,
        "unified_job_template": _to("job_templates", required=True),
        "rrule": FieldRule(required=True),
        "enabled": _flag(default=True),
        "extra_data": FieldRule(dict, default={}),
    },
    "workflow_job_templates": dict(_NAMED),
    "teams": {**_NAMED, "organization": _to("organizations", required=True)},
}
_REFERRING: dict[str, list[tuple[str, str]]] = {kind: [] for kind in KINDS}
"""By a kind, the kinds and fields that refer to it."""
for _kind, _fields in KINDS.items():
    for _name, _field in _fields.items():
        if _field.to:
            _REFERRING[_field.to].append((_kind, _name))
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
_UNIQUE = {
    "organizations": ("name",),
    "schedules": ("unified_job_template", "name"),
    "inventory_sources": ("inventory", "name"),
}
_NOTIFICATION_FIELDS: dict[str, dict[str, tuple[type, Any]]] = {
    "webhook": {
        "url": (str, None),
        "http_method": (str, "POST"),
        "disable_ssl_verification": (bool, False),
        "username": (str, ""),
        "password": (str, ""),
        "headers": (dict, None),
    },
    "slack": {"token": (str, None), "channels": (list, None), "hex_color": (str, "")},
    "email": {
        "host": (str, None),
        "port": (int, None),
        "username": (str, None),
        "password": (str, None),
        "use_tls": (bool, None),
        "use_ssl": (bool, None),
        "sender": (str, None),
        "recipients": (list, None),
        "timeout": (int, 30),
    },
}
_PROJECT_SOURCE = ("scm_url", "scm_branch", "credential")
"""A project is fetched again when one of these changes."""
_SECRET_NOTIFICATION_FIELDS = ("password", "token")
_MANAGED = {
    "Machine": [
        {"id": "username"},
        {"id": "password", "secret": True},
        {"id": "ssh_key_data", "secret": True},
    ],
    "Source Control": [
        {"id": "username"},
        {"id": "password", "secret": True},
        {"id": "ssh_key_data", "secret": True},
    ],
}


def repository(folder: Path) -> str:
    """A git repository with what a company keeps for deliveries; its address."""
    (folder / "inventories" / "people").mkdir(parents=True)
    (folder / "deliver.yml").write_text("- import_playbook: shipping.code.deliver\n")
    (folder / "inventories" / "people" / "ldap_projects.yml").write_text(
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


class RequestRefused(Exception):
    """An answer of AWX that is no success."""

    def __init__(self, status: int, content: Any) -> None:
        super().__init__(status, content)
        self.status, self.content = status, content


@dataclass
class ObjectStore:
    """What the stand-in has, by kind and id."""

    objects: dict[str, dict[int, dict[str, Any]]] = field(
        default_factory=lambda: {kind: {} for kind in KINDS}
    )
    lists: dict[tuple[str, int, str], list[int]] = field(default_factory=dict)
    ready: dict[int, float] = field(default_factory=dict)
    """When a project's update ends."""
    going: dict[int, float] = field(default_factory=dict)
    """When an inventory that is being deleted is gone."""
    busy: set[tuple[str, int]] = field(default_factory=set)
    """What running jobs use."""
    playbooks: dict[int, list[str] | None] = field(default_factory=dict)
    jobs: list[dict[str, Any]] = field(default_factory=list)
    written: list[tuple[str, str]] = field(default_factory=list)
    """All requests that write."""
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def tick(self) -> None:
        """What AWX would do meanwhile."""
        now = time.monotonic()
        for number in [number for number, when in self.going.items() if when < now]:
            del self.going[number]
            self.drop("inventories", number)
        for number in [number for number, when in self.ready.items() if when < now]:
            del self.ready[number]
            self.objects["projects"][number]["status"] = (
                "failed" if self.playbooks[number] is None else "successful"
            )

    def drop(self, kind: str, number: int) -> None:
        """Delete an object, and what goes with it."""
        self.objects[kind].pop(number, None)
        for other, name in _REFERRING[kind]:
            referring = [one for one in self.objects[other].values() if one.get(name) == number]
            for one in referring:
                if kind in ("organizations", "inventories") or other == "schedules":
                    self.drop(other, one["id"])
                else:
                    one[name] = None
        for members in self.lists.values():
            if number in members:
                members.remove(number)


class AwxRequest(NamedTuple):
    """What is asked of a place: the method, the query and the content that was sent."""

    method: str
    query: dict[str, str]
    sent: Any


class Api:
    """What the stand-in answers: a status and a content for each request."""

    def __init__(self, run: Run) -> None:
        self.store = ObjectStore()
        self._run = run
        for name, fields in _MANAGED.items():
            self._add(
                "credential_types",
                {"name": name, "kind": "ssh", "inputs": {"fields": fields}, "managed": True},
            )

    def answer(self, method: str, place: str, query: dict[str, str], sent: Any) -> tuple[int, Any]:
        """Answer a request."""
        self.store.tick()
        if method != "GET":
            self.store.written.append((method, place))
        kind, *words = place.removeprefix(ROOT).strip("/").split("/")
        if kind == "":
            return 200, {kind: f"{ROOT}{kind}/" for kind in KINDS}
        if method == "GET" and kind in ("config", "unified_job_templates", "jobs"):
            return 200, self._overview(kind, query)
        if kind not in KINDS:
            raise RequestRefused(404, {"detail": "Not found."})
        return self._of_kind(kind, words, AwxRequest(method, query, sent))

    def _of_kind(self, kind: str, words: list[str], request: AwxRequest) -> tuple[int, Any]:
        """Answer a request for a list, for an object, or for what is related to one."""
        if not words:
            if request.method == "GET":
                return self._list(kind, request.query)
            return self._create(kind, request.sent)
        number, *related = words
        if len(related) > 1:
            raise RequestRefused(404, {"detail": "Not found."})
        one = self._object(kind, number)
        if related:
            return self._related(kind, one, related[0], request)
        return self._detail(kind, one, request.method, request.sent)

    def _overview(self, kind: str, query: dict[str, str]) -> dict[str, Any]:
        """What programs that launch jobs ask for."""
        if kind == "config":
            return {"version": "24.6.1", "time_zone": "UTC"}
        if kind == "unified_job_templates":
            content: dict[str, Any] = self._list("job_templates", query)[1]
            following = content["next"]
            return {
                **content,
                "next": (
                    following and following.replace("/job_templates/", "/unified_job_templates/")
                ),
            }
        wanted = query.get("id__in", "").split(",")
        found = [job for job in self.store.jobs if str(job["id"]) in wanted]
        return {"count": len(found), "next": None, "previous": None, "results": found}

    def _launch(self, one: dict[str, Any], sent: Any) -> dict[str, Any]:
        """A job, which runs beside.

        What it may not be given is passed over and told, as AWX does.
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

        def work() -> None:
            job["status"] = "successful" if self._run(job) else "failed"

        threading.Thread(target=work, daemon=True).start()
        return job

    def _object(self, kind: str, number: str) -> dict[str, Any]:
        if not number.isdigit() or int(number) not in self.store.objects[kind]:
            raise RequestRefused(404, {"detail": "Not found."})
        return self.store.objects[kind][int(number)]

    def _detail(self, kind: str, one: dict[str, Any], method: str, sent: Any) -> tuple[int, Any]:
        if method == "GET":
            return 200, self._shown(kind, one)
        if method == "PATCH":
            return 200, self._change(kind, one, sent)
        if method == "DELETE":
            return self._delete(kind, one)
        raise RequestRefused(405, {"detail": f'Method "{method}" not allowed.'})

    def _list(
        self, kind: str, query: dict[str, str], among: list[int] | None = None
    ) -> tuple[int, Any]:
        """Answer a list in pages; ``among`` some objects, whose list has no pages."""
        page, size = int(query.pop("page", 1)), min(int(query.pop("page_size", 25)), PAGE)
        for name in query:
            if name not in KINDS[kind] and name != "id":
                raise RequestRefused(400, {"detail": f"{kind} has no field named '{name}'"})
        found = [one for one in self._among(kind, among) if _matches(one, query)]
        last = max(1, -(-len(found) // size))
        if not 1 <= page <= last:
            raise RequestRefused(404, {"detail": "Invalid page."})
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

    def _create(self, kind: str, sent: Any) -> tuple[int, Any]:
        self._check(kind, sent, None)
        one = self._add(kind, sent)
        if kind == "projects":
            self._fetch(one)
        return 201, self._shown(kind, one)

    def _add(self, kind: str, sent: dict[str, Any]) -> dict[str, Any]:
        number = next(self.store.numbers)
        defaults = {name: about.default for name, about in KINDS[kind].items()}
        one = {"id": number, **json.loads(json.dumps(defaults)), **sent}
        if kind == "job_templates":
            one["organization"] = self.store.objects["projects"][one["project"]]["organization"]
        self.store.objects[kind][number] = one
        return one

    def _change(self, kind: str, one: dict[str, Any], sent: Any) -> dict[str, Any]:
        if one.get("managed"):
            raise RequestRefused(
                403, {"detail": f"Modifications not allowed for managed {kind.replace('_', ' ')}"}
            )
        self._check(kind, sent, one)
        if (
            kind == "credential_types"
            and self._is_used_type(one["id"])
            and sent.get("inputs", one["inputs"]) != one["inputs"]
        ):
            raise RequestRefused(
                403,
                {
                    "detail": (
                        "Modifications to inputs are not allowed for credential types that are"
                        " in use"
                    )
                },
            )
        if kind != "credential_types":
            sent = _with_hidden_values(one, sent)
        source = [one.get(name) for name in _PROJECT_SOURCE]
        one.update(sent)
        if kind == "projects" and source != [one.get(name) for name in _PROJECT_SOURCE]:
            self._fetch(one)
        return self._shown(kind, one)

    def _is_used_type(self, number: int) -> bool:
        """Return whether a credential is of this type."""
        credentials = self.store.objects["credentials"].values()
        return any(credential["credential_type"] == number for credential in credentials)

    def _delete(self, kind: str, one: dict[str, Any]) -> tuple[int, Any]:
        number = one["id"]
        if (kind, number) in self.store.busy:
            raise RequestRefused(
                409,
                {
                    "error": "Resource is being used by running jobs.",
                    "active_jobs": [{"type": "job", "id": "7"}],
                },
            )
        if kind == "credential_types" and self._is_used_type(number):
            raise RequestRefused(
                403, {"detail": "Credential types that are in use cannot be deleted"}
            )
        if kind == "inventories":
            if number in self.store.going:
                raise RequestRefused(400, {"error": "Inventory is already pending deletion."})
            self.store.going[number] = time.monotonic() + _DELETING
            return 202, None
        self.store.drop(kind, number)
        return 204, None

    def _related(
        self, kind: str, one: dict[str, Any], name: str, request: AwxRequest
    ) -> tuple[int, Any]:
        match kind, request.method, name:
            case "organizations", "GET", name if name in KINDS:
                objects = self.store.objects[name].values()
                mine = [other["id"] for other in objects if other.get("organization") == one["id"]]
                return self._list(name, request.query, mine)
            case "projects", "POST", "update":
                self._fetch(one)
                return 202, {"project_update": next(self.store.numbers)}
            case "job_templates", "POST", "launch":
                return 201, dict(self._launch(one, request.sent))
        return self._members(kind, one, name, request)

    def _members(
        self, kind: str, one: dict[str, Any], name: str, request: AwxRequest
    ) -> tuple[int, Any]:
        """Answer a request for a list of other objects that an object has."""
        if name not in LISTS.get(kind, ()):
            raise RequestRefused(404, {"detail": "Not found."})
        of = "notification_templates" if name in _NOTIFIED else name
        members = self.store.lists.setdefault((kind, one["id"], name), [])
        if request.method == "GET":
            return self._list(of, request.query, members)
        return self._attach(of, members, request.sent)

    def _attach(self, of: str, members: list[int], sent: Any) -> tuple[int, Any]:
        number = sent.get("id")
        if not isinstance(number, int):
            raise RequestRefused(400, {"msg": '"id" field must be an integer.'})
        if number not in self.store.objects[of]:
            raise RequestRefused(400, {"detail": "Object not found."})
        if sent.get("disassociate"):
            members[:] = [member for member in members if member != number]
        elif number not in members:
            kinds = [self.store.objects[of][member].get("credential_type") for member in members]
            if of == "credentials" and self.store.objects[of][number]["credential_type"] in kinds:
                raise RequestRefused(
                    400, {"error": "Cannot assign multiple credentials of the same type."}
                )
            members.append(number)
        return 204, None

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
            **one,
            **hidden,
            "type": _SINGULAR.get(kind, kind.removesuffix("s")),
            "url": place,
            "related": {name: f"{place}{name}/" for name in _related_names(kind)},
            "summary_fields": summary,
        }

    def _hide(self, kind: str, one: dict[str, Any], name: str) -> dict[str, Any]:
        if kind == "notification_templates":
            secret = set(_SECRET_NOTIFICATION_FIELDS)
        else:
            secret = {
                about["id"]
                for about in self.store.objects["credential_types"][one["credential_type"]][
                    "inputs"
                ]["fields"]
                if about.get("secret")
            }
        return {
            key: HIDDEN if key in secret and value else value for key, value in one[name].items()
        }

    def _fetch(self, one: dict[str, Any]) -> None:
        """What an update of a project comes to, for real."""
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
        one["status"] = "running"
        self.store.ready[one["id"]] = time.monotonic() + _FETCHING

    def _check(self, kind: str, sent: Any, have: dict[str, Any] | None) -> None:
        """Refuse what AWX would refuse, and fields that it does not have."""
        if not isinstance(sent, dict):
            raise RequestRefused(400, {"detail": "JSON parse error - not proper JSON"})
        fields = KINDS[kind]
        errors = {} if have else _missing(fields, sent)
        for name, value in sent.items():
            text = self._wrong(fields.get(name), value)
            if text:
                errors[name] = [text]
        if errors:
            raise RequestRefused(400, errors)
        before = have or {name: about.default for name, about in fields.items()}
        self._check_rules(kind, {**before, **sent}, have)

    def _wrong(self, about: FieldRule | None, value: Any) -> str:
        """Return what is wrong with a field's value, or nothing."""
        if about is None or about.readable_only:
            return "This stand-in knows no such field."
        if value is None:
            return "" if about.may_be_null else "This field may not be null."
        if not _is_of_type(value, about.type):
            return f"Not a valid {about.type.__name__}."
        if about.to and value not in self.store.objects[about.to]:
            return f'Invalid pk "{value}" - object does not exist.'
        if about.choices and value not in about.choices:
            return f'"{value}" is not a valid choice.'
        return ""

    def _check_rules(self, kind: str, one: dict[str, Any], have: dict[str, Any] | None) -> None:
        if kind != "credential_types":
            self._check_unique(kind, one, have)
        check = getattr(self, f"_check_{kind}", None)
        if check:
            check(one, have)

    def _check_unique(self, kind: str, one: dict[str, Any], have: dict[str, Any] | None) -> None:
        """Refuse a second object of the same name, in the same organization where it has one."""
        by_default = ("name", "organization") if "organization" in KINDS[kind] else ("name",)
        unique = _UNIQUE.get(kind, by_default)
        if kind == "job_templates":
            project = self.store.objects["projects"].get(one.get("project") or 0, {})
            one = {**one, "organization": project.get("organization")}
        key = [one.get(name) for name in unique]
        others = [other for other in self.store.objects[kind].values() if other is not have]
        if any([other.get(name) for name in unique] == key for other in others):
            raise RequestRefused(
                400, {"__all__": [f"{kind} with this {' and '.join(unique)} already exists."]}
            )

    def _check_credentials(self, one: dict[str, Any], have: dict[str, Any] | None) -> None:
        if have is None and not one.get("organization"):
            raise RequestRefused(400, {"detail": "Missing 'user', 'team', or 'organization'."})
        known = {
            about["id"]
            for about in self.store.objects["credential_types"][one["credential_type"]][
                "inputs"
            ].get("fields", [])
        }
        for name in set(one["inputs"]) - known:
            raise RequestRefused(
                400,
                {"inputs": [f"Additional properties are not allowed ('{name}' was unexpected)"]},
            )
        if not one["inputs"].get("ssh_key_data", "-----BEGIN").startswith(("-----BEGIN", HIDDEN)):
            raise RequestRefused(
                400, {"inputs": {"ssh_key_data": ["Invalid certificate or key: no BEGIN"]}}
            )

    def _check_inventory_sources(self, one: dict[str, Any], _have: dict[str, Any] | None) -> None:
        if one["source"] == "scm" and one["source_project"] is None:
            raise RequestRefused(
                400, {"source_project": ["Project required for scm type sources."]}
            )
        if one["source"] != "scm" and (one["source_project"] or one["source_path"]):
            raise RequestRefused(
                400, {"detail": ["Cannot set source_project source_path if not SCM type."]}
            )
        _check_variables("source_vars", one["source_vars"])

    def _check_inventories(self, one: dict[str, Any], _have: dict[str, Any] | None) -> None:
        _check_variables("variables", one["variables"])

    def _check_job_templates(self, one: dict[str, Any], _have: dict[str, Any] | None) -> None:
        if one["project"] is None:
            raise RequestRefused(400, {"project": ["Job Templates must have a project assigned."]})
        if one["inventory"] is None:
            raise RequestRefused(
                400,
                {"inventory": ["You must either set a default value or ask to prompt on launch."]},
            )
        if not one["playbook"]:
            raise RequestRefused(400, {"playbook": ["Must select playbook for project."]})
        status = self.store.objects["projects"][one["project"]]["status"]
        if status != "successful" or one["playbook"] not in (
            self.store.playbooks.get(one["project"]) or ()
        ):
            raise RequestRefused(400, {"playbook": ["Playbook not found for project."]})
        _check_variables("extra_vars", one["extra_vars"])

    def _check_schedules(self, one: dict[str, Any], _have: dict[str, Any] | None) -> None:
        rule = one["rrule"]
        errors = []
        if not re.search(r"DTSTART(;[^:]+)?:[0-9]+T[0-9]+Z?", rule):
            errors.append(
                "Valid DTSTART required in rrule. Value should start with: DTSTART:YYYYMMDDTHHMMSSZ"
            )
        if "RRULE:" not in rule:
            errors.append("One or more rule required in rrule.")
        if "INTERVAL" not in rule:
            errors.append(f"INTERVAL required in rrule: {rule}")
        if "SECONDLY" in rule:
            errors.append(f"SECONDLY is not supported: {rule}")
        if errors:
            raise RequestRefused(400, {"rrule": errors})

    def _check_notification_templates(
        self, one: dict[str, Any], _have: dict[str, Any] | None
    ) -> None:
        fields = _NOTIFICATION_FIELDS[one["notification_type"]]
        given = one["notification_configuration"]
        defaults = {name: default for name, (_type, default) in fields.items() if name not in given}
        missing = [name for name, default in defaults.items() if default is None]
        errors = []
        if missing:
            errors.append(f"Missing required fields for Notification Configuration: {missing}.")
        for name, (kind, _default) in fields.items():
            if name in given and given[name].__class__ is not kind:
                errors.append(
                    f"Configuration field '{name}' incorrect type, expected {kind.__name__}."
                )
        if errors:
            raise RequestRefused(400, {"non_field_errors": errors})
        given |= defaults


def _related_names(kind: str) -> list[str]:
    """Return the names of the places that an object of a kind refers to."""
    match kind:
        case "organizations":
            return [name for name in KINDS if name not in _NOT_OF_ORGANIZATIONS]
        case "projects":
            return ["update"]
        case "job_templates":
            return [*LISTS[kind], "launch"]
    return list(LISTS.get(kind, ()))


def _missing(fields: dict[str, FieldRule], sent: dict[str, Any]) -> dict[str, list[str]]:
    """Return an error for each field that a new object must have and that is not sent."""
    return {
        name: ["This field is required."]
        for name, about in fields.items()
        if about.required and sent.get(name) in (None, "")
    }


def _is_of_type(value: Any, expected: type) -> bool:
    # To Python, True is a number; to AWX it is none.
    return isinstance(value, expected) and not (isinstance(value, bool) and expected is int)


def _matches(one: dict[str, Any], query: dict[str, str]) -> bool:
    return all(str(one.get(name)) == value for name, value in query.items())


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


def _check_variables(name: str, text: str) -> None:
    try:
        good = text == "" or isinstance(json.loads(text), dict)
    except ValueError:
        good = False
    if not good:
        raise RequestRefused(
            400,
            {
                name: [
                    "Cannot parse as JSON (error: not a dictionary) or YAML (error: not a"
                    " dictionary)."
                ]
            },
        )


class AwxStandIn:
    """The stand-in, while it serves on an address of this computer."""

    def __init__(self, run: Run = lambda _job: True) -> None:
        self.api = Api(run)
        lock, api = threading.Lock(), self.api

        class AwxHandler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _serve(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length)
                with lock:
                    try:
                        status, content = self._answer(body)
                    except RequestRefused as refused:
                        status, content = refused.status, refused.content
                data = b"" if content is None else json.dumps(content).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def _answer(self, body: bytes) -> tuple[int, Any]:
                if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                    raise RequestRefused(
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
                    raise RequestRefused(400, {"detail": f"JSON parse error - {error}"}) from error
                return api.answer(self.command, parts.path, dict(parse_qsl(parts.query)), sent)

            do_GET = do_POST = do_PATCH = do_DELETE = do_PUT = _serve

            def log_message(self, *words: object) -> None:
                """Nobody reads it."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), AwxHandler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> AwxStandIn:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.shutdown()
        self._server.server_close()
