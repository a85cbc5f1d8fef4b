# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep the records of experiments as ConfigMaps; see ports.ExperimentStore."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from ..._core.content_ids import digest
from ..._deploy.ports import StoredExperiment
from .api_kinds import CONFIG_MAP, KIND, LABEL, MANAGED_BY
from .cluster import Cluster
from .compare import annotation

_EXPERIMENT = "experiment"
_APP, _NAME, _REVISION = (f"{LABEL}experiment-{name}" for name in ("app", "name", "revision"))
_KEPT = 3


class ExperimentStore:
    """Read and write the ConfigMaps of experiments in the namespace of the app."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def read_experiments(self, app: str) -> list[StoredExperiment]:
        """Return the newest record of each experiment by one list."""
        newest: dict[str, StoredExperiment] = {}
        for body in self._bodies(app):
            stored = _stored(body)
            former = newest.get(stored.name)
            if former is None or stored.revision > former.revision:
                newest[stored.name] = stored
        return [stored for _name, stored in sorted(newest.items())]

    def write_experiment(self, experiment: StoredExperiment) -> None:
        """Make a ConfigMap of the revision, and remove those that are too old."""
        identity = digest([experiment.app, experiment.name])[:12]
        annotations = {
            _APP: experiment.app,
            _NAME: experiment.name,
            _REVISION: str(experiment.revision),
        }
        self._cluster.create(
            CONFIG_MAP,
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "immutable": True,
                "metadata": {
                    "name": f"shipping.code.experiment.{identity}.{experiment.revision}",
                    "labels": {KIND: _EXPERIMENT, MANAGED_BY: "shipping.code"},
                    "annotations": annotations,
                },
                "binaryData": {"record": base64.b64encode(experiment.content).decode()},
            },
        )
        self._remove(experiment.app, experiment.name, experiment.revision - _KEPT)

    def remove_experiment(self, app: str, name: str) -> None:
        """Remove the ConfigMaps of all revisions."""
        self._remove(app, name, None)

    def _remove(self, app: str, name: str, last: int | None) -> None:
        for body in self._bodies(app):
            stored = _stored(body)
            if stored.name == name and (last is None or stored.revision <= last):
                self._cluster.delete(CONFIG_MAP, body["metadata"]["name"])

    def _bodies(self, app: str) -> list[dict[str, Any]]:
        bodies = self._cluster.items(CONFIG_MAP, f"{KIND}={_EXPERIMENT}")
        return [body for body in bodies if annotation(body, _APP) == app]


def _stored(body: Mapping[str, Any]) -> StoredExperiment:
    data = (body.get("binaryData") or {}).get("record") or ""
    return StoredExperiment(
        annotation(body, _APP),
        annotation(body, _NAME),
        int(annotation(body, _REVISION) or 0),
        base64.b64decode(data),
    )
