# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Create the declared objects in AWX, or remove those that were created.

The plan only reads; the changes follow.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Callable, TypeVar

from .._core.errors import Problem, ShippingError, SpecError
from .awx_api import Awx, Object, ObjectInUse, connect, related
from .object_diff import (
    DeclaredObject,
    declared_in,
    differences,
    is_ours,
    payload,
    shown,
    shown_current,
    unknown,
)
from .object_types import BY_NAME, arguments
from .secret_fields import plain_values

_T = TypeVar("_T")
_RUNNING = ("new", "pending", "waiting", "running")
_NOT_FETCHED = ("failed", "error", "canceled")
# Seconds between two requests for the end of an update or a removal.
_INTERVAL = 0.5
# awx/main/access.py: objects that only system administrators of AWX may write, except their owners.
_FOR_ADMINISTRATORS = ("organizations", "credential_types")
# AWX removes these together with their organization, or leaves them without one.
_OF_ORGANIZATIONS = (
    "projects",
    "inventories",
    "job_templates",
    "workflow_job_templates",
    "credentials",
    "execution_environments",
    "notification_templates",
    "teams",
)

ARGUMENTS: dict[str, dict[str, Any]] = {
    "url": {"type": "str", "required": True},
    "token": {"type": "str", "required": True, "no_log": True},
    "validate_certs": {"type": "bool", "default": True},
    "ca_file": {"type": "path"},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "objects": {"type": "dict", "required": True, "options": arguments()},
    "adopt": {"type": "bool", "default": False},
    "update_secrets": {"type": "str", "choices": ["changed", "always"], "default": "changed"},
    "request_timeout": {"type": "int", "default": 30},
    "timeout": {"type": "int", "default": 300},
}


@dataclass
class ObjectPlan:
    """The plan for one object."""

    declared: DeclaredObject
    current: Object | None
    lists: dict[str, dict[str, int]] = field(default_factory=dict)
    """What AWX has in its related lists, by name."""
    unmanaged: bool = False
    """Whether the object is unmanaged, and stays as it is."""
    changes: dict[str, Any] = field(default_factory=dict)

    @property
    def changed_lists(self) -> list[str]:
        """Return the related lists that are to be changed."""
        return [
            name
            for name, names in self.declared.lists.items()
            if set(names) != set(self.lists.get(name, ()))
        ]

    @property
    def outcome(self) -> str:
        """Return the outcome."""
        if self.current is None:
            return "created"
        has_changes = not self.unmanaged and (self.changes or self.changed_lists)
        return "changed" if has_changes else "unchanged"


