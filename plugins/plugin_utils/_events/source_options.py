# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the options of the source; all mistakes are reported at once."""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...module_utils._core.errors import Problem, SpecError, suggestion, unknown_names
from .._delivery.removal_limit import RemovalLimits
from .._directory import bind_password, settings
from .._directory.directory_errors import DirectoryError, Inaccessible

MODES = ("auto", "syncrepl", "notification", "polling")
_INVENTORY = "shipping.code.ldap_projects"
_ENVIRONMENT = {
    "bind_password": "SHIPPING_LDAP_PASSWORD",
    "bind_password_file": "SHIPPING_LDAP_PASSWORD_FILE",
}
_NUMBERS: Mapping[str, tuple[float, float, float]] = {
    # the default, the least, the most
    "heartbeat": (30, 1, 86_400),
    "reconcile": (900, 10, 604_800),
    "poll": (5, 1, 86_400),
    "settle": (0.25, 0, 60),
    "max_shrink": (20, 0, 100),
}
OWN = ("source_file", "state_path", "mode", "accept_older", "may_empty", *_NUMBERS)


@dataclass(frozen=True)
class Options:
    """The options of the source; times are in seconds."""

    directory: settings.Settings
    state_path: Path
    mode: str
    heartbeat: float
    reconcile: float
    poll: float
    settle: float
    limits: RemovalLimits
    accept_older: bool
    arguments: Mapping[str, Any]

    def password(self) -> str:
        """Return the current password, if it is in a file.

        The command that prints a password is not run again.
        """
        arguments = {**self.arguments, "bind_password_command": None}
        return bind_password.password(arguments) or self.directory.connection.password


def read(args: Mapping[str, Any]) -> Options:
    """Return the options in the arguments of the source; raise ShippingError."""
    own = {name: value for name, value in args.items() if value is not None}
    arguments = {**_in_file(own.get("source_file")), **own}
    arguments = {**_from_environment(arguments), **arguments}
    problems = unknown_names(arguments, _KNOWN)
    numbers = {name: _number(arguments, name, problems) for name in _NUMBERS}
    mode = _mode(arguments, problems)
    state_path, accept_older, may_empty = (
        _state_path(arguments, problems),
        _accepts_older(arguments, problems),
        _may_empty(arguments, problems),
    )
    try:
        directory = settings.read(_of_directory(arguments), "the arguments of the event source")
    except SpecError as error:
        problems += error.problems
    if problems:
        raise SpecError(problems, "the arguments of the event source")
    limits = RemovalLimits(max_shrink=numbers.pop("max_shrink"), may_empty=may_empty)
    return Options(
        directory,
        state_path,
        mode,
        limits=limits,
        accept_older=accept_older,
        arguments=arguments,
        **numbers,
    )


_KNOWN = (*OWN, *settings.OPTIONS)


def _from_environment(args: Mapping[str, Any]) -> dict[str, str]:
    # Any option for the password overrides the environment.
    if any(args.get(name) for name in (*_ENVIRONMENT, "bind_password_command")):
        return {}
    return {
        name: os.environ[variable]
        for name, variable in _ENVIRONMENT.items()
        if os.environ.get(variable)
    }


def _of_directory(arguments: Mapping[str, Any]) -> dict[str, Any]:
    options = {name: arguments[name] for name in settings.OPTIONS if name in arguments}
    options["bind_password"] = bind_password.password(arguments)
    options["state_path"] = os.path.expanduser(str(arguments.get("state_path") or ""))
    if isinstance(options.get("host_map"), str):
        options["host_map"] = _yaml("host_map", Path(os.path.expanduser(str(options["host_map"]))))
    return options


def _in_file(path: Any) -> dict[str, Any]:
    """Return the options of an inventory file that describe the directory."""
    if path is None:
        return {}
    file = Path(os.path.expanduser(str(path)))
    content = _yaml("source_file", file)
    if not isinstance(content, Mapping) or content.get("plugin") != _INVENTORY:
        raise SpecError([Problem("plugin", f"is not {_INVENTORY}")], str(file))
    options = {
        name: value
        for name, value in content.items()
        if name in settings.OPTIONS and value is not None
    }
    if isinstance(options.get("host_map"), str):
        options["host_map"] = str(file.parent / os.path.expanduser(options["host_map"]))
    return options


def _yaml(option: str, place: Path) -> Any:
    try:
        # Imported when used: the source runs without PyYAML if all options are set directly.
        yaml = importlib.import_module("yaml")
    except ImportError as error:
        raise DirectoryError(
            f"{option} {place} cannot be read", "the Python library PyYAML is missing", "Install it"
        ) from error
    try:
        return yaml.safe_load(place.read_text(encoding="utf-8")) or {}
    except OSError as error:
        raise Inaccessible(
            f"{option} {place} cannot be read",
            error.strerror or type(error).__name__,
            "Correct the path or its rights",
        ) from error
    except (ValueError, yaml.YAMLError) as error:
        raise Inaccessible(
            f"{option} {place} cannot be read",
            " ".join(str(error).split()),
            "Correct it; vaults and templates are not supported here",
        ) from error


def _number(arguments: Mapping[str, Any], name: str, problems: list[Problem]) -> float:
    default, least, most = _NUMBERS[name]
    value = arguments.get(name, default)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not least <= value <= most:
        problems.append(Problem(name, f"is {value!r}; write a number from {least:g} to {most:g}"))
        return default
    return float(value)


def _mode(arguments: Mapping[str, Any], problems: list[Problem]) -> str:
    value = str(arguments.get("mode", "auto"))
    if value not in MODES:
        problems.append(
            Problem(
                "mode", f"is {value!r}, not one of {', '.join(MODES)}{suggestion(value, MODES)}"
            )
        )
    return value


def _state_path(arguments: Mapping[str, Any], problems: list[Problem]) -> Path:
    value = arguments.get("state_path")
    if not isinstance(value, str) or not os.path.isabs(os.path.expanduser(value)):
        problems.append(
            Problem(
                "state_path",
                "is missing or not absolute; write the folder of the state, such as"
                " /var/lib/shipping/membership",
            )
        )
        return Path()
    return Path(os.path.expanduser(value))


def _accepts_older(arguments: Mapping[str, Any], problems: list[Problem]) -> bool:
    value = arguments.get("accept_older", False)
    if not isinstance(value, bool):
        problems.append(Problem("accept_older", f"is {value!r}; write true or false"))
    return bool(value)


def _may_empty(arguments: Mapping[str, Any], problems: list[Problem]) -> frozenset[str]:
    value = arguments.get("may_empty", [])
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        problems.append(Problem("may_empty", f"is {value!r}; write a list of projects"))
        return frozenset()
    return frozenset(value)
