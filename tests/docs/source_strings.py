# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Strings of source code as a reader sees them. Pure."""

from __future__ import annotations

import ast
import re

VALUE = "…"


def string_of(node: ast.expr) -> str | None:
    """Return a string with an ellipsis for each value in it; None for other expressions."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if not isinstance(node, ast.JoinedStr):
        return None
    parts = (part.value if isinstance(part, ast.Constant) else VALUE for part in node.values)
    return re.sub(f"{VALUE}+", VALUE, "".join(map(str, parts)))