class ObjectSync:
    """One run: the ids of objects read and created so far, by type and name."""

    def __init__(self, awx: Awx, options: Mapping[str, Any], *, check_mode: bool) -> None:
        self.awx = awx
        self.adopt = options["adopt"]
        self.update_all_secrets = options["update_secrets"] == "always"
        self.check_mode = check_mode
        self.timeout = options["timeout"]
        self.deadline = time.monotonic() + self.timeout
        self.ids: dict[tuple[str, str], int | None] = {}
        self.undeclared: dict[tuple[str, str], Object] = {}
        """Objects that are referenced and not declared."""

    def plan(self, objects: Iterable[DeclaredObject]) -> list[ObjectPlan]:
        """Return the plan for each object; nothing is written."""
        steps, problems = list[ObjectPlan](), list[Problem]()
        for declared in objects:
            problems += self.read_references(declared)
            steps.append(self._step(declared, self.read(declared)))
            problems += self._unmanaged(steps[-1])
            problems += self._conflicts(steps[-1], steps)
        problems += self.missing_rights(step for step in steps if step.outcome != "unchanged")
        if problems:
            raise SpecError(problems, "the objects")
        return steps

    def read_references(self, declared: DeclaredObject) -> Iterable[Problem]:
        """Read the references of an object that are not declared."""
        for kind, name in declared.named_objects():
            if (kind, name) in self.ids:
                continue
            referred = self._undeclared(declared, kind, name)
            if referred is None:
                known_names = [known for known_kind, known in self.ids if known_kind == kind]
                yield unknown(declared, kind, name, known_names)
            else:
                self.ids[kind, name] = referred["id"]
                self.undeclared[kind, name] = referred

    def _undeclared(self, declared: DeclaredObject, kind: str, name: str) -> Object | None:
        """Return an object that is not declared, if possible of the same organization."""
        organization_name = declared.references.get("organization", "")
        organization = self.ids.get(("organizations", organization_name))
        if organization and "organization" in BY_NAME[kind].scope:
            same_organization = self.awx.find(kind, name=name, organization=organization)
            if same_organization:
                return same_organization
        return self.awx.find(kind, name=name)

    def read(self, declared: DeclaredObject) -> Object | None:
        """Return AWX's data of an object."""
        kind = declared.kind
        scope = {
            reference: self.ids.get((kind.references[reference], declared.references[reference]))
            for reference in kind.scope
        }
        current = None
        # Without the objects that contain it, it cannot exist.
        if None not in scope.values():
            current = self.awx.find(kind.name, name=declared.name, **scope)
        self.ids[kind.name, declared.name] = current["id"] if current else None
        return current

    def _step(self, declared: DeclaredObject, current: Object | None) -> ObjectPlan:
        if current is None:
            return ObjectPlan(declared, None)
        lists = {
            name: {
                str(item.get("name")): item["id"] for item in self.awx.all(related(current, name))
            }
            for name in declared.lists
        }
        # The organization may be unmanaged; objects within it are managed all the same.
        if declared.kind.name == "organizations" and not is_ours(current) and not self.adopt:
            return ObjectPlan(declared, current, lists, unmanaged=True)
        return ObjectPlan(declared, current, lists, changes=self._differences(declared, current))

    def _differences(self, declared: DeclaredObject, current: Object) -> dict[str, Any]:
        return differences(
            declared,
            current,
            self._reference_ids(declared),
            update_all_secrets=self.update_all_secrets,
        )

    def _reference_ids(self, declared: DeclaredObject) -> dict[str, int | None]:
        return {
            name: self.ids.get((declared.kind.references[name], value))
            for name, value in declared.references.items()
        }

    def _unmanaged(self, step: ObjectPlan) -> Iterable[Problem]:
        if step.current is None or step.unmanaged or self.adopt or is_ours(step.current):
            return
        yield Problem(
            f"{step.declared.kind.name}.{step.declared.name}",
            "is in AWX already, but is not managed by this module; write another name, or adopt:"
            " true to take it over",
        )

    def _conflicts(self, step: ObjectPlan, steps: Iterable[ObjectPlan]) -> Iterable[Problem]:
        """Return problems that AWX would report halfway."""
        declared, current = step.declared, step.current
        where = f"{declared.kind.name}.{declared.name}"
        if self.is_elsewhere(step):
            yield Problem(
                where,
                "is in AWX already, in another organization; its name is unique in all of AWX,"
                " which moves none: write another name",
            )
        owner = self._owner_of_project(declared, steps)
        if owner and owner != declared.references["organization"]:
            yield Problem(
                f"{where}.organization",
                f"is {declared.references['organization']}, but its project"
                f" {declared.references['project']} is in {owner}; AWX keeps both in one"
                f" organization: write {owner}",
            )
        if current and "inputs" in step.changes and declared.kind.name == "credential_types":
            users = self._names_of(current, "credentials")
            if users:
                yield Problem(
                    f"{where}.inputs",
                    f"is another list than in AWX, which keeps it while credentials are of this"
                    f" type: remove {', '.join(users)} first, or write another name",
                )

    def is_elsewhere(self, step: ObjectPlan) -> bool:
        """Return whether another organization has the object, whose name is unique in AWX."""
        kind, current = step.declared.kind, step.current
        if current is None or kind.scope or "organization" not in kind.references:
            return False
        owner = step.declared.references["organization"]
        return bool(current["organization"] != self.ids.get(("organizations", owner)))

    def _owner_of_project(self, declared: DeclaredObject, steps: Iterable[ObjectPlan]) -> str:
        """Return the organization of a job template's project, which AWX makes its own."""
        if declared.kind.name != "job_templates":
            return ""
        project = declared.references["project"]
        for step in steps:
            if (step.declared.kind.name, step.declared.name) == ("projects", project):
                return step.declared.references["organization"]
        summary = self.undeclared.get(("projects", project), {}).get("summary_fields") or {}
        return str((summary.get("organization") or {}).get("name", ""))

    def _names_of(self, current: Object, name: str) -> list[str]:
        return [str(item.get("name")) for item in self.awx.all(related(current, name))]

    def missing_rights(self, steps: Iterable[ObjectPlan]) -> Iterable[Problem]:
        """Return the objects that the token's user may not write, before the first write."""
        written = [
            step
            for step in steps
            if step.declared.kind.name in _FOR_ADMINISTRATORS and self._needs_administrator(step)
        ]
        user = self.awx.user() if written else {}
        if user.get("is_superuser", True):
            return
        for step in written:
            yield Problem(
                f"{step.declared.kind.name}.{step.declared.name}",
                f"can be written by system administrators of AWX only, and {user.get('username')}"
                " is not one; set the token of one, or let one create it first",
            )

    def _needs_administrator(self, step: ObjectPlan) -> bool:
        if step.declared.kind.name != "organizations":
            return True
        # An organization's own administrators may change the rest, and remove it.
        return step.current is None or "max_hosts" in step.changes

    def credential_type_inputs(self) -> dict[str, Mapping[str, Any]]:
        """Return the inputs of credential types that AWX has, by name."""
        return {
            name: referred.get("inputs") or {}
            for (kind, name), referred in self.undeclared.items()
            if kind == "credential_types"
        }

    def apply(self, step: ObjectPlan) -> None:
        """Apply the plan of one object."""
        if step.outcome == "unchanged":
            self._retry_update(step)
            return
        declared = step.declared
        if step.current is None:
            sent = payload(declared, self._reference_ids(declared), {})
            step.current = self.awx.make(declared.kind.name, declared.title, sent)
            self.ids[declared.kind.name, declared.name] = step.current["id"]
        elif step.changes:
            # The plan had no ids of objects to be created; by now they exist.
            sent = self._differences(declared, step.current)
            step.current = self.awx.change(step.current, declared.title, sent)
        for name in declared.lists:
            self._update_list(step, name)
        if declared.kind.name == "projects":
            self._wait_for_project(step.current, declared.title)

    def _update_list(self, step: ObjectPlan, name: str) -> None:
        declared, current_ids = step.declared, step.lists.get(name, {})
        place = related(step.current or {}, name)
        # First, since AWX takes one credential of each type.
        for removed in sorted(set(current_ids) - set(declared.lists[name])):
            self.awx.post(place, declared.title, {"id": current_ids[removed], "disassociate": True})
        for added in declared.lists[name]:
            if added not in current_ids:
                self.awx.post(
                    place, declared.title, {"id": self.ids[declared.kind.lists[name], added]}
                )

    def _retry_update(self, step: ObjectPlan) -> None:
        """Update a project whose last update has failed, because its playbooks are missing."""
        current, title = step.current, step.declared.title
        # Job templates and inventory sources have a status, too: that of their last job.
        if step.declared.kind.name != "projects" or current is None:
            return
        if current.get("status") in _NOT_FETCHED:
            self.awx.post(related(current, "update"), title, {})
            self._wait_for_project(current, title)

    def _wait_for_project(self, project: Object, title: str) -> None:
        """Wait until the playbooks are fetched; job templates need them."""
        if project.get("status") == "never updated":
            self.awx.post(related(project, "update"), title, {})
        ended = self._until(lambda: self._ended_update(project), f"{title} is still being fetched")
        if ended.get("status") != "successful":
            last = (ended.get("summary_fields") or {}).get("last_job") or {}
            raise ShippingError(
                f"{title} could not be fetched",
                f"its update {last.get('id', '')} ended with {ended.get('status')}".replace(
                    "  ", " "
                ),
                "Check its output in AWX, and scm_url, scm_branch and credential:"
                f" {project['url']}",
            )

    def _ended_update(self, project: Object) -> Object | None:
        current = self.awx.get(project["url"])
        return None if current.get("status") in (*_RUNNING, "never updated") else current

    def _until(self, poll: Callable[[], _T | None], waiting: str) -> _T:
        while True:
            result = poll()
            if result is not None:
                return result
            if time.monotonic() > self.deadline:
                raise ShippingError(
                    waiting,
                    f"after {self.timeout} s",
                    "Check what AWX does, or raise timeout",
                )
            time.sleep(_INTERVAL)

    def remove(self, step: ObjectPlan) -> None:
        """Remove an object, and wait until AWX has removed it."""
        current, title = step.current or {}, step.declared.title

        def try_to_remove() -> bool | None:
            try:
                self.awx.remove(current, title)
            except ObjectInUse:
                if time.monotonic() > self.deadline:
                    raise
                return None
            return True

        # AWX answers 409 as long as jobs use the object, and then 403 until it has stored what they
        # printed.
        self._until(try_to_remove, f"{title} is still used by jobs")
        # AWX answers 202 to the removal of an inventory, and removes it in the background.
        self._until(
            lambda: None if self.read(step.declared) else True, f"{title} is still being removed"
        )

    def others_in(self, step: ObjectPlan, steps: Iterable[ObjectPlan]) -> list[str]:
        """Return undeclared parts of an object that prevent its removal."""
        current = step.current or {}
        kinds = {"organizations": _OF_ORGANIZATIONS, "credential_types": ("credentials",)}
        declared = {(one.declared.kind.name, one.current["id"]) for one in steps if one.current}
        others = []
        for kind in kinds.get(step.declared.kind.name, ()):
            others += [
                f"{kind} {item['name']}"
                for item in self.awx.all(related(current, kind))
                if (kind, item["id"]) not in declared
            ]
        if step.declared.kind.name == "organizations":
            others += self._users_with_roles(current)
        return others

    def _users_with_roles(self, organization: Object) -> list[str]:
        """Return the users with a role in the organization."""
        own = self.awx.user().get("id")
        # System administrators are in this list, too, with indirect access.
        return [
            f"users {user.get('username')}"
            for user in self.awx.all(related(organization, "access_list"))
            if user["id"] != own and (user.get("summary_fields") or {}).get("direct_access")
        ]


