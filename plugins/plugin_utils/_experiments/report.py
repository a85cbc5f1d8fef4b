# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the report of an experiment: one HTML file without network, and JSON. Pure.

The page has no script. All text that comes from data or declarations is escaped.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, is_dataclass
from html import escape
from itertools import combinations
from typing import Any

from .analysis import BETTER, MISMATCH_ALPHA, WORSE, Analysis, ArmComparison, EffectTable
from .decision import EXTEND, SHIP, ExperimentDecision
from .design_properties import Alias, properties_of
from .designs import Design, effect_name
from .experiment import DECREASE, INCREASE, ROLL_BACK, Response
from .factor_effects import FactorEffect, half_normal_points
from .report_plots import (
    IntervalRow,
    half_normal_plot,
    interaction_plot,
    interval_plot,
    number_text,
    ratio_plot,
    timeline_plot,
)

_CSS_OF = {BETTER: "good", WORSE: "bad"}
_WORDS = {BETTER: "better", WORSE: "worse", "undecided": "not proven", "no_data": "no data"}
_GUARDRAIL_WORDS = {**_WORDS, BETTER: "within its margin"}
_GOALS = {INCREASE: "more is better", DECREASE: "less is better"}
_MOST_INTERACTIONS = 6


@dataclass(frozen=True)
class PastLook:
    """A former look at the primary response: its time, units and intervals by arm.

    An interval is (estimate, low, high).
    """

    time: str
    units: int
    differences: Mapping[str, tuple[float, float, float]]
    mismatch_p_value: float = 1.0


@dataclass(frozen=True)
class Report:
    """All that the page shows. ``facts`` are its versions, hash of the data, seed and so on.

    ``levels`` has the names of the levels of each factor, the lowest first.
    """

    name: str
    analysis: Analysis
    decision: ExperimentDecision
    responses: Sequence[Response]
    guardrails: Sequence[Response] = ()
    weights: Mapping[str, float] = field(default_factory=dict)
    looks: Sequence[PastLook] = ()
    design: Design | None = None
    levels: Mapping[str, Sequence[str]] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)


def report_json(report: Report) -> str:
    """Return the report as JSON; infinite numbers are null."""
    data = asdict(report)
    data["design"] = None
    if report.design:
        properties = asdict(properties_of(report.design))
        design = report.design
        data["design"] = {
            "name": design.name,
            "factors": design.factors,
            "runs": design.runs,
            "properties": properties,
        }
    return json.dumps(_plain(data), indent=1, sort_keys=True, ensure_ascii=False)


def report_html(report: Report) -> str:
    """Return the report as one HTML file."""
    sections = [
        _decision(report),
        _comparisons(report),
        _guardrails(report),
        _timeline(report),
        _sample_ratio(report),
        *(_effects(report, table) for table in report.analysis.effects),
        _design(report),
        _facts(report),
    ]
    title = escape(f"Experiment {report.name}")
    data = report_json(report).replace("<", "\\u003c")
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\';'
        " style-src 'unsafe-inline'; img-src data:\">\n"
        '<link rel="icon" href="data:,">\n'
        f"<title>{title}</title>\n<style>\n{_STYLE}</style>\n</head>\n<body>\n<main>\n"
        f"<h1>{title}</h1>\n{''.join(sections)}</main>\n"
        f'<script type="application/json" id="data">{data}</script>\n</body>\n</html>\n'
    )


def past_look(time: str, analysis: Analysis, primary: Response) -> PastLook:
    """Return a look as the timeline keeps it."""
    differences = {
        each.arm: (each.difference.estimate, each.difference.low, each.difference.high)
        for each in analysis.comparisons
        if each.response == primary.name
    }
    return PastLook(time, sum(analysis.units.values()), differences, analysis.mismatch_p_value)


