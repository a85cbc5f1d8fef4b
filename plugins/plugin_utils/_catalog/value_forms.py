# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Define the forms of values in a catalog: a parser and a JSON schema for each."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from typing import Any

from ...module_utils._core.errors import suggestion
from ...module_utils._core.parsing import kind_of
from ...module_utils._toolbox import checked_names
from ...module_utils._toolbox.installers.installer import PLATFORM_ARCH, PLATFORM_OS
from . import minisign, url_templates
from .document_reader import DocumentNode, Parser, mapping, text_line
from .signature_errors import UnusableKey

_URL = r"(https?|file)://\S+"
# With Jinja templates, so that a message can explain them.
_URL_TEMPLATE = r"(https?|file)://(\S|\{\{[^{}]*\}\})+"
_PYTHON = r"3\.[0-9]{1,2}"


@dataclass(frozen=True)
class Form:
    """A form: its parser, its JSON schema, and its name in the documentation, if any."""

    parse: Parser
    schema: dict[str, Any]
    title: str = ""


def _matching(pattern: str, what: str) -> Parser:
    def parse(place: DocumentNode) -> Any:
        value = place.value
        # Hexadecimal digits may all be decimal ones, which YAML reads as a number.
        text = str(place.node.value) if isinstance(value, int) else value
        return (
            text
            if isinstance(text, str) and re.fullmatch(pattern, text)
            else place.problem(f"must be {what}, not {kind_of(value)}")
        )

    return parse


def _path(place: DocumentNode) -> Any:
    value = text_line(place)
    if value is not None and not checked_names.is_inside(value.removeprefix("./")):
        return place.problem(f"must be a path below the folder of the catalog, not {value!r}")
    return value and value.removeprefix("./")


def _url_template(place: DocumentNode) -> Any:
    url = _matching(_URL_TEMPLATE, "an http, https or file URL")(place)
    return url if url and _are_templates([url], place) else None


def _command_templates(place: DocumentNode) -> Any:
    commands = _commands(place)
    return commands if commands and _are_templates(commands.values(), place) else None


def _are_templates(texts: Iterable[str], place: DocumentNode) -> bool:
    """Return whether texts are templates; note the problems of those that are not."""
    problems = list(chain.from_iterable(map(url_templates.problems, texts)))
    for problem in problems:
        place.problem(problem)
    return not problems


def is_url(text: str) -> bool:
    """Return whether a text is a URL, such as a template with its values."""
    return bool(re.fullmatch(_URL, text))


def _glob(place: DocumentNode) -> Any:
    pattern = _path(place)
    # pathlib takes ** for any number of folders, alone.
    if pattern and any("**" in part and part != "**" for part in pattern.split("/")):
        return place.problem("must have ** between slashes, where it is for any folders")
    return pattern


def _list_of(parse: Parser) -> Parser:
    """Return a parser for a list; an empty one counts as not set."""

    def parse_all(place: DocumentNode) -> Any:
        values = [parse(element) for element in place.elements()]
        return None if None in values or not values else values

    return parse_all


def _names_of(*allowed: str) -> Parser:
    """Return a parser for other names of words."""

    def parse(place: DocumentNode) -> Any:
        return mapping(place, dict.fromkeys(allowed, text_line), set(), "names")

    return parse


def _signature(place: DocumentNode) -> Any:
    schemes = {"minisign": _signed_by(_minisign_key), "cosign": _signed_by(_path)}
    if isinstance(place.value, dict) and len(place.value) != 1:
        return place.problem(f"must have exactly one of {', '.join(schemes)}")
    return mapping(place, schemes, set(), "a signature") or None


def _minisign_key(place: DocumentNode) -> Any:
    key = text_line(place)
    try:
        if key:
            minisign.read_key(key)
    except UnusableKey as error:
        return place.problem(str(error))
    return key


def _keyless(place: DocumentNode) -> None:
    place.problem(
        "keyless signatures (Fulcio, Rekor) are not supported; write key: with the path of the"
        " public key"
    )


def _signed_by(key: Parser) -> Parser:
    """Return a parser for a key, and for where the signature is."""
    parsers = {
        "key": key,
        "url": _url_template,
        "file": _path,
        **dict.fromkeys(("certificate", "certificate_identity", "identity", "issuer"), _keyless),
    }

    def parse(place: DocumentNode) -> Any:
        signed = mapping(place, parsers, {"key"}, "a signature")
        names = set(map(str, place.value)) if isinstance(place.value, dict) else set()
        if names and len(names & {"url", "file"}) != 1:
            return place.problem("needs exactly one of url, file, where the signature is")
        return signed or None

    return parse


