# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compose files laid over each other, as ``docker compose -f a -f b`` merges them.

Rules: https://github.com/compose-spec/compose-spec/blob/main/13-merge.md
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import reduce
from typing import Any

from .yaml_reader import Override, Reset

Path = tuple[str, ...]
_REPLACED = {("command",), ("entrypoint",), ("healthcheck", "test")}
_KEY_VALUE = {("environment",), ("labels",), ("sysctls",), ("deploy", "labels"), ("annotations",), ("logging", "options")}
_NAMED = {("networks",), ("depends_on",)}
_TEXTS = {("dns",), ("dns_opt",), ("dns_search",), ("env_file",), ("label_file",), ("tmpfs",), ("expose",), ("cap_add",), ("cap_drop",)}


def merge(files: list[dict[str, Any]]) -> dict[str, Any]:
    """All files as one; later ones win. ``!reset`` and ``!override`` are worked in."""
    merged = reduce(lambda base, over: _merge(base, over, ()), files, {})
    return _resolve(merged)


def _merge(base: Any, over: Any, path: Path) -> Any:
    if isinstance(over, (Reset, Override)) or base is None or isinstance(base, Reset):
        return over
    if isinstance(base, Override):
        return Override(_merge(base.value, over, path))
    if over is None:
        return base
    special = _special(path)
    if special:
        return special(base, over, path)
    if isinstance(base, dict) and isinstance(over, dict):
        return _merge_mappings(base, over, path)
    if isinstance(base, list) and isinstance(over, list):
        return [*base, *(item for item in over if item not in base)]
    return over


def _merge_mappings(base: dict[str, Any], over: dict[str, Any], path: Path) -> dict[str, Any]:
    return {**base, **{key: _merge(base.get(key), value, (*path, str(key))) for key, value in over.items()}}


def _special(path: Path) -> Callable[[Any, Any, Path], Any] | None:
    """The rule for a place that is not merged as plain mappings and lists are."""
    if len(path) == 3 and path[0] in ("networks", "volumes", "secrets", "configs") and path[2] == "labels":
        return _key_values
    if len(path) < 3 or path[0] != "services":
        return None
    place = path[2:]
    if place in _REPLACED:
        return lambda base, over, path: over
    if place in _KEY_VALUE:
        return _key_values
    if place in _NAMED:
        return _named
    if place in _TEXTS:
        return _texts
    return {("ports",): _ports, ("volumes",): _mounts, ("secrets",): _grants, ("configs",): _grants, ("extra_hosts",): _hosts, ("logging",): _logging}.get(place)


def _key_values(base: Any, over: Any, path: Path) -> Any:
    first, second = _as_mapping(base), _as_mapping(over)
    return over if first is None or second is None else {**first, **second}


def _as_mapping(value: Any) -> dict[str, Any] | None:
    """A mapping, or a list of ``KEY=value`` as one; None for neither."""
    if isinstance(value, dict):
        return value
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        return None
    entries = (item.partition("=") for item in value)
    return {key: item if equals else None for key, equals, item in entries}


def _named(base: Any, over: Any, path: Path) -> Any:
    """Networks and dependencies: a list of names and a mapping are the same thing."""
    sides = [dict.fromkeys(side) if isinstance(side, list) else side for side in (base, over)]
    return _merge_mappings(sides[0], sides[1], path) if all(isinstance(side, dict) for side in sides) else over


def _texts(base: Any, over: Any, path: Path) -> Any:
    first, second = ([side] if isinstance(side, str) else side for side in (base, over))
    return _unique([*first, *second], lambda item: item) if isinstance(first, list) and isinstance(second, list) else over


def _unique(items: list[Any], key: Callable[[Any], Any]) -> list[Any]:
    """One item a key, in the order of first appearance; the last of a key wins."""
    found: dict[str, Any] = {}
    for item in items:
        found[repr(key(item))] = item
    return list(found.values())


def _keyed(key: Callable[[Any], Any]) -> Callable[[Any, Any, Path], Any]:
    def rule(base: Any, over: Any, path: Path) -> Any:
        return _unique([*base, *over], key) if isinstance(base, list) and isinstance(over, list) else over

    return rule


def _port_key(item: Any) -> Any:
    if not isinstance(item, dict):
        return str(item)
    return [str(item.get(key, default)) for key, default in (("host_ip", ""), ("published", ""), ("target", ""), ("protocol", "tcp"))]


def _mount_key(item: Any) -> Any:
    if isinstance(item, dict):
        return item.get("target")
    pieces = str(item).split(":")
    return pieces[1] if len(pieces) > 1 else pieces[0]


def _grant_key(item: Any) -> Any:
    return (item.get("target") or item.get("source")) if isinstance(item, dict) else item


_ports, _mounts, _grants = _keyed(_port_key), _keyed(_mount_key), _keyed(_grant_key)


def _hosts(base: Any, over: Any, path: Path) -> Any:
    sides = [[f"{name}={address}" for name, address in side.items()] if isinstance(side, dict) else side for side in (base, over)]
    return _unique([re.sub(r"^([^:=]+)[:=]", r"\1=", str(item)) for side in sides for item in side], lambda item: item)


def _logging(base: Any, over: Any, path: Path) -> Any:
    """Options are merged only where both files mean the same driver."""
    if not isinstance(base, dict) or not isinstance(over, dict):
        return over
    drivers = {side["driver"] for side in (base, over) if "driver" in side}
    return _merge_mappings(base, over, (*path, "")) if len(drivers) < 2 else over


def _resolve(value: Any) -> Any:
    """The merged content without the marks that steered the merging."""
    if isinstance(value, Override):
        return _resolve(value.value)
    if isinstance(value, dict):
        return {key: _resolve(item) for key, item in value.items() if not isinstance(item, Reset)}
    if isinstance(value, list):
        return [_resolve(item) for item in value if not isinstance(item, Reset)]
    return value
