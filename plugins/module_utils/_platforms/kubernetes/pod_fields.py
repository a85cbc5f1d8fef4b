# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Map Swarm's terms in a Compose file to fields of a pod, for checks and rendering."""

from __future__ import annotations

import re

_CONSTRAINT = re.compile(r"\s*(?P<name>[^=!\s]+)\s*(?P<operator>==|!=)\s*(?P<value>\S.*?)\s*")
SHARED_MEMORY = "/dev/shm"  # noqa: S108 - a path in the container

# Swarm's placeholders that can be filled in -> the pod's field; the name of the service is known.
PLACEHOLDERS = {
    "Node.Hostname": "spec.nodeName",
    "Node.ID": "spec.nodeName",
    "Task.ID": "metadata.uid",
    "Task.Name": "metadata.name",
    "Service.Name": "",
}

# What a placement may ask for -> the node's label.
NODE_LABELS = {
    "node.hostname": "kubernetes.io/hostname",
    "node.platform.os": "kubernetes.io/os",
    "node.platform.arch": "kubernetes.io/arch",
}


def split_constraint(text: str) -> tuple[str, str, str] | None:
    """Return name, operator and value of a placement constraint, or None if it is invalid."""
    match = _CONSTRAINT.fullmatch(text)
    return (match["name"], match["operator"], match["value"]) if match else None
