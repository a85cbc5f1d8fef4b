# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A delivery: bringing a machine to exactly the tools of its users' projects.

Look, compare, build what is missing beside what is there, test it, switch by one rename, tidy up.
Until the switch nothing that anybody uses is touched; a run that ends anywhere leaves what was
there before, and the next one goes on.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple

from .._core.errors import innermost
from . import (
    revision_order,
    self_test,
    targets,
    view_layout,
    wanted_tools,
    workstation,
)
from .atomic_files import read_json, write_json
from .bundle_reader import Bundle
from .delivery_errors import DeliveryError, Outdated
from .garbage_collection import settle
from .generation_model import Generation, Tool, View
from .generations import Generations
from .host_assignment import check_record
from .installers.installer import Facts
from .shell_integration import enrol
from .targets import Target
from .tool_store import Store
from .wanted_tools import Source

_STATE = "state.json"


class Request(NamedTuple):
    """What is asked of a machine."""

    root: str
    record: Mapping[str, Any]
    manifests: list[dict[str, Any]]
    hold: bool = False
    may_remove: targets.Pairs = frozenset()
    keep: int = 3
    grace: float = 0
    accept_older: bool = False
    enrol: bool = True
    test_timeout: int = 60
    lock_timeout: float = 60
    uv_sha256: str = ""
    bundle: Bundle = Bundle()
    unsent: Mapping[str, str] = MappingProxyType({})
    """Why objects are not in the bundle, by key."""
    check: bool = False
    etc: str = "/etc"


class Failure(NamedTuple):
    """A tool that could not be made ready for somebody."""

    key: tuple[str, str, str]
    text: str
    data: dict[str, Any]


@dataclass
class Answer:
    """What came of it."""

    changed: bool = False
    missing: list[dict[str, Any]] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    enrolled: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)


def deliver(request: Request) -> dict[str, Any]:
    """Do it, alone on this machine."""
    workstation.check(request.root)
    check_record(request.record)
    if request.check and not os.path.isdir(request.root):
        return _Delivery(request).run()
    with workstation.locked(request.root, request.lock_timeout):
        return _Delivery(request).run()


