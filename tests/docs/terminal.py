# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A terminal's output as a picture (SVG), without anything from elsewhere."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator
from html import escape
from itertools import chain

_COLUMNS = 118
_WIDTH, _HEIGHT, _MARGIN = 8.4, 20, 18
_COLORS = {
    "31": "#ff7b72",
    "32": "#7ee787",
    "33": "#e3b341",
    "34": "#79c0ff",
    "35": "#d2a8ff",
    "36": "#76e3ea",
}
_CODE = re.compile(r"\x1b\[([\d;]*)m")
_STYLE = (
    "text{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans"
    " Mono',monospace;fill:#c9d1d9;white-space:pre}"
)


def terminal_svg(lines: Iterable[str], title: str) -> str:
    """Return the lines, with their ANSI colors, as an SVG."""
    rows = list(chain.from_iterable(map(_rows, lines)))
    label = escape(title)
    width, height = round(_COLUMNS * _WIDTH + 2 * _MARGIN), len(rows) * _HEIGHT + 3 * _MARGIN
    texts = [
        f'<text xml:space="preserve" x="{_MARGIN}"'
        f' y="{2 * _MARGIN + 10 + number * _HEIGHT}">{"".join(_spans(row))}</text>'
        for number, row in enumerate(rows)
    ]
    return "\n".join(
        [
            (
                f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"'
                f' width="{width}" height="{height}" role="img" aria-label="{label}">'
            ),
            f"<title>{label}</title><style>{_STYLE}</style>",
            f'<rect width="{width}" height="{height}" rx="8" fill="#0d1117"/>',
            *(
                f'<circle cx="{_MARGIN + 4 + number * 18}" cy="{_MARGIN - 2}" r="5"'
                ' fill="#30363d"/>'
                for number in range(3)
            ),
            *texts,
            "</svg>",
            "",
        ]
    )


def _rows(line: str) -> list[tuple[str, str]]:
    """Return a line, folded at the right edge, each part with its color."""
    codes = ";".join(_CODE.findall(line)).split(";")
    color = next((_COLORS[code] for code in codes if code in _COLORS), "")
    plain = _CODE.sub("", line)
    return [
        (row, color)
        for row in textwrap.wrap(plain, _COLUMNS, subsequent_indent="    ", drop_whitespace=False)
        or [""]
    ]


def _spans(row: tuple[str, str]) -> Iterator[str]:
    text, color = row
    yield f'<tspan fill="{color}">{escape(text)}</tspan>' if color else escape(text)
