# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A look at the files that the modules keep: built-in effects are found, and the same twice."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.shipping.code.plugins.module_utils._core.errors import ShippingError
from ansible_collections.shipping.code.plugins.plugin_utils._experiments.cells import (
    ExperimentLayout,
    layout_of,
)
from ansible_collections.shipping.code.plugins.plugin_utils._experiments.experiment import (
    ResponseSource,
)
from ansible_collections.shipping.code.plugins.plugin_utils._experiments.experiment_file import (
    read,
)
from ansible_collections.shipping.code.plugins.plugin_utils._experiments.exposure_files import (
    EVENTS,
    EXPOSURES,
    DataFolder,
)
from ansible_collections.shipping.code.plugins.plugin_utils._experiments.looks import (
    Looking,
    analysis_data,
    decision_data,
    keep_look,
    report_of,
)

START = datetime(2026, 12, 1, tzinfo=UTC)
FILE = """
name: checkout
app: shop
service: web
factors:
  button: {header: X-Button, levels: [Buy, Buy now]}
  size: {header: X-Size, levels: [10, 50]}
responses:
  conversion: {rate: order, baseline: 0.1, smallest_effect: 0.05}
  revenue: {mean: order.value, cap: 100}
guardrails:
  errors: {ratio: [errors, requests], margin: 0.05}
sample: {min_units: 100}
deadline: 7d
"""


def layout() -> ExperimentLayout:
    return layout_of(read(FILE, "checkout.yml"))


def rows_of(seed: int, units: int, effects: dict[str, float]) -> dict[str, list[list[Any]]]:
    """Units with a probability of an order by their arm."""
    chance = random.Random(seed)
    exposures, events = [], []
    for number in range(units):
        unit, arm = f"{seed}-{number}", layout().arms[number % 4]
        at = START.timestamp() + number / 10
        exposures.append([unit, arm, at, at + 1, 3, int(chance.random() < 0.01), 90])
        if chance.random() < effects.get(arm, 0.1):
            events.append([unit, arm, at + 1, "order", round(chance.uniform(5, 50), 2), ""])
    return {EXPOSURES: exposures, EVENTS: events}


def looking(
    folder: DataFolder, hours: float = 1.0, found: ExperimentLayout | None = None
) -> Looking:
    return Looking(found or layout(), folder, folder.path, START, START + timedelta(hours=hours))


def test_the_best_cell_is_found_and_the_same_data_have_the_same_digits(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    effects = {"buy-now-10": 0.15, "buy-50": 0.15, "buy-now-50": 0.4}
    start = START.timestamp()
    folder.add(start, start + 100, rows_of(1, 400, {}))
    few = looking(folder)
    keep_look(few, few.finding())
    folder.add(start + 100, start + 200, rows_of(2, 3000, effects))
    whole = looking(folder)
    finding = whole.finding()
    assert decision_data(finding)["action"] == "ship"
    assert finding.decision.cell == "buy-now-50"
    assert sum(finding.data.units.values()) == 3400
    assert analysis_data(finding) == analysis_data(whole.finding())
    json.dumps(analysis_data(finding), allow_nan=False)
    effect = analysis_data(finding)["effects"][0]["effects"][2]
    assert tuple(effect["factors"]) == ("button", "size") and effect["low"] > 0
    keep_look(whole, finding)
    keep_look(whole, finding)
    assert [look["units"] for look in folder.looks()] == [400, 3400]
    page = report_of(whole, finding, dict.fromkeys(layout().arms, 25.0))
    assert "buy-now-50" in page and finding.digest in page


@pytest.mark.parametrize("default", ["inconclusive", "roll_back", "buy-50"])
def test_the_deadline_has_its_default(tmp_path: Path, default: str) -> None:
    folder = DataFolder(tmp_path)
    start = START.timestamp()
    folder.add(start, start + 100, rows_of(3, 2000, {}))
    found = layout_of(replace(layout().experiment, default=default))
    assert decision_data(looking(folder, 1, found).finding())["action"] == "extend"
    decision = decision_data(looking(folder, 24 * 8, found).finding())
    expected = ("ship", default) if default == "buy-50" else (default, "")
    assert (decision["action"], decision["cell"]) == expected


def test_events_of_files(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "data")
    start = START.timestamp()
    rows = rows_of(4, 800, {})
    folder.add(start, start + 100, {EXPOSURES: rows[EXPOSURES], EVENTS: []})
    source = ResponseSource("files", ("orders/*.csv",), columns={"unit": "visitor"})
    found = layout_of(replace(layout().experiment, events=source))
    base = replace(looking(folder, 1, found), base=tmp_path)
    with pytest.raises(ShippingError, match=r"matches orders/\*\.csv"):
        base.finding()
    (tmp_path / "orders").mkdir()
    lines = [f"{unit},{time},{name},{value}" for unit, _arm, time, name, value, _id in rows[EVENTS]]
    text = "\n".join(["visitor,time,name,value", *lines])
    (tmp_path / "orders" / "one.csv").write_text(f"{text}\n")
    finding = base.finding()
    orders = sum(sums.arm.numerators for sums in finding.data.sums["conversion"].values())
    assert orders == len(rows[EVENTS])
