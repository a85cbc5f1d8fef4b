# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep the records of experiments as configs of a Swarm; see ports.ExperimentStore."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from ..._core.content_ids import digest
from ..._deploy.naming import LABEL
from ..._deploy.ports import StoredExperiment
from . import lookup, storage
from .engine import Engine
from .observe import EXPERIMENT, KIND

# Not the label of objects of an app: what lists these knows no experiments.
_APP, _NAME, _REVISION = (f"{LABEL}experiment.{name}" for name in ("app", "name", "revision"))
# How many revisions are kept: the newest one, and those before it, for a look back.
_KEPT = 3


class ExperimentStore:
    """Read and write the configs of experiments."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def read_experiments(self, app: str) -> list[StoredExperiment]:
        """Return the newest record of each experiment by one list."""
        newest: dict[str, StoredExperiment] = {}
        for config in self._configs(app):
            stored = _stored(config)
            former = newest.get(stored.name)
            if former is None or stored.revision > former.revision:
                newest[stored.name] = stored
        return [stored for _name, stored in sorted(newest.items())]

    def write_experiment(self, experiment: StoredExperiment) -> None:
        """Make a config of the revision, and remove those that are too old."""
        labels = {
            KIND: EXPERIMENT,
            _APP: experiment.app,
            _NAME: experiment.name,
            _REVISION: str(experiment.revision),
        }
        # A config's name has at most 64 characters.
        identity = digest([experiment.app, experiment.name])[:12]
        name = f"{LABEL}experiment.{identity}.{experiment.revision}"
        storage.create(self._engine, "configs", name, experiment.content, labels)
        self._remove(experiment.app, experiment.name, experiment.revision - _KEPT)

    def remove_experiment(self, app: str, name: str) -> None:
        """Remove the configs of all revisions."""
        self._remove(app, name, None)

    def _remove(self, app: str, name: str, last: int | None) -> None:
        for config in self._configs(app):
            stored = _stored(config)
            if stored.name == name and (last is None or stored.revision <= last):
                self._engine.delete(f"/configs/{config['ID']}")

    def _configs(self, app: str) -> list[dict[str, Any]]:
        filters = {"label": [f"{KIND}={EXPERIMENT}", f"{_APP}={app}"]}
        configs: list[dict[str, Any]] = lookup.of_manager(
            self._engine, lambda: self._engine.get("/configs", filters=filters)
        )
        return configs


def _stored(config: Mapping[str, Any]) -> StoredExperiment:
    spec = config["Spec"]
    labels = spec["Labels"]
    return StoredExperiment(
        labels.get(_APP, ""),
        labels.get(_NAME, ""),
        int(labels.get(_REVISION, "0")),
        base64.b64decode(spec.get("Data") or ""),
    )
