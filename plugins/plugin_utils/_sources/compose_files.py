# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything a spec needs from the control node: Compose files, values, env files, secrets.

The result is plain data for the module: one merged, interpolated content, and
the bytes of secrets and configs beside it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...module_utils._compose.keys import LOCAL_KEYS
from ...module_utils._core.errors import Problem, ShippingError, SpecError
from ...module_utils._core.parsing import SpecReader, Written, boolean, listing, mapping, text, word
from ...module_utils._core.units import scalar_text
from . import bind_files, bind_paths, dotenv, inline_spec, loopback_ports, profiles, yaml_reader
from .interpolate import Unset, Values, interpolate
from .merge import merge

ReadFile = Callable[[str], bytes]
CheckContent = Callable[[dict[str, Any]], object]


@dataclass
class LoadedSpec:
    """A spec for the module; ``warnings`` are for the user.

    ``relative_binds`` has the relative paths of bind mounts that were resolved, by their places.
    """

    content: dict[str, Any]
    secrets: dict[str, bytes] = field(default_factory=dict)
    configs: dict[str, bytes] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    relative_binds: dict[str, str] = field(default_factory=dict)


@dataclass
class SpecSources:
    """The sources of a spec: files or inline, with the values to fill in.

    ``resolve_binds``: relative paths of bind mounts are resolved; otherwise they are problems.
    ``ship_binds``: files that are mounted read-only become configs.
    ``unpublished``: the modes in which ports on a loopback address are left out.
    """

    read: ReadFile
    compose: list[str] = field(default_factory=list)
    inline: Mapping[str, Any] | None = None
    folder: str = "."
    values: Mapping[str, Any] = field(default_factory=dict)
    secret_values: Mapping[str, Any] = field(default_factory=dict)
    env_files: list[str] = field(default_factory=list)
    environment: Mapping[str, str] = field(default_factory=dict)
    secrets_anywhere: bool = False
    resolve_binds: bool = False
    ship_binds: bool = False
    unpublished: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Loading:
    """The state of loading one spec; ``problems`` has those of all parts.

    ``moved`` has the places of list items whose place in the file is another one.
    """

    sources: SpecSources
    folder: str
    values: Values
    problems: list[Problem]
    # Place of a variable that comes from an env file -> that file and the variable.
    from_files: dict[str, str] = field(default_factory=dict)
    moved: dict[str, Written] = field(default_factory=dict)

    def place(self, path: str) -> str:
        """Return the place in the file of a place in the content."""
        return self.reader(self.from_files.get(path, path)).place()

    def reader(self, path: str) -> SpecReader:
        """Return a place in the spec."""
        return SpecReader(path, self.problems, written=self.moved)

    def full_path(self, name: str) -> str:
        """Return the path of a file that the spec names."""
        return os.path.join(self.folder, os.path.expanduser(name))


def load(sources: SpecSources, check: CheckContent | None = None) -> LoadedSpec:
    """Read, interpolate and merge; raises :class:`SpecError` with all problems of all files.

    ``check`` raises SpecError where the content itself has problems, which are reported together
    with the others.
    """
    problems: list[Problem] = []
    values = _values(sources)
    # Before the merge, as docker compose does: `${P}:80` may be the same port as `80:80`.
    files: list[str] = []
    layers = []
    read = _layers(sources, problems)
    inactive = _inactive(read, values)
    # Before the values are filled in: what is left out needs none.
    for index, content in enumerate(read):
        layers.append(_interpolated(profiles.without(content, inactive), values, problems))
        files += sources.compose[index : index + 1] * (len(problems) - len(files))
    # Without one of the files, what it declares would be reported as missing.
    if len(layers) < len(sources.compose) or not isinstance(layers[0], dict):
        raise SpecError(problems, _origin(sources))
    spec = LoadedSpec(merge(layers))
    # As in docker compose: relative paths start at the folder of the first file.
    folder = os.path.dirname(sources.compose[0]) if sources.compose else sources.folder
    loading = _Loading(sources, folder, values, problems)
    for path, service in _entries(spec.content, "services"):
        _add_environment(path, service, loading)
    for section, contents in (("secrets", spec.secrets), ("configs", spec.configs)):
        for path, entry in _entries(spec.content, section):
            _add_data(path, entry, contents, loading)
    problems.extend(profiles.missing(spec.content, inactive))
    _ship_binds(spec, loading)
    unpublished = loopback_ports.unpublish(
        _entries(spec.content, "services"), sources.unpublished, loading.reader
    )
    problems.extend(_problems_of(spec.content, check, loading))
    if problems:
        raise SpecError(_with_files(problems, sources.compose, layers, files), _origin(sources))
    spec.warnings = (
        *profiles.warnings(inactive),
        *loopback_ports.warnings(unpublished),
        *_UnreadEnvFile(sources).warnings(values.lacking),
    )
    return spec


