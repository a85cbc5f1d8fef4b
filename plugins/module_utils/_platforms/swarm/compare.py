# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare a declared service with the existing one, and build the spec to write.

Only declared things are owned: a field, or an entry of a mapping, that neither this spec nor the
former release declares stays as others set it. One that the former release declared and this one
does not returns to the engine's default.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from ..._compose.job_services import GLOBAL_JOB
from ..._core.content_ids import digest
from ..._deploy.naming import LABEL
from ..._deploy.plan import Change
from ..._deploy.service_diff import GLOBAL, REPLICATED
from . import job_mode
from .spec_fields import (
    CONTAINER_LABELS,
    ENDPOINT,
    FIELDS,
    IMAGE,
    LABELS,
    PLACEMENT,
    Body,
    Field,
    Names,
    get,
    put,
)

HASH = f"{LABEL}hash"
# swarmkit keeps a task whose node meets the changed placement (orchestrator.IsTaskDirty).
_HASHED = tuple(entry for entry in FIELDS if entry.in_task and entry not in PLACEMENT)
# Changed ports replace tasks, too, but EndpointSpec is no part of a task's own spec.
_IN_TEMPLATE = tuple(entry for entry in _HASHED if entry not in ENDPOINT)


def service_hash(service: Mapping[str, Any]) -> str:
    """Return a hash of everything whose change replaces tasks.

    Where a service may run is left out: the engine moves only those tasks whose node no longer
    fits.
    """
    declared = {entry.key: entry.wanted(service) for entry in _HASHED}
    return digest(
        {
            key: value
            for key, value in declared.items()
            # A default that a user writes out gives the same tasks, so it must not replace them.
            if value is not None and value != _default(key)
        }
    )


def _default(key: str) -> Any:
    return next(entry.default for entry in FIELDS if entry.key == key)


def targets(
    want: Mapping[str, Any], before: Mapping[str, Any], body: Mapping[str, Any], names: Names
) -> list[tuple[Field, Any, list[Change]]]:
    """Return for each field that differs the value that it is to have, and the changes."""
    result = []
    body = job_mode.as_service(body)
    for entry in FIELDS:
        have, wanted, former = entry.read(body, names), entry.wanted(want), entry.wanted(before)
        target = (
            _merged(have, wanted or {}, former or {})
            if entry.keyed
            else _owned(entry, have, wanted, former)
        )
        changes = (
            _keyed_changes(entry, have, target) if entry.keyed else _changes(entry, have, target)
        )
        if changes:
            result.append((entry, target, changes))
    return result


def _owned(entry: Field, have: Any, wanted: Any, former: Any) -> Any:
    if wanted is not None:
        # Another tag of the same digest is another text in the template, which would replace every
        # task.
        return have if entry is IMAGE and same_image(have, wanted) else wanted
    # Where replicas leave the spec, the number that an operator has set stays.
    return entry.default if former is not None and entry.key != "deploy.replicas" else have


def _merged(
    have: Mapping[str, Any], wanted: Mapping[str, Any], former: Mapping[str, Any]
) -> dict[str, Any]:
    kept = {key: value for key, value in have.items() if key not in former}
    return {**kept, **wanted}


def same_image(have: Any, wanted: Any) -> bool:
    """Return whether two pinned images have the same digest, however the tag is written."""
    digests = [str(image).partition("@")[2] for image in (have, wanted)]
    return have == wanted or (digests[0] == digests[1] != "")


def _changes(entry: Field, have: Any, target: Any) -> list[Change]:
    return [Change(entry.key, have, target)] if have != target else []


def _keyed_changes(
    entry: Field, have: Mapping[str, Any], target: Mapping[str, Any]
) -> list[Change]:
    keys = [*target, *(key for key in have if key not in target)]
    return [
        Change(f"{entry.key}.{key}", have.get(key), target.get(key))
        for key in keys
        if have.get(key) != target.get(key)
    ]


def render(
    name: str, want: Mapping[str, Any], names: Names, labels: Mapping[str, str], hashed: str
) -> Body:
    """Return a new service's spec."""
    mode = get(want, "deploy.mode") or REPLICATED
    everywhere = mode in (GLOBAL, GLOBAL_JOB)
    body: Body = {"Name": name, "Mode": {"Global" if everywhere else "Replicated": {}}}
    for entry in FIELDS:
        value = entry.wanted(want)
        if value is not None:
            entry.write(body, value, names)
    body["Labels"] = {**body.get("Labels", {}), **labels}
    container = body["TaskTemplate"]["ContainerSpec"]
    container["Labels"] = {**container.get("Labels", {}), HASH: hashed}
    return job_mode.with_mode(body, mode)


def updated(
    body: Mapping[str, Any],
    want: Mapping[str, Any],
    before: Mapping[str, Any],
    names: Names,
    *,
    labels: Mapping[str, str],
    hashed: str,
) -> Body:
    """Return the spec of an existing service with the declared things in place.

    The others stay as they are. The hash enters the template only together with a change that
    replaces the tasks anyway.
    """
    result = job_mode.as_service(copy.deepcopy(dict(body)))
    kept = {
        entry.place: _own_labels(get(result, entry.place)) for entry in (LABELS, CONTAINER_LABELS)
    }
    restarts = False
    for entry, target, _changed in targets(want, before, body, names):
        entry.write(result, target, names)
        restarts = restarts or (entry.in_task and entry not in PLACEMENT)
    kept[LABELS.place].update(labels)
    # The label is in the template: alone it would replace every task.
    if restarts:
        kept[CONTAINER_LABELS.place][HASH] = hashed
    for place, mine in kept.items():
        if mine:
            put(result, place, {**_others_labels(get(result, place)), **mine})
    return job_mode.with_mode(result, job_mode.mode(body))


def _own_labels(labels: Mapping[str, str] | None) -> dict[str, str]:
    return {key: value for key, value in (labels or {}).items() if key.startswith(LABEL)}


def _others_labels(labels: Mapping[str, str] | None) -> dict[str, str]:
    return {key: value for key, value in (labels or {}).items() if not key.startswith(LABEL)}


def same_template(task: Mapping[str, Any], service: Mapping[str, Any], names: Names) -> bool:
    """Return whether a task runs its service's present template, on whatever node."""
    one, other = {"TaskTemplate": task.get("Spec", {})}, service.get("Spec", {})
    hashes = [(get(body, CONTAINER_LABELS.place) or {}).get(HASH) for body in (one, other)]
    if hashes[0] != hashes[1]:
        return False
    return all(entry.read(one, names) == entry.read(other, names) for entry in _IN_TEMPLATE)
