# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From measurements to docs/benchmarks.md and its picture."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from pathlib import Path

from .failures import FAILURES
from .measure import Runs
from .services import CLI, CURVE, EMPTY, LOOP, OURS, STACK

_ORDER = (OURS, LOOP, STACK, CLI, EMPTY)
_PHASES = ("first", "nothing to do", "one changed")


def report(results: dict[str, dict[str, Runs]], facts: Iterable[str], folder: Path) -> None:
    """Write the page and the picture."""
    _plot(results, folder / "pictures" / "nothing-to-do.svg")
    (folder / "benchmarks.md").write_text(_page(results, facts))


def _page(results: dict[str, dict[str, Runs]], facts: Iterable[str]) -> str:
    quiet = results["nothing to do"]
    lines = [
        _header(),
        "",
        "# Benchmarks",
        "",
        f"Made by `make bench` on {date.today().isoformat()}, all in one run on one engine, the contenders in turn; medians of whole commands.",
        "",
        *(f"- {fact}" for fact in facts),
        "",
        "## 20 services on a Swarm",
        "",
        "Seconds, and how many times as long as this collection.",
        "",
        f"| | {' | '.join(_PHASES)} | peak memory |",
        "| --- | --- | --- | --- | --- |",
        *(_row(name, results) for name in _ORDER),
        "",
        "This collection's time ends when all services are verified to run what was sent and to be healthy. The time of the others ends when the",
        "engine has accepted their requests: none of them waits, so what became of the rollout is not in their time, and not in their answer.",
        "Nothing to do is the same for all.",
        "",
        f"- nothing to do: {quiet[OURS].median - quiet[EMPTY].median:.2f} s more than an empty play",
        "",
        "![Seconds for nothing to do, by the number of services](pictures/nothing-to-do.svg)",
        "",
        "## How soon a failure is told",
        "",
        "Seconds from the first sign of it that the engine shows (a failed task, or one that waits with a reason) until the play prints it with its",
        "cause; what the plan sees is counted from the start of the play. An update of one of 20 services, median of three.",
        "docker_swarm_service, docker_stack and docker stack deploy report success for all of them.",
        "",
        "| | seconds |",
        "| --- | --- |",
        *(f"| {name} | {results[name]['told'].median:.1f} |" for name in FAILURES),
        "",
    ]
    return "\n".join(lines)


def _header() -> str:
    """The licence header, as the README has it."""
    before, end, _after = (Path(__file__).parents[2] / "README.md").read_text().partition("-->")
    return before + end


def _row(name: str, results: dict[str, dict[str, Runs]]) -> str:
    cells = [f"{results[phase][name].median:.2f} ({results[phase][name].median / results[phase][OURS].median:.1f} ×)" for phase in _PHASES]
    return f"| {name} | {' | '.join(cells)} | {results['nothing to do'][name].peak:.0f} MB |"


def _plot(results: dict[str, dict[str, Runs]], path: Path) -> None:
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams.update({"svg.hashsalt": "shipping.code", "svg.fonttype": "none", "font.family": "sans-serif"})
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 4))
    for name in (LOOP, STACK, OURS, EMPTY):
        axes.plot(CURVE, [results[f"curve {services}"][name].median for services in CURVE], marker="o", label=name)
    axes.set_xlabel("services")
    axes.set_ylabel("seconds, nothing to do")
    axes.set_ylim(bottom=0)
    axes.legend()
    axes.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None, "Creator": None})
