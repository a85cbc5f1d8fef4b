# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Simulate experiments that are looked at often; write the table of the guide.

``python -m tests.simulations.experiments [RUNS]``, 10,000 runs of each scenario by default. With a
number of runs it prints the table, and writes nothing.
"""

from __future__ import annotations

import statistics
import sys
from pathlib import Path

from .experiment_looks import (
    ADJUSTED,
    BETTER_ADJUSTED,
    BETTER_RATE,
    CAPPED,
    RATE_5,
    REVENUE,
    Outcomes,
    Plan,
    Population,
    share_of,
    simulate,
    simulate_mismatch,
)

GUIDE = Path(__file__).parents[2] / "docs" / "docsite" / "rst" / "guide_statistics.rst"
RUNS = 10_000
SCENARIOS: tuple[tuple[Population, Plan], ...] = (
    (RATE_5, Plan(20)),
    (RATE_5, Plan(200)),
    (CAPPED, Plan(100)),
    (REVENUE, Plan(100)),
    (CAPPED, Plan(100, part=0.1)),
    (REVENUE, Plan(100, part=0.1)),
    (ADJUSTED, Plan(20)),
    (BETTER_RATE, Plan(20)),
    (BETTER_ADJUSTED, Plan(20)),
)
SHARES = (0.5, 0.51, 0.52)
_HEAD = (
    "response",
    "looks",
    "found at any look",
    "naive: any look",
    "one look at the end",
    "interval missed the truth",
    "median look of those found",
)
_BEGIN, _END = ".. table begins: experiments\n", ".. table ends: experiments\n"


def main(words: list[str]) -> None:
    """Simulate all scenarios, and print the progress."""
    runs = int(words[0]) if words else RUNS
    rows = []
    for seed, (population, plan) in enumerate(SCENARIOS):
        outcomes = simulate(population, plan, runs, seed)
        rows.append(_row(population, plan, outcomes))
        print(rows[-1], flush=True)
    lines = _table(_HEAD, rows)
    mismatches = []
    for seed, share in enumerate(SHARES):
        plan = Plan(20, 20_000)
        found = simulate_mismatch(share, runs, seed, plan)
        mismatches.append((f"{100 * share:g} %", str(2 * plan.units), _share(found, runs)))
        print(mismatches[-1], flush=True)
    lines += ["", *_table(("true share of one of two arms", "units", "mismatch found"), mismatches)]
    lines += ["", f"{runs:,} runs each, with the Monte Carlo standard error."]
    if words:
        print("\n".join(lines))
        return
    head, _begin, rest = GUIDE.read_text(encoding="utf-8").partition(_BEGIN)
    _old, _end, tail = rest.partition(_END)
    text = f"{head}{_BEGIN}\n" + "\n".join(lines) + f"\n\n{_END}{tail}"
    GUIDE.write_text(text, encoding="utf-8")


def _row(population: Population, plan: Plan, outcomes: Outcomes) -> tuple[str, ...]:
    runs = outcomes.runs
    return (
        population.name + (", a tenth of the units" if plan.part < 1 else ""),
        str(plan.looks),
        _share(outcomes.found, runs),
        _share(outcomes.naive, runs),
        _share(outcomes.at_end, runs),
        _share(outcomes.missed, runs),
        f"{statistics.median(outcomes.stops):g}" if outcomes.stops else "",
    )


def _share(number: int, runs: int) -> str:
    share, error = share_of(number, runs)
    return f"{share:.1f} ± {error:.1f} %"


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> list[str]:
    lines = [".. list-table::", "   :header-rows: 1", ""]
    for row in (head, *rows):
        for index, cell in enumerate(row):
            lines.append(f"   {'* -' if index == 0 else '  -'} {cell}".rstrip())
    return lines


if __name__ == "__main__":
    main(sys.argv[1:])
