# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The versions of outside programs that the collection was tested with. Pure."""

from __future__ import annotations

from .version_numbers import version_numbers

# As in the table of README.md, oldest first. A version counts up to the precision that is written
# here: 3 is each 3.x.
TESTED: dict[str, tuple[str, ...]] = {
    "engine": ("20.10", "26.1", "29"),  # Docker Engine
    "cluster": ("1.36", "1.37"),  # Kubernetes
    "helm": ("3", "4"),
}


def newer_than_tested(program: str, title: str, version: str) -> tuple[str, ...]:
    """Return the warning for a version that is newer than each tested one, or nothing.

    ``title`` is what the program is called in the warning.
    """
    newest = TESTED[program][-1]
    tested = version_numbers(newest)
    if version_numbers(version)[: len(tested)] <= tested:
        return ()
    return (
        f"{title} {version.lstrip('v')} is newer than {newest}, the newest that this collection was"
        " tested with. Try the release on a test system first",
    )
