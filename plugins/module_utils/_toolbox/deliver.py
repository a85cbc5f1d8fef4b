# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deliver exactly the tools of its users' projects to a host.

The steps: inspect, compare, build missing objects beside the existing ones, test them, switch by
one rename, collect garbage. Until the switch, users keep what they had. If a run is interrupted,
the next one completes the delivery.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from .._core.errors import innermost
from . import (
    delivery_report,
    helper_programs,
    holds,
    path_overrides,
    revision_order,
    startable_commands,
    targets,
    tool_needs,
    view_layout,
    wanted_tools,
    workstation,
)
from .atomic_files import read_json, write_json
from .bundle_reader import Bundle
from .delivery_errors import DeliveryError, OutdatedRecord
from .failed_tool import FailedTool, Key
from .garbage_collection import collect_garbage
from .generation_model import Generation, Tool, View
from .generations import Generations, publish_draft, utc_now
from .helper_programs import HelperProgram
from .host_assignment import check_record, unusable_logins
from .host_packages import HostPackages
from .shell_integration import install_shell_integration
from .targets import ToolboxTarget, ToolRemoval
from .tool_store import Store
from .wanted_tools import CatalogFault, Source

_STATE = "state.json"


class Request(NamedTuple):
    """The target of a delivery to a host, and its options."""

    root: str
    record: Mapping[str, Any]
    manifests: list[dict[str, Any]]
    block_removals: bool = False
    approved_removals: targets.Pairs = frozenset()
    keep: int = 3
    grace: float = 0
    accept_older: bool = False
    integrate_shells: bool = True
    test_timeout: int = 60
    lock_timeout: float = 60
    programs: Mapping[str, str] = MappingProxyType({})
    """The checksums of the helper programs that the controller can send, by name."""
    bundle: Bundle = Bundle()
    unsent: Mapping[str, str] = MappingProxyType({})
    """Why objects are not in the bundle, by key."""
    check_mode: bool = False
    etc: str = "/etc"
    unhold: tuple[str, ...] = ()
    """Projects and tools, as ``PROJECT`` or ``PROJECT/TOOL``, to update again."""


class _Progress:
    """Actions and notes of a delivery so far."""

    def __init__(self) -> None:
        self.missing: list[dict[str, Any]] = []
        self.failures: list[FailedTool] = []
        self.faults: list[dict[str, str]] = []
        self.unsent: set[Key] = set()
        """Tools whose content the controller could not get. They are among the faults."""
        self.notes: list[str] = []
        self.integrated: list[str] = []
        self.removed: list[str] = []


def deliver(request: Request) -> dict[str, Any]:
    """Deliver what is requested, as the only run on this workstation."""
    workstation.check(request.root)
    check_record(request.record)
    # The lock is a file in this folder, which check mode must not make.
    if request.check_mode and not os.path.isdir(request.root):
        return _Delivery(request).run()
    with workstation.locked(request.root, request.lock_timeout):
        return _Delivery(request).run()


