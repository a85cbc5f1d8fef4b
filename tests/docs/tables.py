# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables of the guides, made of the tables of the code."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from ansible_collections.shipping.code.plugins.module_utils._platforms import registry
from ansible_collections.shipping.code.plugins.module_utils._toolbox.installer_registry import (
    INSTALLERS,
)
from ansible_collections.shipping.code.plugins.module_utils._toolbox.installers.installer import (
    EntryKey,
)
from ansible_collections.shipping.code.plugins.plugin_utils._catalog.json_schema import schema
from ansible_collections.shipping.code.plugins.plugin_utils._catalog.project_file import (
    COMMON_KEYS,
    OWN_COMMANDS,
    PLATFORM_KEYS,
    POINTER_KEYS,
    PROJECT_KEYS,
)
from ansible_collections.shipping.code.plugins.plugin_utils._catalog.value_forms import FORMS
from ansible_collections.shipping.code.plugins.plugin_utils._experiments import (
    experiment_file,
    experiment_schema,
)
from ansible_collections.shipping.code.plugins.plugin_utils._shipping import shipping_schema
from ansible_collections.shipping.code.plugins.plugin_utils._shipping.shipping_file import (
    ENVIRONMENT_KEYS,
    FILE_KEYS,
    IMAGE_KEYS,
    PREVIEW_KEYS,
    TEST_KEYS,
)
from ansible_collections.shipping.code.plugins.plugin_utils._shipping.shipping_values import FileKey

from .contents import plugin_table, role_table
from .errors import AREAS, error_table
from .messages import failure_sections
from .rst import list_table, literals

ROOT = Path(__file__).parents[2]
FILLED = [
    ROOT / "docs" / "docsite" / "rst" / name
    for name in (
        "guide_contents.rst",
        "guide_spec.rst",
        "guide_kubernetes.rst",
        "guide_catalog.rst",
        "guide_ship.rst",
        "guide_experiments.rst",
        "troubleshooting.rst",
    )
]
SCHEMA = ROOT / "docs" / "project.schema.json"
SHIPPING_SCHEMA = ROOT / "docs" / "shipping.schema.json"
EXPERIMENT_SCHEMA = ROOT / "docs" / "experiment.schema.json"
ROLE = ROOT / "playbooks" / "files" / "kubernetes" / "role.yml"
CI_TEMPLATES = ROOT / "docs" / "ci"
_LICENSE = re.compile(r"# Copyright|# GNU General Public|# SPDX-|---$")
# By the end of a file's name.
_LANGUAGES = {".yml": "yaml", ".cfg": "python", "": "shell"}


def filled(text: str) -> str:
    """Return the guide with its tables as the code has them now."""
    for name, lines in _tables().items():
        begin, end = f".. table begins: {name}\n", f".. table ends: {name}\n"
        if begin not in text:
            continue
        before, _begin, rest = text.partition(begin)
        _old, _end, after = rest.partition(end)
        text = "".join(
            [
                before,
                begin,
                "\n",
                *(f"{line}\n" if line else "\n" for line in lines),
                "\n",
                end,
                after,
            ]
        )
    return text


