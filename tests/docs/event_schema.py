# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The JSON schemas of the arguments of the event sources.

They are made of their documentation; that of the directory also of the inventory's.
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

SOURCES = Path(__file__).parents[2] / "extensions" / "eda" / "plugins" / "event_source"
PLUGIN = SOURCES / "ldap_membership.py"
WEBHOOK = SOURCES / "push_webhook.py"
EVENT_SCHEMA = SOURCES / "schemas" / "ldap_membership.json"
WEBHOOK_SCHEMA = SOURCES / "schemas" / "push_webhook.json"
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


def documented(plugin: Path = PLUGIN) -> dict[str, Any]:
    """Return the options of its own, as a plugin documents them."""
    options: dict[str, Any] = yaml.safe_load(runpy.run_path(str(plugin))["DOCUMENTATION"])[
        "options"
    ]
    return options


def event_schema_text() -> str:
    """Return the schema of the source of a directory."""
    directory = {
        **yaml.safe_load(ModuleDocFragment.DOCUMENTATION)["options"],
        **yaml.safe_load(ModuleDocFragment.LOGIN)["options"],
    }
    schema = _schema(PLUGIN, {name: directory[name] for name in OPTIONS})
    host_map = schema["properties"]["host_map"]
    schema["properties"]["host_map"] = {
        "type": ["string", "object"],
        "description": host_map["description"],
    }
    return _text(schema)


def webhook_schema_text() -> str:
    """Return the schema of the source of pushes."""
    return _text(_schema(WEBHOOK, {}))


def _schema(plugin: Path, more: Mapping[str, Any]) -> dict[str, Any]:
    options = {**documented(plugin), **more}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": f"shipping.code.{plugin.stem}",
        "type": "object",
        "properties": {name: _property(option) for name, option in options.items()},
        "required": [name for name, option in options.items() if option.get("required")],
        "additionalProperties": False,
    }


def _text(schema: Mapping[str, Any]) -> str:
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
