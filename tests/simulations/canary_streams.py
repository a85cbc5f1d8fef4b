# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests of unequally active visitors to a service with a canary, which ramps up."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy
from ansible_collections.shipping.code.plugins.module_utils._inference.verdicts import UNDECIDED

from .canary_rules import MINUTE, Seen, Weighted, rules

LOOK = 10
STEPS = (0.1, 0.2, 0.3, 0.4, 0.5)


@dataclass(frozen=True)
class Scenario:
    """A service: requests a minute, harm of the canary, and the share of a crawler's requests.

    Two percent of the visitors have errors in 20 percent of their requests, such as those with an
    old client; the others in 0.1 percent. ``harm`` is added for visitors of the canary, and
    ``later`` for all from the third minute on, while the share grows.
    """

    name: str
    per_minute: int
    harm: float = 0.0
    crawler: float = 0.0
    later: float = 0.0
    visitors: int = 2000
    minutes: int = 60

    @property
    def is_healthy(self) -> bool:
        """Return whether the canary is as good as stable."""
        return not self.harm


@dataclass
class Tally:
    """Answers of a rule in all runs of a scenario, with failed requests and minutes."""

    answers: Counter[str] = field(default_factory=Counter)
    harmed: list[float] = field(default_factory=list)
    minutes: list[float] = field(default_factory=list)

    def add(self, answer: str, harmed: float, seconds: int) -> None:
        """Add a run."""
        self.answers[answer] += 1
        self.harmed.append(harmed)
        self.minutes.append(seconds / MINUTE)

    def share(self, answer: str) -> tuple[float, float]:
        """Return the share of an answer in percent, and its Monte Carlo standard error."""
        number = sum(self.answers.values())
        share = self.answers[answer] / number
        return 100 * share, 100 * float(numpy.sqrt(share * (1 - share) / number))


def simulate(scenario: Scenario, runs: int, seed: int) -> dict[str, Tally]:
    """Return the tally of each rule; all rules see the same streams."""
    chance = numpy.random.default_rng(seed)
    tallies: dict[str, Tally] = {rule.name: Tally() for rule in rules()}
    for _run in range(runs):
        _one_run(scenario, chance, tallies)
    return tallies


def _one_run(scenario: Scenario, chance: numpy.random.Generator, tallies: dict[str, Tally]) -> None:
    activity = chance.lognormal(0, 1.2, scenario.visitors)
    if scenario.crawler:
        activity[0] = activity[1:].sum() * scenario.crawler / (1 - scenario.crawler)
    likelihood = numpy.cumsum(activity / activity.sum())
    risk = numpy.where(chance.random(scenario.visitors) < 0.02, 0.2, 0.001)
    bucket = chance.random(scenario.visitors)
    requests, errors = numpy.zeros(scenario.visitors), numpy.zeros(scenario.visitors)
    # Requests count as a canary's once their visitor belongs to it: a ramp only adds visitors.
    canary_requests, canary_errors = numpy.zeros_like(requests), numpy.zeros_like(requests)
    weighted = Weighted.of(2 * scenario.visitors)
    has_failed = numpy.zeros(scenario.visitors, dtype=bool)
    first_failures: dict[float, tuple[int, int]] = {}
    open_rules = rules()
    for seconds in range(LOOK, scenario.minutes * MINUTE + 1, LOOK):
        weight = STEPS[min((seconds - 1) // MINUTE, len(STEPS) - 1)]
        is_canary = bucket < weight
        number = chance.poisson(scenario.per_minute * LOOK / MINUTE)
        visitors = numpy.searchsorted(likelihood, chance.random(number))
        visitors = numpy.minimum(visitors, scenario.visitors - 1)
        later = scenario.later if seconds > 2 * MINUTE else 0.0
        chances = later + risk[visitors] + numpy.where(is_canary[visitors], scenario.harm, 0.0)
        failed = chance.random(number) < chances
        is_new = is_canary[visitors]
        numpy.add.at(canary_requests, visitors[is_new], 1)
        numpy.add.at(canary_errors, visitors[is_new], failed[is_new])
        numpy.add.at(requests, visitors[~is_new], 1)
        numpy.add.at(errors, visitors[~is_new], failed[~is_new])
        # As in Seen: canaries first.
        weighted.add(visitors + numpy.where(is_new, 0, scenario.visitors), failed, is_new, weight)
        failing = numpy.unique(visitors[failed])
        failing = failing[~has_failed[failing]]
        has_failed[failing] = True
        new, former = first_failures.get(weight, (0, 0))
        in_canary = int(is_canary[failing].sum())
        first_failures[weight] = (new + in_canary, former + len(failing) - in_canary)
        seen = Seen(
            seconds,
            numpy.concatenate([canary_requests, requests]),
            numpy.concatenate([canary_errors, errors]),
            numpy.arange(2 * scenario.visitors) < scenario.visitors,
            weight,
            first_failures,
            weighted,
        )
        harmed = float(canary_errors.sum())
        for rule in list(open_rules):
            answer = rule.decide(seen)
            if answer != UNDECIDED:
                tallies[rule.name].add(answer, harmed, seconds)
                open_rules.remove(rule)
        if not open_rules:
            return
    for rule in open_rules:
        tallies[rule.name].add(UNDECIDED, float(canary_errors.sum()), seconds)
