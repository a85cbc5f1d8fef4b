# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plan changes that the API server does not make in place. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..._core.errors import Problem
from ..._deploy.plan import KEEP, RECREATE, REMOVE, Change, ServicePlan
from . import lasting, manifests
from .compare import covers
from .refusals import Refusal

Body = Mapping[str, Any]
# The API has no reason of its own for it, so its sentences are what shows it: validation of the
# kinds of Kubernetes 1.36, and the usual words of rules in definitions of custom resources.
_IMMUTABLE = re.compile(
    r"immutable|may not be changed|may not change|cannot change|cannot be changed|updates to .* are"
    r" forbidden",
    re.IGNORECASE | re.DOTALL,
)
# The fields that a sentence exempts, such as: fields other than 'replicas' and 'template' are
# forbidden.
_QUOTED = re.compile(r"[`']([A-Za-z.\[\]*]+)[`']")


def fields(refusals: Iterable[Refusal], wanted: Body, live: Body) -> tuple[str, ...]:
    """Return the fields that cannot change in place, if nothing else was rejected."""
    listed = list(refusals)
    if not listed or not all(_is_immutable(refusal) for refusal in listed):
        return ()
    found: list[str] = []
    for refusal in listed:
        found += _exact(refusal, wanted, live)
    return tuple(dict.fromkeys(found))


def _is_immutable(refusal: Refusal) -> bool:
    # A policy of the cluster, which names no field, may use the same words.
    return bool(refusal.field and _IMMUTABLE.search(refusal.sentence))


def _exact(refusal: Refusal, wanted: Body, live: Body) -> Iterator[str]:
    """Yield the fields of a rejection: those that differ if it names the whole spec."""
    if refusal.field != "spec":
        yield refusal.field
        return
    before, after = live.get("spec") or {}, wanted.get("spec") or {}
    exempt = set(_QUOTED.findall(refusal.sentence))
    differing = [
        key
        for key, value in after.items()
        if key not in exempt and not covers(before.get(key), value)
    ]
    yield from (f"spec.{key}" for key in differing)
    if not differing:
        yield "spec"


@dataclass(frozen=True)
class Recreated:
    """An object that differs in fields which cannot change in place."""

    kind: str
    name: str
    fields: tuple[str, ...]
    removes_volumes: bool = False

    @classmethod
    def of(cls, wanted: Body, live: Body, immutable: tuple[str, ...]) -> Recreated:
        """Return it from the object as it is wanted and as it is."""
        retention = (live.get("spec") or {}).get("persistentVolumeClaimRetentionPolicy") or {}
        return cls(
            wanted["kind"],
            wanted["metadata"]["name"],
            immutable,
            removes_volumes=retention.get("whenDeleted") == "Delete",
        )

    def what(self, service: str) -> str:
        """Return which of its fields cannot change, of which object where the service has several.

        A service of manifests is one object, by whose title it is called.
        """
        title = "" if "/" in service else f"{self.kind}/{self.name}: "
        return f"{title}{' and '.join(self.fields)} cannot change in place"


def plan(
    service: str,
    objects: Sequence[Recreated],
    changes: tuple[Change, ...],
    recreate: Collection[str],
    problems: list[Problem],
) -> ServicePlan:
    """Return that a service is recreated; add why it may not be to ``problems``."""
    for each in objects:
        text = _objection(service, each, recreate)
        if text:
            problems.append(Problem(f"services.{service}", f"{each.what(service)}; {text}"))
    first = objects[0]
    effect = "runs again" if first.kind == manifests.JOB else "interrupted"
    return ServicePlan(
        service,
        RECREATE,
        changes,
        True,
        f"{effect}, because {service} is removed and created again: {first.what(service)}",
    )


def _objection(service: str, recreated: Recreated, recreate: Collection[str]) -> str:
    if recreated.kind in lasting.KINDS:
        return (
            f"a {recreated.kind} is never removed, since it holds what cannot be made again, so"
            " undo the change or give it another name"
        )
    if recreated.removes_volumes:
        return (
            "its volumes would be removed with it, so set"
            " spec.persistentVolumeClaimRetentionPolicy.whenDeleted to Retain first"
        )
    # A Job runs to its end and has no clients, so nothing is interrupted.
    if recreated.kind == manifests.JOB or service in recreate:
        return ""
    return f"set recreate: [{service}], which recreates it, or give it another name"


def finished_job(name: str, *, is_stale: bool) -> ServicePlan:
    """Return that a Job which has run does not run again; one of another release is removed."""
    if not is_stale:
        return ServicePlan(name, KEEP)
    return ServicePlan(
        name,
        REMOVE,
        interruption=f"removed, because another release made it; {name} has run already",
        early=True,
    )
