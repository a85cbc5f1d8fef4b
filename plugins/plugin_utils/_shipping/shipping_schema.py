# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Generate the JSON schema of a shipping file for editors, from the keys of the reader. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .shipping_file import (
    ENVIRONMENT_KEYS,
    ENVIRONMENTS_TEXT,
    FILE_KEYS,
    IMAGE_KEYS,
    IMAGES_TEXT,
    PREVIEW_KEYS,
    PREVIEWS_TEXT,
    TEST_KEYS,
    TESTS_TEXT,
)
from .shipping_values import FileKey


def schema() -> dict[str, Any]:
    """Return the schema as plain data."""
    tests = {"tests": {"description": TESTS_TEXT, **_list_of(_object(TEST_KEYS))}}
    images = _named(_object(IMAGE_KEYS, tests))
    environments = {**_named(_object(ENVIRONMENT_KEYS)), "minProperties": 1}
    content = _object(
        FILE_KEYS,
        {
            "images": {"description": IMAGES_TEXT, **images},
            "environments": {"description": ENVIRONMENTS_TEXT, **environments},
            "previews": {"description": PREVIEWS_TEXT, **_object(PREVIEW_KEYS)},
        },
    )
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "What a push to a branch builds, tests and deploys with shipping.code",
        **content,
        "required": [*content["required"], "environments"],
    }


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
    return {"type": "object", "additionalProperties": entry}


def _list_of(entry: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": entry, "minItems": 1}
