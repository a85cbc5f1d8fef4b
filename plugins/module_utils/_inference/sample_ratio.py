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
    total = sum(weights.values())
    shares = {arm: weight / total for arm, weight in weights.items() if weight > 0}
    if any(counts[arm] for arm in counts if arm not in shares):
        return 0.0
    number = sum(counts.values())
    log_ratio = math.lgamma(_CONCENTRATION) - math.lgamma(_CONCENTRATION + number)
    for arm, share in shares.items():
        prior, count = _CONCENTRATION * share, counts.get(arm, 0)
        log_ratio += math.lgamma(prior + count) - math.lgamma(prior) - count * math.log(share)
    return 1.0 if log_ratio <= 0 else math.exp(-min(log_ratio, 700.0))
