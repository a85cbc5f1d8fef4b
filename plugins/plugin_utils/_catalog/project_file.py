# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read a project's file of the catalog. Pure.

The keys of a type are in its file in module_utils/_toolbox/installers. The JSON schema and the
tables of the guide are generated from them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from yaml.nodes import MappingNode

from ...module_utils._core.errors import SpecError, suggestion
from ...module_utils._core.parsing import kind_of
from ...module_utils._toolbox import checked_names
from ...module_utils._toolbox.installer_registry import INSTALLERS
from ...module_utils._toolbox.installers.installer import EntryKey, Installer
from .._sources.yaml_reader import tree
from . import tool_urls
from .document_reader import DocumentNode, mapping
from .needs_check import check_needs
from .tool_types import tool_type
from .value_forms import FORMS


def _names_of_types_without_version() -> str:
    names = [f"`{name}`" for name, about in INSTALLERS.items() if not about.needs_version]
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


PROJECT_KEYS: dict[str, EntryKey] = {
    "description": EntryKey("text", "One line about the project."),
    "tools": EntryKey("tools", "The tools by name.", required=True),
    "hold": EntryKey(
        "flag",
        "Whether workstations keep the installed versions of these tools. `false` by default.",
    ),
    "removed": EntryKey(
        "words",
        "Names of former tools to remove from the project's members. The removal limit counts a"
        " tool that is neither in `tools` nor named here, since that may be a mistake.",
    ),
}
POINTER_KEYS: dict[str, EntryKey] = {
    "repository": EntryKey(
        "text",
        "The URL of the project's own git repository, or its path, as `git fetch` takes it.",
        required=True,
    ),
    "commit": EntryKey(
        "commit", "The full ID of the commit, which pins all of its files.", required=True
    ),
    "path": EntryKey(
        "path",
        "The project's file there, `project.yml` by default. Paths in it are below its folder.",
    ),
}
COMMON_KEYS: dict[str, EntryKey] = {
    "type": EntryKey("type", "The type of the tool.", required=True),
    "version": EntryKey(
        "text", f"Its version. Required except for {_names_of_types_without_version()}."
    ),
    "description": EntryKey("text", "One line about the tool, which `tools` shows."),
    "platforms": EntryKey(
        "platforms", "The systems that the tool is for, see below; all by default."
    ),
    "priority": EntryKey(
        "integer",
        "Of two tools with one command, the user gets that of the higher priority. 0 by default.",
    ),
    "hold": EntryKey(
        "flag",
        "Whether users who have the tool keep the installed version. Other users get this one."
        " `false` by default.",
    ),
    "needs": EntryKey(
        "words",
        "Other tools of the project that it runs, such as `node`. Their commands are on its PATH,"
        " also in its `self_test`. It is not ready before they are.",
    ),
    "self_test": EntryKey(
        "words",
        "A command with its arguments. It runs as the user, and must exit with 0 before the tool"
        " is ready.",
    ),
}
OWN_COMMANDS = EntryKey("names", "The commands; by default the tool's name.")
PLATFORM_KEYS: dict[str, EntryKey] = {
    "os": EntryKey("os", "The operating system."),
    "arch": EntryKey("arch", "The processor, as `uname -m` prints it."),
}


@dataclass(frozen=True)
class Project:
    """The catalog's entry of a project. Each tool has ``variants``, one for each platform."""

    name: str
    description: str
    tools: tuple[dict[str, Any], ...]
    removed: tuple[str, ...] = ()
    hold: bool = False


@dataclass(frozen=True)
class Pointer:
    """A reference to the project's own repository, which has its file."""

    repository: str
    commit: str
    path: str


def keys_of(installer: Installer) -> dict[str, EntryKey]:
    """Return all keys of a tool of a type."""
    common = {
        name: key
        for name, key in COMMON_KEYS.items()
        if installer.has_commands or name not in ("self_test", "needs")
    }
    return {
        **common,
        **({"commands": OWN_COMMANDS} if installer.own_commands else {}),
        **installer.keys,
    }


def read(text: str, file: str, name: str) -> Project | Pointer:
    """Return the project in ``text``, or its pointer.

    Raise :class:`SpecError` with all problems, each with its line and column.
    """
    return parse(document(text, file), name)


