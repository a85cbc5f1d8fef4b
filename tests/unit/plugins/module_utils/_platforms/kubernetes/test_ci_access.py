# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module ci_access reports: the objects that changed, the kubeconfig, and errors."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.shipping.code.plugins.module_utils._core.errors import ShippingError
from ansible_collections.shipping.code.plugins.module_utils._platforms.kubernetes.ci_access import (
    converge,
)

from .api_server import Asked, serving
from .test_ci_account import RULES, token

pytest.importorskip("urllib3")

MORE_RULES = [*RULES, {"apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["get"]}]


@pytest.fixture
def options() -> Iterator[dict[str, Any]]:
    """The options of the module, with a server that keeps objects and gives out tokens."""
    objects: dict[str, Any] = {"/api/v1/namespaces/shop": {}}

    def answer(asked: Asked) -> tuple[int, Any]:
        if asked.method == "POST":
            now = int(time.time())
            return 201, {"status": {"token": token(iat=now, exp=now + 1000)}}
        if asked.method == "DELETE":
            return 200, objects.pop(asked.path)
        if asked.method == "PATCH":
            body = json.loads(asked.body)
            objects[asked.path] = {**body, "metadata": {**body["metadata"], "uid": "u1"}}
        if asked.path not in objects:
            return 404, {"reason": "NotFound"}
        return 200, objects[asked.path]

    with serving() as server:
        server.answer = answer
        yield {
            "host": server.host,
            "namespace": "shop",
            "name": "ci",
            "state": "present",
            "rules": RULES,
            "path": None,
            "expires_in": 1000,
            "check_mode": False,
        }


def test_objects_without_a_kubeconfig(options: dict[str, Any]) -> None:
    first = converge(options)
    assert first["changed"] is True
    assert first["objects"] == ["ServiceAccount ci", "Role ci", "RoleBinding ci"]
    assert converge(options)["changed"] is False


def test_a_changed_role_with_a_kubeconfig_that_lasts(
    options: dict[str, Any], tmp_path: Path
) -> None:
    options["path"] = str(tmp_path / "kubeconfig")
    assert converge(options)["renewed"] is True
    assert converge(options)["changed"] is False
    changed = converge({**options, "rules": MORE_RULES})
    assert changed["objects"] == ["Role ci"] and changed["renewed"] is False
    assert changed["changed"] is True


def test_a_path_that_is_not_a_file(options: dict[str, Any], tmp_path: Path) -> None:
    options["path"] = str(tmp_path)
    for state in ("present", "absent"):
        with pytest.raises(ShippingError, match=r"cannot be used: is a directory\. Correct path"):
            converge({**options, "state": state})