def _ship_binds(spec: LoadedSpec, loading: _Loading) -> None:
    """Replace the relative paths of bind mounts as far as the sources allow it."""
    sources, folder = loading.sources, os.path.abspath(loading.folder)
    if sources.ship_binds:
        shipping = bind_files.Shipping(folder, sources.read, spec.configs, loading.reader)
        bind_files.ship(spec.content, shipping)
    if sources.resolve_binds:
        resolved = bind_paths.resolve(_entries(spec.content, "services"), folder)
        spec.relative_binds = {loading.place(path): text for path, text in resolved.items()}


class _UnreadEnvFile:
    """The file ``.env`` beside the first Compose file, which ``docker compose`` reads by itself.

    ``docker stack deploy`` does not; here it is read where ``env_file`` lists it.
    """

    def __init__(self, sources: SpecSources) -> None:
        self._sources = sources
        folder = os.path.dirname(sources.compose[0]) if sources.compose else ""
        path = os.path.join(folder, ".env")
        read = {os.path.realpath(name) for name in sources.env_files}
        self._path = path if sources.compose and os.path.realpath(path) not in read else ""

    def hint(self, name: str) -> str:
        """Return what to add to the message for a variable without a value."""
        if not self._defines(name):
            return ""
        return f"; {self._path} sets {name} and is not read: list it under env_file of the task"

    def warnings(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return a warning where the file sets variables for which a default was used."""
        unread = sorted(name for name in names if self._defines(name))
        if not unread:
            return ()
        return (
            f"{self._path} is not read, so that its {', '.join(unread)} had no effect; list it"
            " under env_file of the task",
        )

    def _defines(self, name: str) -> bool:
        return bool(self._path) and dotenv.defines(self._text(), name)

    def _text(self) -> str:
        try:
            return self._sources.read(self._path).decode(errors="replace")
        except OSError:
            return ""


def _problems_of(
    content: dict[str, Any], check: CheckContent | None, loading: _Loading
) -> list[Problem]:
    """Return what ``check`` reports of places that have no problem yet."""
    known = {problem.path for problem in loading.problems}
    try:
        if check:
            check(content)
    except SpecError as error:
        reported = (Problem(loading.place(found.path), found.text) for found in error.problems)
        return [problem for problem in reported if problem.path not in known]
    return []


def _with_files(
    problems: list[Problem],
    names: Sequence[str],
    layers: Sequence[Any],
    files: Sequence[str],
) -> list[Problem]:
    """Return problems with the file that each is about, where there are several files.

    ``files`` has the file of each of the first problems, which were found before the merge.
    """
    if len(names) < 2:
        return problems
    result = []
    for index, problem in enumerate(problems):
        name = files[index] if index < len(files) else _deepest(problem.path, names, layers)
        result.append(Problem(f"{name}, {problem.path}" if name else problem.path, problem.text))
    return result


def _deepest(path: str, names: Sequence[str], layers: Sequence[Any]) -> str:
    """Return the file that has most of a path; the last one, since later files win."""
    depths = [_depth(layer, path) for layer in layers]
    deepest = max(range(len(depths)), key=lambda index: (depths[index], index))
    return names[deepest] if depths[deepest] else ""


def _depth(layer: Any, path: str) -> int:
    """Return how many of a path's mappings and keys a file has."""
    value = layer.value if isinstance(layer, yaml_reader.Override) else layer
    if not isinstance(value, dict):
        return 0
    # A key may have dots and brackets, so the longest one counts.
    keys = [str(key) for key in value if re.match(rf"{re.escape(str(key))}(?:[.\[]|$)", path)]
    if not keys:
        return 0
    key = max(keys, key=len)
    return 1 + _depth(value[key], path[len(key) :].lstrip("."))


def _origin(sources: SpecSources) -> str:
    return ", ".join(sources.compose) or "the spec"


def _layers(sources: SpecSources, problems: list[Problem]) -> list[Any]:
    if not sources.compose:
        problems.extend(inline_spec.problems(sources.inline))
        return [sources.inline]
    layers = []
    for path in sources.compose:
        try:
            layers.append(yaml_reader.parse(_decoded(path, _read(path, sources)), path))
        except SpecError as error:
            problems.extend(error.problems)
    return layers


def _inactive(layers: list[Any], values: Values) -> dict[str, list[str]]:
    """Return the services that are left out, with their profiles."""
    inactive = profiles.left_out(layers, values.plain.get(profiles.VARIABLE, ""))
    if inactive and profiles.VARIABLE not in values.plain:
        # So that a file .env that sets it, and is not read, is named.
        values.lacking.add(profiles.VARIABLE)
    return inactive


def _interpolated(layer: Any, values: Values, problems: list[Problem]) -> Any:
    """Return a file with its variables replaced.

    What is ignored stays as it is, since its variables may lack values.
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
    """Return whether a key is the user's own, which counts only where an anchor refers to it."""
    return str(key).startswith("x-") and key != "x-shipping"


def _read(path: str, sources: SpecSources) -> bytes:
    try:
        return sources.read(path)
    except OSError as error:
        raise ShippingError(
            f"cannot read {path} on the control node",
            error.strerror or str(error),
            "List its files" if isinstance(error, IsADirectoryError) else "Correct the path",
        ) from error


def _decoded(path: str, content: bytes) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ShippingError(
            f"cannot read {path}", "it is not UTF-8 text", "Save it as UTF-8"
        ) from error


def _values(sources: SpecSources) -> Values:
    """Return variables, the strongest last: env files, the environment if wanted, ``values``."""
    secret = {name: scalar_text(value) for name, value in sources.secret_values.items()}
    hint = _UnreadEnvFile(sources).hint
    in_files: dict[str, str] = {}
    stronger = {
        **sources.environment,
        **{name: scalar_text(value) for name, value in sources.values.items()},
    }
    # One after the other: a line may refer to variables of the files before.
    for path in sources.env_files:
        lines = dotenv.parse(
            _decoded(path, _read(path, sources)),
            path,
            Values(stronger, secret, sources.secrets_anywhere, hint),
            in_files,
        )
        in_files.update((key, value) for key, value in lines.items() if value is not None)
    return Values({**in_files, **stronger}, secret, sources.secrets_anywhere, hint)


def _entries(content: dict[str, Any], section: str) -> list[tuple[str, dict[str, Any]]]:
    entries = content.get(section)
    if not isinstance(entries, dict):
        return []
    return [
        (f"{section}.{name}", entry) for name, entry in entries.items() if isinstance(entry, dict)
    ]


def _add_environment(path: str, service: dict[str, Any], loading: _Loading) -> None:
    """Work ``env_file`` into ``environment``, and give keys without a value theirs."""
    own = _as_mapping(service.get("environment"))
    environment = _from_env_files(path, service.pop("env_file", None), own or {}, loading)
    if own is None:
        return
    for key in own:
        loading.from_files.pop(f"{path}.environment.{key}", None)
    environment.update(own)
    for key, value in environment.items():
        if value is None:
            place = f"{path}.environment.{key}"
            reader = loading.reader(loading.from_files.get(place, place))
            environment[key] = _inherited(key, reader, loading.values)
    if environment:
        service["environment"] = environment


def _from_env_files(
    path: str, env_files: Any, own: dict[str, Any], loading: _Loading
) -> dict[str, Any]:
    """Return the variables of all files of a service; a line may refer to the service's own."""
    values = loading.values
    referable = values.with_plain({**_texts(own), **values.plain})
    reader = loading.reader(f"{path}.env_file")
    variables: dict[str, Any] = {}
    for entry in _env_files(env_files, reader):
        file = loading.full_path(entry["path"])
        try:
            content = _decoded(file, loading.sources.read(file))
            lines = (
                dotenv.parse_raw(content, file)
                if "format" in entry
                else dotenv.parse(content, file, referable, variables)
            )
            lines = _new_lines(lines, variables)
            variables.update(lines)
            loading.from_files.update(
                {f"{path}.environment.{key}": f"{file}, {key}" for key in lines}
            )
        except OSError as error:
            # `required: false` is for a file that is not there, not for one that cannot be read.
            if entry["required"] or not isinstance(error, FileNotFoundError):
                reader.problem(f"cannot read {file}: {error.strerror or error}")
        except SpecError as error:
            reader.problems.extend(error.problems)
    return variables


def _new_lines(
    lines: Mapping[str, str | None], earlier: Mapping[str, Any]
) -> dict[str, str | None]:
    """Return the lines of an env file; one without a value does not clear an earlier one."""
    return {key: value for key, value in lines.items() if value is not None or key not in earlier}


def _inherited(key: str, reader: SpecReader, values: Values) -> str | None:
    """Return the value of a variable that a service only names."""
    try:
        value = values.find(key, reader.path)
    except Unset as error:
        reader.problem(str(error))
        return None
    if value is None:
        reader.problem(
            f"has no value; set {key} in values, or write {key}= for an empty one{values.hint(key)}"
        )
    return value


_env_file_list = listing(mapping({"path": text, "required": boolean, "format": word("raw")}))


def _env_files(env_files: Any, reader: SpecReader) -> list[dict[str, Any]]:
    """Return the entries of ``env_file``, each in its long form."""
    if env_files is None:
        return []
    items = env_files if isinstance(env_files, list) else [env_files]
    parsed = _env_file_list(
        [item if isinstance(item, dict) else {"path": item} for item in items], reader
    )
    entries = parsed if isinstance(parsed, list) else []
    return [{"required": True, **entry} for entry in entries if entry.get("path")]


def _as_mapping(environment: Any) -> dict[str, Any] | None:
    """Return ``environment`` as a mapping; None if it is invalid, which the model reports."""
    if environment is None:
        return {}
    if isinstance(environment, dict):
        return dict(environment)
    if not isinstance(environment, list):
        return None
    if any(isinstance(item, (dict, list)) for item in environment):
        return None
    lines = (scalar_text(item).partition("=") for item in environment)
    return {key: value if equals else None for key, equals, value in lines}


def _texts(environment: dict[str, Any]) -> dict[str, str]:
    return {key: scalar_text(value) for key, value in environment.items() if value is not None}


def _add_data(
    path: str, entry: dict[str, Any], contents: dict[str, bytes], loading: _Loading
) -> None:
    """Fetch what a secret or config holds; the entry then only names it."""
    origins = [key for key in ("file", "content", "environment") if entry.get(key) is not None]
    if len(origins) != 1 or _is_external(entry):
        return
    section, _dot, name = path.partition(".")
    origin, value = origins[0], scalar_text(entry.pop(origins[0]))
    reader = loading.reader(f"{path}.{origin}")
    try:
        contents[name] = _data(origin, value, section, loading)
    except OSError as error:
        reader.problem(f"cannot read {loading.full_path(value)}: {error.strerror or error}")
    except Unset as error:
        reader.problem(str(error))
    # A name in place of the content: the spec is shown and recorded, contents go beside it.
    entry["environment"] = name


def _is_external(entry: dict[str, Any]) -> bool:
    external = entry.get("external")
    return isinstance(external, dict) or boolean(external, SpecReader()) is True


def _data(origin: str, text_or_name: str, section: str, loading: _Loading) -> bytes:
    if origin == "file":
        return loading.sources.read(loading.full_path(text_or_name))
    if origin == "content":
        return text_or_name.encode()
    value = loading.values.find(text_or_name, f"{section}.")
    if value is None:
        option = "secret_values" if section == "secrets" else "values"
        hint = loading.values.hint(text_or_name)
        raise Unset(f"{text_or_name} has no value; set it in {option}{hint}")
    return value.encode()