def document(text: str, file: str, *, may_lack_pins: bool = False) -> DocumentNode:
    """Return the root of the nodes in ``text``, for :func:`parse`.

    With ``may_lack_pins``, tools may have no checksum or commit yet.
    """
    node, plain = tree(text, file)
    if node is None:
        raise SpecError([], f"{file}: it is empty")
    return DocumentNode(node, file, plain, may_lack_pins=may_lack_pins)


def parse(place: DocumentNode, name: str) -> Project | Pointer:
    """Return the project of a document, or its pointer; raise :class:`SpecError` as ``read``."""
    if not checked_names.is_name(name):
        place.problem(
            f"{name!r} cannot be a project's name here: letters, digits and _ . + - only, at"
            " most 64"
        )
    project = _pointer(place) if place.get("repository") else _project(place, name)
    if place.problems:
        raise SpecError(place.problems, place.file)
    return project


def _pointer(place: DocumentNode) -> Pointer:
    parsers = {key: FORMS[about.form].parse for key, about in POINTER_KEYS.items()}
    pointer = mapping(
        place,
        parsers,
        {key for key, about in POINTER_KEYS.items() if about.required},
        "a repository",
    )
    return Pointer(
        pointer.get("repository", ""), pointer.get("commit", ""), pointer.get("path", "project.yml")
    )


def _project(place: DocumentNode, name: str) -> Project:
    parsers = {
        "description": FORMS["text"].parse,
        "tools": _tools,
        "removed": FORMS["words"].parse,
        "hold": FORMS["flag"].parse,
    }
    project = mapping(place, parsers, {"tools"}, "a project")
    tools, removed = tuple(project.get("tools") or ()), tuple(project.get("removed") or ())
    for tool in tools:
        if tool["name"] in removed:
            place.problem(f"{tool['name']} is in `tools` and in `removed`; delete one of them")
    hold = bool(project.get("hold"))
    return Project(name, project.get("description", ""), tools, removed=removed, hold=hold)


def _tools(place: DocumentNode) -> list[dict[str, Any]]:
    tools: list[dict[str, Any]] = []
    places: dict[str, DocumentNode] = {}
    commands: dict[str, str] = {}
    for name, key, value in place.items():
        places[name] = value
        if not checked_names.is_name(name):
            key.problem(
                f"{name!r} cannot be a tool's name: letters, digits and _ . + - only, at most 64"
            )
        tool = _tool(name, value)
        # Between projects, the priority decides which one has a command. Within one, the catalog is
        # ambiguous.
        for command in (tool or {}).get("commands", ()):
            if command in commands:
                value.problem(f"{command} is already a command of {commands[command]}")
            commands[command] = name
        if tool:
            _refuse_same_path(tool, tools, value)
            tools.append({**tool, "where": key.where})
    check_needs(places, tools)
    return tools


def _refuse_same_path(
    tool: dict[str, Any], others: list[dict[str, Any]], place: DocumentNode
) -> None:
    """Note a problem if two tools share files at one path, or one below the other."""
    path = _shared_path(tool)
    for other in others if path else ():
        other_path = _shared_path(other)
        if other_path and _is_same_or_below(path, other_path):
            place.problem(
                f"{tool['name']} and {other['name']} cannot both be at {path}; give one another"
                " path"
            )


def _shared_path(tool: dict[str, Any]) -> str:
    shared_path = tool_type(tool["type"]).shared_path
    return shared_path(tool) if shared_path else ""


def _is_same_or_below(path: str, other: str) -> bool:
    return f"{path}/".startswith(f"{other}/") or f"{other}/".startswith(f"{path}/")


def _tool(name: str, place: DocumentNode) -> dict[str, Any] | None:
    installer = _installer(place)
    if installer is None:
        return None
    keys = keys_of(installer)
    required = {
        key for key, about in keys.items() if _is_required(about, place) and not about.each_platform
    }
    if installer.needs_version:
        required.add("version")
    parsers = {
        key: _platforms(installer) if about.form == "platforms" else _parser(about.form)
        for key, about in keys.items()
    }
    before = len(place.problems)
    entry = mapping(place, parsers, required, name)
    is_readable = len(place.problems) == before
    # Problems of variants would only follow from those that are noted.
    variants = list(_variants(installer, entry, place, name)) if is_readable else []
    return _as_tool(name, installer, entry, variants)


