# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Generate the JSON schema of a project's file for editors, from the tables of the reader."""

from __future__ import annotations

from typing import Any

from ...module_utils._toolbox.installer_registry import INSTALLERS
from ...module_utils._toolbox.installers.installer import EntryKey, Installer
from .project_file import COMMON_KEYS, PLATFORM_KEYS, POINTER_KEYS, PROJECT_KEYS, keys_of
from .value_forms import FORMS

_NAMES = {"type": "array", "items": {"type": "string"}, "minItems": 1}


def schema() -> dict[str, Any]:
    """Return the schema as plain data."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A project of shipping.code and its tools",
        "type": "object",
        "if": {"required": ["repository"]},
        "then": {
            "required": [name for name, key in POINTER_KEYS.items() if key.required],
            "additionalProperties": False,
            "properties": {name: _property(key) for name, key in POINTER_KEYS.items()},
        },
        "else": {
            "required": ["tools"],
            "additionalProperties": False,
            "properties": {
                "description": _property(PROJECT_KEYS["description"]),
                "tools": {
                    "description": PROJECT_KEYS["tools"].text,
                    "type": "object",
                    "additionalProperties": _tool(),
                },
                "removed": _property(PROJECT_KEYS["removed"]),
                "hold": _property(PROJECT_KEYS["hold"]),
            },
        },
    }


def _tool() -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["type"],
        "properties": {"type": {"description": COMMON_KEYS["type"].text, "enum": list(INSTALLERS)}},
        "allOf": [
            {"if": {"properties": {"type": {"const": name}}}, "then": _of_type(installer)}
            for name, installer in INSTALLERS.items()
        ],
    }


def _of_type(installer: Installer) -> dict[str, Any]:
    # With the common keys, too: additionalProperties sees only the properties beside it (JSON
    # Schema 2020-12, Core 10.3.2.3).
    keys = keys_of(installer)
    required = [name for name, key in keys.items() if key.required and not key.each_platform]
    return {
        "description": installer.text,
        "required": required + (["version"] if installer.needs_version else []),
        "additionalProperties": False,
        "properties": {
            name: _platforms(installer, key) if key.form == "platforms" else _property(key)
            for name, key in keys.items()
        },
        **({"allOf": list(map(_group, installer.together))} if installer.together else {}),
    }


def _group(names: tuple[str, ...]) -> dict[str, Any]:
    """Return what holds for keys of which exactly one must be there; a platform may have it."""
    alone = [{"required": [name]} for name in names]
    return {
        "if": {"required": ["platforms"]},
        "then": {"not": {"required": list(names)}},
        "else": {"oneOf": alone},
    }


def _platforms(installer: Installer, about: EntryKey) -> dict[str, Any]:
    keys = {
        **PLATFORM_KEYS,
        **{name: key for name, key in keys_of(installer).items() if key.each_platform},
    }
    item = {
        "type": "object",
        "additionalProperties": False,
        "properties": {name: _property(key) for name, key in keys.items()},
    }
    return {"description": about.text, "type": "array", "minItems": 1, "items": item}


def _property(key: EntryKey) -> dict[str, Any]:
    if key.form == "type":
        return {"description": key.text, "enum": list(INSTALLERS)}
    return {"description": key.text, **(_NAMES if key.form == "names" else FORMS[key.form].schema)}
