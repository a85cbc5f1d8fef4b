# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Draw the plots of a report as SVG. Pure.

Colors are CSS classes, so that a plot follows the page: light, dark or print. Each plot has a title
and a description for screen readers; the page has its numbers in a table, too.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from itertools import chain, pairwise

WIDTH = 720
_LEFT, _RIGHT, _TOP, _BOTTOM = 210, 20, 14, 44
_ROW = 30


@dataclass(frozen=True)
class IntervalRow:
    """A row of an interval plot. ``margin`` is drawn as a mark."""

    label: str
    estimate: float
    low: float
    high: float
    css: str = "open"
    margin: float | None = None


@dataclass(frozen=True)
class Scale:
    """Places of numbers on an axis, from ``begin`` to ``end`` in pixels."""

    low: float
    high: float
    begin: float
    end: float

    def at(self, value: float) -> float:
        """Return the place of a number; one beyond the axis is at its end."""
        inside = min(max(value, self.low), self.high)
        share = (inside - self.low) / (self.high - self.low)
        return self.begin + share * (self.end - self.begin)

    def ticks(self) -> list[float]:
        """Return about five round numbers on the axis."""
        rough = (self.high - self.low) / 5
        power = 10 ** math.floor(math.log10(rough))
        step = next(size * power for size in (1, 2, 5, 10) if size * power >= rough * 0.99)
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return [number * step for number in range(first, last + 1)]


def scale_of(values: Iterable[float], begin: float, end: float, *, has_zero: bool = True) -> Scale:
    """Return the scale on which all finite numbers have a place."""
    finite = [value for value in values if math.isfinite(value)]
    if has_zero or not finite:
        finite.append(0.0)
    low, high = min(finite), max(finite)
    if high - low <= abs(high) * 1e-12:
        low, high = low - 1, high + 1
    space = (high - low) * 0.06
    return Scale(low - space, high + space, begin, end)


def interval_plot(title: str, rows: Sequence[IntervalRow], axis: str) -> str:
    """Return estimates with their intervals, one below the other, beside 0."""
    scale = scale_of(chain.from_iterable(map(_numbers_of, rows)), _LEFT, WIDTH - _RIGHT)
    height = _TOP + _ROW * len(rows) + _BOTTOM
    parts = [*_vertical_axis(scale, height, axis)]
    parts.append(_line(scale.at(0), _TOP, scale.at(0), height - _BOTTOM, "zero"))
    for index, row in enumerate(rows):
        y = _TOP + _ROW * (index + 0.5)
        parts.append(_text(_LEFT - 10, y + 4, row.label, "end"))
        parts.append(_line(scale.at(row.low), y, scale.at(row.high), y, f"bar {row.css}"))
        if row.margin is not None:
            x = scale.at(row.margin)
            parts.append(_line(x, y - 11, x, y + 11, "margin"))
        parts.append(_dot(scale.at(row.estimate), y, row.css))
    return _svg(title, height, parts)


def timeline_plot(
    title: str, points: Sequence[tuple[float, float, float, float]], axis: str, unit: str
) -> str:
    """Return an interval over time; a point is (units, estimate, low, high)."""
    height = 300
    finite = [point for point in points if all(map(math.isfinite, point))]
    across = scale_of([point[0] for point in finite], 70, WIDTH - _RIGHT)
    up = scale_of(_shown(finite), height - _BOTTOM, _TOP)
    parts = [*_vertical_axis(across, height, axis), *_horizontal_axis(up, unit)]
    parts.append(_line(70, up.at(0), WIDTH - _RIGHT, up.at(0), "zero"))
    if finite:
        outline = [(point[0], point[3]) for point in finite]
        outline += [(point[0], point[2]) for point in reversed(finite)]
        places = " ".join(f"{across.at(x):.1f},{up.at(y):.1f}" for x, y in outline)
        parts.append(f'<polygon class="band" points="{places}"/>')
        for before, after in pairwise(finite):
            ends = across.at(before[0]), up.at(before[1]), across.at(after[0]), up.at(after[1])
            parts.append(_line(*ends, css="series"))
        parts += [_dot(across.at(point[0]), up.at(point[1]), "open") for point in finite]
    return _svg(title, height, parts)


def _shown(points: Sequence[tuple[float, float, float, float]]) -> list[float]:
    """Return the numbers that have a place: the first intervals would hide the last ones."""
    limit = 6 * max(map(abs, points[-1][1:]), default=1.0) if points else 1.0
    numbers = chain.from_iterable(point[1:] for point in points)
    return [min(max(number, -limit), limit) for number in numbers]


