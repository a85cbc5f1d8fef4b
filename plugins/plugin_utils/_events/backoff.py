# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long to wait before the next attempt. Pure, but for the chance that is given to it."""

from __future__ import annotations

import random

FIRST, LONGEST = 0.5, 60.0
REFUSED = 3600.0
"""After a password that was refused; five of them lock an account in many places."""


def pause(failures: int, chance: random.Random) -> float:
    """Twice as long after each failure, up to a minute, and by a half more or less.

    So that many sources do not come back at once.
    """
    return float(min(FIRST * 2 ** min(failures - 1, 10), LONGEST)) * chance.uniform(0.5, 1.5)
