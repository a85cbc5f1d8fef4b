# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The README has only figures that were measured, and files that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from ansible_collections.shipping.code.plugins.module_utils._core.tested_versions import TESTED

ROOT = Path(__file__).parents[3]
README = (ROOT / "README.md").read_text()
REASONS = README.partition("- **")[2].partition("[Benchmarks]")[0]
FIGURE = re.compile(r"(\d+\.\d+) s\b")


def test_its_figures_are_those_of_the_benchmarks():
    benchmarks = (ROOT / "docs" / "benchmarks.md").read_text()
    figures = FIGURE.findall(REASONS)
    assert len(figures) > 5
    for figure in figures:
        # The page has more digits, such as 2.411 for 2.4.
        assert re.search(rf"\b{re.escape(figure)}\d*\b", benchmarks), figure


def test_its_links_lead_to_files():
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", README)
    assert len(links) > 10
    for link in links:
        assert (ROOT / link).exists(), link


@pytest.mark.parametrize(
    ("program", "title"),
    [("engine", "Docker Engine"), ("cluster", "Kubernetes"), ("helm", "Helm, for charts")],
)
def test_its_versions_are_those_of_the_warning(program, title):
    row = re.search(rf"^\| {title} \|.*", README, re.MULTILINE)
    assert row
    listed = re.findall(r"\d+(?:\.\d+)*", re.sub(r"\(.*?\)|[\d-]{10}", "", row[0]))
    for version in TESTED[program]:
        assert any(f"{text}.".startswith(f"{version}.") for text in listed), version


def test_its_example_has_twelve_lines():
    example = re.search(r"```yaml\n(.*?)```", README, re.DOTALL)
    assert example and len(example[1].splitlines()) == 12
