# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A new platform is its folder, its documentation fragment and one line in the registry.

Carried out in a copy of the plugins with a tiny platform, by the modules' own main functions.
"""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.shipping.code.plugins.module_utils._platforms.registry import PLATFORMS

NEW = Path(__file__).with_name("new_platform")
PLUGINS = Path(__file__).parents[5] / "plugins"
ANCHOR = "from .swarm.definition import SWARM\n"
LINE = "from .memory.definition import MEMORY\n"


@pytest.fixture
def plugins(tmp_path):
    copied = tmp_path / "ansible_collections/shipping/code/plugins"
    shutil.copytree(PLUGINS, copied, ignore=shutil.ignore_patterns("__pycache__"))
    return copied


def add_platform(plugins):
    shutil.copytree(NEW / "memory", plugins / "module_utils/_platforms/memory")
    shutil.copy(NEW / "memory_documentation.py", plugins / "doc_fragments/memory.py")
    registry = plugins / "module_utils/_platforms/registry.py"
    text = registry.read_text()
    assert text.count(ANCHOR) == 1
    registry.write_text(text.replace(ANCHOR, ANCHOR + LINE))


def releases(plugins):
    pytest.importorskip("ansible", reason="modules need ansible-core, also where they run")
    done = subprocess.run(
        [sys.executable, NEW / "releases.py"],
        env={
            **os.environ,
            "PYTHONPATH": str(plugins.parents[3]),
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return json.loads(done.stdout)


def test_an_app_is_deployed_on_a_new_platform(plugins):
    add_platform(plugins)
    answer = releases(plugins)
    assert answer["changed"] == [True, False, True, True]
    # One of each run, by whatever road.
    assert answer["warnings"] == [1, 1, 1, 1]
    assert answer["actions"] == [
        {"web": "create", "worker": "create", "old": "create"},
        {"web": "keep", "worker": "keep", "old": "keep"},
        {"web": "update", "worker": "keep", "old": "remove"},
        {"web": "update", "worker": "keep", "old": "create"},
    ]
    assert (answer["live"], answer["services"], answer["drift"]) == (
        "1",
        ["old", "web", "worker"],
        [],
    )
    options = answer["options"]
    assert options["platform"]["choices"] == [*PLATFORMS.names, "memory"]
    assert options["memory_place"]["default"] == "here"


def test_nothing_is_known_of_it_without_its_line(plugins):
    add_platform(plugins)
    registry = plugins / "module_utils/_platforms/registry.py"
    registry.write_text(registry.read_text().replace(LINE, ""))
    with pytest.raises(AssertionError, match="value of platform must be one of: "):
        releases(plugins)


# What runs on the control node only is written for its Python, which reads it in other runs.
FOLDERS = ("modules", "module_utils")
if sys.version_info >= (3, 12):  # noqa: UP036
    FOLDERS += ("action", "plugin_utils")


def sources_without_platforms():
    for folder in FOLDERS:
        for file in sorted((PLUGINS / folder).rglob("*.py")):
            if "_platforms" not in file.parts:
                yield file


def named_platforms(tree):
    """Return what names a platform in code: an import, or a text that is its name alone."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            parts = (node.module or "").split(".")
            if "_platforms" in parts and not set(parts).isdisjoint(PLATFORMS.names):
                yield node.module
        elif isinstance(node, ast.Constant) and node.value in PLATFORMS.names:
            yield node.value


@pytest.mark.parametrize(
    "file", list(sources_without_platforms()), ids=lambda file: str(file.relative_to(PLUGINS))
)
def test_nobody_else_names_a_platform(file):
    assert list(named_platforms(ast.parse(file.read_text()))) == []
