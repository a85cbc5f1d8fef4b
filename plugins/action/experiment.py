# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import shutil
from collections.abc import Mapping
from typing import Any

import yaml
from ansible_collections.shipping.code.plugins.module_utils._core.atomic_write import (
    write_atomically,
)
from ansible_collections.shipping.code.plugins.module_utils._deploy import argument_specs
from ansible_collections.shipping.code.plugins.module_utils._deploy.experiments import WRITE
from ansible_collections.shipping.code.plugins.module_utils._platforms.registry import PLATFORMS
from ansible_collections.shipping.code.plugins.plugin_utils._controller.experiment_action import (
    ExperimentAction,
    ReadExperiment,
)
from ansible_collections.shipping.code.plugins.plugin_utils._controller.progress_lines import (
    is_quiet,
    print_line,
)
from ansible_collections.shipping.code.plugins.plugin_utils._experiments.cell_capacity import (
    Capacity,
    check_capacity,
)
from ansible_collections.shipping.code.plugins.plugin_utils._experiments.experiment_record import (
    ABSENT,
    PLANNED,
    PROMOTED,
    RUNNING,
    RecordChange,
    next_change,
)
from ansible_collections.shipping.code.plugins.plugin_utils._experiments.layout_summary import (
    cell_table,
    plan_of,
    power_data,
)
from ansible_collections.shipping.code.plugins.plugin_utils._experiments.power import check_power


class ActionModule(ExperimentAction):
    """Plans on the control node what a run changes, and lets the module write it."""

    arguments = PLATFORMS.argument_spec(argument_specs.EXPERIMENT)
    observes_traffic = True

    def outcome(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Converge the experiment to its state."""
        state = options["state"]
        read = self.read(options, looks_at_data=state not in (PLANNED, ABSENT))
        change = next_change(state, read.situation, read.former, options.get("cell") or "")
        power = self._possible(read, options) if state in (PLANNED, RUNNING) else None
        before = read.situation.state
        written = self._written(read, change)
        after = str(change.record["state"]) if change.record else before
        after = ABSENT if change.remove else after
        result = {
            "changed": written["changed"],
            **self.described(read, change.record, change.weights),
            **self.reported(read, options),
            "state": after,
            "power": power_data(power),
            "notes": list(change.notes),
            "compose": self._compose(read, after, change),
            "diff": {"before": _shown(before, read), "after": _after(after, read, change)},
        }
        if state == ABSENT and not self._task.check_mode:
            shutil.rmtree(read.folder.path, ignore_errors=True)
        if state == PLANNED and not is_quiet("auto"):
            for line in cell_table(read.situation.layout, result["weights"]):
                print_line(line)
        return result

    def _possible(self, read: ReadExperiment, options: Mapping[str, Any]) -> Any:
        """Return what the experiment needs; raise PlanError if it has too little of it."""
        layout, found = read.situation.layout, read.found
        if read.situation.started:
            return None
        capacity = Capacity.of_data(found["slots"], found["capacity"])
        check_capacity(layout, capacity, found["live"])
        plan = plan_of(layout, read.found.get("units_by_day") or None)
        if plan:
            check_power(plan, is_forced=bool(options["force"]))
        return plan

    def _written(self, read: ReadExperiment, change: RecordChange) -> dict[str, Any]:
        if change.record is None and change.weights is None and not change.remove:
            return {"changed": False}
        experiment = read.experiment
        return self.call_module(
            {
                "phase": WRITE,
                "app": experiment.app,
                "service": experiment.service,
                "name": experiment.name,
                "weights": dict(change.weights) if change.weights is not None else None,
                "record": dict(change.record) if change.record is not None else None,
                "remove": change.remove,
                "revision": read.found["revision"],
            }
        )

    def _compose(self, read: ReadExperiment, state: str, change: RecordChange) -> list[str]:
        """Write the Compose file that the next release needs, and return its path in a list."""
        layout = read.situation.layout
        if state in (PLANNED, RUNNING):
            content = layout.override()
        elif state == PROMOTED:
            record = change.record or read.situation.record or {}
            content = layout.promotion(str(record["cell"]))
        else:
            return []
        path = read.folder.path / f"{state if state == PROMOTED else 'cells'}.compose.yml"
        if self._task.check_mode:
            return [str(path)] if path.exists() else []
        # $ begins a variable in a Compose file.
        text = yaml.safe_dump(content, sort_keys=False).replace("$", "$$")
        read.folder.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_atomically(str(path), text.encode())
        return [str(path)]


def _shown(state: str, read: ReadExperiment) -> dict[str, Any]:
    weights = read.situation.weights
    arms = read.situation.layout.arms
    return {"state": state, "weights": {arm: weights.get(arm, 0.0) for arm in arms}}


def _after(state: str, read: ReadExperiment, change: RecordChange) -> dict[str, Any]:
    shown = _shown(state, read)
    return {**shown, "weights": {**shown["weights"], **(change.weights or {})}}
