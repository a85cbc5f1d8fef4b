# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The order in which workers get tests, and the report on those that get no turn."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from itertools import chain, groupby
from typing import Any

TIME_BOX = "the time box is full"


def spread(items: Iterable[Any], group: Callable[[Any], Hashable], workers: int) -> list[Any]:
    """Return the items so that each worker's share begins with the most urgent groups.

    Groups come in order of urgency. pytest-xdist's ``worksteal`` cuts the list into as many equal
    parts as there are workers; so each group is put into the part that has the fewest items so far.
    """
    parts: list[list[Any]] = [[] for _number in range(workers)]
    for _key, found in groupby(items, group):
        min(parts, key=len).extend(found)
    return list(chain.from_iterable(parts))
