# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decide by one or several comparisons. Pure.

A comparison with a margin has three answers: *promote* if it is proven that the new arm is worse by
less than the margin, *roll back* if it is proven to be worse than the former arm, else *undecided*.
If the true harm is below half of the margin, the first answer is the likelier one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from .always_valid import Difference

PROMOTE, ROLL_BACK, UNDECIDED, NO_DATA = "promote", "roll_back", "undecided", "no_data"
# The first one of several comparisons counts.
_WORST = (ROLL_BACK, NO_DATA, UNDECIDED, PROMOTE)


def non_inferior(difference: Difference, margin: float, *, is_harmful: bool = False) -> str:
    """Return the answer of a difference of which more is worse, such as that of errors.

    ``is_harmful`` if another test, such as that of first failures, proves that it is worse.
    """
    if difference.is_known and difference.high < margin:
        return PROMOTE
    if is_harmful or difference.low > 0:
        return ROLL_BACK
    return UNDECIDED if difference.is_known else NO_DATA


def superior(difference: Difference) -> str:
    """Return the answer of a difference of which more is better, such as that of revenue."""
    if not difference.is_known:
        return NO_DATA
    if difference.low > 0:
        return PROMOTE
    return ROLL_BACK if difference.high < 0 else UNDECIDED


def within_limit(value: float | None, limit: float) -> str:
    """Return the answer of a number without a standard error: a threshold, and no statistics."""
    if value is None or math.isnan(value):
        return NO_DATA
    return PROMOTE if value <= limit else ROLL_BACK


def worst(answers: Iterable[str]) -> str:
    """Return the answer of several comparisons; without any, no data."""
    return min(answers, key=_WORST.index, default=NO_DATA)


def split_alpha(alpha: float, comparisons: int) -> float:
    """Return the alpha of each of several comparisons, so that all together have at most alpha."""
    return alpha / max(comparisons, 1)


def holm(p_values: Mapping[str, float], alpha: float) -> dict[str, bool]:
    """Return which of several hypotheses are rejected at a joint alpha (Holm, 1979).

    With always-valid p-values it holds at each look, and so at the last one.
    """
    ordered: Sequence[str] = sorted(p_values, key=lambda name: (p_values[name], name))
    rejected: dict[str, bool] = {}
    is_open = True
    for rank, name in enumerate(ordered):
        is_open = is_open and p_values[name] <= alpha / (len(ordered) - rank)
        rejected[name] = is_open
    return {name: rejected[name] for name in p_values}
