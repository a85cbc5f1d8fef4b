# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Needs in a project's file, and the place of each problem with them."""

from __future__ import annotations

import pytest
from ansible_collections.shipping.code.plugins.module_utils._core.errors import SpecError
from ansible_collections.shipping.code.plugins.plugin_utils._catalog.project_file import (
    Project,
    read,
)

SUM = "a" * 64


def script(name: str, more: str = "") -> str:
    return f"  {name}: {{type: script, version: '1', file: t.sh{more}}}\n"


def problems(*tools: str) -> list[str]:
    with pytest.raises(SpecError) as caught:
        read("tools:\n" + "".join(tools), "p.yml", "p")
    return [str(problem) for problem in caught.value.problems]


def test_needs_of_a_tool() -> None:
    text = "tools:\n" + script("a", ", needs: [b, c]") + script("b") + script("c", ", needs: [b]")
    project = read(text, "p.yml", "p")
    assert isinstance(project, Project)
    assert [tool["needs"] for tool in project.tools] == [["b", "c"], [], ["b"]]


def test_an_unknown_name() -> None:
    assert problems(script("lint", ", needs: [nod]"), script("node")) == [
        "p.yml:2:58: lint needs nod, which is not a tool of this project; did you mean node?"
    ]


def test_a_circle_is_one_problem() -> None:
    found = problems(
        script("c", ", needs: [a]"), script("a", ", needs: [b]"), script("b", ", needs: [c]")
    )
    assert found == [
        "p.yml:3:55: needs lead in a circle: a needs b needs c needs a. Remove one of them"
    ]
    assert problems(script("a", ", needs: [a]")) == [
        "p.yml:2:55: needs lead in a circle: a needs a. Remove one of them"
    ]


def test_a_tool_with_a_problem_of_its_own_is_one_problem() -> None:
    found = problems(script("a", ", needs: [b]"), script("b", ", fil: x"))
    assert len(found) == 1 and "unknown key fil" in found[0]


@pytest.mark.parametrize(
    ("tools", "problem"),
    [
        ([script("a"), script("a")], "p.yml:3:3: the key a is duplicated"),
        ([script("a", ", needs: b")], "p.yml:2:54: must be a list, not 'b'"),
        ([script("a", ", needs: [{b: c}]")], "p.yml:2:55: must be text, not a mapping"),
        ([script("a", ", commands: b")], "p.yml:2:57: must be a list, not 'b'"),
        (["  - a\n"], "p.yml:2:3: must be a mapping, not a list"),
    ],
    ids=["duplicated tool", "no list", "no text", "no list of commands", "no mapping"],
)
def test_a_problem_of_the_form_is_noted_once(tools: list[str], problem: str) -> None:
    assert problems(*tools) == [problem]


def test_a_command_whose_file_is_called_otherwise() -> None:
    archive = (
        f"  node: {{type: archive, version: '1', file: n.tar, sha256: {SUM}, commands: {{node:"
        " bin/nodejs}}\n"
    )
    (problem,) = problems(script("lint", ", needs: [node]"), archive)
    assert "cannot find the command node of node by its PATH: its file is bin/nodejs" in problem


def test_no_needs_without_commands() -> None:
    (problem,) = problems(script("a"), "  e: {type: env, variables: {A: b}, needs: [a]}\n")
    assert "unknown key needs" in problem
