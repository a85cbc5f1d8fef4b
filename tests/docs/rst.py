# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables of reStructuredText. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable


def list_table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    """Return the lines of a table."""
    lines = [".. list-table::", "   :header-rows: 1", ""]
    for cells in [header, *rows]:
        lines += _row(cells)
    return lines


def _row(cells: Iterable[str]) -> list[str]:
    """Return the lines of a table's row."""
    return [
        f"   {'*' if number == 0 else ' '} - {cell}".rstrip() for number, cell in enumerate(cells)
    ]


def literals(text: str) -> str:
    """Return a text with the literals of Markdown as those of reStructuredText."""
    return re.sub(r"`([^`]+)`", r"``\1``", text)