def run(
    options: Mapping[str, Any], *, check_mode: bool, disclose: Callable[[set[str]], None]
) -> dict[str, Any]:
    """Return the result of the module; ``disclose`` receives values that are not secret."""
    token = {str(options["token"])}
    disclose(plain_values(options["objects"]) - token)
    verify: bool | str = bool(options["validate_certs"])
    if verify and options["ca_file"]:
        verify = str(options["ca_file"])
    awx = connect(options["url"], options["token"], verify, options["request_timeout"])
    act = sync_objects if options["state"] == "present" else remove_objects
    sync = ObjectSync(awx, options, check_mode=check_mode)
    try:
        return act(sync, options["objects"])
    finally:
        disclose(plain_values(options["objects"], sync.credential_type_inputs()) - token)


def sync_objects(sync: ObjectSync, objects: Mapping[str, Any]) -> dict[str, Any]:
    """Create or change all declared objects."""
    steps = sync.plan(declared_in(objects))
    outcomes = [step.outcome for step in steps]
    # Before the changes, which add created objects to the steps.
    diff = _diff(steps)
    for step in () if sync.check_mode else steps:
        sync.apply(step)
    return {
        "changed": any(outcome != "unchanged" for outcome in outcomes),
        "objects": _result(steps, outcomes),
        "diff": diff,
    }


