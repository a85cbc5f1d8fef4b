# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Look at the data of an experiment: read, analyze and decide."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from .cells import Layout
from .experiment_record import Look
from .exposure_files import EXPOSURES, DataFolder


@dataclass(frozen=True)
class Looking:
    """The experiment, its data, and the folder of the files that it names."""

    layout: Layout
    folder: DataFolder
    base: Path
    started: datetime
    now: datetime

    def event_files(self) -> list[Path]:
        """Return the files of events that the experiment names, sorted."""
        patterns = self.layout.experiment.events.files
        return sorted({path for pattern in patterns for path in self.base.glob(pattern)})

    def digest(self) -> str:
        """Return the hash of all data."""
        return self.folder.digest(self.event_files())

    def units(self) -> dict[str, int]:
        """Return the number of units of each arm; those in two arms are in none."""
        arms: dict[str, set[str]] = {}
        for path in self.folder.files(EXPOSURES):
            for line in path.read_text(encoding="utf-8").splitlines():
                row = json.loads(line)
                arms.setdefault(row["unit"], set()).add(row["arm"])
        counts = Counter(next(iter(found)) for found in arms.values() if len(found) == 1)
        return {arm: counts[arm] for arm in self.layout.arms}

    def analysis(self) -> Any:
        """Return the analysis of the data as they are."""
        return {"units": self.units(), "decision": {"action": "extend", "cell": ""}}


def look_of(looking: Looking, analysis: Any) -> Look:
    """Return what the record keeps of an analysis."""
    decision = decision_data(analysis)
    return Look(looking.digest(), looking.units(), decision["action"], decision["cell"])


def decision_data(analysis: Any) -> dict[str, Any]:
    """Return the decision: ``action``, ``cell`` and ``text``; empty without data."""
    return dict(analysis["decision"]) if analysis else {}


def analysis_data(analysis: Any) -> Mapping[str, Any]:
    """Return the analysis as data of JSON."""
    return dict(analysis)


def report_of(analysis: Any) -> str:
    """Return the report as one HTML file."""
    return f"<pre>{json.dumps(analysis)}</pre>"
