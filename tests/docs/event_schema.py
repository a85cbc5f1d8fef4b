# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The JSON schema of the event source's arguments.

It is made of its documentation and of the inventory's.
"""

from __future__ import annotations

import json
import re
import runpy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.shipping.code.plugins.doc_fragments.directory import ModuleDocFragment
from ansible_collections.shipping.code.plugins.plugin_utils._directory.settings import OPTIONS

PLUGIN = (
    Path(__file__).parents[2]
    / "extensions"
    / "eda"
    / "plugins"
    / "event_source"
    / "ldap_membership.py"
)
EVENT_SCHEMA = PLUGIN.parent / "schemas" / "ldap_membership.json"
_TYPES = {
    "str": "string",
    "path": "string",
    "int": "integer",
    "float": "number",
    "bool": "boolean",
    "list": "array",
    "dict": "object",
}
_MARKUP = re.compile(r"\b[A-Z]\(((?:[^()\\]|\\.)*)\)")


def documented() -> dict[str, Any]:
    """Return the options of its own, as the plugin documents them."""
    options: dict[str, Any] = yaml.safe_load(runpy.run_path(str(PLUGIN))["DOCUMENTATION"])[
        "options"
    ]
    return options


def event_schema_text() -> str:
    """Return the schema."""
    directory = {
        **yaml.safe_load(ModuleDocFragment.DOCUMENTATION)["options"],
        **yaml.safe_load(ModuleDocFragment.LOGIN)["options"],
    }
    options = {**documented(), **{name: directory[name] for name in OPTIONS}}
    properties = {name: _property(option) for name, option in options.items()}
    properties["host_map"] = {
        "type": ["string", "object"],
        "description": properties["host_map"]["description"],
    }
    schema = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "shipping.code.ldap_membership",
        "type": "object",
        "properties": properties,
        "required": [name for name, option in options.items() if option.get("required")],
        "additionalProperties": False,
    }
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _property(option: Mapping[str, Any]) -> dict[str, Any]:
    text = option["description"]
    found: dict[str, Any] = {
        "type": _TYPES[option["type"]],
        "description": _MARKUP.sub(r"\1", " ".join(text) if isinstance(text, list) else text),
    }
    if "elements" in option:
        found["items"] = {"type": _TYPES[option["elements"]]}
    if "choices" in option:
        found["enum"] = option["choices"]
    if "default" in option and option["type"] != "dict":
        found["default"] = option["default"]
    if "suboptions" in option:
        found["properties"] = {
            name: _property(inner) for name, inner in option["suboptions"].items()
        }
        found["additionalProperties"] = False
    return found