def _flag(place: DocumentNode) -> Any:
    value = place.value
    return (
        value
        if isinstance(value, bool)
        else place.problem(f"must be true or false, not {kind_of(value)}")
    )


def _count(place: DocumentNode) -> Any:
    value = place.value
    return (
        value
        if isinstance(value, int) and not isinstance(value, bool)
        else place.problem(f"must be a whole number, not {kind_of(value)}")
    )


def _natural(place: DocumentNode) -> Any:
    value = _count(place)
    return value if value is None or value >= 0 else place.problem("must be 0 or more")


_words = _list_of(text_line)


def _requirements(place: DocumentNode) -> Any:
    """Parse a list of requirements of Python packages, or the path of a file with them."""
    return _words(place) if isinstance(place.value, list) else _path(place)


def _commands(place: DocumentNode) -> Any:
    """Parse paths by command; of a list, each one's last part is the command."""
    if isinstance(place.value, dict):
        named = [(name, key, _path(value)) for name, key, value in place.items()]
    else:
        paths = [(element, _path(element)) for element in place.elements()]
        named = [(str(path).rpartition("/")[2], element, path) for element, path in paths]
    for name, where, path in named:
        _check_command(name, where, has_path=path is not None)
    commands = {name: path for name, _where, path in named if path is not None}
    return commands or place.problem("must name at least one command")


def _check_command(name: str, where: DocumentNode, *, has_path: bool) -> None:
    if name in checked_names.RESERVED:
        where.problem(f"{name} is a command of this collection; give the tool's another name")
    elif has_path and not checked_names.is_command(name):
        where.problem(
            f"{name!r} cannot be a command: it must have letters, digits and _ . + - only"
        )


def _variables(place: DocumentNode) -> Any:
    variables = {}
    for name, key, value in place.items():
        if not checked_names.is_variable(name):
            key.problem(f"{name!r} cannot be the name of an environment variable")
        # These decide what each login or shell of the user runs, for all projects.
        elif name in (
            "PATH",
            "HOME",
            "SHELL",
            "USER",
            "LOGNAME",
            "IFS",
            "ENV",
            "BASH_ENV",
        ) or name.startswith("LD_"):
            key.problem(f"{name} is no project's own variable")
        else:
            variables[name] = text_line(value)
    return {name: value for name, value in variables.items() if value is not None}


def _word(*allowed: str) -> Parser:
    def parse(place: DocumentNode) -> Any:
        value = place.value
        return (
            value
            if value in allowed
            else place.problem(
                f"{value!r} must be one of {', '.join(allowed)}{suggestion(str(value), allowed)}"
            )
        )

    return parse


def _pattern(pattern: str) -> dict[str, Any]:
    return {"type": "string", "pattern": f"^{pattern}$"}


def _pattern_form(pattern: str, what: str, title: str) -> Form:
    return Form(_matching(pattern, what), _pattern(pattern), title)


_TEXT: dict[str, Any] = {"type": "string", "minLength": 1}
_SIGNED = {
    "type": "object",
    "required": ["key"],
    "additionalProperties": False,
    "properties": {"key": _TEXT, "url": _pattern(_URL), "file": _TEXT},
    "oneOf": [{"required": ["url"]}, {"required": ["file"]}],
}
_LIST = {"type": "array", "items": _TEXT, "minItems": 1}
_PAIRS = {"type": "object", "additionalProperties": _TEXT, "minProperties": 1}


def _names_form(*allowed: str) -> Form:
    schema = {
        "type": "object",
        "additionalProperties": False,
        "minProperties": 1,
        "properties": dict.fromkeys(allowed, _TEXT),
    }
    return Form(_names_of(*allowed), schema, "mapping")


# No hyphen at the beginning, which would be an option, or at the end, where apt removes a package.
_PACKAGE = r"[A-Za-z0-9]([A-Za-z0-9+._-]*[A-Za-z0-9+])?"
_PACKAGE_VERSION = r"[A-Za-z0-9.+~:_-]+\*?"
_DISTRIBUTION = r"[a-z0-9][a-z0-9._-]*"


