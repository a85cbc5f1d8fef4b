# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read manifests as an app, pinned and with the kinds that the cluster knows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..._core.content_ids import secret_id
from ..._core.errors import NotFound
from ..._deploy.health import LIVE
from ..._deploy.history import newest
from ..._deploy.ports import Contents, Observation, Wishes
from ..._deploy.resolution import Resolved
from ..._registry.registries import Registries
from . import image_digests, manifests, render
from .api_kinds import CLAIM, Kind, api_group
from .cluster import Cluster
from .reader import salt


class ManifestSource:
    """Read manifests as an app; see ports.ManifestSource."""

    def __init__(self, cluster: Cluster, registries: Registries) -> None:
        self._cluster = cluster
        self._registries = registries

    def read_manifests(
        self, app: str, given: Mapping[str, Any], seen: Observation, mode: str, wishes: Wishes
    ) -> tuple[Resolved, Contents, list[str]]:
        """Return manifests as an app, the contents of its Secrets, and notes."""
        read = manifests.read(given["documents"], self._cluster.namespace, given["hooks"])
        names = self._content_names(app, read)
        # A hash in the template would restart the pods that are taken over.
        default = manifests.UNTOUCHED if wishes.adopt else given["labels"]
        discovered = self._discovered(read)
        services = manifests.services(
            read,
            discovered,
            names,
            images=self._pinned(read) if mode == "always" else {},
            labels=_labels_on_pods(read, seen, default),
            namespace=self._cluster.namespace,
            served=self._served_otherwise(read, discovered),
        )
        claims = sorted(
            body["metadata"]["name"] for body in read.objects.values() if body["kind"] == CLAIM.name
        )
        secrets = {name: {"source": title, "id": name[-12:]} for title, name in names.items()}
        resolved = Resolved(services=services, secrets=secrets, volumes=claims)
        return resolved, Contents(secrets=read.contents), read.notes

    def _content_names(self, app: str, read: manifests.Manifests) -> dict[str, str]:
        """Return the names of our Secrets that keep the contents of theirs."""
        naming, salted = render.naming(app), salt(self._cluster, app)
        return {
            title: naming.content(title, secret_id(content, salted))
            for title, content in read.contents.items()
        }

    def _pinned(self, read: manifests.Manifests) -> dict[str, str]:
        images: set[str] = set()
        for body in read.objects.values():
            images.update(manifests.images_of(body))
        return image_digests.resolve(self._registries, sorted(images), "always")

    def _discovered(self, read: manifests.Manifests) -> dict[tuple[str, str], Kind]:
        """Return the kinds of API versions that not every cluster has, as this one calls them."""
        result = {}
        for version in manifests.unknown(read.objects.values()):
            result.update(self._kinds_of(version))
        return result

    def _kinds_of(self, version: str) -> dict[tuple[str, str], Kind]:
        """Return the kinds of an API version; there are none where the cluster does not have it."""
        group = f"/apis/{version}" if "/" in version else f"/api/{version}"
        try:
            resources = self._cluster.raw(group)["resources"]
        except NotFound:
            return {}
        return {
            (version, entry["kind"]): Kind(entry["kind"], group, entry["name"], entry["namespaced"])
            for entry in resources
            # Subresources, such as deployments/scale, are listed beside the kinds.
            if "/" not in entry["name"]
        }

    def _served_otherwise(
        self, read: manifests.Manifests, discovered: manifests.Definitions
    ) -> dict[tuple[str, str], str]:
        """Return the version in which the cluster has each kind that it lacks as it is written."""
        bodies = read.objects.values()
        unserved = set(manifests.unknown(bodies))
        missing = {
            (body["apiVersion"], body["kind"]) for body in bodies if body["apiVersion"] in unserved
        } - {*discovered, *manifests.definitions(bodies)}
        found = {key: self._served_version(*key) for key in sorted(missing)}
        return {key: version for key, version in found.items() if version}

    def _served_version(self, version: str, kind: str) -> str:
        """Return the version of the same group that has a kind, else the one that is standard."""
        group = api_group(version)
        try:
            versions = self._cluster.raw(f"/apis/{group}")["versions"] if group else []
        except NotFound:
            versions = []
        for candidate in (entry["groupVersion"] for entry in versions):
            if (candidate, kind) in self._kinds_of(candidate):
                return str(candidate)
        return manifests.standard_version(group, kind)


def _labels_on_pods(read: manifests.Manifests, seen: Observation, default: str) -> dict[str, str]:
    """Return what is done to each object's pods: what the live release did, or the default."""
    live = newest(seen.records, LIVE)
    former = live.resolved.services if live else {}
    return {title: former.get(title, {}).get("labels_on_pods", default) for title in read.objects}
