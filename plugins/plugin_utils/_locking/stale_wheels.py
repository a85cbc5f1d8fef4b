# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find wheels that no lock of a catalog pins any more."""

from __future__ import annotations

import os
from collections.abc import Iterable
from itertools import chain

from ...module_utils._toolbox.atomic_files import read_text
from .._catalog.lock_file import all_hashes
from .locking import CatalogTexts
from .project_texts import ToolEntry
from .python_locks import locks_and_wheels, wheels_in
from .tool_plan import LockSettings, ToolPlan


def stale_wheels(
    catalog: CatalogTexts, plans: list[ToolPlan], settings: LockSettings
) -> list[tuple[ToolPlan, str]]:
    """Return wheels that no lock pins, in the folders of these tools.

    Tools may share a folder, also those of other projects. Where one of them cannot be read, or has
    no lock yet, all wheels stay.
    """
    if catalog.unreadable:
        return []
    locks = _locks_of_folders(catalog.entries, settings)
    texts = dict(chain.from_iterable(plan.locks.items() for plan in plans))
    stale = []
    for folder, plan in _folders(plans, settings).items():
        pinned = [texts.get(lock) or read_text(lock) for lock in locks[folder]]
        if all(pinned):
            hashes = frozenset[str]().union(*map(all_hashes, pinned))
            unpinned = _unpinned(folder, hashes, settings)
            stale += [(plan, path) for path in unpinned if path not in plan.wheels]
    return stale


def _folders(plans: Iterable[ToolPlan], settings: LockSettings) -> dict[str, ToolPlan]:
    """Return the folders of wheels of these tools, each with the first tool that has it."""
    folders: dict[str, ToolPlan] = {}
    for plan in plans:
        for _lock, folder in [] if plan.faults else locks_and_wheels(plan.entry, settings):
            folders.setdefault(folder, plan)
    return folders


def _locks_of_folders(entries: Iterable[ToolEntry], settings: LockSettings) -> dict[str, set[str]]:
    """Return the locks of all tools by the folders of their wheels."""
    locks: dict[str, set[str]] = {}
    for entry in entries:
        for lock, folder in locks_and_wheels(entry, settings):
            locks.setdefault(folder, set()).add(lock)
    return locks


def _unpinned(folder: str, hashes: frozenset[str], settings: LockSettings) -> list[str]:
    paths = [os.path.join(folder, name) for name in wheels_in(folder)]
    return [path for path in paths if settings.checksum(path) not in hashes]