class _Delivery:
    """One run on a machine whose lock is held."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.generations, self.store = Generations(request.root), Store(request.root)
        self.facts = workstation.facts()
        self.now = stamp()
        self.have = self.generations.current()
        self.answer = Answer()
        self.wished: set[str] = set()
        """Objects that the record asks for, also where their tools are not ready; they need not be sent again."""

    def run(self) -> dict[str, Any]:
        """All steps, in their order."""
        request, answer = self.request, self.answer
        answer.notes += _ordered_after(self._last_serial(), request)
        if request.enrol:
            answer.enrolled = enrol(request.root, request.etc, request.check)
        wanted = wanted_tools.wanted(request.record, request.manifests, self.facts)
        people = workstation.people([wish.name for wish in wanted.wishes], self.have)
        target = targets.target(
            self.have, wanted.wishes, people, self.now, request.hold, request.may_remove
        )
        answer.notes += [*target.notes, *wanted.passed_over]
        sources = {**wanted.sources, **self._uv(wanted.sources)}
        views, missing = self._placed(target.views, sources)
        answer.missing = [_asked(key, sources[key], self.facts) for key in missing]
        if request.check or (missing and not request.bundle):
            return self._told(target, views, self._would_change(views) or bool(missing))
        views = self._built(views, missing, sources)
        self._remember_serial()
        changed = self._switched(views)
        if not target.held:
            changed |= self._settled(sources)
        return self._told(target, self.generations.current().views, changed)

    def _settled(self, sources: Mapping[str, Source]) -> bool:
        """Tidy up, which a run does not that has to leave removals for later.

        Whether there was anything to do.
        """
        settled = settle(
            self.request.root,
            self.request.keep,
            self.request.grace,
            time.time(),
            self.wished | self._uv_places(sources),
        )
        self.answer.removed = settled.removed
        return settled.changed

    def _uv(self, sources: Mapping[str, Source]) -> dict[str, Source]:
        """The program that installs Python packages is an object of the store too."""
        if not self.request.uv_sha256 or not any(
            source.kind == "python" for source in sources.values()
        ):
            return {}
        entry = {"kind": "binary", "name": "uv", "version": ""}
        details, commands = {"sha256": self.request.uv_sha256}, {"uv": "uv"}
        return {
            wanted_tools.object_key(entry, details, commands, self.facts): Source(
                "", "uv", "binary", 0, details, commands
            )
        }

    def _uv_places(self, sources: Mapping[str, Source]) -> set[str]:
        return {self.store.find(key) for key in self._uv(sources)}

    def _placed(
        self, views: tuple[View, ...], sources: Mapping[str, Source]
    ) -> tuple[tuple[View, ...], list[str]]:
        """The views with where each tool is in the store, and the keys of what is not there."""
        places: dict[str, str] = {}
        missing = []
        for tool in (tool for view in views for tool in view.tools if tool.object):
            if tool.object in places:
                continue
            place = (
                tool.place
                if tool.place and self.store.is_sound(tool.place)
                else self.store.find(tool.object)
            )
            if not place and tool.object in sources:
                missing.append(tool.object)
            elif not place:
                self.answer.notes.append(
                    f"{tool.project} {tool.name} is damaged, and is not in the catalogue any more"
                )
            places[tool.object] = place or tool.place
        self.wished |= set(places.values())
        if any(sources[key].kind == "python" for key in missing):
            missing = [*(key for key in self._uv(sources) if not self.store.find(key)), *missing]
        return (
            tuple(
                view._replace(
                    tools=tuple(
                        tool._replace(place=places.get(tool.object, "")) for tool in view.tools
                    )
                )
                for view in views
            ),
            missing,
        )

    def _built(
        self, views: tuple[View, ...], missing: list[str], sources: Mapping[str, Source]
    ) -> tuple[View, ...]:
        """The views with everything that was missing in its place.

        What cannot be built stays as it was.
        """
        places, broken = {}, {}
        for key in missing:
            try:
                places[key] = self._build(key, sources)
            except (DeliveryError, OSError) as error:
                broken[key] = (
                    str(error)
                    if isinstance(error, DeliveryError)
                    else f"{sources[key].tool} cannot be written: {innermost(error)}"
                )
        self.wished |= set(places.values())
        for view, tool in Generation(views=views).tools:
            if tool.object in broken:
                self._fail(view, tool, broken[tool.object])
        placed = (
            view._replace(
                tools=tuple(
                    tool._replace(place=places.get(tool.object, tool.place)) for tool in view.tools
                )
            )
            for view in views
        )
        return targets.without(placed, {failure.key for failure in self.answer.failures}, self.have)

    def _build(self, key: str, sources: Mapping[str, Source]) -> str:
        if key in self.request.unsent:
            raise DeliveryError(self.request.unsent[key])
        place = self.store.begin(key)
        try:
            self.request.bundle.extract(key, self.store.path(place, "given"))
            uv = (
                next(
                    (self.store.path(found, "files", "uv") for found in self._uv_places(sources)),
                    "",
                )
                if sources[key].kind == "python"
                else ""
            )
            self.store.install(place, sources[key], self.facts, uv)
        except BaseException:
            self.store.remove(place)
            raise
        return place

    def _fail(self, view: View, tool: Tool, why: str) -> None:
        failed = self_test.Failed(view, tool, why)
        self.answer.failures.append(Failure(failed.key, self_test.told([failed]), failed.as_data()))

    def _would_change(self, views: tuple[View, ...]) -> bool:
        return not targets.same(views, self.have.views) or not (
            self.have.number == 0 or self.generations.is_sound(self.have)
        )

    def _switched(self, views: tuple[View, ...]) -> bool:
        """Draft, test and switch to a new generation, where there is a difference.

        Whether there was.
        """
        if not self._would_change(views):
            return False
        self._let_in(views)
        draft = self.generations.draft(views)
        failed = self_test.failures(views, os.path.join(draft, "users"), self.request.test_timeout)
        if failed:
            self.answer.failures += [
                Failure(one.key, self_test.told([one]), one.as_data()) for one in failed
            ]
            views = targets.without(views, {one.key for one in failed}, self.have)
            self.generations.discard()
            if not self._would_change(views):
                return False
            self.generations.draft(views)
        publish(self.request.root, views, self.now)
        return True

    def _let_in(self, views: tuple[View, ...]) -> None:
        """Users may enter what they get before they see it; who leaves may until the switch."""
        users: dict[str, set[int]] = {}
        for view in views:
            for tool in view.tools:
                if tool.place:
                    users.setdefault(tool.place, set()).add(view.uid)
        for place, uids in users.items():
            self.store.allow(place, uids | self.store.users(place))

    def _last_serial(self) -> str:
        state = read_json(os.path.join(self.request.root, _STATE)) or {}
        return str(state.get("serial", ""))

    def _remember_serial(self) -> None:
        """Before the switch: a run that is killed after it must not let an older record in."""
        if self.request.record["serial"] != self._last_serial():
            write_json(
                os.path.join(self.request.root, _STATE),
                {
                    "machine": self.request.record["machine"],
                    "serial": self.request.record["serial"],
                },
            )

    def _told(self, target: Target, views: tuple[View, ...], changed: bool) -> dict[str, Any]:
        answer = self.answer
        answer.notes += [note for view in views for note in view_layout.clashes(view)]
        unsent = bool(answer.missing and not self.request.bundle)
        held = target.removals if self.request.check or unsent else target.held
        return {
            "changed": changed or bool(answer.enrolled),
            "generation": self.generations.current().number,
            "missing": answer.missing if not self.request.bundle else [],
            "removals": [
                {**removal.as_data(), "held": removal in held} for removal in target.removals
            ],
            "held": bool(held),
            "receipt": receipt(self.have),
            "users": users(views),
            "unknown": list(target.unknown),
            "ready": not answer.failures and not target.unknown and not held and not unsent,
            "failures": [failure.data for failure in answer.failures],
            "notes": answer.notes,
            "enrolled": answer.enrolled,
            "removed": answer.removed,
            "told": [failure.text for failure in answer.failures],
            "diff": diff(self.have.views, views),
        }


def publish(root: str, views: tuple[View, ...], now: str, back_to: int | None = None) -> None:
    """Make a generation of the draft, and let users see it."""
    generations = Generations(root)
    ready = tuple(
        view._replace(tools=tuple(tool._replace(ready=tool.ready or now) for tool in view.tools))
        for view in views
    )
    generation = Generation(generations.next_number(), now, ready, back_to)
    generations.publish(generation)
    generations.switch(generation.number)


def stamp() -> str:
    """Now, in UTC."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def receipt(generation: Generation) -> list[dict[str, Any]]:
    """Who has which projects, as in a membership record."""
    return [
        {"id": view.id, "name": view.name, "projects": view.projects} for view in generation.views
    ]


