# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Put wheels, locks and project files in their places, each by one rename.

Wheels come first and the project's file last: an interrupted run leaves the old lock, and the next
run completes it.
"""

from __future__ import annotations

import os
import stat
import tempfile

from ...module_utils._core.errors import ShippingError
from ...module_utils._toolbox.atomic_files import write
from ...module_utils._toolbox.installers.installer import sha256_of
from .tool_plan import ToolPlan


def fetch_wheels(plan: ToolPlan) -> None:
    """Download wheels, verify them by the hashes of the lock, and put all of them in place."""
    fetched: dict[str, str] = {}
    folders = sorted({os.path.dirname(path) for path in plan.wheels})
    for folder in folders:
        os.makedirs(folder, exist_ok=True)
        # In the folder of the result, since rename(2) does not cross file systems.
        with tempfile.TemporaryDirectory(prefix=".lock-", dir=folder) as partial:
            for path, (file, index, hashes) in plan.wheels.items():
                if os.path.dirname(path) == folder:
                    fetched[path] = os.path.join(partial, file.name)
                    index.fetch(file, fetched[path])
                    _verify(fetched[path], hashes, f"{file.name} of the index {index.url}")
            for path, new in fetched.items():
                if os.path.dirname(path) == folder:
                    os.chmod(new, _mode(path))
                    os.rename(new, path)


def write_locks(plan: ToolPlan) -> None:
    """Write the new locks of a tool."""
    for path, text in plan.locks.items():
        os.makedirs(os.path.dirname(path), exist_ok=True)
        replace_text(path, text)


def replace_text(path: str, text: str) -> None:
    """Replace a file, through a link, and keep its mode."""
    path = os.path.realpath(path)
    write(path, text, _mode(path))


def _verify(path: str, hashes: frozenset[str], name: str) -> None:
    if sha256_of(path) not in hashes:
        raise ShippingError(
            f"{name} has another checksum than the lock",
            "it was damaged on its way, or replaced",
            "Run again, and do not use it if that repeats",
        )


def _mode(path: str) -> int:
    """Return the mode of a file, or the one that a new file gets."""
    try:
        return stat.S_IMODE(os.stat(path).st_mode)
    except FileNotFoundError:
        mask = os.umask(0)
        os.umask(mask)
        return 0o666 & ~mask
