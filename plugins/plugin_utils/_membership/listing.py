# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists of names in messages. Pure."""

from __future__ import annotations

from collections.abc import Iterable


def some(names: Iterable[str], *, shown: int = 3) -> str:
    """Return the first of these names, and how many more there are."""
    ordered = sorted(names)
    more = f" and {len(ordered) - shown} more" if len(ordered) > shown else ""
    return f"{', '.join(ordered[:shown])}{more}"