def _installer(place: DocumentNode) -> Installer | None:
    if not isinstance(place.node, MappingNode):
        return place.problem(f"must be a mapping, not {kind_of(place.value)}")
    value = place.get("type")
    if value is None:
        return place.problem(f"has no type; set type to one of {', '.join(INSTALLERS)}")
    name = str(value.value)
    if name not in INSTALLERS:
        value.problem(
            f"{name!r} must be one of {', '.join(INSTALLERS)}{suggestion(name, INSTALLERS)}"
        )
    return INSTALLERS.get(name)


def _parser(form: str) -> Any:
    if form == "type":
        return FORMS["text"].parse
    return _names if form == "names" else FORMS[form].parse


def _names(place: DocumentNode) -> list[str] | None:
    names = []
    for element in place.elements():
        name = str(element.value)
        names.append(name)
        if name in checked_names.RESERVED or not checked_names.is_command(name):
            element.problem(f"{name!r} cannot be a command here")
    return names or None


def _platforms(installer: Installer) -> Any:
    """Return a parser for a list of systems, each with the keys that differ."""
    keys = {
        **PLATFORM_KEYS,
        **{name: key for name, key in keys_of(installer).items() if key.each_platform},
    }
    parsers = {name: FORMS[key.form].parse for name, key in keys.items()}

    def parse(place: DocumentNode) -> list[dict[str, Any]] | None:
        found = [mapping(element, parsers, set(), "a platform") for element in place.elements()]
        return found or place.problem("must name at least one platform")

    return parse


def _variants(
    installer: Installer, entry: dict[str, Any], place: DocumentNode, name: str
) -> Iterator[dict[str, Any]]:
    """Yield the complete details of the tool for each platform."""
    common = {key: value for key, value in entry.items() if key in installer.keys}
    names = {part: common.pop(f"{part}_names", {}) for part in ("os", "arch")}
    commands = installer.keys.get("commands")
    with_commands = bool(commands and commands.form == "command_templates")
    for platform in entry.get("platforms") or [{}]:
        details = {**common, **platform}
        values = tool_urls.values(entry.get("version", ""), details, names)
        details, problems = tool_urls.expanded(details, values, with_commands=with_commands)
        for problem in (*problems, *_problems_of_variant(installer, details, place)):
            place.problem(f"{_where(name, platform)} {problem}")
        yield details


def _where(name: str, platform: dict[str, Any]) -> str:
    if not platform:
        return name
    system, arch = platform.get("os", "any system"), platform.get("arch", "")
    return f"{name} on {system} {arch}".strip()


def _is_required(key: EntryKey, place: DocumentNode) -> bool:
    return key.required and not (key.pins and place.may_lack_pins)


def _may_be_missing(installer: Installer, group: Iterable[str], place: DocumentNode) -> bool:
    return place.may_lack_pins and all(installer.keys[name].pins for name in group)


def _problems_of_variant(
    installer: Installer, details: dict[str, Any], place: DocumentNode
) -> Iterator[str]:
    for group in installer.together:
        present = details.keys() & group
        if len(present) == 1 or (not present and _may_be_missing(installer, group, place)):
            continue
        reason = "" if present else _reason(installer.keys[name] for name in group)
        yield f"needs exactly one of {', '.join(group)}{reason}"
    missing = _missing_keys(installer, details, place)
    if missing:
        yield f"needs {', '.join(missing)}{_reason(missing.values())}"


def _missing_keys(
    installer: Installer, details: dict[str, Any], place: DocumentNode
) -> dict[str, EntryKey]:
    return {
        name: key
        for name, key in installer.keys.items()
        if _is_required(key, place) and name not in details
    }


def _reason(keys: Iterable[EntryKey]) -> str:
    pins = any(key.pins for key in keys)
    return ", since all content must be pinned" if pins else ""


def _as_tool(
    name: str, installer: Installer, entry: dict[str, Any], variants: list[dict[str, Any]]
) -> dict[str, Any]:
    commands = entry.get("commands") or ([name] if installer.own_commands else {})
    return {
        "name": name,
        "type": installer.name,
        "version": entry.get("version", ""),
        "description": entry.get("description", ""),
        "priority": entry.get("priority", 0),
        "self_test": entry.get("self_test", []),
        "needs": entry.get("needs", []),
        "hold": bool(entry.get("hold")),
        "commands": dict.fromkeys(commands, name) if isinstance(commands, list) else commands,
        "variants": variants,
    }
