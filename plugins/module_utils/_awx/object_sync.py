# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes AWX have what is wanted, or takes away what was made.

First a plan by reading alone, then the changes.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Callable, TypeVar

from .._core.errors import Problem, ShippingError, SpecError
from .awx_api import Awx, Busy, Object, connect
from .object_diff import (
    Wanted,
    differences,
    is_ours,
    payload,
    shown,
    shown_of,
    unknown,
    wanted_of,
)
from .object_types import BY_NAME, arguments

_T = TypeVar("_T")
_RUNNING = ("new", "pending", "waiting", "running")
_NOT_FETCHED = ("failed", "error", "canceled")
_INTERVAL = 0.5
# What would go with an organization.
_INSIDE = (
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
class Step:
    """What is to be done about one object."""

    wanted: Wanted
    have: Object | None
    lists: dict[str, dict[str, int]] = field(default_factory=dict)
    """What AWX has in its related lists, by name."""
    left: bool = False
    """It is somebody else's, and stays as it is."""
    changes: dict[str, Any] = field(default_factory=dict)

    @property
    def changed_lists(self) -> list[str]:
        """The related lists that are to be others."""
        return [
            name
            for name, names in self.wanted.lists.items()
            if set(names) != set(self.lists.get(name, ()))
        ]

    @property
    def verb(self) -> str:
        """What is done, in a word."""
        if self.have is None:
            return "made"
        return "changed" if not self.left and (self.changes or self.changed_lists) else "unchanged"


class Keeper:
    """One run: what was read and made so far, by kind, scope and name."""

    def __init__(self, awx: Awx, options: Mapping[str, Any], check: bool) -> None:
        self.awx = awx
        self.options = options
        self.check = check
        self.deadline = time.monotonic() + options["timeout"]
        self.known: dict[tuple[str, str], int | None] = {}

    def plan(self, wanted: Iterable[Wanted]) -> list[Step]:
        """What is to be done, object by object; nothing is written."""
        steps, problems = [], list[Problem]()
        for one in wanted:
            problems += self.learn(one)
            steps.append(self._step(one, self.find(one)))
            problems += self._foreign(steps[-1])
        if problems:
            raise SpecError(problems, "the objects")
        return steps

    def learn(self, one: Wanted) -> Iterable[Problem]:
        """Look up what an object names and is not declared."""
        names = [(one.kind.references[name], value) for name, value in one.references.items()]
        names += [
            (one.kind.lists[name], value) for name, values in one.lists.items() for value in values
        ]
        for kind, name in names:
            if (kind, name) not in self.known:
                found = self._of_others(one, kind, name)
                if found is None:
                    yield unknown(
                        one, kind, name, [known for of, known in self.known if of == kind]
                    )
                else:
                    self.known[kind, name] = found["id"]

    def _of_others(self, one: Wanted, kind: str, name: str) -> Object | None:
        """An object that is not declared, if possible of the same organization."""
        within = self.known.get(("organizations", one.references.get("organization", "")))
        own = (
            self.awx.find(kind, name=name, organization=within)
            if within and BY_NAME[kind].scope == "organization"
            else None
        )
        return own or self.awx.find(kind, name=name)

    def find(self, one: Wanted) -> Object | None:
        """What AWX has of an object."""
        scope = one.kind.scope
        within = (
            self.known.get((one.kind.references[scope], one.references[scope])) if scope else None
        )
        query = {scope: within} if scope else {}
        have = (
            None
            if scope and within is None
            else self.awx.find(one.kind.name, name=one.name, **query)
        )
        self.known[one.kind.name, one.name] = have["id"] if have else None
        return have

    def _step(self, one: Wanted, have: Object | None) -> Step:
        if have is None:
            return Step(one, None)
        left = one.kind.name == "organizations" and not is_ours(have) and not self.options["adopt"]
        lists = {
            name: {item["name"]: item["id"] for item in self.awx.all(have["related"][name])}
            for name in one.lists
        }
        again = self.options["update_secrets"] == "always"
        return Step(
            one, have, lists, left, {} if left else differences(one, have, self._ids(one), again)
        )

    def _ids(self, one: Wanted) -> dict[str, int | None]:
        return {
            name: self.known.get((one.kind.references[name], value))
            for name, value in one.references.items()
        }

    def _foreign(self, step: Step) -> Iterable[Problem]:
        if (
            step.have is not None
            and not step.left
            and not is_ours(step.have)
            and not self.options["adopt"]
        ):
            where = f"{step.wanted.kind.name}.{step.wanted.name}"
            yield Problem(
                where,
                "is in AWX already, made by somebody else; write another name, or adopt: true to"
                " take it over",
            )

    def apply(self, step: Step) -> None:
        """Do what the plan says about one object."""
        if step.verb == "unchanged":
            return self._fetch_again(step)
        one = step.wanted
        if step.have is None:
            step.have = self.awx.make(one.kind.name, one.title, payload(one, self._ids(one), {}))
            self.known[one.kind.name, one.name] = step.have["id"]
        elif step.changes:
            # By now, everything that it refers to is there.
            again = self.options["update_secrets"] == "always"
            step.have = self.awx.change(
                step.have, one.title, differences(one, step.have, self._ids(one), again)
            )
        for name in one.lists:
            self._settle_list(step, name)
        return self._wait_for_project(step.have, one.title) if one.kind.name == "projects" else None

    def _settle_list(self, step: Step, name: str) -> None:
        have, one = step.have or {}, step.wanted
        place, had = have["related"][name], step.lists.get(name, {})
        for gone in sorted(set(had) - set(one.lists[name])):
            self.awx.post(place, one.title, {"id": had[gone], "disassociate": True})
        for new in one.lists[name]:
            if new not in had:
                self.awx.post(place, one.title, {"id": self.known[one.kind.lists[name], new]})

    def _fetch_again(self, step: Step) -> None:
        """A project whose last update has failed may be there now.

        Until then, its playbooks are not.
        """
        if step.have and not step.left and step.have.get("status") in _NOT_FETCHED:
            self.awx.post(step.have["related"]["update"], step.wanted.title, {})
            self._wait_for_project(step.have, step.wanted.title)

    def _wait_for_project(self, have: Object, title: str) -> None:
        """A job template can be made when its playbook has been fetched."""
        if have["status"] == "never updated":
            self.awx.post(have["related"]["update"], title, {})
        ended = self._until(lambda: self._project_ended(have), f"{title} is still being fetched")
        if ended["status"] != "successful":
            last = (ended.get("summary_fields") or {}).get("last_job") or {}
            raise ShippingError(
                f"{title} could not be fetched",
                f"its update {last.get('id', '')} ended with {ended['status']}".replace("  ", " "),
                "Look at its output in AWX, and at scm_url, scm_branch and credential:"
                f" {have['url']}",
            )

    def _project_ended(self, have: Object) -> Object | None:
        now = self.awx.get(have["url"])
        return None if now["status"] in (*_RUNNING, "never updated") else now

    def _until(self, look: Callable[[], _T | None], waiting: str) -> _T:
        while True:
            found = look()
            if found is not None:
                return found
            if time.monotonic() > self.deadline:
                raise ShippingError(
                    waiting,
                    f"after {self.options['timeout']} s",
                    "Look what AWX does, or write a longer timeout",
                )
            time.sleep(_INTERVAL)

    def remove(self, step: Step) -> None:
        """Remove an object, and wait until it is gone."""
        have, title = step.have or {}, step.wanted.title

        def try_it() -> bool | None:
            try:
                self.awx.remove(have, title)
            except Busy:
                if time.monotonic() > self.deadline:
                    raise
                return None
            return True

        self._until(try_it, f"{title} is still used by jobs")
        self._until(
            lambda: None if self.find(step.wanted) else True, f"{title} is still being removed"
        )

    def inside(self, have: Object, steps: Iterable[Step]) -> list[str]:
        """What an organization still has that would go with it."""
        own = {(step.wanted.kind.name, step.have["id"]) for step in steps if step.have}
        found = []
        for kind in _INSIDE:
            others = [
                one for one in self.awx.all(have["related"][kind]) if (kind, one["id"]) not in own
            ]
            found += [f"{kind} {one['name']}" for one in others]
        return found


def run(options: Mapping[str, Any], check: bool) -> dict[str, Any]:
    """What a call of the module comes to."""
    verify: bool | str = options["ca_file"] or True if options["validate_certs"] else False
    awx = connect(options["url"], options["token"], verify, options["request_timeout"])
    work = keep if options["state"] == "present" else take_away
    return work(awx, options, check)


def keep(awx: Awx, options: Mapping[str, Any], check: bool) -> dict[str, Any]:
    """Everything that is wanted, made or changed."""
    keeper = Keeper(awx, options, check)
    steps = keeper.plan(wanted_of(options["objects"]))
    verbs = [step.verb for step in steps]
    diff = _diff(steps)
    for step in () if check else steps:
        keeper.apply(step)
    return {
        "changed": any(verb != "unchanged" for verb in verbs),
        "objects": _told(steps, verbs),
        "diff": diff,
    }


def take_away(awx: Awx, options: Mapping[str, Any], check: bool) -> dict[str, Any]:
    """Everything of our making that is named, removed; the last made first."""
    keeper = Keeper(awx, options, check)
    steps, told = [], []
    for one in wanted_of(options["objects"]):
        list(keeper.learn(one))
        steps.append(Step(one, keeper.find(one)))
    verbs = []
    for step in reversed(steps):
        verb, remark = _end(keeper, step, steps)
        verbs.append(verb)
        told += remark
    return {
        "changed": "removed" in verbs,
        "objects": _told(list(reversed(steps)), verbs),
        "told": told,
        "diff": _diff_of_removal(reversed(steps), verbs),
    }


def _end(keeper: Keeper, step: Step, steps: list[Step]) -> tuple[str, list[str]]:
    if step.have is None:
        return "absent", []
    if not is_ours(step.have):
        return "left", [f"{step.wanted.title} stays, since it is not of this module's making"]
    if step.wanted.kind.name == "organizations":
        others = keeper.inside(step.have, steps)
        if others:
            return "left", [f"{step.wanted.title} stays, since it has {', '.join(others)}"]
    if not keeper.check:
        keeper.remove(step)
    return "removed", []


def _told(steps: Iterable[Step], verbs: Iterable[str]) -> list[dict[str, Any]]:
    return [
        {
            "kind": step.wanted.kind.name,
            "name": step.wanted.name,
            "id": (step.have or {}).get("id"),
            "outcome": verb,
        }
        for step, verb in zip(steps, verbs)
    ]


def _diff(steps: Iterable[Step]) -> dict[str, Any]:
    before, after = {}, {}
    for step in steps:
        if step.verb != "unchanged":
            title = f"{step.wanted.kind.name} {step.wanted.name}"
            after[title] = shown(step.wanted)
            if step.have is not None:
                before[title] = shown_of(step.wanted, step.have, step.lists)
    return {"before": before, "after": after}


def _diff_of_removal(steps: Iterable[Step], verbs: Iterable[str]) -> dict[str, Any]:
    removed = {
        f"{step.wanted.kind.name} {step.wanted.name}": "present"
        for step, verb in zip(steps, verbs)
        if verb == "removed"
    }
    return {"before": removed, "after": {}}
