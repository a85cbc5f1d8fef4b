# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a good and a bad canary on a real router, and draw their lives for the guide.

``python -m tests.simulations.canary_life [FILE]``
"""

from __future__ import annotations

import math
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.shipping.code.plugins.module_utils._deploy.ramp_checks import (
    Checks,
    RequestCheck,
)
from ansible_collections.shipping.code.plugins.module_utils._inference.verdicts import PROMOTE

from tests.testbed.canary_bed import Moment, canary_bed

PICTURE = Path(__file__).parents[2] / "docs" / "pictures" / "canary-life.svg"
MARGIN = 0.02
_STEPS = {0.0: 10.0, 10.0: 20.0, 20.0: 30.0, 30.0: 40.0, 40.0: 50.0}
_LONGEST = 120
_AFTER = 5
_ERRORS = {"good": "0.01", "bad": "0.06"}
_WORDS = {"promote": "promoted", "roll_back": "rolled back"}


@dataclass(frozen=True)
class Life:
    """A canary from its first share on; ``end`` is the second of the decision."""

    name: str
    answer: str
    end: float
    moments: list[Moment]
    harmed: int

    @property
    def title(self) -> str:
        """Return what happened."""
        errors = f"{100 * float(_ERRORS[self.name]):g} % errors"
        outcome = f"{_WORDS.get(self.answer, self.answer)} after {self.end:.0f} s"
        return f"{errors}: {outcome}, {self.harmed} failed requests"


def lived(name: str) -> Life:
    """Run one canary."""
    services = {
        "stable": {"VERSION": "1.0.0", "ERRORS": _ERRORS["good"]},
        "canary": {"VERSION": "1.1.0", "ERRORS": _ERRORS[name]},
    }
    checks = Checks((RequestCheck("errors", MARGIN),), warm_up=2)
    load: dict[str, Any] = {"visitors": 1000, "per_second": 60}
    with (
        tempfile.TemporaryDirectory() as folder,
        canary_bed(Path(folder), checks, services=services, **load) as bed,
    ):
        answer = bed.ramp(_STEPS, _LONGEST).answer
        end, harmed = bed.moments[-1].second, bed.visitors.harmed.get("shop 1.1.0", 0)
        print(*bed.progress[::8], bed.progress[-1], sep="\n", flush=True)
        bed.share(canary=100 if answer == PROMOTE else 0)
        until = time.monotonic() + _AFTER
        while time.monotonic() < until:
            time.sleep(0.5)
            bed.look()
        return Life(name, answer, end, list(bed.moments), harmed)


def plot(lives: list[Life], path: Path) -> None:
    """Write the picture: shares above, and the difference with its interval below."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "canary-life"
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(2, len(lives), figsize=(10, 5), sharey="row", squeeze=False)
    for (upper, lower), life in zip(axes.T, lives, strict=True):
        seconds = [moment.second for moment in life.moments]
        upper.step(seconds, [moment.percent for moment in life.moments], where="post")
        upper.set_title(life.title, fontsize="medium")
        lower.set(xlabel="seconds since the first share")
        _plot_difference(lower, life)
        for axis in (upper, lower):
            axis.axvline(life.end, color="gray", linewidth=0.8)
            axis.set_xlim(0, seconds[-1])
    axes[0][0].set(ylabel="share of the canary, %")
    axes[1][0].set(ylabel="difference of errors,\npercentage points", ylim=(-6, 12))
    axes[1][0].legend(fontsize="small", loc="upper right")
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})


def _plot_difference(axis: Any, life: Life) -> None:
    known = [
        (moment.second, moment.look.facts[0])
        for moment in life.moments
        if moment.look.facts and moment.second <= life.end
    ]
    seconds = [second for second, _fact in known]
    # Without an interval, there is no weighted difference yet.
    low, high = ([_number(fact[name]) for _second, fact in known] for name in ("low", "high"))
    axis.fill_between(seconds, low, high, alpha=0.25, label="interval")
    axis.plot(seconds, [_estimate(fact) for _second, fact in known], label="difference")
    axis.axhline(100 * MARGIN, color="gray", linestyle=":", label="margin")
    axis.axhline(0, color="gray", linewidth=0.8)


def _number(value: float | None) -> float:
    return math.nan if value is None else value


def _estimate(fact: Mapping[str, Any]) -> float:
    plain = float(fact["canary"]["percent"] - fact["stable"]["percent"])
    return plain if fact["difference"] is None else float(fact["difference"])


def main(words: list[str]) -> None:
    """Run both canaries and draw them."""
    plot([lived(name) for name in ("good", "bad")], Path(words[0]) if words else PICTURE)


if __name__ == "__main__":
    main(sys.argv[1:])
