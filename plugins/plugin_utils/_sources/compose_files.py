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

from ...module_utils._compose.keys import LOCAL_KEYS
from ...module_utils._core.errors import Problem, ShippingError, SpecError
from ...module_utils._core.parsing import Reader, boolean, listing, mapping, text
from ...module_utils._core.units import scalar_text
from . import dotenv, yaml_reader
from .interpolate import Unset, Values, interpolate
from .merge import merge

ReadFile = Callable[[str], bytes]
Check = Callable[[dict[str, Any]], object]


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


def load(sources: Sources, check: Check | None = None) -> Source:
    """Read, interpolate and merge; raises :class:`SpecError` with all problems of all files.

    ``check`` raises SpecError where the content itself has problems, which are told together with
    the others.
    """
    problems: list[Problem] = []
    values = _values(sources)
    layers = [_interpolated(content, values, problems) for content in _layers(sources, problems)]
    if len(layers) < len(sources.compose):
        raise SpecError(problems, _origin(sources))
    source = Source(merge(layers))
    folder = os.path.dirname(sources.compose[0]) if sources.compose else sources.folder
    for path, service in _entries(source.content, "services"):
        _add_environment(path, service, sources, folder, values, problems)
    for section, found in (("secrets", source.secrets), ("configs", source.configs)):
        for path, entry in _entries(source.content, section):
            _add_data(path, entry, found, sources, folder, values, problems)
    problems.extend(_problems_of(source.content, check, {problem.path for problem in problems}))
    if problems:
        raise SpecError(problems, _origin(sources))
    return source


def _problems_of(content: dict[str, Any], check: Check | None, known: set[str]) -> list[Problem]:
    """What ``check`` finds at places that have no problem yet."""
    try:
        if check:
            check(content)
    except SpecError as error:
        return [problem for problem in error.problems if problem.path not in known]
    return []


def _origin(sources: Sources) -> str:
    return ", ".join(sources.compose) or "the spec"


def _layers(sources: Sources, problems: list[Problem]) -> list[Any]:
    if not sources.compose:
        return [sources.inline]
    layers = []
    for path in sources.compose:
        try:
            layers.append(yaml_reader.parse(_decoded(path, _read(path, sources)), path))
        except SpecError as error:
            problems.extend(error.problems)
    return layers


def _interpolated(layer: Any, values: Values, problems: list[Problem]) -> Any:
    """A file with its variables replaced, but for what is passed over anyway.

    It may lack its values.
    """
    if not isinstance(layer, dict):
        return layer
    result = {}
    for key, item in layer.items():
        if key == "services" and isinstance(item, dict):
            result[key] = {
                name: _service(service, values, problems, f"services.{name}")
                for name, service in item.items()
            }
        else:
            result[key] = (
                item
                if _is_own(key) or key in ("name", "version")
                else interpolate(item, values, problems, str(key))
            )
    return result


def _service(service: Any, values: Values, problems: list[Problem], path: str) -> Any:
    if not isinstance(service, dict):
        return interpolate(service, values, problems, path)
    return {
        key: (
            item
            if _is_own(key) or key in LOCAL_KEYS
            else interpolate(item, values, problems, f"{path}.{key}")
        )
        for key, item in service.items()
    }


def _is_own(key: Any) -> bool:
    """Whether a key is the user's own affair.

    What stands there counts only where an anchor takes it elsewhere.
    """
    return str(key).startswith("x-") and key != "x-shipping"


def _read(path: str, sources: Sources) -> bytes:
    try:
        return sources.read(path)
    except OSError as error:
        raise ShippingError(
            f"cannot read {path} on the control machine", error.strerror or str(error)
        ) from error


def _decoded(path: str, content: bytes) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ShippingError(f"cannot read {path}", "it is not UTF-8 text") from error


def _values(sources: Sources) -> Values:
    """Variables, the strongest last: env files, the environment if asked for, ``values``."""
    secret = {name: scalar_text(value) for name, value in sources.secret_values.items()}
    plain: dict[str, str] = {}
    given = {
        **sources.environment,
        **{name: scalar_text(value) for name, value in sources.values.items()},
    }
    for path in sources.env_files:
        lines = dotenv.parse(
            _decoded(path, _read(path, sources)),
            path,
            Values(given, secret, sources.secrets_anywhere),
            plain,
        )
        plain.update((key, value) for key, value in lines.items() if value is not None)
    return Values({**plain, **given}, secret, sources.secrets_anywhere)


def _entries(content: dict[str, Any], section: str) -> list[tuple[str, dict[str, Any]]]:
    entries = content.get(section)
    if not isinstance(entries, dict):
        return []
    return [
        (f"{section}.{name}", entry) for name, entry in entries.items() if isinstance(entry, dict)
    ]


