# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Uninstall: remove everything that deliveries have written to a host."""

from __future__ import annotations

import os
from typing import Any

from . import workstation
from .atomic_files import remove
from .delivery_report import diff, installed_state
from .generations import Generations
from .host_packages import HostPackages
from .shell_integration import remove_shell_integration

# The link to the current generation first, so that no user sees a part of a view.
# A killed run may have left .new of a file that it was writing.
_OURS = (
    "current",
    "current.new",
    "generations",
    "store",
    "state.json",
    "state.json.new",
    "orphans.json",
    "orphans.json.new",
    "holds.json",
    "holds.json.new",
    "packages.json",
    "packages.json.new",
    "lock",
)


def uninstall(root: str, etc: str, lock_timeout: float, *, check_mode: bool) -> dict[str, Any]:
    """Remove everything that deliveries have written, and the shell integration.

    Other files stay.
    """
    workstation.check(root)
    integrated = remove_shell_integration(root, etc, check_mode=check_mode)
    # The lock is a file in this folder, which may not exist.
    if check_mode or not _written(root):
        return _uninstall(root, lock_timeout, integrated, check_mode=check_mode)
    with workstation.locked(root, lock_timeout):
        result = _uninstall(root, lock_timeout, integrated, check_mode=False)
    if not os.listdir(root):
        os.rmdir(root)
    return result


def _written(root: str) -> list[str]:
    return [name for name in _OURS if os.path.lexists(os.path.join(root, name))]


def _uninstall(
    root: str, lock_timeout: float, integrated: list[str], *, check_mode: bool
) -> dict[str, Any]:
    """Remove what is there now, which a run that held the lock before may have written."""
    current, written = Generations(root).current(), _written(root)
    packages = HostPackages(root, lock_timeout, dry=check_mode)
    packages.remove_others(())
    for name in [] if check_mode else written:
        remove(os.path.join(root, name))
    return {
        "changed": bool(integrated or written),
        "shell_integration_files": integrated,
        "installed_state": installed_state(current),
        "host_packages": packages.as_data(),
        "shown_warnings": packages.notes,
        "diff": diff(current.views, (), packages.lines),
    }