def remove_objects(sync: ObjectSync, objects: Mapping[str, Any]) -> dict[str, Any]:
    """Remove the declared objects of this module, in reverse order."""
    steps = []
    for declared in declared_in(objects):
        list(sync.read_references(declared))  # For the ids; what is missing does not matter here.
        steps.append(ObjectPlan(declared, sync.read(declared)))
    _check_removal_rights(sync, steps)
    outcomes, notes = [], []
    # The other way round: AWX does not remove what another object uses.
    for step in reversed(steps):
        outcome, reasons = _remove(sync, step, steps)
        outcomes.append(outcome)
        notes += reasons
    return {
        "changed": "removed" in outcomes,
        "objects": _result(list(reversed(steps)), outcomes),
        "shown_warnings": notes,
        "diff": _diff_of_removal(reversed(steps), outcomes),
    }


def _check_removal_rights(sync: ObjectSync, steps: Iterable[ObjectPlan]) -> None:
    problems = list(
        sync.missing_rights(step for step in steps if step.current and is_ours(step.current))
    )
    if problems:
        raise SpecError(problems, "the objects")


def _remove(sync: ObjectSync, step: ObjectPlan, steps: list[ObjectPlan]) -> tuple[str, list[str]]:
    if step.current is None:
        return "absent", []
    if not is_ours(step.current):
        return "kept", [f"{step.declared.title} stays, because this module does not manage it"]
    if sync.is_elsewhere(step):
        return "kept", [f"{step.declared.title} stays, because it is in another organization"]
    others = sync.others_in(step, steps)
    if others:
        return "kept", [f"{step.declared.title} stays, because it has {', '.join(others)}"]
    if not sync.check_mode:
        sync.remove(step)
    return "removed", []


def _result(steps: Iterable[ObjectPlan], outcomes: Iterable[str]) -> list[dict[str, Any]]:
    return [
        {
            "type": step.declared.kind.name,
            "name": step.declared.name,
            "id": (step.current or {}).get("id"),
            "outcome": outcome,
        }
        for step, outcome in zip(steps, outcomes)
    ]


def _diff(steps: Iterable[ObjectPlan]) -> dict[str, Any]:
    before, after = {}, {}
    for step in steps:
        if step.outcome != "unchanged":
            title = f"{step.declared.kind.name} {step.declared.name}"
            after[title] = shown(step.declared)
            if step.current is not None:
                before[title] = shown_current(step.declared, step.current, step.lists)
    return {"before": before, "after": after}


def _diff_of_removal(steps: Iterable[ObjectPlan], outcomes: Iterable[str]) -> dict[str, Any]:
    removed = {
        f"{step.declared.kind.name} {step.declared.name}": "present"
        for step, outcome in zip(steps, outcomes)
        if outcome == "removed"
    }
    return {"before": removed, "after": {}}
