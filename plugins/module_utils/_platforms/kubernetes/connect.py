# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a module's options to a cluster."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..._registry.credentials import Credentials
from ..._registry.registries import Registries
from .cluster import Cluster
from .cluster_access import access
from .driver import Kubernetes, Ways


def connect(options: Mapping[str, Any], registries: Mapping[str, Mapping[str, str]]) -> Kubernetes:
    """The namespace of the cluster that the options name."""
    credentials = Credentials(registries, options.get("docker_config"))
    ways = Ways(
        **{
            name: options[name]
            for name in Ways.__dataclass_fields__
            if options.get(name) is not None
        }
    )
    return Kubernetes(
        Cluster(access(options)),
        credentials,
        Registries(credentials, options.get("insecure_registries") or ()),
        ways,
    )
