# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Try objects by the server's dry run, so that a plan predicts what a write would do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..._core.errors import Denied, NotFound, PlatformError, Problem
from ..._core.parallel import side_by_side
from . import adoption
from .api_kinds import KINDS
from .cluster import MANAGER, Cluster, Conflict
from .object_writer import keeping_replicas, must_be_recreated
from .observe import Body
from .planning import PlannedObject

# Field managers behind which there are people, or ourselves; the others are controllers. Clients
# that name no manager get their user agent up to its slash, such as the Mozilla of a browser.
_PEOPLE = (*adoption.FORMER, "k9s", "lens", "node-fetch", "Mozilla", MANAGER)


@dataclass(frozen=True)
class Rehearsed:
    """An entry with what the server makes of it, what it refuses, or why it cannot say."""

    entry: PlannedObject
    problem: Problem | None = None
    note: str = ""


class Rehearsal:
    """Try objects. ``conflicts``: whether people's changes are taken back or are problems."""

    def __init__(self, cluster: Cluster, conflicts: str) -> None:
        self._cluster = cluster
        self._conflicts = conflicts

    def all(
        self, entries: Sequence[PlannedObject]
    ) -> tuple[list[PlannedObject], list[Problem], list[str]]:
        """Return each entry that differs with its prediction, the problems and the notes."""
        results = side_by_side(
            lambda entry: self._one(entry) if entry.differs else Rehearsed(entry), entries
        )
        return (
            [result.entry for result in results],
            [result.problem for result in results if result.problem],
            sorted({result.note for result in results if result.note}),
        )

    def _one(self, entry: PlannedObject) -> Rehearsed:
        try:
            return self._tried(entry)
        except PlatformError as error:
            return _judged(entry, error)

    def _tried(self, entry: PlannedObject) -> Rehearsed:
        # Else the prediction would be one replica where replicas leave the spec.
        body = keeping_replicas(entry.wanted, entry.live)
        if must_be_recreated(entry.wanted, entry.live):
            return Rehearsed(entry)
        if entry.live is not None:
            problem = self._conflicting(entry, body)
            if problem:
                return Rehearsed(entry, problem)
        predicted = self._cluster.apply(entry.kind, body, dry=True)
        return Rehearsed(replace(entry, predicted=predicted))

    def _conflicting(self, entry: PlannedObject, body: Body) -> Problem | None:
        """Return the problem of a field that somebody else holds.

        People's changes are taken back; controllers would write theirs again.
        """
        try:
            # Not forced: a forced apply takes fields over and does not name their former owners.
            self._cluster.apply(entry.kind, body, force=False, dry=True)
        except Conflict as error:
            held = [
                (manager, path)
                for manager, path in error.owners
                if self._conflicts == "fail" or not manager.startswith(_PEOPLE)
            ]
            if held:
                return _held(entry, *held[0])
        return None


def _held(entry: PlannedObject, manager: str, path: str) -> Problem:
    remedy = "leave deploy.replicas out" if path == ".spec.replicas" else "leave it out of the spec"
    return Problem(
        entry.place,
        f"{entry.title}: {path} is held by {manager}; {remedy}, or take it from {manager} first",
    )


def _judged(entry: PlannedObject, error: PlatformError) -> Rehearsed:
    """Return what an error of a dry run says of the entry; raise what concerns the whole run."""
    # The server sends no dry run to a webhook with side effects and rejects the request instead.
    if "dry run" in error.why or "dryRun" in error.why:
        return Rehearsed(
            entry,
            note=(
                f"a webhook refuses dry runs, so {entry.title} was compared without the cluster's"
                f" word ({error.why})"
            ),
        )
    is_undefined = isinstance(error, NotFound) and entry.kind not in KINDS.values()
    if is_undefined and entry.live is None:
        return Rehearsed(
            entry,
            note=(
                f"{entry.title} was not tried by the cluster, which gets its definition with this"
                " release"
            ),
        )
    # Without a status it is not an answer about this object, such as a lost connection.
    if isinstance(error, Denied) or not error.facts.get("status"):
        raise error
    return Rehearsed(entry, Problem(entry.place, f"the cluster refuses {entry.title}: {error.why}"))
