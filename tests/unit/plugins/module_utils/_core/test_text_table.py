# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables of plain text."""

from __future__ import annotations

from ansible_collections.shipping.code.plugins.module_utils._core.text_table import text_table


def test_columns_are_as_wide_as_their_widest_cell():
    rows = [("NAME", "STATE", ""), ("web", "healthy", "2/2"), ("database", "", "")]
    assert text_table(rows) == [
        "NAME      STATE",
        "web       healthy  2/2",
        "database",
    ]


def test_no_rows():
    assert text_table([]) == []