def _packages(place: DocumentNode) -> Any:
    """Parse lists of packages by distribution."""
    packages = {}
    for name, key, value in place.items():
        if not re.fullmatch(_DISTRIBUTION, name):
            key.problem(f"{name!r} is not the ID of a distribution, as its os-release has it")
        packages[name] = [_package(element) for element in value.elements()]
        if not packages[name]:
            value.problem("must name at least one package")
    return packages or place.problem("must name at least one distribution")


def _package(place: DocumentNode) -> Any:
    name = _matching(_PACKAGE, "the name of a package")
    if not isinstance(place.value, dict):
        return {"name": name(place)}
    parsers = {"name": name, "version": _package_version}
    return mapping(place, parsers, {"name"}, "a package")


def _package_version(place: DocumentNode) -> Any:
    version = text_line(place)
    if version and not re.fullmatch(_PACKAGE_VERSION, version):
        return place.problem(f"must be the version of a package, not {version!r}")
    return version


_PACKAGES_SCHEMA = {
    "type": "object",
    "minProperties": 1,
    "propertyNames": {"pattern": f"^{_DISTRIBUTION}$"},
    "additionalProperties": {
        "type": "array",
        "minItems": 1,
        "items": {
            "anyOf": [
                _pattern(_PACKAGE),
                {
                    "type": "object",
                    "required": ["name"],
                    "additionalProperties": False,
                    "properties": {
                        "name": _pattern(_PACKAGE),
                        "version": _pattern(_PACKAGE_VERSION),
                    },
                },
            ]
        },
    },
}


FORMS: dict[str, Form] = {
    "packages": Form(_packages, _PACKAGES_SCHEMA, "mapping"),
    "text": Form(text_line, _TEXT, "text"),
    "path": Form(_path, _TEXT, "path"),
    "absolute": _pattern_form(r"(/[A-Za-z0-9_.+-]+)+", "an absolute path", "absolute path"),
    "url": _pattern_form(_URL, "an http, https or file URL", "URL"),
    "url_template": Form(_url_template, _pattern(_URL), "URL"),
    "sha256": _pattern_form(r"[0-9a-f]{64}", "a sha256, 64 hexadecimal digits", "sha256"),
    "sha512": _pattern_form(r"[0-9a-f]{128}", "a sha512, 128 hexadecimal digits", "sha512"),
    "signature": Form(
        _signature,
        {
            "type": "object",
            "additionalProperties": False,
            "minProperties": 1,
            "maxProperties": 1,
            "properties": {"minisign": _SIGNED, "cosign": _SIGNED},
        },
        "mapping",
    ),
    "os_names": _names_form(*PLATFORM_OS),
    "arch_names": _names_form(*PLATFORM_ARCH),
    "globs": Form(_list_of(_glob), _LIST, "list of paths"),
    "setid": Form(_word("drop"), {"enum": ["drop"]}, "word"),
    "commit": _pattern_form(
        # The 40 digits of a SHA-1, or the 64 of a repository with SHA-256.
        r"[0-9a-f]{40}([0-9a-f]{24})?",
        "the full id of a commit, 40 hexadecimal digits",
        "commit",
    ),
    "flag": Form(_flag, {"type": "boolean"}, "true or false"),
    "integer": Form(_count, {"type": "integer"}, "number"),
    "count": Form(_natural, {"type": "integer", "minimum": 0}, "number"),
    "words": Form(_words, _LIST, "list of words"),
    "requirements": Form(_requirements, {"anyOf": [_LIST, _TEXT]}, "list of words, or path"),
    "python_versions": Form(
        _list_of(_matching(_PYTHON, "a version of Python such as '3.11', in quotes")),
        {"type": "array", "items": _pattern(_PYTHON), "minItems": 1},
        "list of versions",
    ),
    "commands": Form(_commands, {"anyOf": [_LIST, _PAIRS]}, "mapping or list"),
    "command_templates": Form(_command_templates, {"anyOf": [_LIST, _PAIRS]}, "mapping or list"),
    "variables": Form(_variables, _PAIRS, "mapping"),
    "os": Form(_word(*PLATFORM_OS), {"enum": list(PLATFORM_OS)}, "word"),
    "arch": Form(_word(*PLATFORM_ARCH), {"enum": list(PLATFORM_ARCH)}, "word"),
}
