# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Render the answers of the rules as a table of the guide and as a plot."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from pathlib import Path

from ansible_collections.shipping.code.plugins.module_utils._inference.verdicts import (
    ROLL_BACK,
    UNDECIDED,
)

from .canary_streams import Scenario, Tally

Results = Mapping[Scenario, Mapping[str, Tally]]


def table(results: Results, runs: int) -> list[str]:
    """Return the lines of the table."""
    lines = [
        ".. list-table::",
        "   :header-rows: 1",
        "",
        "   * - canary, and requests",
        "     - rule",
        "     - rolled back",
        "     - undecided",
        "     - minutes",
        "     - failed requests of the canary",
    ]
    for scenario, tallies in results.items():
        for name, tally in tallies.items():
            rolled_back, error = tally.share(ROLL_BACK)
            lines += [
                f"   * - {scenario.name}",
                f"     - {name}",
                f"     - {rolled_back:.1f} ± {error:.1f} %",
                f"     - {tally.share(UNDECIDED)[0]:.1f} %",
                f"     - {statistics.median(tally.minutes):.1f}",
                f"     - {statistics.median(tally.harmed):.0f}",
            ]
    return [*lines, "", f"{runs:,} runs each. The last two columns are medians."]


def plot(results: Results, path: Path) -> None:
    """Write the plot: wrong rollbacks beside failed requests until a bad canary is stopped."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "canary-decisions"
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(10, 4))
    healthy, bad = _without_crawler(results, is_healthy=True), _without_crawler(results)
    for name in next(iter(results.values())):
        wrong = [results[scenario][name].share(ROLL_BACK)[0] for scenario in healthy]
        left.plot([scenario.per_minute for scenario in healthy], wrong, "o-", label=name)
        harmed = [statistics.mean(results[scenario][name].harmed) for scenario in bad]
        right.plot([scenario.per_minute for scenario in bad], harmed, "o-", label=name)
    left.axhline(5, color="gray", linestyle=":")
    left.set(xscale="log", xlabel="requests a minute", ylabel="healthy canaries rolled back, %")
    right.set(
        xscale="log",
        yscale="log",
        xlabel="requests a minute",
        ylabel="failed requests of a bad canary",
    )
    right.legend(fontsize="small")
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})


def _without_crawler(results: Results, *, is_healthy: bool = False) -> list[Scenario]:
    """Return the scenarios without a crawler, by whether the canary is healthy."""
    others = [scenario for scenario in results if not scenario.crawler and not scenario.later]
    return [scenario for scenario in others if scenario.is_healthy == is_healthy]
