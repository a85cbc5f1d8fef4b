# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Roll back the views of a host to a former generation."""

from __future__ import annotations

import os
from typing import Any, NamedTuple

from . import holds, targets, workstation
from .delivery_errors import DeliveryError
from .delivery_report import diff, users
from .garbage_collection import collect_garbage, users_of_places
from .generation_model import Generation
from .generations import Generations, publish_draft, utc_now
from .tool_store import Store, damaged_tools

_NEVER = float("inf")


class Rollback(NamedTuple):
    """The toolbox to roll back, and the generation to return to."""

    root: str
    to: str
    """The number of a generation, or ``previous``."""
    keep: int = 3
    hold: bool = True
    """Whether the next deliveries keep what the rollback changes."""


def roll_back(rollback: Rollback, lock_timeout: float, *, check_mode: bool) -> dict[str, Any]:
    """Return users to the tools of a former generation.

    The rollback does not restore tools of projects that the user has left.
    """
    root, to, keep, _hold = rollback
    workstation.check(root)
    if not os.path.isdir(root):
        raise DeliveryError(
            f"{root} cannot be rolled back", "nothing was delivered to it", "Deliver first"
        )
    with workstation.locked(root, lock_timeout):
        generations = Generations(root)
        current = generations.current()
        old = _generation(generations, current, to)
        views, after = targets.rolled_back(current, old), current
        changed = not targets.same(views, current.views)
        held = dict(holds.read(root))
        if rollback.hold:
            held.update(holds.of_rollback(current.views, views))
        if changed:
            _check_store(root, Generation(views=views), old.number)
        if changed and not check_mode:
            # Before the switch, as in a delivery: users may enter what they are about to see.
            for place, uids in users_of_places(Generation(views=views), []).items():
                Store(root).allow(place, uids | Store(root).users(place))
            generations.draft(views)
            # Before the switch: if the run is killed after it, the next delivery must not undo the
            # rollback.
            holds.write(root, held)
            after = publish_draft(root, views, utc_now(), old.number)
            # Rights are reduced, and objects stay: a later delivery that installs what the catalog
            # has finds them here.
            collect_garbage(root, keep, _NEVER, 0, set())
        return {
            "changed": changed,
            "generation": after.number,
            "rolled_back_to": old.number,
            "users": users(views),
            "holds": holds.as_data(held),
            "diff": diff(current.views, views),
        }


def _generation(generations: Generations, current: Generation, to: str) -> Generation:
    # A higher number is left by a run that was killed before its switch: no user has had it.
    numbers = [number for number in generations.numbers() if number <= current.number]
    number = _previous(numbers, current) if to == "previous" else int(to)
    generation = generations.read(number) if number in numbers else None
    if generation is None:
        what = "the previous generation does not exist"
        if to != "previous":
            what = f"generation {number} does not exist"
        raise DeliveryError(
            what,
            f"this host has generations {', '.join(map(str, numbers))}"
            if numbers
            else "this host has no generations",
            "Choose one of these; set keep to keep more" if numbers else "Deliver first",
            generations=numbers,
        )
    return generation


def _previous(numbers: list[int], current: Generation) -> int:
    return max((number for number in numbers if number < current.number), default=0)


def _check_store(root: str, wanted: Generation, number: int) -> None:
    lost = damaged_tools(root, wanted)
    if lost:
        raise DeliveryError(
            f"generation {number} cannot be restored",
            f"files of these tools were changed or deleted: {', '.join(lost)}",
            "Deliver that version by the catalog",
        )
