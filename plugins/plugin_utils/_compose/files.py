# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything a spec needs from the control machine: Compose files, values, env files, secrets.

What comes out is plain data that the module can be given: one merged, interpolated content, and
the bytes of secrets and configs beside it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ...module_utils._app.errors import Problem, ShippingError, SpecError
from ...module_utils._app.units import scalar_text
from . import dotenv, yaml_reader
from .interpolate import Values, interpolate
from .merge import merge

ReadFile = Callable[[str], bytes]


@dataclass
class Source:
    """A spec as it goes to the module."""

    content: dict[str, Any]
    secrets: dict[str, bytes] = field(default_factory=dict)
    configs: dict[str, bytes] = field(default_factory=dict)


@dataclass
class Sources:
    """Where a spec comes from: files or inline, with the values to fill in."""

    read: ReadFile
    compose: list[str] = field(default_factory=list)
    inline: Mapping[str, Any] | None = None
    folder: str = "."
    values: Mapping[str, Any] = field(default_factory=dict)
    secret_values: Mapping[str, Any] = field(default_factory=dict)
    env_files: list[str] = field(default_factory=list)
    environment: Mapping[str, str] = field(default_factory=dict)
    secrets_anywhere: bool = False


def load(sources: Sources) -> Source:
    """Read, interpolate and merge; raises :class:`SpecError` with all problems of all files."""
    problems: list[Problem] = []
    values = _values(sources)
    layers = [interpolate(content, values, problems) for content in _layers(sources)]
    if problems:
        raise SpecError(problems, _origin(sources))
    source = Source(merge(layers))
    folder = os.path.dirname(sources.compose[0]) if sources.compose else sources.folder
    for path, service in _entries(source.content, "services"):
        _add_environment(path, service, sources, folder, values, problems)
    for section, found in (("secrets", source.secrets), ("configs", source.configs)):
        for path, entry in _entries(source.content, section):
            _add_data(path, entry, found, sources, folder, values, problems)
    if problems:
        raise SpecError(problems, _origin(sources))
    return source


def _origin(sources: Sources) -> str:
    return ", ".join(sources.compose) or "the spec"


def _layers(sources: Sources) -> list[Any]:
    if not sources.compose:
        return [sources.inline]
    return [yaml_reader.parse(_decoded(path, _read(path, sources)), path) for path in sources.compose]


def _read(path: str, sources: Sources) -> bytes:
    try:
        return sources.read(path)
    except OSError as error:
        raise ShippingError(f"cannot read {path} on the control machine", error.strerror or str(error)) from error


def _decoded(path: str, content: bytes) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ShippingError(f"cannot read {path}", "it is not UTF-8 text") from error


def _values(sources: Sources) -> Values:
    """Variables, the strongest last: env files, the environment if asked for, ``values``."""
    secret = {name: scalar_text(value) for name, value in sources.secret_values.items()}
    plain: dict[str, str] = {}
    for path in sources.env_files:
        known = Values({**plain, **sources.environment}, secret, sources.secrets_anywhere)
        lines = dotenv.parse(_decoded(path, _read(path, sources)), path, known)
        plain.update((key, value) for key, value in lines.items() if value is not None)
    plain.update(sources.environment)
    plain.update((name, scalar_text(value)) for name, value in sources.values.items())
    return Values(plain, secret, sources.secrets_anywhere)


def _entries(content: dict[str, Any], section: str) -> list[tuple[str, dict[str, Any]]]:
    entries = content.get(section)
    if not isinstance(entries, dict):
        return []
    return [(f"{section}.{name}", entry) for name, entry in entries.items() if isinstance(entry, dict)]


def _add_environment(path: str, service: dict[str, Any], sources: Sources, folder: str, values: Values, problems: list[Problem]) -> None:
    """Work ``env_file`` into ``environment``, and give keys without a value theirs."""
    environment: dict[str, Any] = {}
    for name, required in _env_files(service.pop("env_file", None)):
        full = os.path.join(folder, name)
        try:
            content = sources.read(full)
        except OSError as error:
            if required:
                problems.append(Problem(f"{path}.env_file", f"cannot read {full}: {error.strerror or error}"))
            continue
        environment.update(dotenv.parse(_decoded(full, content), full, values))
    environment.update(_as_mapping(service.get("environment")))
    for key, value in environment.items():
        if value is None:
            environment[key] = values.find(key, f"{path}.environment.{key}") if key in values.plain else None
            if environment[key] is None:
                problems.append(Problem(f"{path}.environment.{key}", f"has no value; set {key} in values, or write {key}= for an empty one"))
    if environment:
        service["environment"] = environment


def _env_files(given: Any) -> list[tuple[str, bool]]:
    items = given if isinstance(given, list) else [given] if given else []
    return [(str(item.get("path")), item.get("required", True)) if isinstance(item, dict) else (str(item), True) for item in items]


def _as_mapping(given: Any) -> dict[str, Any]:
    if isinstance(given, list):
        pairs = (str(item).partition("=") for item in given)
        return {key: value if equals else None for key, equals, value in pairs}
    return dict(given) if isinstance(given, dict) else {}


def _add_data(path: str, entry: dict[str, Any], found: dict[str, bytes], sources: Sources, folder: str, values: Values, problems: list[Problem]) -> None:
    """Fetch what a secret or config holds; the entry then only names it."""
    kinds = [kind for kind in ("file", "content", "environment") if entry.get(kind) is not None]
    if len(kinds) != 1 or entry.get("external"):
        return
    section, _dot, name = path.partition(".")
    given = str(entry.pop(kinds[0]))
    try:
        found[name] = _data(kinds[0], given, sources, folder, values, section)
    except OSError as error:
        problems.append(Problem(f"{path}.file", f"cannot read {os.path.join(folder, given)}: {error.strerror or error}"))
    except KeyError:
        problems.append(Problem(f"{path}.environment", f"{given} has no value; set it in {'secret_values' if section == 'secrets' else 'values'}"))
    entry["environment"] = name


def _data(kind: str, given: str, sources: Sources, folder: str, values: Values, section: str) -> bytes:
    if kind == "file":
        return sources.read(os.path.join(folder, given))
    if kind == "content":
        return given.encode()
    known = {**values.plain, **values.secret} if section == "secrets" else values.plain
    return known[given].encode()

