# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare two arms as often as one likes. Pure.

The intervals are asymptotic confidence sequences of a normal mixture: the probability that the true
difference is ever outside is at most alpha, over all looks together. Sources: Robbins: Statistical
Methods Related to the Law of the Iterated Logarithm (1970); Waudby-Smith, Arbour, Sinha, Kennedy
and Ramdas: Time-uniform central limit theory and asymptotic confidence sequences (2021), theorem
2.2; Johari, Koomen, Pekelis and Walsh: Always Valid Inference (2015), for the p-value.

    >>> stable, canary = sums_of_requests(40, 10000), sums_of_requests(60, 1000)
    >>> difference = share_difference(canary, stable, alpha=0.05, aim=0.01)
    >>> round(difference.estimate, 3), difference.low > 0
    (0.056, True)
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from .arm_sums import ArmSums

# The interval is the narrowest at a standard error of this part of the difference to be found: its
# half is then as long as that difference, at an alpha of 5 percent.
_PART_OF_AIM = 1 / 3


@dataclass(frozen=True)
class Difference:
    """The difference of two arms, the first less the second, with its interval.

    ``p_value`` is the smallest alpha whose interval excludes 0. Without data the interval is
    infinite.
    """

    estimate: float
    low: float
    high: float
    standard_error: float
    p_value: float

    @property
    def is_known(self) -> bool:
        """Return whether there are data to estimate it."""
        return math.isfinite(self.standard_error)


def share_difference(new: ArmSums, former: ArmSums, *, alpha: float, aim: float) -> Difference:
    """Return the difference of two shares; ``aim`` is the one to be found, such as 0.01."""
    variance = new.share_variance() + former.share_variance()
    return of_estimate(new.ratio - former.ratio, math.sqrt(variance), alpha=alpha, aim=aim)


def ratio_difference(new: ArmSums, former: ArmSums, *, alpha: float, aim: float) -> Difference:
    """Return the difference of two ratios or means; ``aim`` is the one to be found."""
    variance = new.ratio_variance() + former.ratio_variance()
    return of_estimate(new.ratio - former.ratio, math.sqrt(variance), alpha=alpha, aim=aim)


def of_estimate(estimate: float, standard_error: float, *, alpha: float, aim: float) -> Difference:
    """Return the interval of an estimate, such as that of another program."""
    if not math.isfinite(standard_error) or standard_error < 0:
        return Difference(0.0, -math.inf, math.inf, math.inf, 1.0)
    if standard_error == 0:
        # Nothing varies: no mixture can be formed, and no alpha covers that it never will.
        return Difference(estimate, -math.inf, math.inf, math.inf, 1.0)
    information = _information(standard_error, aim)
    half = standard_error * _critical_value(information, alpha)
    return Difference(
        estimate,
        estimate - half,
        estimate + half,
        standard_error,
        _p_value(estimate / standard_error, information),
    )


def critical_value(standard_error: float, *, alpha: float, aim: float) -> float:
    """Return how many standard errors from 0 an estimate is significant; 1.96 is that of one look.

    It is larger the earlier one looks.
    """
    return _critical_value(_information(standard_error, aim), alpha)


def _critical_value(information: float, alpha: float) -> float:
    log_limit = math.log(math.sqrt(information + 1) / alpha)
    return math.sqrt(2 * (information + 1) / information * log_limit)


def _information(standard_error: float, aim: float) -> float:
    """Return the information, in units in which the interval is the narrowest at the aim.

    It does not depend on alpha, so that the intervals of all alphas are of one mixture.
    """
    if aim <= 0:
        raise ValueError("aim must be more than 0")
    # The best mixture for an alpha of 5 percent (Waudby-Smith et al., section B.2).
    best = -2 * math.log(0.05)
    best += math.log(1 + best)
    return float(best * (aim * _PART_OF_AIM / standard_error) ** 2)


def _p_value(z: float, information: float) -> float:
    # The inverse of the mixture of likelihood ratios, by its logarithm: it may be huge.
    log_ratio = z**2 * information / (2 * (information + 1)) - 0.5 * math.log1p(information)
    return min(1.0, math.exp(-log_ratio)) if log_ratio < 700 else 0.0