def _plain(value: Any) -> Any:
    """Return a value of JSON."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {_plain_key(key): _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return _plain(asdict(value)) if is_dataclass(value) and not isinstance(value, type) else value


def _plain_key(key: Any) -> str:
    return effect_name(key) if isinstance(key, tuple) else str(key)


def _decision(report: Report) -> str:
    decision = report.decision
    words = {SHIP: f"Ship {decision.cell}", ROLL_BACK: "Roll back", EXTEND: "Extend"}
    word = words.get(decision.outcome, "Inconclusive")
    css = {SHIP: "good", ROLL_BACK: "bad"}.get(decision.outcome, "open")
    sentences = "".join(f"<p>{escape(sentence)}</p>\n" for sentence in decision.sentences)
    return (
        f'<section class="decision {css}" aria-labelledby="decision">\n'
        f'<h2 id="decision">{escape(word)}</h2>\n{sentences}</section>\n'
    )


def _comparisons(report: Report) -> str:
    return _compared(
        "Responses",
        report.analysis.comparisons,
        report.responses,
        "Each arm less the control. The intervals hold for all comparisons together, however often"
        " you look. The p-values are by the method of Holm, which may prove a little more.",
    )


def _guardrails(report: Report) -> str:
    if not report.guardrails:
        return ""
    return _compared(
        "Guardrails",
        report.analysis.guardrails,
        report.guardrails,
        "Each arm less the control. The mark is the margin: the whole interval must be on its good"
        " side.",
    )


def _compared(
    title: str, comparisons: Sequence[ArmComparison], declared: Sequence[Response], note: str
) -> str:
    parts = []
    for response in declared:
        mine = [each for each in comparisons if each.response == response.name]
        margin = _margin(response)
        rows = [
            IntervalRow(each.arm, *_interval(each), _CSS_OF.get(each.answer, "open"), margin)
            for each in mine
        ]
        goal = f"difference; {_GOALS[response.goal]}"
        parts.append(interval_plot(f"{response.name}: {title.lower()}", rows, goal))
        words = _WORDS if margin is None else _GUARDRAIL_WORDS
        head = ("arm", "units", "control", "arm's", "difference", "low", "high", "p", "answer")
        body = [
            (
                each.arm,
                str(each.new.units),
                *map(number_text, (each.control.estimate, each.new.estimate)),
                *map(number_text, _interval(each)),
                number_text(each.p_value),
                words.get(each.answer, each.answer),
            )
            for each in mine
        ]
        method = mine[0].method if mine else ""
        parts.append(_table(f"{response.name} ({method})", head, body))
    return _section(title, note, parts)


def _margin(response: Response) -> float | None:
    """Return the difference from which on a guardrail is worse than allowed."""
    if response.margin is None or response.goal != INCREASE:
        return response.margin
    return -response.margin


def _interval(each: ArmComparison) -> tuple[float, float, float]:
    return each.difference.estimate, each.difference.low, each.difference.high


def _timeline(report: Report) -> str:
    if not report.looks:
        return ""
    primary = report.responses[0].name
    parts = []
    for arm in report.looks[-1].differences:
        looks = [look for look in report.looks if arm in look.differences]
        points = [(float(look.units), *look.differences[arm]) for look in looks]
        title = f"{primary}: {arm} less the control, look by look"
        parts.append(timeline_plot(title, points, "units in all arms", "difference"))
        body = [
            (look.time, str(look.units), *map(number_text, look.differences[arm])) for look in looks
        ]
        head = ("look", "units", "difference", "low", "high")
        parts.append(_table(title, head, body, is_folded=True))
    note = "The truth is inside of the band at all looks together with the declared confidence."
    return _section("Timeline", note, parts)


def _sample_ratio(report: Report) -> str:
    units = report.analysis.units
    weights = report.weights or dict.fromkeys(units, 1.0)
    total, whole = sum(units.values()), sum(weights.values())
    shares = [
        (arm, number / total if total else 0.0, weights.get(arm, 0.0) / whole if whole else 0.0)
        for arm, number in units.items()
    ]
    p_value = report.analysis.mismatch_p_value
    answer = "a mismatch" if report.analysis.is_mismatch else "no mismatch"
    note = f"p = {p_value:.3g}, limit {MISMATCH_ALPHA:g}, valid at each look: {answer}."
    body = [
        (arm, str(units[arm]), f"{100 * seen:.2f} %", f"{100 * intended:.2f} %")
        for arm, seen, intended in shares
    ]
    parts = [ratio_plot("Shares of the units by arm", shares)]
    parts.append(_table("Units", ("arm", "units", "observed", "intended"), body))
    history = [
        (look.time, str(look.units), f"{look.mismatch_p_value:.3g}") for look in report.looks
    ]
    if history:
        parts.append(_table("Each look", ("look", "units", "p"), history, is_folded=True))
    return _section("Sample ratio", note, parts)


def _effects(report: Report, table: EffectTable) -> str:
    parts = []
    if table.problem:
        parts.append(f"<p>{escape(table.problem)}</p>\n")
    if table.effects:
        rows = [_effect_row(effect) for effect in table.effects]
        parts.append(interval_plot(f"{table.response}: effects of factors", rows, "effect"))
        parts.append(_effect_table("Effects, HC3 and Student's t", table.effects))
    if table.lenth:
        parts.append(_half_normal(table))
        parts.append(_effect_table("Effects of means alone, Lenth's method", table.lenth))
    parts += _interactions(report, table)
    if table.variance:
        head = ("source", "freedom", "sum of squares", "F", "p")
        body = [
            (
                effect_name(row.factors),
                str(row.freedom),
                *map(number_text, (row.sum_of_squares, row.statistic, row.p_value)),
            )
            for row in table.variance
        ]
        parts.append(_table("Analysis of variance", head, body))
    is_open = report.analysis.is_provisional
    note = (
        "Provisional until the planned end: these intervals hold for one look only."
        if is_open
        else "The planned end is reached: these intervals hold for this look."
    )
    return _section(f"Effects on {table.response}", note, parts)


def _effect_row(effect: FactorEffect) -> IntervalRow:
    css = "open" if effect.low <= 0 <= effect.high else "active"
    name = effect_name(effect.factors)
    return IntervalRow(name, effect.estimate, effect.low, effect.high, css)


def _effect_table(title: str, effects: Sequence[FactorEffect]) -> str:
    head = ("effect", "estimate", "standard error", "t", "p", "low", "high", "confounded with")
    body = [
        (
            effect_name(effect.factors),
            *map(number_text, (effect.estimate, effect.standard_error, effect.statistic)),
            *map(number_text, (effect.p_value, effect.low, effect.high)),
            ", ".join(map(effect_name, effect.aliases)),
        )
        for effect in effects
    ]
    return _table(title, head, body)


def _half_normal(table: EffectTable) -> str:
    ordered = sorted(table.lenth, key=lambda effect: abs(effect.estimate))
    points = half_normal_points([effect.estimate for effect in ordered])
    named = [
        (effect_name(effect.factors), quantile, size, not effect.low <= 0 <= effect.high)
        for effect, (quantile, size) in zip(ordered, points, strict=True)
    ]
    return half_normal_plot(f"{table.response}: half-normal plot of effects", named)


def _interactions(report: Report, table: EffectTable) -> list[str]:
    design = report.design
    if design is None or not table.cells:
        return []
    plots = []
    for first, second in list(combinations(design.factors, 2))[:_MOST_INTERACTIONS]:
        means = _pair_means(design, table, first, second)
        columns, rows = (sorted({key[index] for key in means}) for index in (0, 1))
        if len(means) < len(columns) * len(rows):
            continue
        lines = [
            (f"{second}: {_level(report, second, row)}", [means[column, row] for column in columns])
            for row in rows
        ]
        names = [f"{first}: {_level(report, first, column)}" for column in columns]
        title = f"{table.response}: interaction of {first} and {second}"
        plots.append(interaction_plot(title, lines, names, "mean"))
    return plots


def _pair_means(
    design: Design, table: EffectTable, first: str, second: str
) -> dict[tuple[int, int], float]:
    """Return the mean of cells by the levels of two factors; cells without units are left out."""
    places = design.factors.index(first), design.factors.index(second)
    groups: dict[tuple[int, int], list[float]] = {}
    for run, cell in zip(design.runs, table.cells, strict=True):
        if cell.units:
            groups.setdefault((run[places[0]], run[places[1]]), []).append(cell.mean)
    return {key: sum(means) / len(means) for key, means in groups.items()}


def _level(report: Report, factor: str, level: int) -> str:
    names = report.levels.get(factor, ())
    index = {-1: 0, 1: len(names) - 1}.get(level, level) if len(names) == 2 else level
    return names[index] if 0 <= index < len(names) else str(level)


def _design(report: Report) -> str:
    if report.design is None:
        return ""
    properties = properties_of(report.design)
    resolution = properties.resolution or "full"
    balance = "balanced" if properties.is_balanced else "not balanced"
    orthogonal = "orthogonal" if properties.is_orthogonal else "not orthogonal"
    note = (
        f"{report.design.name}: {properties.runs} runs, {balance}, {orthogonal},"
        f" resolution {resolution}. Computed from the matrix."
    )
    aliases = [_alias_row(alias) for alias in properties.aliases]
    parts = [_table("Aliases", ("effect", "has in it", "times"), aliases)] if aliases else []
    head = ("run", *report.design.factors)
    body = [
        (
            str(number),
            *(_level(report, *pair) for pair in zip(report.design.factors, run, strict=True)),
        )
        for number, run in enumerate(report.design.runs, 1)
    ]
    parts.append(_table("Runs", head, body, is_folded=True))
    return _section("Design", note, parts)


def _alias_row(alias: Alias) -> tuple[str, str, str]:
    return effect_name(alias.effect), effect_name(alias.other), number_text(alias.coefficient)


def _facts(report: Report) -> str:
    body = list(report.facts.items())
    if not body:
        return ""
    note = "With the same data and versions, the analysis has the same digits."
    return _section("Record", note, [_table("Facts", ("fact", "value"), body)])


def _section(title: str, note: str, parts: Sequence[str]) -> str:
    name = escape(title.lower().replace(" ", "-"), quote=True)
    return (
        f'<section aria-labelledby="{name}">\n<h2 id="{name}">{escape(title)}</h2>\n'
        f"<p>{escape(note)}</p>\n{''.join(parts)}</section>\n"
    )


def _table(
    caption: str,
    head: Sequence[str],
    body: Sequence[Sequence[str]],
    *,
    is_folded: bool = False,
) -> str:
    cells = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in head)
    lines = [f"<thead><tr>{cells}</tr></thead>\n<tbody>"]
    for row in body:
        first, *others = map(escape, row)
        cells = "".join(f"<td>{cell}</td>" for cell in others)
        lines.append(f'<tr><th scope="row">{first}</th>{cells}</tr>')
    name = escape(caption, quote=True)
    table = "\n".join(
        [
            f'<div class="wide" role="region" tabindex="0" aria-label="{name}">',
            f"<table><caption>{escape(caption)}</caption>",
            *lines,
            "</tbody></table></div>\n",
        ]
    )
    if not is_folded:
        return table
    return f"<details><summary>{escape(caption)}</summary>\n{table}</details>\n"


_STYLE = """
:root { --text: #1b1f24; --back: #fff; --soft: #f3f5f7; --line: #c9d1d9; --quiet: #57606a;
  --good: #116329; --bad: #b3261e; --open: #4a5568; --series: #0a58ca; --band: #0a58ca33; }
@media (prefers-color-scheme: dark) { :root { --text: #e6edf3; --back: #0d1117; --soft: #161b22;
  --line: #3d444d; --quiet: #9da7b3; --good: #56d364; --bad: #ff7b72; --open: #a5b0bd;
  --series: #6cb6ff; --band: #6cb6ff33; } }
@media print { :root { --text: #000; --back: #fff; --soft: #fff; --line: #999; --quiet: #333;
  --good: #0b4a1e; --bad: #8c1d18; --open: #333; --series: #003a8c; --band: #0002; }
  section { break-inside: avoid-page; } details > summary { display: none; } }
body { margin: 0; background: var(--back); color: var(--text);
  font: 16px/1.5 system-ui, "DejaVu Sans", sans-serif; }
main { max-width: 60rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.25rem; margin: 2rem 0 .3rem; }
.decision { border-left: 6px solid var(--open); background: var(--soft); padding: .2rem 1rem; }
.decision h2 { margin-top: .6rem; }
.decision.good { border-color: var(--good); } .decision.bad { border-color: var(--bad); }
figure { margin: 1rem 0; } figcaption { font-weight: 600; }
svg { display: block; width: 100%; max-width: 45rem; height: auto; }
svg text { fill: var(--text); font-size: 13px; }
.axis { stroke: var(--quiet); } .grid { stroke: var(--line); stroke-width: .5; }
.zero { stroke: var(--quiet); stroke-dasharray: 4 3; }
.bar { stroke: var(--open); stroke-width: 3; } .dot { fill: var(--open); }
.bar.good { stroke: var(--good); } .dot.good { fill: var(--good); }
.bar.bad { stroke: var(--bad); } .dot.bad { fill: var(--bad); }
.bar.active { stroke: var(--series); } .dot.active { fill: var(--series); }
.margin { stroke: var(--bad); stroke-width: 2; stroke-dasharray: 3 2; }
.series { stroke: var(--series); stroke-width: 2; } .series.s1 { stroke-dasharray: 7 4; }
.series.s2 { stroke-dasharray: 2 3; } .series.s3 { stroke-dasharray: 10 3 2 3; }
.band { fill: var(--band); } .column { fill: var(--series); }
.wide { overflow-x: auto; } table { border-collapse: collapse; margin: .5rem 0 1rem; }
caption { text-align: left; font-weight: 600; padding: .3rem 0; }
th, td { border-bottom: 1px solid var(--line); padding: .25rem .7rem; text-align: right;
  font-variant-numeric: tabular-nums; }
th:first-child, td:last-child { text-align: left; }
td { white-space: nowrap; } thead th { color: var(--quiet); }
"""
