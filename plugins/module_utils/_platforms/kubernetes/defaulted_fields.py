# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Defaults that an object keeps and its new form forbids. Pure.

Server-side apply keeps a field that the server defaulted, since it has no owner: the
``rollingUpdate`` of a Deployment whose strategy becomes Recreate, or the ``emptyDir`` of a volume
that gets a source (seen with Kubernetes 1.36, which rejects both). Such an object is replaced.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Union

from .cluster import MANAGER
from .compare import entry_like, merged
from .refusals import Refusal

Body = Mapping[str, Any]
Step = Union[str, int]
_STEPS = re.compile(r"([^.\[\]]+)|\[(\d+)\]")


@dataclass(frozen=True)
class _Place:
    """A part of an object: as it is, as it is wanted, and its owners' sets of fields."""

    live: Any
    wanted: Any
    owned: tuple[Body, ...]

    def inner(self, step: Step) -> _Place | None:
        """Return a part of this part; None where it is not on both sides."""
        if isinstance(step, str):
            if not (_has(self.live, step) and _has(self.wanted, step)):
                return None
            return _Place(self.live[step], self.wanted[step], self._owned(f"f:{step}"))
        if not isinstance(self.live, list) or step >= len(self.live):
            return None
        item = self.live[step]
        wanted = entry_like(item, self.wanted)
        if not wanted or "name" not in item:
            return None
        key = json.dumps({"name": item["name"]}, separators=(",", ":"))
        return _Place(item, wanted, self._owned(f"k:{key}"))

    def _owned(self, key: str) -> tuple[Body, ...]:
        return tuple(fields[key] for fields in self.owned if key in fields)


def _has(part: Any, key: str) -> bool:
    return isinstance(part, Mapping) and key in part


def replacement(refusals: Iterable[Refusal], wanted: Body, live: Body) -> dict[str, Any] | None:
    """Return the object as it replaces the live one, without the defaults that its form forbids.

    None where that is not what was rejected, or where another client owns such a field.
    """
    result: dict[str, Any] = merged(copy.deepcopy(dict(live)), wanted)
    others = _owned_by_others(live)
    listed = list(refusals)
    for refusal in listed:
        steps = [name or int(index) for name, index in _STEPS.findall(refusal.field)]
        place = _inside(_Place(result, wanted, others), steps[:-1])
        if place is None or not _drop_defaults(place):
            return None
    return result if listed else None


def _inside(place: _Place, steps: Iterable[Step]) -> _Place | None:
    """Return the part that a path leads to; None if both sides lack it."""
    for step in steps:
        inner = place.inner(step)
        if inner is None:
            return None
        place = inner
    return place


def _owned_by_others(live: Body) -> tuple[Body, ...]:
    entries = live["metadata"].get("managedFields") or []
    return tuple(
        entry.get("fieldsV1") or {} for entry in entries if entry.get("manager") != MANAGER
    )


def _drop_defaults(place: _Place) -> bool:
    """Take out of a part what is not wanted of it; return whether that was possible."""
    defaults = set(place.live) - set(place.wanted) if _are_mappings(place) else set()
    owned: set[str] = set()
    for fields in place.owned:
        owned.update(fields)
    if not defaults or owned & {f"f:{key}" for key in defaults}:
        return False
    for key in defaults:
        del place.live[key]
    return True


def _are_mappings(place: _Place) -> bool:
    return isinstance(place.live, dict) and isinstance(place.wanted, Mapping)
