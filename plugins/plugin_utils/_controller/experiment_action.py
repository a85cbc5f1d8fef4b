# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read an experiment file on the control node, and the experiment's data from the platform."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

from ansible.utils.display import Display

from ...module_utils._core.atomic_write import write_atomically
from ...module_utils._core.errors import ShippingError
from ...module_utils._core.slow_calls import waiting_for
from ...module_utils._deploy.argument_specs import Spec
from ...module_utils._deploy.experiments import READ
from .._experiments import experiment_file, looks
from .._experiments.cells import ExperimentLayout, layout_of
from .._experiments.experiment import Experiment
from .._experiments.experiment_record import ABSENT, Live, Situation
from .._experiments.exposure_files import EVENTS, EXPOSURES, DataFolder
from .._experiments.layout_summary import cells_data, design_data
from .._routing import pki_folder
from .progress_lines import slow_calls_shown
from .router_action import RouterKeys
from .task_options import read_options

display = Display()
_DAY = 86400


@dataclass(frozen=True)
class ReadExperiment:
    """The experiment of a task: its file, its data and what the platform has of it."""

    situation: Situation
    folder: DataFolder
    path: Path
    found: Mapping[str, Any]
    looking: looks.Looking | None = None
    finding: looks.Finding | None = None
    former: Experiment | None = None

    @property
    def experiment(self) -> Experiment:
        """Return the experiment as the file has it."""
        return self.situation.layout.experiment


@dataclass(frozen=True)
class _ExperimentCall:
    """The options of each call of the module, and the variables of the host."""

    options: Mapping[str, Any]
    variables: Mapping[str, Any]


