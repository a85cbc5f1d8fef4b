# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Generate the JSON schema of an experiment file for editors, from the keys of the reader. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .experiment_file import (
    BLOCKS_TEXT,
    COLUMN_NAMES,
    COLUMNS_TEXT,
    DESIGN_KEYS,
    DESIGN_TEXT,
    ESTIMATE_TEXT,
    EVENT_KEYS,
    EVENTS_TEXT,
    FACTORS_TEXT,
    FILE_KEYS,
    GUARDRAILS_TEXT,
    MARGIN,
    RAMP_KEYS,
    RAMP_TEXT,
    RESPONSE_KEYS,
    RESPONSES_TEXT,
    SAMPLE_KEYS,
    SAMPLE_TEXT,
)
from .experiment_values import EFFECTS_SCHEMA, NAME, FileKey
from .factor_levels import (
    CENTER_TEXT,
    FACTOR_KEYS,
    LEVELS_TEXT,
    PROMOTE_TEXT,
    SETTINGS,
    VALUE_TEXT,
)

_SCALAR = {"type": ["string", "number", "boolean"]}


def schema() -> dict[str, Any]:
    """Return the schema as plain data."""
    columns = {"description": COLUMNS_TEXT, **_strings(COLUMN_NAMES)}
    content = _object(
        FILE_KEYS,
        {
            "factors": {"description": FACTORS_TEXT, **_named(_factor()), "minProperties": 1},
            "design": {"description": DESIGN_TEXT, **_design()},
            "responses": {
                "description": RESPONSES_TEXT,
                **_named(_object(RESPONSE_KEYS)),
                "minProperties": 1,
            },
            "guardrails": {
                "description": GUARDRAILS_TEXT,
                **_named(_object({**RESPONSE_KEYS, "margin": MARGIN})),
            },
            "sample": {"description": SAMPLE_TEXT, **_object(SAMPLE_KEYS)},
            "ramp": {
                "description": RAMP_TEXT,
                "type": "array",
                "items": _object(RAMP_KEYS),
                "minItems": 1,
            },
            "events": {"description": EVENTS_TEXT, **_object(EVENT_KEYS, {"columns": columns})},
        },
    )
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "An experiment of shipping.code on a service",
        **content,
        "required": [*content["required"], "factors", "responses"],
    }


def _factor() -> dict[str, Any]:
    level = {"anyOf": [_SCALAR, _object({}, _level_properties()), _settings()]}
    levels = {
        "description": LEVELS_TEXT,
        "anyOf": [
            {"type": "array", "items": _SCALAR, "minItems": 2},
            {"type": "object", "additionalProperties": level, "minProperties": 2},
        ],
    }
    factor = _object(
        FACTOR_KEYS, {"levels": levels, "center": {"description": CENTER_TEXT, **level}}
    )
    return {**factor, "required": ["levels"]}


def _level_properties() -> dict[str, Any]:
    return {
        "value": {"description": VALUE_TEXT, **_SCALAR},
        "promote": {"description": PROMOTE_TEXT, **_settings()},
    }


def _settings() -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {name: {} for name in SETTINGS},
    }


def _design() -> dict[str, Any]:
    effects = {
        "blocks": {"description": BLOCKS_TEXT, **EFFECTS_SCHEMA},
        "estimate": {"description": ESTIMATE_TEXT, **EFFECTS_SCHEMA},
    }
    return {"anyOf": [DESIGN_KEYS["type"].form.schema, _object(DESIGN_KEYS, effects)]}


def _object(
    keys: Mapping[str, FileKey], nested: Mapping[str, dict[str, Any]] | None = None
) -> dict[str, Any]:
    properties = {name: {"description": key.text, **key.form.schema} for name, key in keys.items()}
    return {
        "type": "object",
        "required": [name for name, key in keys.items() if key.required],
        "additionalProperties": False,
        "properties": {**properties, **(nested or {})},
    }


def _named(entry: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "propertyNames": {"pattern": f"^{NAME}$"},
        "additionalProperties": entry,
    }


def _strings(names: tuple[str, ...]) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {name: {"type": "string", "minLength": 1} for name in names},
    }
