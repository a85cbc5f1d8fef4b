# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Warnings of a module are shown, and are no values of its result."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible_collections.shipping.code.plugins.module_utils._awx.object_sync import (
    ObjectSync,
    remove_objects,
)
from ansible_collections.shipping.code.plugins.module_utils._core.module_exit import answer
from ansible_collections.shipping.code.plugins.module_utils._toolbox import toolbox_calls

OPTIONS = {
    "state": "present",
    "generation": None,
    "catalog": "/srv/projects",
    "record": {
        "host": "pc1.example.com",
        "revision": "time:control:1",
        "users": [{"id": "1", "name": "nobody-here", "projects": ["atlas"]}],
    },
    "removals": "apply",
    "approved_removals": [],
    "keep": 2,
    "grace": 0,
    "accept_older": False,
    "shell_integration": False,
    "test_timeout": 5,
    "lock_timeout": 5,
    "unhold": [],
    "_projects": [],
    "_programs": {},
    "_bundle": None,
}


class Module:
    """An AnsibleModule that keeps what it shows."""

    _diff = False

    def __init__(self, **params: Any) -> None:
        self.params = params
        self.warnings: list[str] = []
        self.result: dict[str, Any] = {}

    def warn(self, text: str) -> None:
        self.warnings.append(text)

    def exit_json(self, **result: Any) -> None:
        self.result = result

    def fail_json(self, **result: Any) -> None:
        raise AssertionError(result)


class OthersOrganization:
    """AWX with an organization that this collection does not manage."""

    def find(self, kind: str, **_query: Any) -> dict[str, Any]:
        return {"id": 2, "url": f"/api/v2/{kind}/2/", "description": "Ours", "related": {}}


def test_warnings_of_toolbox(tmp_path: Path):
    module = Module(**OPTIONS, path=str(tmp_path / "opt"))
    answer(module, lambda options: toolbox_calls.toolbox(options, check_mode=True))
    assert module.warnings == ["nobody-here has no account on this host and gets no tools"]
    assert not {"told", "shown_warnings"} & set(module.result)


def test_warnings_of_awx_objects():
    options = {"adopt": False, "update_secrets": "changed", "timeout": 5}
    sync = ObjectSync(OthersOrganization(), options, check_mode=True)  # type: ignore[arg-type]
    module = Module(organizations=[{"name": "Tools"}])
    answer(module, lambda objects: remove_objects(sync, objects))
    assert module.warnings == [
        "the organization Tools stays, because this module does not manage it"
    ]
    assert set(module.result) == {"changed", "objects"}