def users(views: tuple[View, ...]) -> list[dict[str, Any]]:
    """Who has which tools, since when they were asked for and when they were ready."""
    return [
        {"id": view.id, "name": view.name, "tools": list(map(_tool, view.tools))} for view in views
    ]


def _tool(tool: Tool) -> dict[str, Any]:
    keys = ("project", "name", "kind", "version", "description", "asked", "ready")
    return {**{key: getattr(tool, key) for key in keys}, "commands": sorted(tool.commands)}


def diff(before: tuple[View, ...], after: tuple[View, ...]) -> dict[str, str]:
    """As Ansible shows it."""
    return {
        name: "".join(f"{line}\n" for line in targets.lines(views))
        for name, views in (("before", before), ("after", after))
    }


def _asked(key: str, source: Source, facts: Facts) -> dict[str, Any]:
    """What the control machine needs to know to send it, with what it has to fit."""
    python = (
        workstation.version_behind(source.details["python"], "")
        if source.details.get("python")
        else facts.python_version
    )
    system = {"os": facts.os, "arch": facts.arch, "python": python}
    return {
        "object": key,
        "project": source.project,
        "tool": source.tool,
        "variant": source.variant,
        "system": system,
    }


def _ordered_after(last: str, request: Request) -> Iterator[str]:
    order = revision_order.compare(request.record["serial"], last)
    if order.older and not request.accept_older:
        raise Outdated(
            "the record is older than the last one that this machine has applied",
            f"its serial is {request.record['serial']}, and {last} was applied",
            "Read the directory again, without its cache; accept_older: true applies it all the"
            " same",
            serial=request.record["serial"],
            last_serial=last,
        )
    if order.older:
        yield f"an older record is applied: {request.record['serial']} after {last}"
    if order.other_source:
        yield f"the serial is from another source: {request.record['serial']} after {last}"
