# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Look at the data of an experiment: read, analyze and decide."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, is_dataclass, replace
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Any

from ...module_utils._core.errors import ShippingError
from .analysis import Analysis, AnalysisPlan, analyze
from .cells import ExperimentLayout
from .decision import DecisionRules, ExperimentDecision, decide
from .designs import Design, effect_name
from .event_files import (
    EVENTS,
    EXPOSURES,
    FileReader,
    connect_database,
    connect_duckdb,
    database_events,
    upload_units,
)
from .experiment_record import ExperimentLook, libraries
from .exposure_files import EVENTS as EVENT_FILES
from .exposure_files import EXPOSURES as EXPOSURE_FILES
from .exposure_files import DataFolder
from .layout_summary import plan_of
from .report import PastLook, Report, past_look, report_html
from .response_sums import LookData
from .unit_data import DataQuestion, look_data, units_of


@dataclass(frozen=True)
class Finding:
    """The result of one look."""

    data: LookData
    analysis: Analysis
    decision: ExperimentDecision
    digest: str

    def look(self) -> ExperimentLook:
        """Return what the record keeps."""
        return ExperimentLook(
            self.digest, self.data.units, self.decision.outcome, self.decision.cell
        )


@dataclass(frozen=True)
class Looking:
    """The experiment, its data, and the folder of the files that it names."""

    layout: ExperimentLayout
    folder: DataFolder
    base: Path
    started: datetime
    now: datetime

    def finding(self) -> Finding:
        """Return the analysis of the data as they are, and the decision."""
        experiment = self.layout.experiment
        data = self._data()
        is_deadline = self.now >= experiment.end(self.started)
        analysis = analyze(data, _plan(self.layout, is_ended=is_deadline))
        rules = DecisionRules(
            experiment.responses, experiment.guardrails, experiment.default, experiment.is_aa
        )
        decision = decide(analysis, rules, is_deadline=is_deadline)
        return Finding(data, analysis, decision, self.folder.digest(self._event_files()))

    def _data(self) -> LookData:
        """Return the sums of the responses, computed where the events are."""
        experiment = self.layout.experiment
        source = experiment.events
        responses = (*experiment.responses, *experiment.guardrails)
        arms = self.layout.arms
        question = DataQuestion(arms, responses, source.window, source.pre_period)
        reader = FileReader(connect_duckdb())
        units = units_of(reader.table(self.folder.files(EXPOSURE_FILES), EXPOSURES), arms)
        if source.type == "sql":
            there = connect_database(source.database)
            events = database_events(there, source.table, source.columns)
            return look_data(upload_units(there, units), events, question)
        own = self.folder.files(EVENT_FILES)
        files = self._event_files() if source.type == "files" else own
        columns = source.columns if source.type == "files" else {}
        return look_data(units, reader.table(files, EVENTS, columns), question)

    def _event_files(self) -> list[Path]:
        """Return the files of events that the experiment names, sorted."""
        source = self.layout.experiment.events
        found = set(chain.from_iterable(map(self.base.glob, source.files)))
        if source.files and not found:
            raise ShippingError(
                "the events of the experiment cannot be read",
                f"no file below {self.base} matches {', '.join(source.files)}",
                "Correct files, which are relative to the folder of the experiment file",
            )
        return sorted(found)


def _plan(layout: ExperimentLayout, *, is_ended: bool) -> AnalysisPlan:
    experiment = layout.experiment
    return AnalysisPlan(
        layout.arms,
        experiment.responses,
        planned_units(layout),
        experiment.guardrails,
        experiment.sample,
        design=_design_of_arms(layout),
        is_ended=is_ended,
    )


def planned_units(layout: ExperimentLayout) -> int:
    """Return the planned units of each cell."""
    sample = layout.experiment.sample
    if sample.units:
        return sample.units
    plan = plan_of(layout, None)
    units = -(-plan.needed // len(layout.cells)) if plan else 0
    return max(units, sample.min_units)


def _design_of_arms(layout: ExperimentLayout) -> Design:
    """Return the design with the runs in the order of the cells."""
    runs = tuple(cell.run for cell in layout.cells)
    blocks = tuple(cell.block for cell in layout.cells) if layout.design.blocks else ()
    return replace(layout.design, runs=runs, blocks=blocks)


def decision_data(finding: Finding | None) -> dict[str, Any]:
    """Return the decision as a module returns it; empty without data."""
    if finding is None:
        return {}
    decision = finding.decision
    return {
        "action": decision.outcome,
        "cell": decision.cell,
        "reason": decision.reason,
        "text": decision.text,
        "until_units": decision.until_units,
    }


def analysis_data(finding: Finding) -> Mapping[str, Any]:
    """Return the analysis as data of JSON."""
    analysis: dict[str, Any] = _plain(asdict(finding.analysis))
    return {**analysis, "events": asdict(finding.data.events), "digest": finding.digest}


def _plain(value: Any) -> Any:
    """Return a value as JSON has it: an infinite number is null."""
    if isinstance(value, Mapping):
        return {_name(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, float) and value - value != 0:
        return None
    return _plain(asdict(value)) if is_dataclass(value) and not isinstance(value, type) else value


def _name(key: Any) -> str:
    return effect_name(key) if isinstance(key, tuple) else str(key)


def report_of(looking: Looking, finding: Finding, weights: Mapping[str, float]) -> str:
    """Return the report as one HTML file."""
    experiment = looking.layout.experiment
    facts = {
        "app": experiment.app,
        "service": experiment.service,
        "started": looking.started.isoformat(timespec="seconds"),
        "looked": looking.now.isoformat(timespec="seconds"),
        "hash of the data": finding.digest,
        "seed": str(experiment.seed),
        **libraries(),
    }
    return report_html(
        Report(
            experiment.name,
            finding.analysis,
            finding.decision,
            experiment.responses,
            experiment.guardrails,
            weights,
            [_past_look(entry) for entry in looking.folder.looks()],
            _design_of_arms(looking.layout),
            {factor.name: [level.name for level in factor.levels] for factor in experiment.factors},
            facts,
        )
    )


def _past_look(entry: Mapping[str, Any]) -> PastLook:
    # Without enough units, an interval is infinite, which JSON does not have.
    differences = {
        arm: (each[0], each[1], each[2])
        for arm, each in entry["differences"].items()
        if None not in each
    }
    return PastLook(entry["time"], entry["units"], differences, entry["mismatch_p_value"])


def keep_look(looking: Looking, finding: Finding) -> None:
    """Add the look to those of the timeline, if the data are others than at the last one."""
    time = looking.now.isoformat(timespec="seconds")
    primary = looking.layout.experiment.primary
    entry = asdict(past_look(time, finding.analysis, primary))
    looking.folder.add_look({**_plain(entry), "digest": finding.digest})
