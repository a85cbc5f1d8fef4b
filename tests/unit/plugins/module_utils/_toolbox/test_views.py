# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables, man pages and completions of several projects in one view."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping

import pytest
from ansible_collections.shipping.code.plugins.module_utils._toolbox import (
    view_environment,
    view_layout,
)
from ansible_collections.shipping.code.plugins.module_utils._toolbox.generation_model import (
    Tool,
    View,
)
from ansible_collections.shipping.code.plugins.module_utils._toolbox.shell_files import by_view_path

DATA = "/opt/x/current/users/ada/data"


def tool(project: str, name: str = "t", priority: int = 0, **variables: str) -> Tool:
    return Tool(project, name, "env", "", "", "", {}, priority, variables=variables)


def view(*tools: Tool) -> View:
    return View("id-ada", "ada", 1, tools)


def stored(project: str, priority: int = 0) -> Tool:
    return Tool(project, "rg", "archive", "1", "", "key", {"rg": "rg"}, priority, place=project)


def files_of(tool: Tool) -> Mapping[str, str]:
    names = ("doc/rg.1", "complete/rg.bash", "complete/_rg", "complete/rg.fish")
    return by_view_path(names if tool.place else (), tool.commands)


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("doc/rg.1", "man/man1/rg.1"),
        ("rg-files.1.gz", "man/man1/rg-files.1.gz"),
        ("share/man/man5/rgrc.5", "man/man5/rgrc.5"),
        ("share/man/de/man1/other.1.gz", "man/de/man1/other.1.gz"),
        ("man/man3/rg_new.3ssl", "man/man3/rg_new.3ssl"),
        ("lib/librg.so.1", ""),
        ("rg-1.2", ""),
        ("README.1", ""),
        ("complete/rg.bash", "data/bash-completion/completions/rg"),
        ("share/bash-completion/completions/rgx", "data/bash-completion/completions/rgx"),
        ("autocomplete/_rg", "data/zsh/site-functions/_rg"),
        ("completions/rg.zsh", "data/zsh/site-functions/_rg"),
        ("share/zsh/site-functions/_rgx", "data/zsh/site-functions/_rgx"),
        ("complete/rg.fish", "data/fish/vendor_completions.d/rg.fish"),
        ("share/fish/vendor_completions.d/rgx.fish", "data/fish/vendor_completions.d/rgx.fish"),
        ("complete/_other", ""),
        ("lib/python3.11/site-packages/rg/_rg", ""),
        ("rg", ""),
    ],
)
def test_where_a_file_of_a_tool_is_found(path: str, place: str):
    assert by_view_path([path], ["rg"]) == ({place: path} if place else {})


def test_each_page_and_completion_is_that_of_the_first_project():
    ada = view(stored("atlas"), stored("beta", 5))
    layout = view_layout.contents("/opt/x", ada, files_of)
    assert layout.links["man/man1/rg.1"] == "/opt/x/store/beta/files/doc/rg.1"
    assert layout.links["data/zsh/site-functions/_rg"] == "/opt/x/store/beta/files/complete/_rg"
    assert f"XDG_DATA_DIRS={DATA}" in layout.texts["env.sh"]
    assert f"set -g fish_complete_path '{DATA}/fish/" in layout.texts["env.fish"]
    assert view_layout.clashes(ada, files_of) == [
        "ada: rg is the command of beta by its priority; also rg@atlas",
        "ada: data/bash-completion/completions/rg, data/fish/vendor_completions.d/rg.fish,"
        " data/zsh/site-functions/_rg, man/man1/rg.1: of beta by its priority, not of atlas",
    ]
    alone = view_layout.contents("/opt/x", view(tool("p")), files_of)
    assert alone.texts["env.sh"] == alone.texts["env.fish"] == ""


@pytest.mark.parametrize(
    ("tools", "values", "notes"),
    [
        pytest.param([tool("p", A="1"), tool("q", A="1")], {"A": "1"}, [], id="one value"),
        pytest.param(
            [tool("p", A="1"), tool("q", priority=1, A="2"), tool("r", A="3")],
            {"A": "2"},
            ["ada: the variable A has the value of q by its priority, not that of p, r"],
            id="by priority",
        ),
        pytest.param(
            [tool("p", A="1"), tool("p", "u", A="2")],
            {"A": "1"},
            [
                "ada: the variable A has the value of p/t by its name, since no priority decides,"
                " not that of p/u"
            ],
            id="of one project",
        ),
        pytest.param(
            [tool("p", A="{share}/a"), tool("q", A="{share}/a")],
            {"A": "/v/share/p/a"},
            [
                "ada: the variable A has the value of p by its name, since no priority decides,"
                " not that of q"
            ],
            id="folders of their own",
        ),
        pytest.param(
            [
                tool("p", XDG_DATA_DIRS="/a:/b", PYTHONPATH="/x"),
                tool("q", priority=1, XDG_DATA_DIRS="/c:/a", MANPATH="/m"),
            ],
            {
                "MANPATH": "/m:",
                "PYTHONPATH": "/x",
                "XDG_DATA_DIRS": "/c:/a:/b:/usr/local/share:/usr/share",
            },
            [],
            id="lists join",
        ),
    ],
)
def test_variables_of_several_projects(tools: list[Tool], values: dict[str, str], notes: list[str]):
    ada = view(*tools)
    assert view_environment.environment(ada, "/v").as_values() == values
    assert list(view_environment.clashes(ada)) == notes


@pytest.mark.parametrize("shell", ["sh", "bash", "zsh", "fish"])
@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param("", "/it's:/b;/d:/usr/local/share:/usr/share;/m:", id="unset"),
        pytest.param("P=/old X=/old M=/old", "/it's:/b:/old;/d:/old;/m:/old", id="joined"),
        pytest.param("P=/b X=/d M=/m:", "/it's:/b;/d;/m:", id="once"),
    ],
)
def test_shells_join_lists(shell: str, before: str, after: str):
    """Read twice, since a shell that another one starts reads it again."""
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not on this machine")
    variables = view_environment.environment(
        view(tool("p", PYTHONPATH="/it's:/b", XDG_DATA_DIRS="/d", MANPATH="/m")), "/v"
    )
    text = view_environment.fish_text if shell == "fish" else view_environment.sh_text
    show = 'printf "%s;%s;%s" "$PYTHONPATH" "$XDG_DATA_DIRS" "$MANPATH"'
    names = {"P": "PYTHONPATH", "X": "XDG_DATA_DIRS", "M": "MANPATH"}
    words = (word.partition("=") for word in before.split())
    environment = {names[name]: value for name, _equals, value in words}
    done = subprocess.run(
        [shutil.which(shell) or shell, "-c", f"{text(variables)}{text(variables)}{show}"],
        env={**environment, "PATH": "/usr/bin:/bin", "HOME": "/nonexistent"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == after, done.stderr
