# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Remove what no generation needs, and restrict objects to their users.

It can run at any time, so it also cleans up after a killed run.
"""

from __future__ import annotations

import os

from .atomic_files import correct_mode, read_json, write_json
from .generation_model import Generation
from .generations import Generations
from .tool_store import Store

_ORPHANS = "orphans.json"


class Collected:
    """The result of a collection; ``removed`` has objects of the store."""

    def __init__(self) -> None:
        self.removed: list[str] = []
        self.changed = False


def users_of_places(current: Generation, kept: list[Generation]) -> dict[str, set[int]]:
    """Return the uids that may use each object: current users, for projects that they still have.

    That includes older versions. Pure.
    """
    uids = {view.id: view.uid for view in current.views}
    members = current.pairs
    users: dict[str, set[int]] = {}
    for generation in [current, *kept]:
        for view, tool in generation.tools:
            if tool.place and (view.id, tool.project) in members:
                users.setdefault(tool.place, set()).add(uids[view.id])
    return users


def collect_garbage(root: str, keep: int, grace: float, now: float, always: set[str]) -> Collected:
    """Reduce rights, generations and store to what is needed.

    ``always`` has the names of objects to keep in any case.
    """
    generations, store, done = Generations(root), Store(root), Collected()
    current = generations.current()
    # A higher number is left by a run that was killed between publishing and the switch.
    numbers = [number for number in generations.numbers() if number <= current.number]
    numbers = numbers[-max(keep, 1) :]
    kept = [generation for generation in map(generations.read, numbers) if generation]
    kept_numbers = {current.number, *(generation.number for generation in kept)}
    done.changed |= bool(generations.remove_others(kept_numbers))
    done.changed |= _correct_folder_modes(root, [current.number, *numbers])
    for generation in kept:
        # Former generations stay for a rollback. Their views may have what users have lost since.
        done.changed |= generations.allow(generation, visible=generation.number == current.number)
    _collect_store(store, users_of_places(current, kept), _Orphans(root, grace, now), always, done)
    return done


def _correct_folder_modes(root: str, numbers: list[int]) -> bool:
    """Correct the modes of folders that users pass, but must not list."""
    # 0711 lets users pass to what is theirs without listing what others have.
    modes = {"": 0o755, "store": 0o711, "generations": 0o711}
    for number in numbers:
        modes |= {f"generations/{number}": 0o711, f"generations/{number}/users": 0o711}
    paths = {os.path.join(root, name): mode for name, mode in modes.items()}
    wrong = [correct_mode(path, mode) for path, mode in paths.items() if os.path.isdir(path)]
    return any(wrong)


def _collect_store(
    store: Store, users: dict[str, set[int]], orphans: _Orphans, always: set[str], done: Collected
) -> None:
    for place in store.places():
        if place in users:
            done.changed |= store.allow(place, users[place])
        elif place in always:
            continue
        # A run that was killed during the build has left it.
        elif not store.is_complete(place):
            store.remove(place)
            done.changed = True
        elif orphans.is_due(place):
            store.remove(place)
            done.removed.append(place)
            done.changed = True
        else:
            done.changed |= store.allow(place, set())
    orphans.save()


class _Orphans:
    """Objects without users, and since when; they stay for the grace period."""

    def __init__(self, root: str, grace: float, now: float) -> None:
        self.path = os.path.join(root, _ORPHANS)
        self.grace, self.now = grace, now
        self.saved: dict[str, float] = read_json(self.path) or {}
        self.current: dict[str, float] = {}

    def is_due(self, place: str) -> bool:
        """Return whether an object has been without users for long enough."""
        since = self.saved.get(place, self.now)
        if self.now - since >= self.grace:
            return True
        self.current[place] = since
        return False

    def save(self) -> None:
        """Save since when each object has had no users."""
        if self.current != self.saved:
            write_json(self.path, self.current)