# Once for all guides: some tables are read from all source files.
@cache
def _tables() -> dict[str, list[str]]:
    supports = [registry.support(name) for name in registry.names()]
    refused = _by_key(
        *(
            {f"services.{key}": text for key, text in support.refused_keys.items()}
            for support in supports
        )
    )
    refused |= _by_key(*(support.refused_object_keys for support in supports))
    return {
        "services": _table("key", _by_key(*(support.keys for support in supports))),
        "objects": _table("key", _by_key(*(support.object_keys for support in supports))),
        "refused": _table("key", refused),
        "role": _code_block(ROLE),
        "project": _keys(PROJECT_KEYS),
        "pointer": _keys(POINTER_KEYS),
        "tool": _keys(COMMON_KEYS),
        "platform": _keys(PLATFORM_KEYS),
        "types": _types(),
        "shipping file": _file_keys(FILE_KEYS),
        "shipping image": _file_keys(IMAGE_KEYS),
        "shipping test": _file_keys(TEST_KEYS),
        "shipping environment": _file_keys(ENVIRONMENT_KEYS),
        "shipping previews": _file_keys(PREVIEW_KEYS),
        "experiment file": _file_keys(experiment_file.FILE_KEYS),
        "experiment design": _file_keys(experiment_file.DESIGN_KEYS),
        "experiment response": _file_keys(
            {**experiment_file.RESPONSE_KEYS, "margin": experiment_file.MARGIN}
        ),
        "experiment sample": _file_keys(experiment_file.SAMPLE_KEYS),
        "experiment ramp": _file_keys(experiment_file.RAMP_KEYS),
        "experiment events": _file_keys(experiment_file.EVENT_KEYS),
        "plugins": plugin_table(ROOT),
        "roles": role_table(ROOT),
        **{f"ci {path.name}": _code_block(path) for path in CI_TEMPLATES.iterdir()},
        "failures": failure_sections(ROOT / "plugins" / "module_utils"),
        **{area: error_table(ROOT / "plugins", area) for area in AREAS},
    }


def schema_text() -> str:
    """Return the JSON schema of a project's file."""
    return json.dumps(schema(), indent=2) + "\n"


def shipping_schema_text() -> str:
    """Return the JSON schema of a shipping file."""
    return json.dumps(shipping_schema.schema(), indent=2) + "\n"


def experiment_schema_text() -> str:
    """Return the JSON schema of an experiment file."""
    return json.dumps(experiment_schema.schema(), indent=2) + "\n"


def _types() -> list[str]:
    lines = []
    for installer in INSTALLERS.values():
        title = f"``{installer.name}``"
        keys = {**installer.keys, **({"commands": OWN_COMMANDS} if installer.own_commands else {})}
        lines += [title, "~" * len(title), "", literals(installer.text), "", *_keys(keys), ""]
    return lines[:-1]


def _keys(keys: dict[str, EntryKey]) -> list[str]:
    return list_table(("key", "form", "meaning"), (_key(*entry) for entry in keys.items()))


def _file_keys(keys: dict[str, FileKey]) -> list[str]:
    rows = (
        (f"``{name}``", f"{literals(key.text)}{' **Required.**' if key.required else ''}")
        for name, key in keys.items()
    )
    return list_table(("key", "meaning"), rows)


def _key(name: str, key: EntryKey) -> tuple[str, str, str]:
    required = " **Required.**" if key.required else ""
    own = " May differ by platform." if key.each_platform else ""
    return f"``{name}``", _title(key), f"{literals(key.text)}{required}{own}"


def _title(key: EntryKey) -> str:
    return (
        FORMS[key.form].title
        if key.form in FORMS
        else {"tools": "mapping", "type": "word", "platforms": "list", "names": "list"}[key.form]
    )


def _code_block(path: Path) -> list[str]:
    """Return a file without its license header."""
    lines = [line for line in path.read_text().splitlines() if not _LICENSE.match(line)]
    code = [f"    {line}" if line else "" for line in lines]
    return [f".. code-block:: {_LANGUAGES[path.suffix]}", "", *code]


def _by_key(*tables: Mapping[str, str]) -> dict[str, list[str]]:
    """Return the cells of all platforms by key; empty where a platform has none."""
    keys: dict[str, None] = {}
    for table in tables:
        keys.update(dict.fromkeys(table))
    return {key: [table.get(key, "") for table in tables] for key in keys}


def _table(first: str, rows: Mapping[str, Sequence[str]]) -> list[str]:
    header = [first, *(platform.capitalize() for platform in registry.names())]
    return list_table(header, ([f"``{key}``", *map(literals, rows[key])] for key in rows))
