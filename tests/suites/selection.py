# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Choose which suites run whole, and which run their quick tests alone."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

SLICE = 5
"""Of the suites that nothing has changed for, one in five runs all the same."""


@dataclass(frozen=True)
class FileChange:
    """A file that changed since the last full run, and when, in seconds since 1970."""

    file: str
    when: float


@dataclass(frozen=True)
class Choice:
    """A suite by name, whether its long tests run, why, and how recently it changed."""

    suite: str
    is_whole: bool
    because: str
    when: float = 0


def choose(
    dependencies: Mapping[str, set[str]],
    changes: Sequence[FileChange],
    known: Iterable[str],
    long: Iterable[str],
    head: str,
) -> list[Choice]:
    """Return a choice for each suite, the most recently changed first.

    ``dependencies`` has the files of each suite, ``changes`` the files that changed since the last
    full run, ``known`` the suites that passed in it, ``long`` those that have long tests. The
    slice of what has not changed follows from ``head``, the commit's hash.
    """
    newest = {name: _newest(files, changes) for name, files in dependencies.items()}
    is_known = set(known)
    unchanged = [name for name in long if name in is_known and not newest[name]]
    in_slice = _slice(unchanged, head)
    is_long = set(long)

    def choice(name: str) -> Choice:
        change = newest[name]
        when = change.when if change else 0
        if name not in is_known:
            return Choice(name, True, "not in the last full run", when)
        if change:
            return Choice(name, True, f"changed: {change.file}", when)
        if name in in_slice:
            return Choice(name, True, f"slice of {head[:7]}")
        return Choice(name, False, "unchanged" if name in is_long else "always")

    chosen = map(choice, dependencies)
    return sorted(chosen, key=lambda choice: (not choice.is_whole, -choice.when))


def _newest(files: set[str], changes: Sequence[FileChange]) -> FileChange | None:
    """Return the last change of some files; of those at one time, the first by name."""
    mine = [change for change in changes if change.file in files]
    return min(mine, key=lambda change: (-change.when, change.file), default=None)


def _slice(names: list[str], head: str) -> set[str]:
    """Return one in five of the names, at least one: others for each commit."""
    by_hash = sorted(names, key=lambda name: hashlib.sha256(f"{head} {name}".encode()).hexdigest())
    return set(by_hash[: math.ceil(len(names) / SLICE)])
