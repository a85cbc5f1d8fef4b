# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Try objects by the server's dry run, so that a plan predicts what a write would do."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from ..._core.content_ids import digest
from ..._core.errors import Denied, NotFound, PlatformError, Problem
from ..._core.parallel import side_by_side
from . import adoption, defaulted_fields, immutable_fields, manifests, release_order
from .api_kinds import NAMESPACE
from .cluster import MANAGER, Cluster, Conflict, Invalid, Unserved, WebhookAway
from .object_writer import keeping_replicas, must_be_recreated
from .observe import Body
from .planning import PlannedObject

# Field managers of users, or of this collection; the others are controllers. Clients
# that name no manager get their user agent up to its slash, such as the Mozilla of a browser.
_PEOPLE = (*adoption.FORMER, "k9s", "lens", "node-fetch", "Mozilla", MANAGER)


@dataclass(frozen=True)
class Rehearsed:
    """An entry with the server's result, its rejection, or why it has no answer."""

    entry: PlannedObject
    problem: Problem | None = None
    note: str = ""


class Rehearsal:
    """Try objects. ``conflicts``: whether users' changes are set back or are problems.

    A run plans before it has the lease and again when it has it: what was accepted is not tried
    again as long as the object is the same.
    """

    def __init__(self, cluster: Cluster, conflicts: str) -> None:
        self._cluster = cluster
        self._conflicts = conflicts
        self._accepted: dict[tuple[str, str], PlannedObject] = {}

    def all(
        self, entries: Sequence[PlannedObject]
    ) -> tuple[list[PlannedObject], list[Problem], list[str]]:
        """Return each entry that differs with its prediction, the problems and the notes."""
        coming = Coming.of(entries)
        differing = [entry for entry in entries if entry.differs]
        answers = iter(side_by_side(lambda entry: self._known_or_new(entry, coming), differing))
        results = [next(answers) if entry.differs else Rehearsed(entry) for entry in entries]
        return (
            [result.entry for result in results],
            [result.problem for result in results if result.problem],
            sorted({result.note for result in results if result.note}),
        )

    def _known_or_new(self, entry: PlannedObject, coming: Coming) -> Rehearsed:
        version = entry.live["metadata"].get("resourceVersion", "") if entry.live else ""
        key = digest(entry.wanted), version
        known = self._accepted.get(key)
        if known:
            tried = replace(entry, predicted=known.predicted, immutable=known.immutable)
            return Rehearsed(tried)
        result = self._one(entry, coming)
        if not result.problem and not result.note:
            self._accepted[key] = result.entry
        return result

    def _one(self, entry: PlannedObject, coming: Coming) -> Rehearsed:
        try:
            return self._tried(entry)
        except Invalid as error:
            return self._invalid(entry, error)
        except PlatformError as error:
            return _judged(entry, error, coming)

    def _invalid(self, entry: PlannedObject, error: Invalid) -> Rehearsed:
        """Return the result for a rejected object: recreated, replaced, or a problem."""
        live = entry.live
        if live is None:
            return Rehearsed(entry, _refused(entry, error))
        fixed = immutable_fields.fields(error.refusals, entry.wanted, live)
        if fixed:
            return Rehearsed(replace(entry, immutable=fixed))
        replacement = defaulted_fields.replacement(error.refusals, entry.wanted, live)
        if replacement is None:
            return Rehearsed(entry, _refused(entry, error))
        try:
            predicted = self._cluster.replace(entry.kind, replacement, adoption.BEFORE, dry=True)
        except Invalid as invalid:
            return Rehearsed(entry, _refused(entry, invalid))
        return Rehearsed(replace(entry, predicted=predicted))

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
        """Return the problem of a field that another manager owns.

        Users' changes are set back; controllers would write theirs again.
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
    place = "the manifest" if manifests.is_manifest(entry.wanted) else "the spec"
    remedy = f"leave it out of {place}"
    if path == ".spec.replicas" and not manifests.is_manifest(entry.wanted):
        remedy = "leave deploy.replicas out"
    return Problem(
        entry.place,
        f"{entry.title}: {path} is held by {manager}; {remedy}, or take it from {manager} first",
    )


@dataclass(frozen=True)
class Coming:
    """Kinds and namespaces that this release itself creates."""

    kinds: Collection[tuple[str, str]] = ()
    namespaces: Collection[str] = ()
    has_webhooks: bool = False
    """Whether a webhook that does not answer may be one of its own, also one that is there."""

    @classmethod
    def of(cls, entries: Sequence[PlannedObject]) -> Coming:
        """Return what is defined by objects that are written."""
        written = [entry.wanted for entry in entries if entry.differs]
        names = {body["metadata"]["name"] for body in written if body["kind"] == NAMESPACE.name}
        has_webhooks = any(release_order.calls_services(entry.wanted) for entry in entries)
        return cls(manifests.definitions(written), names, has_webhooks)


def _judged(entry: PlannedObject, error: PlatformError, coming: Coming) -> Rehearsed:
    """Return the result of a failed dry run; raise what concerns the whole run."""
    note = _untried(entry, error, coming)
    if note:
        return Rehearsed(entry, note=note)
    if isinstance(error, NotFound):
        return Rehearsed(entry, _missing(entry, error))
    # Without a status it is not an answer about this object, such as a lost connection.
    if isinstance(error, Denied) or not error.facts.get("status"):
        raise error
    return Rehearsed(entry, _refused(entry, error))


def _untried(entry: PlannedObject, error: PlatformError, coming: Coming) -> str:
    """Return why the cluster cannot try an object yet; empty where its answer is one."""
    # The server sends no dry run to a webhook with side effects and rejects the request instead.
    if "dry run" in error.why or "dryRun" in error.why:
        return (
            f"a webhook rejects dry runs, so {entry.title} was compared without the cluster's"
            f" answer ({error.why})"
        )
    if isinstance(error, WebhookAway) and coming.has_webhooks:
        return (
            f"a webhook does not answer, so {entry.title} was compared without the cluster's answer"
            f" ({error.why})"
        )
    if isinstance(error, Unserved) and _written_as(entry) in coming.kinds:
        return (
            f"{entry.title} was compared without the cluster's answer, which gets"
            f" {entry.wanted['apiVersion']} with this release"
        )
    if isinstance(error, NotFound) and entry.kind.namespace in coming.namespaces:
        return (
            f"{entry.title} was compared without the cluster's answer, which gets the namespace"
            f" {entry.kind.namespace} with this release"
        )
    return ""


def _written_as(entry: PlannedObject) -> tuple[str, str]:
    return entry.wanted["apiVersion"], entry.wanted["kind"]


def _missing(entry: PlannedObject, error: NotFound) -> Problem:
    """Return the problem of a kind or a namespace that the cluster does not have."""
    if isinstance(error, Unserved):
        version, kind = _written_as(entry)
        text = f"the cluster does not serve {kind} in {version}; write a version that it serves"
        return Problem(entry.place, text)
    return Problem(
        entry.place,
        f"{error.why}; create the namespace first, or add it to the manifests",
    )


def _refused(entry: PlannedObject, error: PlatformError) -> Problem:
    hint = f"; {error.hint[0].lower()}{error.hint[1:]}" if error.hint else ""
    return Problem(entry.place, f"the cluster rejects {entry.title}: {error.why}{hint}")