class _Delivery:
    """One run on a host, which has the lock."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.generations, self.store = Generations(request.root), Store(request.root)
        self.facts = workstation.facts()
        self.now = utc_now()
        self.current = self.generations.current()
        """What users have before this run."""
        self.last_revision = _last_revision(request.root)
        self.progress = _Progress()
        self.packages = HostPackages(request.root, request.lock_timeout, dry=request.check_mode)
        self.held: holds.Holds = {}
        self.has_unheld = False
        self.wanted_places: set[str] = set()
        """Objects that the record needs, also where their tools are not ready.

        They stay in the store, so that they need not be sent again.
        """

    def run(self) -> dict[str, Any]:
        """Take all steps, in their order."""
        request, progress = self.request, self.progress
        progress.notes += _notes_on_order(self.last_revision, request)
        # First, since shells that are opened before this lack the PATH.
        if request.integrate_shells:
            progress.integrated = install_shell_integration(
                request.root, request.etc, check_mode=request.check_mode
            )
            progress.notes += path_overrides.notes(request.etc)
        wanted = self._with_holds(
            wanted_tools.wanted(request.record, request.manifests, self.facts)
        )
        target = self._target(wanted)
        progress.notes += [*target.notes, *wanted.skipped, *_notes_on_logins(request.record)]
        programs = self._programs(wanted.sources.values())
        sources = {**wanted.sources, **{program.key: program.source for program in programs}}
        views, missing = self._locate(self._without_needs(target.views), sources)
        progress.missing = [
            delivery_report.missing(key, sources[key], self.facts) for key in missing
        ]
        progress.faults = [fault.as_data() for fault in wanted.faults]
        if request.check_mode:
            views = self._with_packages(views)
            self.packages.remove_others(views)
        if request.check_mode or (missing and not request.bundle):
            changed = any((self._would_change(views), missing, self.has_unheld))
            return self._report(target, self.current._replace(views=views), changed=changed)
        # Before the self-tests, which may run programs of packages.
        views = self._with_packages(self._build_missing(views, missing, sources))
        self._save_state()
        after = self._switch(views)
        changed = (after is not self.current) | self.has_unheld
        if not target.blocked:
            self.packages.remove_others(after.views)
            changed |= self._collect_garbage(programs)
        return self._report(target, after, changed=changed)

    def _with_packages(self, views: tuple[View, ...]) -> tuple[View, ...]:
        """Install packages of the distribution; return the views without tools that lack some."""
        failed = self.packages.install(views)
        self.progress.failures += failed
        views = targets.without(views, {failure.key for failure in failed}, self.current)
        return self._without_needs(views)

    def _with_holds(self, wanted: wanted_tools.Wanted) -> wanted_tools.Wanted:
        """Return what is wanted, with held tools as they are installed."""
        saved = holds.read(self.request.root)
        kept = holds.unheld(saved, self.request.unhold)
        places = {
            tool.object: self.store.find(tool.object)
            for tool in kept.holds.values()
            if tool and tool.object
        }
        held = holds.in_store(kept.holds, places)
        self.held, self.has_unheld = held, held != saved
        self.progress.notes += [
            *(f"{name} is not held here" for name in kept.unknown),
            *holds.lost_notes(kept.holds, held),
            *holds.notes(held, wanted.users),
        ]
        self.wanted_places |= set(filter(None, places.values()))
        return wanted._replace(users=holds.apply(wanted.users, held))

    def _target(self, wanted: wanted_tools.Wanted) -> ToolboxTarget:
        accounts = workstation.accounts([user.name for user in wanted.users], self.current)
        return targets.target(
            self.current,
            wanted.users,
            accounts,
            self.now,
            block_removals=self.request.block_removals,
            approved_removals=self.request.approved_removals,
        )

    def _programs(self, sources: Iterable[Source]) -> list[HelperProgram]:
        return helper_programs.needed_by(sources, self.request.programs, self.facts)

    def _collect_garbage(self, programs: list[HelperProgram]) -> bool:
        """Collect garbage; return whether anything changed.

        A run that leaves removals for later does not.
        """
        collected = collect_garbage(
            self.request.root,
            self.request.keep,
            self.request.grace,
            time.time(),
            self.wanted_places | {self.store.find(program.key) for program in programs},
        )
        self.progress.removed = collected.removed
        return collected.changed

    def _locate(
        self, views: tuple[View, ...], sources: Mapping[str, Source]
    ) -> tuple[tuple[View, ...], list[str]]:
        """Return the views with each tool's place in the store, and the keys that have none."""
        places: dict[str, str] = {}
        missing = []
        for key, tool in self._by_object(views).items():
            place = self._place_of(tool)
            places[key] = place or tool.place
            if place:
                continue
            if key in sources:
                missing.append(key)
            else:
                self.progress.notes.append(
                    f"{tool.project} {tool.name} is damaged, and is not in the catalog any more"
                )
        self.wanted_places |= set(places.values())
        located = tuple(view.map_tools(lambda tool: _at(tool, places, "")) for view in views)
        return located, [*self._missing_programs(sources[key] for key in missing), *missing]

    def _missing_programs(self, sources: Iterable[Source]) -> list[str]:
        """Return the keys of missing programs. They come first, since other objects need them."""
        programs = self._programs(sources)
        return [program.key for program in programs if not self.store.find(program.key)]

    @staticmethod
    def _by_object(views: tuple[View, ...]) -> dict[str, Tool]:
        """Return the first tool of each object."""
        tools: dict[str, Tool] = {}
        for _view, tool in Generation(views=views).tools:
            if tool.object:
                tools.setdefault(tool.object, tool)
        return tools

    def _place_of(self, tool: Tool) -> str:
        if tool.place and self.store.is_sound(tool.place):
            return tool.place
        return self.store.find(tool.object)

    def _build_missing(
        self, views: tuple[View, ...], missing: list[str], sources: Mapping[str, Source]
    ) -> tuple[View, ...]:
        """Return the views with everything that was missing in its place.

        What cannot be built stays as it was.
        """
        places, broken = {}, {}
        self._add_unsent(views)
        for key in missing:
            if key in self.request.unsent and sources[key].project:
                continue
            try:
                places[key] = self._build(key, sources[key])
            # A tool that cannot be built does not affect the others.
            except DeliveryError as error:
                broken[key] = str(error)
            # Such as a full disk: the tool is left out, and reported.
            except OSError as error:
                broken[key] = f"{sources[key].tool} cannot be written: {innermost(error)}"
        self.wanted_places |= set(places.values())
        for view, tool in Generation(views=views).tools:
            if tool.object in broken:
                self.progress.failures.append(FailedTool(view, tool, broken[tool.object]))
        located = (view.map_tools(lambda tool: _at(tool, places, tool.place)) for view in views)
        return self._without_needs(targets.without(located, self._failed, self.current))

    def _add_unsent(self, views: tuple[View, ...]) -> None:
        """Add a fault of the catalog for each tool whose content the controller could not get.

        All hosts lack it for the same reason, which the run reports once.
        """
        unsent = (
            FailedTool(view, tool, self.request.unsent[tool.object])
            for view, tool in Generation(views=views).tools
            if tool.object in self.request.unsent
        )
        self._add_faults(unsent)

    def _add_faults(self, failed: Iterable[FailedTool]) -> None:
        faults = set()
        for failure in failed:
            self.progress.unsent.add(failure.key)
            faults.add(CatalogFault(failure.tool.project, failure.tool.name, failure.reason))
        self.progress.faults += [fault.as_data() for fault in sorted(faults)]

    @property
    def _failed(self) -> set[Key]:
        return {failure.key for failure in self.progress.failures} | self.progress.unsent

    def _without_needs(self, views: tuple[View, ...]) -> tuple[View, ...]:
        """Return the views with each tool as before whose needs failed or are not there."""
        not_ready = list(tool_needs.not_ready(views, self._failed))
        lacking = tool_needs.that_need(self.progress.unsent, not_ready)
        # All hosts lack these for one reason, too.
        self._add_faults(lacking)
        self.progress.failures += [failure for failure in not_ready if failure not in lacking]
        return targets.without(views, {failure.key for failure in not_ready}, self.current)

    def _build(self, key: str, source: Source) -> str:
        if key in self.request.unsent:
            raise DeliveryError(self.request.unsent[key])
        place = self.store.make_place(key)
        try:
            self.request.bundle.extract(key, self.store.sent_folder(place))
            programs = {
                program.name: self.store.path(self.store.find(program.key), "files", program.name)
                for program in self._programs([source])
            }
            notes = self.store.install(place, source, self.facts, programs)
        # An interrupted run frees the space, too. A killed one leaves an object without a marker,
        # which the next garbage collection removes.
        except BaseException:
            self.store.remove(place)
            raise
        name = f"{source.project} {source.tool}".strip()
        self.progress.notes += [f"{name}: {note}" for note in notes]
        return place

    def _would_change(self, views: tuple[View, ...]) -> bool:
        if not targets.same(views, self.current.views):
            return True
        # Views that were edited by hand are drafted again.
        return self.current.number != 0 and not self.generations.is_sound(self.current)

    def _switch(self, views: tuple[View, ...]) -> Generation:
        """Draft, test and switch to a new generation, where there is a difference.

        Return the generation that users have then.
        """
        if not self._would_change(views):
            return self.current
        # Imported where it is used: most calls switch nothing, and the import takes time.
        from . import self_test

        self._allow_users(views)
        draft = self.generations.draft(views)
        # Tests run with the views of the draft, so that a tool is tested as its user will run it.
        failed = self_test.failures(
            views,
            os.path.join(draft, "users"),
            self.request.test_timeout,
            self.store,
            self.facts.arch,
        )
        if failed:
            failed = self._with_changed_needs(failed)
            self.progress.failures += failed
            views = targets.without(views, {failure.key for failure in failed}, self.current)
            views = self._without_needs(views)
            self.generations.discard()
            if not self._would_change(views):
                return self.current
            # The draft has failed tools in it: what is published is drafted without them.
            self.generations.draft(views)
        return publish_draft(self.request.root, views, self.now)

    def _with_changed_needs(self, failed: list[FailedTool]) -> list[FailedTool]:
        """Return the failures, with the new needs of tools that users have already."""
        by_key = {failure.key: failure for failure in failed}
        for failure in failed:
            former = self.current.view(failure.view.id)
            if former and former.find(failure.tool.project, failure.tool.name):
                for needed in tool_needs.broken_by(failure.view, failure.tool):
                    by_key.setdefault(needed.key, needed)
        return list(by_key.values())

    def _allow_users(self, views: tuple[View, ...]) -> None:
        """Allow users to enter their new objects before the switch, and the old ones until then."""
        users: dict[str, set[int]] = {}
        for view, tool in Generation(views=views).tools:
            if tool.place:
                users.setdefault(tool.place, set()).add(view.uid)
        for place, uids in users.items():
            self.store.allow(place, uids | self.store.users(place))

    def _save_state(self) -> None:
        """Save holds, and the revision before the switch.

        A run that is killed after the switch must not accept an older one next.
        """
        if self.has_unheld:
            holds.write(self.request.root, self.held)
        record = self.request.record
        if record["revision"] != self.last_revision:
            state = {"host": record["host"], "revision": record["revision"]}
            write_json(os.path.join(self.request.root, _STATE), state)

    def _add_differences(self, views: tuple[View, ...]) -> None:
        """Add what users should know of the views, and tools that cannot start any more."""
        progress = self.progress
        for view in views:
            progress.notes += view_layout.clashes(view, self.generations.shell_files)
        progress.notes += delivery_report.same_versions(self.current.views, views)
        users = os.path.join(self.generations.current_link, "users")
        failed = {failure.key for failure in progress.failures}
        stopped = startable_commands.stopped(views, users, self.store, self.facts.arch)
        progress.failures += [failure for failure in stopped if failure.key not in failed]

    def _report(self, target: ToolboxTarget, after: Generation, *, changed: bool) -> dict[str, Any]:
        request, progress, views = self.request, self.progress, after.views
        missing = [] if request.bundle else progress.missing
        # The controller sends missing content first: the next call reports the rest.
        if request.check_mode or not missing:
            self._add_differences(views)
        undone = target.removals if request.check_mode or missing else target.blocked
        lacking = (progress.failures, progress.faults, target.unknown, undone, missing)
        return {
            "changed": changed or bool(progress.integrated) or self.packages.has_changed,
            "generation": after.number,
            "missing": missing,
            "removals": _removals(target, undone),
            "blocked": bool(undone),
            "platform": f"{self.facts.os} {self.facts.arch}",
            "installed_state": delivery_report.installed_state(self.current),
            "users": delivery_report.users(views),
            "unknown": list(target.unknown),
            "ready": not any(lacking),
            "catalog_errors": progress.faults,
            "holds": holds.as_data(self.held),
            "failures": [failure.as_data() for failure in progress.failures],
            "notes": progress.notes + self.packages.notes,
            "host_packages": self.packages.as_data(),
            "shell_integration_files": progress.integrated,
            "removed": progress.removed,
            "failure_texts": [str(failure) for failure in progress.failures],
            "diff": delivery_report.diff(self.current.views, views, self.packages.lines),
        }


