# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects by which the router finds services, and which check its configuration. Pure."""

from __future__ import annotations

import base64
import posixpath
from collections.abc import Mapping, Sequence
from typing import Any

from ..._core.content_ids import fit
from .api_kinds import KIND, MANAGED_BY

# The kind of a copy of an app's certificate.
CERTIFICATE = "certificate"
# The app that the role ships.
ROUTER = "router"
ROUTER_NAMESPACE = "shipping-router"
# A name of the DNS (RFC 1035).
_LONGEST = 63
_ROOT_ONLY = 0o400


def slot_service(service: str, slot: int) -> str:
    """Return the name of the headless Service of the variant in a slot; slot 0 is stable."""
    return fit(f"{service}-slot{slot}", _LONGEST)


def certificate_copy(secret: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy of an app's secret, whose content and name never change."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "Opaque",
        "immutable": True,
        "metadata": {
            "name": secret["metadata"]["name"],
            "labels": {KIND: CERTIFICATE, MANAGED_BY: "shipping.code"},
        },
        "data": secret["data"],
    }


def check_objects(
    name: str, image: str, command: Sequence[str], files: Mapping[str, bytes]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a Secret with files, and a pod that runs a command with them once.

    ``files`` has the content by its path. Each folder is a mount, in which others can be.
    """
    keys = {path: f"file{number}" for number, path in enumerate(sorted(files))}
    data = {keys[path]: base64.b64encode(content).decode() for path, content in files.items()}
    folders: dict[str, list[dict[str, str]]] = {}
    for path in sorted(files):
        folder, file = posixpath.split(path)
        folders.setdefault(folder, []).append({"key": keys[path], "path": file})
    names = {folder: f"folder{number}" for number, folder in enumerate(folders)}
    volumes = [
        {
            "name": names[folder],
            "secret": {"secretName": name, "items": items, "defaultMode": _ROOT_ONLY},
        }
        for folder, items in folders.items()
    ]
    container = {
        "name": name,
        "image": image,
        "command": list(command),
        "securityContext": {"runAsUser": 0, "allowPrivilegeEscalation": False},
        "volumeMounts": [{"name": names[folder], "mountPath": folder} for folder in folders],
    }
    pod = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "containers": [container],
        "volumes": volumes,
    }
    metadata = {"name": name}
    return (
        {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data},
        {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": pod},
    )
