# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The experiment files of the guide are read and laid out."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import pytest
from ansible_collections.shipping.code.plugins.plugin_utils._experiments.cells import layout_of
from ansible_collections.shipping.code.plugins.plugin_utils._experiments.experiment_file import (
    read,
)
from ansible_collections.shipping.code.plugins.plugin_utils._experiments.layout_summary import (
    cell_table,
    design_data,
    plan_of,
)

GUIDE = Path(__file__).parents[3] / "docs/docsite/rst/guide_experiments.rst"
BLOCK = re.compile(r"( *)\.\. code-block:: yaml\n +:name: (\w+)\.yml\n\n((?:\1 +.*\n|\n)+)")
FILES = {name: textwrap.dedent(text) for _i, name, text in BLOCK.findall(GUIDE.read_text("utf-8"))}


@pytest.mark.parametrize(("name", "cells"), [("button", 2), ("checkout", 8), ("fraction", 16)])
def test_the_files_of_the_guide(name: str, cells: int) -> None:
    layout = layout_of(read(FILES[name], f"{name}.yml"))
    assert len(layout.cells) == cells
    assert len(cell_table(layout, {})) == cells + 1
    assert design_data(layout)["orthogonal"]


def test_the_guide_names_what_the_test_needs() -> None:
    layout = layout_of(read(FILES["button"], "button.yml"))
    plan = plan_of(layout, 10_000.0)
    assert plan is not None and plan.is_enough
    assert (plan.needed, plan.days) == (31474, 4)
    short = plan_of(layout, 1000.0)
    assert short is not None and not short.is_enough


def test_a_fraction_shows_its_aliases() -> None:
    assert design_data(layout_of(read(FILES["fraction"], "fraction.yml")))["aliases"] == []
    coarse = FILES["fraction"].replace("resolution: 5", "resolution: 3")
    coarse = coarse.replace("estimate: [button, size, [button, size]]", "estimate: [button, size]")
    aliases = design_data(layout_of(read(coarse, "coarse.yml")))["aliases"]
    assert "images = button × size" in aliases
