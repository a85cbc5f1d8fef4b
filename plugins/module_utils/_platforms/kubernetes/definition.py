# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kubernetes as the platforms' registry lists it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..._compose.support import Support
from ..._deploy.platform_definition import PlatformDefinition
from ..._deploy.ports import Platform
from . import options as own_options


def _load_support() -> Support:
    from .support import SUPPORT

    return SUPPORT


def _connect(options: Mapping[str, Any], registries: Mapping[str, Mapping[str, str]]) -> Platform:
    # Ansible ships modules that are imported inside functions, too.
    from .connect import connect

    return connect(options, registries)


def _check_manifests(documents: list[Any], namespace: str | None, hooks: str) -> None:
    from .manifests import read

    read(documents, namespace, hooks)


def _read_capabilities(options: Mapping[str, Any]) -> dict[str, Any]:
    from .capabilities import read
    from .cluster import Cluster
    from .cluster_access import access

    return read(Cluster(access(options)))


def _give_access(options: Mapping[str, Any]) -> dict[str, Any]:
    from .ci_access import converge

    return converge(options)


def _problem_of_name(app: str) -> str:
    if "_" in app:
        return f"{app!r} has '_', which no name on Kubernetes may have; write '-'"
    if app != app.lower():
        return f"{app!r} has upper case, which no name on Kubernetes may have; write {app.lower()}"
    return ""


KUBERNETES = PlatformDefinition(
    name="kubernetes",
    title="Kubernetes",
    load_support=_load_support,
    connect=_connect,
    connection_options=own_options.CONNECTION,
    release_options=own_options.RELEASE,
    problem_of_name=_problem_of_name,
    check_manifests=_check_manifests,
    read_capabilities=_read_capabilities,
    give_access=_give_access,
)
