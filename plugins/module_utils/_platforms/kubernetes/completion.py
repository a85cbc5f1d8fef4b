# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Add to a spec what the namespace requires and what is kept of adopted workloads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..._core.image_references import Reference
from ..._deploy.health import LIVE
from ..._deploy.history import newest
from ..._deploy.ports import Observation, Wishes
from ..._deploy.resolution import Resolved
from ..._registry.credentials import Credentials
from . import adoption, lookup, pod_security, render, storage
from .api_kinds import CONFIG_MAP, POD, SECRET, WORKLOADS, Kind
from .cluster import Cluster
from .observe import Body, Snapshot


class Completer:
    """Complete a spec by what only the cluster knows; see ports.Completer."""

    def __init__(self, cluster: Cluster, credentials: Credentials, security: str) -> None:
        self._cluster = cluster
        self._credentials = credentials
        self._security = security

    def complete(
        self, app: str, resolved: Resolved, seen: Observation, wishes: Wishes
    ) -> tuple[Resolved, Observation]:
        """Add the security of pods, the Secret for registries, others' keys, what is taken over."""
        live = newest(seen.records, LIVE)
        former = live.resolved.services if live else {}
        snapshot = lookup.with_external(self._cluster, seen.inner, resolved)
        if wishes.adopt:
            snapshot = self._with_workloads(resolved, snapshot)
        unmanaged = _unmanaged_workloads(resolved, snapshot) if wishes.adopt else {}
        # Without a selector: pods of unmanaged workloads lack our labels.
        pods = self._cluster.items(POD) if unmanaged else []
        level = self._level(snapshot)
        services = {}
        for name, service in resolved.services.items():
            before = former.get(name, {})
            added = {"security": level, **self._pull_secret(app, service, before)}
            target = adoption.Target(app, name, {**service, **added}, resolved)
            services[name] = adoption.completed(target, before, unmanaged.get(name), pods)
        completed = replace(
            resolved,
            services=services,
            secrets=_with_keys(SECRET, resolved.secrets, snapshot),
            configs=_with_keys(CONFIG_MAP, resolved.configs, snapshot),
        )
        return completed, replace(seen, inner=snapshot)

    def _level(self, snapshot: Snapshot) -> str:
        if (
            self._security == "auto"
            and pod_security.enforced(snapshot.namespace) == pod_security.RESTRICTED
        ):
            return "restricted"
        return self._security

    def _with_workloads(self, resolved: Resolved, snapshot: Snapshot) -> Snapshot:
        """Look for unmanaged workloads of the services' names."""
        kinds = {}
        for name in resolved.services:
            kinds.update({(kind.name, name): kind for kind in WORKLOADS})
        return lookup.with_unmanaged(self._cluster, snapshot, kinds)

    def _pull_secret(
        self, app: str, service: Mapping[str, Any], former: Mapping[str, Any]
    ) -> dict[str, str]:
        """Return the Secret for the image's registry.

        There is one where there are credentials now or were before.
        """
        registry = Reference.parse(service["reference"]).registry
        known = (
            former.get("pull_secret") and Reference.parse(former["reference"]).registry == registry
        )
        # imagePullSecrets is in the template: a run without credentials would replace all
        # pods.
        if known or self._credentials.for_registry(registry):
            return {"pull_secret": storage.registry_name(app)}
        return {}


def _unmanaged_workloads(resolved: Resolved, snapshot: Snapshot) -> dict[str, Body]:
    keys = {
        name: (render.kind_of_workload(service).name, name)
        for name, service in resolved.services.items()
    }
    return {
        name: snapshot.unmanaged[key] for name, key in keys.items() if key in snapshot.unmanaged
    }


def _with_keys(
    kind: Kind, objects: Mapping[str, Mapping[str, Any]], snapshot: Snapshot
) -> dict[str, dict[str, Any]]:
    """Return others' Secrets and ConfigMaps with the keys that they have."""
    result = {}
    for name, entry in objects.items():
        body = snapshot.unmanaged.get((kind.name, name)) if entry.get("external") else None
        keys = (
            sorted({**(body.get("data") or {}), **(body.get("binaryData") or {})}) if body else []
        )
        result[name] = {**entry, **({"keys": keys} if keys else {})}
    return result
