# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Use the secrets and configs of a stack."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from ..._deploy.ports import Contents, Observation
from .observe import STACK, Snapshot


class Adopter:
    """Use what ``docker stack deploy`` made; see ports.Adopter."""

    def adoptable(
        self, app: str, contents: Contents, seen: Observation
    ) -> dict[str, dict[str, str]]:
        """Return a stack's configs with the same data, and its secrets, which are unreadable."""
        snapshot: Snapshot = seen.inner
        secrets = _of_stack(app, snapshot.secrets)
        configs = _of_stack(app, snapshot.configs)
        return {
            # The API never returns the data of a secret, so a secret of this name is used without a
            # comparison.
            "secrets": {
                name: f"{app}_{name}" for name in contents.secrets if f"{app}_{name}" in secrets
            },
            "configs": {
                name: f"{app}_{name}"
                for name, data in contents.configs.items()
                if _has_data(configs.get(f"{app}_{name}"), data)
            },
        }


def _of_stack(app: str, objects: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    specs = [entry["Spec"] for entry in objects]
    return {
        spec["Name"]: spec
        for spec in specs
        # The content of a template is another one than the same text, so it is not reused.
        if (spec.get("Labels") or {}).get(STACK) == app and not spec.get("Templating")
    }


def _has_data(spec: Mapping[str, Any] | None, data: bytes) -> bool:
    return spec is not None and base64.b64decode(spec["Data"]) == data