def _last_revision(root: str) -> str:
    state = read_json(os.path.join(root, _STATE)) or {}
    return str(state.get("revision", ""))


def _removals(target: ToolboxTarget, undone: Sequence[ToolRemoval]) -> list[dict[str, Any]]:
    return [{**removal.as_data(), "blocked": removal in undone} for removal in target.removals]


def _at(tool: Tool, places: Mapping[str, str], otherwise: str) -> Tool:
    return tool._replace(place=places.get(tool.object, otherwise))


def _notes_on_logins(record: Mapping[str, Any]) -> Iterator[str]:
    for name in unusable_logins(record):
        yield (
            f"{name!r} cannot be a login name here: letters, digits and _ . @ + - only, at most 64"
        )


def _notes_on_order(last: str, request: Request) -> Iterator[str]:
    order = revision_order.compare(request.record["revision"], last)
    if order.older and not request.accept_older:
        raise OutdatedRecord(
            "the host assignment is older than the last one",
            f"its revision is {request.record['revision']}, and {last} was delivered",
            "Read the directory again without its cache, or set accept_older",
            revision=request.record["revision"],
            last_revision=last,
        )
    if order.older:
        yield (
            f"an older host assignment is delivered: revision {request.record['revision']}"
            f" after {last}"
        )
    if order.other_source:
        yield f"the revision is from another source: {request.record['revision']} after {last}"
