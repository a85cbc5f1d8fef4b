# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables of modules, plugins, roles and playbooks, from their documentation."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import yaml

from .rst import list_table

_PLUGINS = {
    "module": "plugins/modules",
    "inventory": "plugins/inventory",
    "event source": "extensions/eda/plugins/event_source",
}
_PLAYS = {"playbook": "playbooks", "rulebook": "extensions/eda/rulebooks"}


def plugin_table(root: Path) -> list[str]:
    """Return the table of modules and plugins."""
    return list_table(("name", "type", "purpose"), _plugins(root))


def role_table(root: Path) -> list[str]:
    """Return the table of roles, playbooks and rulebooks."""
    return list_table(("name", "type", "purpose"), [*_roles(root), *_plays(root)])


def _plugins(root: Path) -> Iterator[tuple[str, str, str]]:
    for kind, folder in _PLUGINS.items():
        for file in sorted((root / folder).glob("[!_]*.py")):
            yield f"``shipping.code.{file.stem}``", kind, _short_description(file)


def _roles(root: Path) -> Iterator[tuple[str, str, str]]:
    for file in sorted((root / "roles").glob("*/meta/argument_specs.yml")):
        main = yaml.safe_load(file.read_text())["argument_specs"]["main"]
        yield f"``shipping.code.{file.parents[1].name}``", "role", main["short_description"]


def _plays(root: Path) -> Iterator[tuple[str, str, str]]:
    for kind, folder in _PLAYS.items():
        for file in sorted((root / folder).glob("*.yml")):
            # The last play has the purpose; those before it prepare it.
            yield (
                f"``shipping.code.{file.stem}``",
                kind,
                yaml.safe_load(file.read_text())[-1]["name"],
            )


def _short_description(file: Path) -> str:
    """Read a plugin's short description without importing what the plugin imports."""
    for node in ast.parse(file.read_text()).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "DOCUMENTATION":
            return str(yaml.safe_load(ast.literal_eval(node.value))["short_description"])
    raise ValueError(f"{file} has no DOCUMENTATION")
