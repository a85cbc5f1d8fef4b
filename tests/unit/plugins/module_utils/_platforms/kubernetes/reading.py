# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads specs for Kubernetes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.shipping.code.plugins.module_utils._compose.normal_form import Compose

from ..._compose.reading import KUBERNETES, read_spec, spec


def read(**keys: Any) -> Compose:
    """Return the normal form of an app with one service of these keys."""
    return read_spec(whole(**keys), support=KUBERNETES)


def whole(**keys: Any) -> dict[str, Any]:
    """Return a spec with one service of these keys, and what they may name."""
    declared = {
        "secrets": {"token": {"environment": "TOKEN"}, "key": {"environment": "KEY"}},
        "configs": {"settings": {"content": "a"}},
    }
    return {**spec(**keys), **declared, "networks": {"front": None}}


def grant(source: str = "token", **more: Any) -> dict[str, Any]:
    """Return a secret or config of a service in long syntax."""
    return {"source": source, **more}


def app(services: Mapping[str, Any], **sections: Any) -> Compose:
    """Return the normal form of an app of these services and sections."""
    content = {
        "services": {name: {"image": "nginx", **keys} for name, keys in services.items()},
        **sections,
    }
    return read_spec(content, support=KUBERNETES)
