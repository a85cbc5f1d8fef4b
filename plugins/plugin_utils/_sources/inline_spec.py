# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find what YAML 1.1 has converted in an inline spec.

Ansible reads playbooks by YAML 1.1 (PyYAML): 22:22 is 1342, on is true, 2026-01-01 is a date. Files
are read by yaml_reader.py instead. https://yaml.org/type/
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from ...module_utils._core.errors import Problem

_SECTIONS = ("services", "networks", "volumes", "secrets", "configs")
# Keys whose value, whose items or whose values are texts.
_TEXTS = frozenset(
    {
        "annotations",
        "args",
        "aliases",
        "command",
        "constraints",
        "content",
        "driver_opts",
        "entrypoint",
        "environment",
        "extra_hosts",
        "file",
        "group_add",
        "hostname",
        "image",
        "labels",
        "options",
        "restart",
        "source",
        "storage_opt",
        "sysctls",
        "target",
        "test",
        "user",
        "working_dir",
    }
)
_TWINS = {True: "on and yes", False: "off and no"}
_LARGEST_PORT = 65535
# The container's port in a number below 65536 of which YAML 1.1 may have made HOST:CONTAINER: both
# parts are to the base of 60, so that only container ports below 60 are met.
_BELOW_60 = (22, 25, 53)


def problems(content: Any, path: str = "") -> Iterator[Problem]:
    """Yield what cannot have been meant as it is."""
    if not isinstance(content, Mapping):
        yield Problem(path, f"must be a mapping, not {_kind(content)}{_of_a_file(content)}")
        return
    yield from values(content, path)
    for section in _SECTIONS:
        for name, body in _items(content.get(section)):
            yield from _body(body, f"{section}.{name}", is_text=False)


def values(content: Any, path: str) -> Iterator[Problem]:
    """Yield values that are of a type that only YAML 1.1 has, and keys that are no text."""
    if isinstance(content, Mapping):
        for key, item in content.items():
            if not isinstance(key, (str, int)) or isinstance(key, bool):
                yield Problem(_below(path, key), f"the key is {_kind(key)}; quote it")
            yield from values(item, _below(path, key))
    elif isinstance(content, (list, tuple)):
        for index, item in enumerate(content):
            yield from values(item, f"{path}[{index}]")
    else:
        yield from _scalar(content, path)


def _scalar(content: Any, path: str) -> Iterator[Problem]:
    if isinstance(content, float) and not math.isfinite(content):
        yield Problem(path, f"{content} is no number here; quote it")
    elif content is not None and not isinstance(content, (str, int, float)):
        yield Problem(path, f"is {_kind(content)}; quote it")


def _body(content: Any, path: str, *, is_text: bool) -> Iterator[Problem]:
    """Yield texts that are true or false, and ports that may have been two numbers."""
    if isinstance(content, Mapping):
        for key, item in content.items():
            if key == "ports":
                yield from _ports(item, _below(path, key))
            elif not str(key).startswith("x-"):
                yield from _body(item, _below(path, key), is_text=is_text or key in _TEXTS)
    elif isinstance(content, list):
        for index, item in enumerate(content):
            yield from _body(item, f"{path}[{index}]", is_text=is_text)
    elif is_text and isinstance(content, bool):
        yield Problem(
            path,
            f"is {str(content).lower()}, which YAML 1.1 also makes of {_TWINS[content]}; quote it,"
            " or end a template with | string",
        )


def _ports(ports: Any, path: str) -> Iterator[Problem]:
    for index, port in enumerate(ports if isinstance(ports, list) else ()):
        if not isinstance(port, int) or isinstance(port, bool) or port < 0:
            continue
        published, target = divmod(port, 60)
        if port > _LARGEST_PORT or (target in _BELOW_60 and published):
            yield Problem(
                f"{path}[{index}]",
                f"{port} may have been {_sexagesimal(port)}, which YAML 1.1 reads as one number;"
                f' quote it: "{_sexagesimal(port)}" or "{port}"',
            )


def _sexagesimal(number: int) -> str:
    """Return the shortest way to write a number to the base of 60, such as 22:22."""
    first, last = divmod(number, 60)
    return f"{first}:{last:02}"


def _items(section: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(section, Mapping):
        yield from section.items()


def _below(path: str, key: Any) -> str:
    return f"{path}.{key}" if path else str(key)


def _kind(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return f"{str(value).lower()}, which YAML 1.1 also makes of {_TWINS[value]}"
    if isinstance(value, date):
        return f"a date or time to YAML 1.1 ({value})"
    names = {str: "a text", bytes: "binary data", set: "a set", float: "a number", list: "a list"}
    return next((name for type_, name in names.items() if isinstance(value, type_)), "no YAML 1.2")


def _of_a_file(content: Any) -> str:
    if not isinstance(content, str):
        return ""
    return "; give the path of the file by compose, or add | from_yaml to the lookup"
