# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find that units were not assigned by the weights, as often as one likes. Pure.

Source: Lindon and Malek: Anytime-Valid Inference for Multinomial Count Data (2020), section 3: a
mixture of multinomial likelihoods over a Dirichlet distribution around the intended shares.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

# How close the mixture stays to the intended shares: finds mismatches of about one percent of the
# units after some ten thousand of them.
_CONCENTRATION = 1000.0


def mismatch_p_value(counts: Mapping[str, int], weights: Mapping[str, float]) -> float:
    """Return the always-valid p-value of the counts of units by arm.

    Arms of weight 0 take no part, unless they have units: then it is 0.
    """
    arms = [arm for arm in weights if weights[arm] > 0]
    if any(count for arm, count in counts.items() if arm not in arms):
        return 0.0
    total = sum(weights[arm] for arm in arms)
    shares = {arm: weights[arm] / total for arm in arms}
    number = sum(counts.get(arm, 0) for arm in arms)
    log_ratio = math.lgamma(_CONCENTRATION) - math.lgamma(_CONCENTRATION + number)
    for arm in arms:
        prior, count = _CONCENTRATION * shares[arm], counts.get(arm, 0)
        log_ratio += math.lgamma(prior + count) - math.lgamma(prior)
        log_ratio -= count * math.log(shares[arm])
    return 1.0 if log_ratio <= 0 else math.exp(-min(log_ratio, 700.0))
