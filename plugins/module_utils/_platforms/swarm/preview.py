# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Predict what a run would do on a Swarm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..._deploy.plan import Plan
from ..._deploy.ports import Contents, Observation, PinnedImages, Wishes
from ..._deploy.resolution import Resolved
from ..._deploy.service_diff import raise_problems
from . import compose_view, image_digests, lookup, newer_keys, planning
from .engine import Engine


class Preview:
    """Predict what a run would do; see ports.Preview."""

    def __init__(self, engine: Engine, credentials: image_digests.EngineCredentials) -> None:
        self._engine = engine
        self._queries = image_digests.RegistryQueries(engine, credentials)

    def resolve_images(
        self, references: Sequence[str], mode: str, seen: Observation
    ) -> PinnedImages:
        """Return what each image is pinned to, by one registry call for each distinct one."""
        return image_digests.resolve(
            self._queries, references, mode, planning.eligible({}, seen.inner)
        )

    def plan(
        self,
        app: str,
        resolved: Resolved,
        seen: Observation,
        wishes: Wishes,
        contents: Contents,
    ) -> Plan:
        """Compare with what was observed; raise PlanError where the engine ignores a key."""
        ignored = newer_keys.problems(resolved, self._engine.api, self._engine.release)
        raise_problems(app, ignored)
        everything = lookup.with_all_services(self._engine, seen.inner, resolved)
        return self._compared(app, resolved, replace(seen, inner=everything), wishes)

    def drift(self, app: str, resolved: Resolved, seen: Observation) -> Plan:
        """Compare with what was observed."""
        # After a rollback the jobs are those of another release, on purpose.
        return self._compared(app, resolved, seen, Wishes(leaves_jobs=True))

    def _compared(self, app: str, resolved: Resolved, seen: Observation, wishes: Wishes) -> Plan:
        external = lookup.with_external(self._engine, seen.inner, [resolved])
        snapshot = lookup.with_volumes(self._engine, external, resolved)
        planned = planning.plan(app, resolved, seen.records, snapshot, wishes)
        return replace(
            planned,
            before=compose_view.before(app, resolved, snapshot, seen.records),
            after=compose_view.after(resolved),
        )
