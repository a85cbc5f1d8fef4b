# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a role's README, argument specs and defaults say is one and the same."""

from __future__ import annotations

import re
from itertools import chain
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[3]
ROLES = sorted(path for path in (ROOT / "roles").iterdir() if path.is_dir())


def options(role: Path) -> dict:
    specs = yaml.safe_load((role / "meta" / "argument_specs.yml").read_text())["argument_specs"]
    found: dict = {}
    for spec in specs.values():
        found |= spec.get("options", {})
    return found


def text_of_files(role: Path) -> str:
    """All that the role does, and its variables and templates."""
    folders = ("tasks", "vars", "templates")
    paths = chain.from_iterable((role / folder).glob("*") for folder in folders)
    return "".join(path.read_text() for path in paths)


@pytest.mark.parametrize("role", ROLES, ids=lambda path: path.name)
def test_defaults_are_as_documented(role):
    text = (
        (role / "defaults" / "main.yml").read_text()
        if (role / "defaults" / "main.yml").exists()
        else ""
    )
    needed = {name for name, about in options(role).items() if about.get("required")}
    documented = {
        name: about["default"] for name, about in options(role).items() if "default" in about
    }
    assert {
        name: value for name, value in (yaml.safe_load(text) or {}).items() if name not in needed
    } == documented


@pytest.mark.parametrize("role", ROLES, ids=lambda path: path.name)
def test_the_readme_has_every_variable(role):
    told = set(re.findall(rf"`({role.name}_\w+)`", (role / "README.md").read_text()))
    assert set(options(role)) <= told


@pytest.mark.parametrize("role", ROLES, ids=lambda path: path.name)
def test_every_variable_is_used(role):
    used = text_of_files(role)
    assert not [name for name in options(role) if not re.search(rf"\b{name}\b", used)]


@pytest.mark.parametrize("role", ROLES, ids=lambda path: path.name)
def test_nothing_else_is_read(role):
    used = text_of_files(role)
    registered = set(re.findall(r"register: (\w+)", used))
    assert (
        set(
            re.findall(
                rf"(?<!__)\b({role.name}_\w+)\b",
                re.sub(r"membership_sync\.py|shipping\.code\.\w+", "", used),
            )
        )
        <= set(options(role)) | registered
    )
