# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why something does not run, in words that platforms and registries share."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Cause:
    """Why a task does not run.

    ``final``: trying again cannot help. ``patience``: for how many seconds it may last before it
    counts; None if it counts by repetition only. ``room``: a task that is removed may make it
    possible. ``detail``: another system's message about it, a part of the text.
    """

    kind: str
    text: str
    final: bool = False
    patience: float | None = None
    room: bool = False
    detail: str = field(default="", compare=False)
