# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Simulate decisions about canaries; write the table and the plot of the guide.

``python -m tests.simulations [RUNS]``, 2,000 runs of each scenario by default.
"""

from __future__ import annotations

import sys
from pathlib import Path

from .canary_report import plot, table
from .canary_streams import Scenario, simulate

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "docsite" / "rst" / "guide_decision.rst"
PICTURE = ROOT / "docs" / "pictures" / "canary-decisions.svg"
SCENARIOS = (
    Scenario("healthy, 50 a minute", 50),
    Scenario("healthy, 500 a minute", 500),
    Scenario("healthy, 5000 a minute", 5000),
    Scenario("healthy, 500, a crawler with 20 %", 500, crawler=0.2),
    Scenario("healthy, 500, later 5 points more errors for all", 500, later=0.05),
    Scenario("5 points more errors, 50 a minute", 50, harm=0.05),
    Scenario("5 points more errors, 500 a minute", 500, harm=0.05),
    Scenario("5 points more errors, 5000 a minute", 5000, harm=0.05),
    Scenario("5 points more errors, 500, a crawler with 20 %", 500, harm=0.05, crawler=0.2),
)


def main(words: list[str]) -> None:
    """Simulate all scenarios, and print the progress."""
    runs = int(words[0]) if words else 2000
    results = {}
    for seed, scenario in enumerate(SCENARIOS):
        results[scenario] = simulate(scenario, runs, seed)
        print(
            scenario.name,
            {name: dict(t.answers) for name, t in results[scenario].items()},
            flush=True,
        )
    lines = table(results, runs)
    if words:
        print("\n".join(lines))
        return
    text = GUIDE.read_text()
    begin, end = ".. table begins: canary decisions\n", ".. table ends: canary decisions\n"
    head, _begin, rest = text.partition(begin)
    _old, _end, tail = rest.partition(end)
    GUIDE.write_text(f"{head}{begin}\n" + "\n".join(lines) + f"\n\n{end}{tail}")
    plot(results, PICTURE)


if __name__ == "__main__":
    main(sys.argv[1:])
