# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find by few failures that a new arm harms, as often as one looks. Pure.

Units are assigned by chance. If the new arm is as good as the former one, a unit's first failing
request is in the new arm with a probability that is known: the share of units that the new arm has
at that time. This holds exactly, for few failures, unequal units and growing shares, since it uses
nothing but the assignment. Only the first failure of a unit counts, because those after it are in
the same arm. If the new arm has a relative risk ``r``, the probability is ``r w / (r w + 1 - w)``.
The mixture of the likelihood ratios over several ``r`` is a martingale, so by Ville's inequality it
ever exceeds ``1 / alpha`` with a probability of at most alpha. Sources: Ramdas, Grunwald, Vovk and
Shafer: Game-theoretic statistics and safe anytime-valid inference (2023), section 2; Fisher: The
Design of Experiments (1935), chapter 2, for a test by the assignment alone.

    >>> round(harm_p_value({0.1: (5, 2)}), 4)
    0.0018
"""

from __future__ import annotations

import math
from collections.abc import Mapping

Counts = Mapping[float, tuple[int, int]]
"""By the share of the new arm at that time: first failures in the new arm, and in the former."""
# From a harm that takes many failures to find to one that few prove. Each has the same weight.
_RELATIVE_RISKS = (1.5, 2.0, 3.0, 5.0, 10.0, 25.0, 100.0)


def harm_p_value(counts: Counts) -> float:
    """Return the always-valid p-value of a new arm that is at most as harmful as the former one.

    It is at most 1. Shares of 0 and 1 compare nothing, so their failures are left out.
    """
    logarithms = [_log_likelihood_ratio(counts, risk) for risk in _RELATIVE_RISKS]
    largest = max(logarithms)
    mixture = sum(math.exp(logarithm - largest) for logarithm in logarithms)
    log_evidence = largest + math.log(mixture / len(_RELATIVE_RISKS))
    return math.exp(-max(0.0, min(log_evidence, 700.0)))


def _log_likelihood_ratio(counts: Counts, risk: float) -> float:
    return sum(
        new * math.log(risk) - (new + former) * math.log(risk * share + 1 - share)
        for share, (new, former) in counts.items()
        if 0 < share < 1
    )
