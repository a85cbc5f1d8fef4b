# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Apps resolved against a Swarm that is only imagined."""

from __future__ import annotations

from typing import Any

from ansible_collections.shipping.code.plugins.module_utils._compose import model
from ansible_collections.shipping.code.plugins.module_utils._deploy.naming import Naming
from ansible_collections.shipping.code.plugins.module_utils._deploy.resolution import (
    Resolutions,
    Resolved,
    references,
    resolve,
)
from ansible_collections.shipping.code.plugins.module_utils._platforms.swarm.spec_fields import (
    Names,
)
from ansible_collections.shipping.code.plugins.module_utils._platforms.swarm.support import SUPPORT

DIGEST = "sha256:" + "0123456789abcdef" * 4


def resolved(content: dict[str, Any], app: str = "shop") -> Resolved:
    """An app with made-up digests and ids."""
    read = model.read(content, SUPPORT)
    images = {reference: f"{reference}@{DIGEST}" for reference in references(read)}
    ids = {
        section: dict.fromkeys(getattr(read, section), "0123456789ab")
        for section in ("secrets", "configs")
    }
    return resolve(
        Naming(app, volume_labels={"com.docker.stack.namespace": app}),
        read,
        Resolutions(images, ids),
    )


def names(app: Resolved) -> Names:
    """Ids for everything that the app names."""
    kinds = ("networks", "secrets", "configs")
    found = {kind: {name: f"id-of-{name}" for name in getattr(app, kind)} for kind in kinds}
    found["networks"].setdefault("host", "id-of-host")
    return Names(**found)
