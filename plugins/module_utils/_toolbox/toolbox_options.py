# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Define the options of the toolbox's modules, and check their combination. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._core.errors import Problem, SpecError

Options = Mapping[str, Any]

WHERE: dict[str, dict[str, Any]] = {"path": {"type": "path", "default": "/opt/shipping"}}
TOOLBOX: dict[str, dict[str, Any]] = {
    **WHERE,
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "record": {"type": "dict"},
    "catalog": {"type": "path"},
    "removals": {"type": "str", "choices": ["apply", "block"], "default": "apply"},
    "approved_removals": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {key: {"type": "str", "required": True} for key in ("id", "project")},
    },
    "generation": {"type": "str"},
    "hold": {"type": "bool", "default": True},
    "unhold": {"type": "list", "elements": "str", "default": []},
    "keep": {"type": "int", "default": 3},
    "grace": {"type": "int", "default": 0},
    "shell_integration": {"type": "bool", "default": True},
    "accept_older": {"type": "bool", "default": False},
    "test_timeout": {"type": "int", "default": 60},
    "lock_timeout": {"type": "int", "default": 60},
    "uv_path": {"type": "path"},
    # Set by the action plugin: it reads the catalog on the controller, since PyYAML may be missing
    # on a workstation.
    "_projects": {"type": "list", "elements": "dict"},
    "_programs": {"type": "dict"},
    "_bundle": {"type": "dict"},
    "_content": {"type": "str", "no_log": True},
}


def check(options: Options) -> None:
    """Raise SpecError for options that cannot be combined, before anything is changed."""
    limits = {"keep": 1, "grace": 0, "test_timeout": 1, "lock_timeout": 0}
    numbers = {name: options[name] for name in limits if isinstance(options.get(name), int)}
    problems = [
        Problem(name, f"must be at least {limits[name]}, not {value}")
        for name, value in numbers.items()
        if value < limits[name]
    ]
    if options.get("generation") is not None:
        problems += _problems_of_rolling_back(options)
    elif options.get("state", "present") == "present":
        problems += [
            Problem(name, "is required") for name in ("record", "catalog") if not options.get(name)
        ]
    if problems:
        raise SpecError(problems, "the options")


def _problems_of_rolling_back(options: Options) -> list[Problem]:
    generation = str(options["generation"])
    problems = (
        []
        if generation == "previous" or generation.isdigit()
        else [Problem("generation", f"must be a number or previous, not {generation!r}")]
    )
    if options.get("record"):
        problems.append(Problem("generation", "cannot be combined with record"))
    if options.get("state") == "absent":
        problems.append(Problem("generation", "cannot be combined with state: absent"))
    return problems