def _add_environment(
    path: str,
    service: dict[str, Any],
    sources: Sources,
    folder: str,
    values: Values,
    problems: list[Problem],
) -> None:
    """Work ``env_file`` into ``environment``, and give keys without a value theirs."""
    own = _as_mapping(service.get("environment"))
    known = Values({**_texts(own or {}), **values.plain}, values.secret, values.secrets_anywhere)
    environment: dict[str, Any] = {}
    for entry in _env_files(service.pop("env_file", None), Reader(f"{path}.env_file", problems)):
        _add_env_file(
            environment,
            _full(folder, entry["path"]),
            entry["required"],
            sources,
            known,
            Reader(f"{path}.env_file", problems),
        )
    if own is None:
        return
    environment.update(own)
    for key, value in environment.items():
        if value is None:
            environment[key] = _inherited(
                key, Reader(f"{path}.environment.{key}", problems), values
            )
    if environment:
        service["environment"] = environment


def _add_env_file(
    environment: dict[str, Any],
    path: str,
    required: bool,
    sources: Sources,
    values: Values,
    reader: Reader,
) -> None:
    try:
        lines = dotenv.parse(_decoded(path, sources.read(path)), path, values, environment)
        environment.update(
            (key, value)
            for key, value in lines.items()
            if value is not None or key not in environment
        )
    except OSError as error:
        if required or not isinstance(error, FileNotFoundError):
            reader.problem(f"cannot read {path}: {error.strerror or error}")
    except SpecError as error:
        reader.problems.extend(error.problems)


def _inherited(key: str, reader: Reader, values: Values) -> str | None:
    """The value of a variable that a service only names."""
    try:
        value = values.find(key, reader.path)
    except Unset as error:
        reader.problem(str(error))
        return None
    if value is None:
        reader.problem(f"has no value; set {key} in values, or write {key}= for an empty one")
    return value


_env_file_list = listing(
    mapping(
        {"path": text, "required": boolean},
        {
            "format": (
                "only the usual format is read; leave it out, and put values with $ or quotes"
                " between single quotes"
            )
        },
    )
)


def _env_files(given: Any, reader: Reader) -> list[dict[str, Any]]:
    """The entries of ``env_file``, each as its long form."""
    items = given if isinstance(given, list) else [] if given is None else [given]
    parsed = _env_file_list(
        [item if isinstance(item, dict) else {"path": item} for item in items], reader
    )
    entries = parsed if isinstance(parsed, list) else []
    return [{"required": True, **entry} for entry in entries if entry.get("path")]


def _as_mapping(given: Any) -> dict[str, Any] | None:
    """What ``environment`` says; None where it is no environment, which the reader tells."""
    if given is None:
        return {}
    if isinstance(given, list) and not any(isinstance(item, (dict, list)) for item in given):
        entries = (scalar_text(item).partition("=") for item in given)
        return {key: value if equals else None for key, equals, value in entries}
    return dict(given) if isinstance(given, dict) else None


def _texts(environment: dict[str, Any]) -> dict[str, str]:
    return {key: scalar_text(value) for key, value in environment.items() if value is not None}


def _full(folder: str, name: str) -> str:
    return os.path.join(folder, os.path.expanduser(name))


def _add_data(
    path: str,
    entry: dict[str, Any],
    found: dict[str, bytes],
    sources: Sources,
    folder: str,
    values: Values,
    problems: list[Problem],
) -> None:
    """Fetch what a secret or config holds; the entry then only names it."""
    kinds = [kind for kind in ("file", "content", "environment") if entry.get(kind) is not None]
    if len(kinds) != 1 or _is_external(entry):
        return
    section, _dot, name = path.partition(".")
    kind, given = kinds[0], scalar_text(entry.pop(kinds[0]))
    reader = Reader(f"{path}.{kind}", problems)
    try:
        found[name] = _data(kind, given, sources, folder, values, section)
    except OSError as error:
        reader.problem(f"cannot read {_full(folder, given)}: {error.strerror or error}")
    except Unset as error:
        reader.problem(str(error))
    entry["environment"] = name


def _is_external(entry: dict[str, Any]) -> bool:
    external = entry.get("external")
    return isinstance(external, dict) or boolean(external, Reader()) is True


def _data(
    kind: str, given: str, sources: Sources, folder: str, values: Values, section: str
) -> bytes:
    if kind == "file":
        return sources.read(_full(folder, given))
    if kind == "content":
        return given.encode()
    value = values.find(given, f"{section}.")
    if value is None:
        raise Unset(
            f"{given} has no value; set it in"
            f" {'secret_values' if section == 'secrets' else 'values'}"
        )
    return value.encode()
