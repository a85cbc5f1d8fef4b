# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compose files laid over each other, as ``docker compose -f a -f b`` merges them.

Rules: https://github.com/compose-spec/compose-spec/blob/main/13-merge.md
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from functools import reduce
from typing import Any

from ...module_utils._compose.short_syntax import host_lines
from .yaml_reader import Override, Reset

Path = tuple[str, ...]
Rule = Callable[[Any, Any, Path], Any]


def merge(files: list[dict[str, Any]]) -> dict[str, Any]:
    """Return all files as one; later ones win. ``!reset`` and ``!override`` are applied."""
    merged: dict[str, Any] = _without_tags(
        reduce(lambda base, over: _merge(base, over, ()), files, {})
    )
    return merged


def _merge(base: Any, over: Any, path: Path) -> Any:
    if isinstance(over, (Reset, Override)) or base is None or isinstance(base, Reset):
        return over
    if isinstance(base, Override):
        return Override(_merge(base.value, over, path))
    rule = _rule(path)
    if over is None and rule is not _replaced:
        return base
    return rule(base, over, path)


def _merge_mappings(base: dict[str, Any], over: dict[str, Any], path: Path) -> dict[str, Any]:
    return {
        **base,
        **{key: _merge(base.get(key), value, (*path, str(key))) for key, value in over.items()},
    }


def _rule(path: Path) -> Rule:
    if path[:1] == ("services",):
        return _RULES.get(path[2:], _as_is)
    is_object = path[:1] in [("networks",), ("volumes",), ("secrets",), ("configs",)]
    return _key_values if is_object and path[2:] == ("labels",) else _as_is


def _as_is(base: Any, over: Any, path: Path) -> Any:
    """Merge plain mappings and lists; anything else replaces."""
    if isinstance(base, dict) and isinstance(over, dict):
        return _merge_mappings(base, over, path)
    if isinstance(base, list) and isinstance(over, list):
        return [*base, *(item for item in over if item not in base)]
    return over


def _replaced(base: Any, over: Any, path: Path) -> Any:
    """Replace, also by nothing: the image's own value counts again."""
    return over


def _key_values(base: Any, over: Any, path: Path) -> Any:
    first, second = _as_mapping(base), _as_mapping(over)
    return over if first is None or second is None else {**first, **second}


def _as_mapping(value: Any) -> dict[str, Any] | None:
    """Return a mapping, or a list of ``KEY=value`` as one; None for neither."""
    if isinstance(value, dict):
        return value
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        return None
    entries = (entry.partition("=") for entry in value)
    return {key: item if equals else None for key, equals, item in entries}


def _named(settings: Any) -> Rule:
    """Return a rule: names in a list are a mapping with the same ``settings`` for each."""

    def rule(base: Any, over: Any, path: Path) -> Any:
        sides = [
            {str(name): settings for name in side} if isinstance(side, list) else side
            for side in (base, over)
        ]
        return (
            _merge_mappings(sides[0], sides[1], path)
            if all(isinstance(side, dict) for side in sides)
            else over
        )

    return rule


def _keyed(key: Callable[[Any], Any]) -> Rule:
    """Return a rule: one item a key, in the order of first appearance; the last of a key wins."""

    def rule(base: Any, over: Any, path: Path) -> Any:
        first, second = _as_list(base), _as_list(over)
        if first is None or second is None:
            return over
        return list({repr(key(item)): item for item in [*first, *second]}.values())

    return rule


def _as_list(value: Any) -> list[Any] | None:
    """Return a list, or one text as a list; None for neither."""
    if isinstance(value, str):
        return [value]
    return value if isinstance(value, list) else None


_PORT_DEFAULTS = {"host_ip": "", "published": "", "target": "", "protocol": "tcp"}


def _port_key(item: Any) -> Any:
    if isinstance(item, dict):
        fields = [str(item.get(key) or default) for key, default in _PORT_DEFAULTS.items()]
    else:
        ports, _slash, protocol = str(item).partition("/")
        fields = [*["", "", *ports.rsplit(":", 2)][-3:], protocol or "tcp"]
    # 13-merge.md, unique resources: address, published port, target and protocol make a port.
    return ["" if fields[0] == "0.0.0.0" else fields[0], *fields[1:]]


def _mount_key(item: Any) -> Any:
    if isinstance(item, dict):
        return posixpath.normpath(str(item.get("target")))
    return posixpath.normpath([*str(item).split(":"), ""][1] or str(item))


def _grant_key(folder: str) -> Callable[[Any], Any]:
    def key(item: Any) -> str:
        name = item.get("target") or item.get("source") if isinstance(item, dict) else item
        return posixpath.join(folder, str(name))

    return key


def _hosts(base: Any, over: Any, path: Path) -> Any:
    first, second = _host_lines(base), _host_lines(over)
    return over if first is None or second is None else list(dict.fromkeys([*first, *second]))


def _host_lines(value: Any) -> list[str] | None:
    """Return hosts as ``name=address``; None if this is no list of hosts."""
    if isinstance(value, dict):
        return host_lines(value)
    items = _as_list(value)
    if items is None or not all(isinstance(item, str) for item in items):
        return None
    return [re.sub(r"^([^:=]+)[:=]", r"\1=", item) for item in items]


def _logging(base: Any, over: Any, path: Path) -> Any:
    """Merge options only if both files mean the same driver."""
    if not isinstance(base, dict) or not isinstance(over, dict):
        return over
    drivers = [side["driver"] for side in (base, over) if "driver" in side]
    return _merge_mappings(base, over, path) if drivers[1:] in ([], drivers[:1]) else over


# Place below services.<name> -> how it is merged; all others as plain mappings and lists.
_RULES: dict[Path, Rule] = {
    **dict.fromkeys([("command",), ("entrypoint",), ("healthcheck", "test")], _replaced),
    **dict.fromkeys(
        [("environment",), ("labels",), ("sysctls",), ("annotations",), ("deploy", "labels")],
        _key_values,
    ),
    **dict.fromkeys(
        [("dns",), ("dns_opt",), ("dns_search",), ("cap_add",), ("cap_drop",)],
        _keyed(lambda item: item),
    ),
    ("expose",): _keyed(str),
    ("env_file",): _keyed(lambda item: item.get("path") if isinstance(item, dict) else item),
    ("tmpfs",): _keyed(lambda item: str(item).partition(":")[0]),
    ("networks",): _named(None),
    ("depends_on",): _named({"condition": "service_started", "required": True}),
    ("ports",): _keyed(_port_key),
    # 13-merge.md, unique resources: one mount or file for each target.
    ("volumes",): _keyed(_mount_key),
    ("secrets",): _keyed(_grant_key("/run/secrets")),
    ("configs",): _keyed(_grant_key("/")),
    ("extra_hosts",): _hosts,
    ("logging",): _logging,
}


def _without_tags(value: Any) -> Any:
    """Return the merged content without the tags that steered the merging."""
    if isinstance(value, Override):
        return _without_tags(value.value)
    if isinstance(value, dict):
        return {
            key: _without_tags(item) for key, item in value.items() if not isinstance(item, Reset)
        }
    if isinstance(value, list):
        return [_without_tags(item) for item in value if not isinstance(item, Reset)]
    return value