def ratio_plot(title: str, shares: Sequence[tuple[str, float, float]]) -> str:
    """Return the observed shares of arms as bars beside the intended ones as marks."""
    largest = max((max(seen, intended) for _arm, seen, intended in shares), default=1.0)
    scale = Scale(0.0, 100 * largest * 1.1 or 1.0, _LEFT, WIDTH - _RIGHT)
    height = _TOP + _ROW * len(shares) + _BOTTOM
    parts = [*_vertical_axis(scale, height, "percent of the units; the mark is the intended share")]
    for index, (arm, seen, intended) in enumerate(shares):
        y = _TOP + _ROW * index + 6
        width = scale.at(100 * seen) - _LEFT
        parts.append(_text(_LEFT - 10, y + 13, arm, "end"))
        parts.append(f'<rect class="column" x="{_LEFT}" y="{y}" width="{width:.1f}" height="18"/>')
        x = scale.at(100 * intended)
        parts.append(_line(x, y - 3, x, y + 21, "margin"))
    return _svg(title, height, parts)


def half_normal_plot(title: str, points: Sequence[tuple[str, float, float, bool]]) -> str:
    """Return sizes of effects by quantile; a point is (name, quantile, size, is active)."""
    height = 340
    across = scale_of([point[1] for point in points], 70, WIDTH - 130)
    up = scale_of([point[2] for point in points], height - _BOTTOM, _TOP)
    parts = [*_vertical_axis(across, height, "half-normal quantile")]
    parts += _horizontal_axis(up, "size of the effect")
    for name, quantile, size, is_active in points:
        x, y = across.at(quantile), up.at(size)
        parts.append(_dot(x, y, "good" if is_active else "open"))
        if is_active:
            parts.append(_text(x + 9, y + 4, name, "start"))
    return _svg(title, height, parts)


def interaction_plot(
    title: str, lines: Sequence[tuple[str, Sequence[float]]], levels: Sequence[str], axis: str
) -> str:
    """Return a line for each level of one factor over the levels of another."""
    height = 260
    means = chain.from_iterable(line for _name, line in lines)
    up = scale_of(means, height - _BOTTOM, _TOP, has_zero=False)
    step = (WIDTH - 330) / max(len(levels) - 1, 1)
    places = [130 + step * index for index in range(len(levels))]
    parts = _horizontal_axis(up, axis)
    for x, level in zip(places, levels, strict=True):
        parts.append(_text(x, height - 20, level, "middle"))
    for number, (name, line) in enumerate(lines):
        ends = list(zip(places, map(up.at, line), strict=True))
        css = f"series s{number % 4}"
        parts += [_line(*before, *after, css=css) for before, after in pairwise(ends)]
        parts += [_dot(x, y, "open") for x, y in ends]
        parts.append(_text(ends[-1][0] + 12, ends[-1][1] + 4, name, "start"))
    return _svg(title, height, parts)


def number_text(value: float) -> str:
    """Return a number for the reader."""
    if math.isnan(value):
        return "unknown"
    size = abs(value)
    text = f"{size:.4g}"
    if math.isinf(size):
        text = "∞"
    elif 1e4 <= size < 1e15:
        text = f"{size:,.0f}"
    return f"\N{MINUS SIGN}{text}" if value < 0 else text


def _numbers_of(row: IntervalRow) -> list[float]:
    return [row.estimate, row.low, row.high, *([row.margin] if row.margin is not None else [])]


def _vertical_axis(scale: Scale, height: float, label: str) -> list[str]:
    bottom = height - _BOTTOM
    parts = [_line(scale.begin, bottom, scale.end, bottom, "axis")]
    for tick in scale.ticks():
        x = scale.at(tick)
        parts.append(_line(x, _TOP, x, bottom, "grid"))
        parts.append(_text(x, bottom + 16, number_text(tick), "middle"))
    parts.append(_text((scale.begin + scale.end) / 2, height - 8, label, "middle"))
    return parts


def _horizontal_axis(scale: Scale, label: str) -> list[str]:
    parts = [_line(70, scale.begin, 70, scale.end, "axis")]
    for tick in scale.ticks():
        y = scale.at(tick)
        parts.append(_line(70, y, WIDTH - _RIGHT, y, "grid"))
        parts.append(_text(64, y + 4, number_text(tick), "end"))
    middle = (scale.begin + scale.end) / 2
    turned = f'<g transform="rotate(-90 14 {middle:.1f})">'
    return [*parts, turned, _text(14, middle, label, "middle"), "</g>"]


def _svg(title: str, height: float, parts: Iterable[str]) -> str:
    name = escape(title, quote=True)
    body = "\n".join(parts)
    return (
        f"<figure><figcaption>{escape(title)}</figcaption>\n"
        f'<svg role="img" aria-label="{name}" viewBox="0 0 {WIDTH} {height:g}">'
        f"<title>{name}</title>\n{body}\n</svg></figure>\n"
    )


def _line(x1: float, y1: float, x2: float, y2: float, css: str) -> str:
    places = f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
    return f'<line class="{css}" {places}/>'


def _dot(x: float, y: float, css: str) -> str:
    return f'<circle class="dot {css}" cx="{x:.1f}" cy="{y:.1f}" r="5"/>'


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