class ExperimentAction(RouterKeys):
    """An action on an experiment, whose module reads or writes the platform."""

    _supports_check_mode = True
    _supports_async = False
    _supports_diff = True

    arguments: ClassVar[Spec] = {}
    observes_traffic = False

    def outcome(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Return the result of the task."""
        raise NotImplementedError

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Run the action."""
        variables = task_vars or {}
        result: dict[str, Any] = super().run(tmp, variables)
        host = str(variables.get("inventory_hostname", "localhost"))
        try:
            defaults = {name: entry.get("default") for name, entry in self.arguments.items()}
            given = read_options(self.arguments, self._task.args)
            options = {**defaults, **{key: item for key, item in given.items() if item is not None}}
            self._call = _ExperimentCall(given, variables)
            with slow_calls_shown(host), waiting_for(f"the module on {host}"):
                outcome = self.outcome(options)
        except ShippingError as error:
            outcome = error.as_result()
        result.update(outcome)
        if not self._task.diff:
            result.pop("diff", None)
        return result

    def call_module(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return the result of one call of the module; raise ShippingError if it failed."""
        call = self._call
        # Only now: a mistake in the file is reported without keys, too.
        keys = pki_folder.client_files(self.keys_folder(call.options["pki"]), self.read_file)
        own = {name: item for name, item in call.options.items() if not name.startswith("_")}
        found: dict[str, Any] = self._execute_module(
            module_args={**own, "_pki": keys, "_experiment": dict(request)},
            task_vars=dict(call.variables),
        )
        for warning in found.pop("warnings", ()):
            display.warning(warning)
        if found.get("failed"):
            error = ShippingError(str(found.get("msg", "")).rstrip("."))
            error.add_facts(**{key: item for key, item in found.items() if key != "msg"})
            raise error
        return found

    def described(
        self,
        read: ReadExperiment,
        record: Mapping[str, Any] | None = None,
        weights: Mapping[str, float] | None = None,
    ) -> dict[str, Any]:
        """Return the experiment as a result has it; the platform has other values before."""
        now = read.situation
        current = record or now.record or {}
        shares = {**now.weights, **(weights or {})}
        return {
            "name": now.name,
            "app": read.experiment.app,
            "service": read.experiment.service,
            "state": current.get("state", ABSENT),
            "started": current.get("started", ""),
            "ended": current.get("ended", ""),
            "cell": current.get("cell", ""),
            "design": design_data(now.layout),
            "cells": cells_data(now.layout, shares),
            "weights": {arm: shares.get(arm, 0.0) for arm in now.layout.arms},
            "looks": list(current.get("looks", ())),
            "decision": looks.decision_data(read.finding),
        }

    def reported(self, read: ReadExperiment, options: Mapping[str, Any]) -> dict[str, Any]:
        """Write the report if there is an analysis; return the analysis as data."""
        if read.finding is None or read.looking is None:
            return {"analysis": {}}
        if options.get("report") and not self._task.check_mode:
            path = self._loader.path_dwim(str(options["report"]))
            content = looks.report_of(read.looking, read.finding, self._shares(read)).encode()
            write_atomically(path, content, 0o644)
        return {"analysis": looks.analysis_data(read.finding)}

    def _shares(self, read: ReadExperiment) -> dict[str, float]:
        weights = read.situation.weights
        return {arm: weights.get(arm, 0.0) for arm in read.situation.layout.arms}

    def read(self, options: Mapping[str, Any], *, looks_at_data: bool = True) -> ReadExperiment:
        """Read the file, the record and the new lines of the log, which are kept."""
        path = Path(self._loader.path_dwim(str(options["path"])))
        text, experiment = self._experiment(path, str(options["path"]))
        layout = layout_of(experiment)
        data = Path(self._loader.path_dwim(str(options["data"])))
        folder = DataFolder(data / experiment.app / experiment.name)
        request = self._request(experiment, layout)
        collect = {"collect": looks_at_data, "since": folder.cursor}
        found = self.call_module({**request, **collect})
        self._keep(found["rows"], folder)
        situation = Situation(
            layout,
            text,
            datetime.now(UTC),
            found["record"],
            found["others"],
            Live(found["live"]),
            found["weights"],
        )
        read = ReadExperiment(situation, folder, path, found, former=self._former(situation))
        looked = self._with_look(read) if looks_at_data else read
        self._forget(situation, folder)
        return looked

    def _forget(self, now: Situation, folder: DataFolder) -> None:
        """Remove data that are older than the retention, once the experiment has ended."""
        ended = (now.record or {}).get("ended")
        last = now.now - timedelta(seconds=now.layout.experiment.retention)
        if ended and not self._task.check_mode:
            folder.remove_before(last.timestamp())

    def _experiment(self, path: Path, name: str) -> tuple[str, Experiment]:
        try:
            text = self.read_file(str(path)).decode() if path.is_file() else None
        except (OSError, UnicodeDecodeError) as error:
            raise _unreadable(name, str(getattr(error, "strerror", None) or error)) from error
        if text is None:
            raise _unreadable(name, f"there is no file {path}")
        return text, experiment_file.read(text, name)

    def _request(self, experiment: Experiment, layout: ExperimentLayout) -> dict[str, Any]:
        observe = {"observe": _DAY} if self.observes_traffic else {}
        return {
            "phase": READ,
            "app": experiment.app,
            "service": experiment.service,
            "name": experiment.name,
            "arms": list(layout.arms),
            **observe,
        }

    def _keep(self, rows: Mapping[str, Any] | None, folder: DataFolder) -> None:
        if rows and not self._task.check_mode:
            kept = {EXPOSURES: rows["exposures"], EVENTS: rows["events"]}
            folder.add(rows["begin"], rows["end"], kept)

    def _former(self, now: Situation) -> Experiment | None:
        """Return the experiment of the record's own text, which an older version may have read."""
        text = (now.record or {}).get("text")
        return experiment_file.read(text, "the record") if text else None

    def _with_look(self, read: ReadExperiment) -> ReadExperiment:
        now = read.situation
        if now.started is None or not read.folder.files(EXPOSURES):
            return read
        ended = (now.record or {}).get("ended")
        time = datetime.fromisoformat(ended) if ended else now.now
        looking = looks.Looking(now.layout, read.folder, read.path.parent, now.started, time)
        finding = looking.finding()
        if not self._task.check_mode:
            looks.keep_look(looking, finding)
        looked = replace(now, look=finding.look())
        return replace(read, situation=looked, looking=looking, finding=finding)


def _unreadable(name: str, cause: str) -> ShippingError:
    return ShippingError(f"the experiment file {name} cannot be read", cause, "Correct path")
