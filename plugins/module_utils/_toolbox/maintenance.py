# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What else can be done with a toolbox: going back, looking, taking it away."""

from __future__ import annotations

import os
from typing import Any

from . import targets, workstation
from .atomic_files import read_json, remove
from .deliver import diff, publish, receipt, stamp, users
from .delivery_errors import DeliveryError
from .garbage_collection import settle, users_of_places
from .generation_model import Generation
from .generations import Generations
from .shell_integration import withdraw
from .tool_store import Store

_OURS = (
    "current",
    "current.new",
    "generations",
    "store",
    "state.json",
    "state.json.new",
    "orphans.json",
    "orphans.json.new",
    "lock",
)
_NEVER = float("inf")


def back(root: str, to: str, keep: int, lock_timeout: float, check: bool) -> dict[str, Any]:
    """Let users see what a former generation had.

    Who has left a project since does not get it back.
    """
    workstation.check(root)
    if not os.path.isdir(root):
        raise DeliveryError(
            f"there is no generation in {root}", "nothing was ever delivered", "Deliver first"
        )
    with workstation.locked(root, lock_timeout):
        generations = Generations(root)
        have = generations.current()
        old = _found(generations, have, to)
        views = targets.back(have, old)
        changed = not targets.same(views, have.views)
        if changed:
            _all_there(root, Generation(views=views), old.number)
        if changed and not check:
            for place, uids in users_of_places(Generation(views=views), []).items():
                Store(root).allow(place, uids | Store(root).users(place))
            generations.draft(views)
            publish(root, views, stamp(), old.number)
            settle(root, keep, _NEVER, 0, set())
        return {
            "changed": changed,
            "generation": generations.current().number,
            "back_to": old.number,
            "users": users(views),
            "diff": diff(have.views, views),
        }


def _found(generations: Generations, have: Generation, to: str) -> Generation:
    numbers = [number for number in generations.numbers() if number <= have.number]
    earlier = [number for number in numbers if number < have.number]
    number = (earlier[-1] if earlier else 0) if to == "previous" else int(to)
    found = generations.read(number) if number in numbers else None
    if found is None:
        there = ", ".join(map(str, numbers)) or "none"
        what = (
            "there is no former generation"
            if to == "previous"
            else f"there is no generation {number}"
        )
        raise DeliveryError(
            what,
            f"this machine has {there}",
            "Choose one of these; keep says how many stay",
            generations=numbers,
        )
    return found


def _all_there(root: str, wanted: Generation, number: int) -> None:
    store = Store(root)
    lost = sorted(
        {
            f"{tool.project} {tool.name}"
            for _view, tool in wanted.tools
            if tool.place and not store.is_sound(tool.place)
        }
    )
    if lost:
        raise DeliveryError(
            f"generation {number} cannot be brought back",
            f"no longer as it was: {', '.join(lost)}",
            "Deliver that version by the catalogue",
        )


def info(root: str) -> dict[str, Any]:
    """What a machine has; nothing is changed, and no lock is needed."""
    workstation.check(root)
    generations = Generations(root)
    current = generations.current()
    state = read_json(os.path.join(root, "state.json")) or {}
    kept = [
        found
        for found in map(generations.read, generations.numbers())
        if found and found.number <= current.number
    ]
    return {
        "changed": False,
        "machine": state.get("machine", ""),
        "serial": state.get("serial", ""),
        "generation": current.number,
        "generations": [
            {
                "number": one.number,
                "made": one.made,
                "back_to": one.back_to,
                "tools": sum(1 for _tool in one.tools),
            }
            for one in kept
        ],
        "users": users(current.views),
        "drift": _drift(root, generations, current),
    }


def _drift(root: str, generations: Generations, current: Generation) -> list[str]:
    if not current.number:
        return []
    store = Store(root)
    damaged = sorted(
        {
            f"{tool.project} {tool.name}"
            for _view, tool in current.tools
            if tool.place and not store.is_sound(tool.place)
        }
    )
    return damaged + (
        [] if generations.is_sound(current) else [f"the views of generation {current.number}"]
    )


def absent(root: str, etc: str, lock_timeout: float, check: bool) -> dict[str, Any]:
    """Take away everything that deliveries have written, and the enrolment.

    Files of others stay.
    """
    workstation.check(root)
    have = Generations(root).current()
    withdrawn = withdraw(root, etc, check)
    there = [name for name in _OURS if os.path.lexists(os.path.join(root, name))]
    if there and not check:
        with workstation.locked(root, lock_timeout):
            for name in there:
                remove(os.path.join(root, name))
        if not os.listdir(root):
            os.rmdir(root)
    return {
        "changed": bool(withdrawn or there),
        "withdrawn": withdrawn,
        "receipt": receipt(have),
        "diff": diff(have.views, ()),
    }
