# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The job that the short part of a run leaves to its long part."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from .intent import Limits
from .ports import Wishes


@dataclass(frozen=True)
class Job:
    """The work that is left after the lease and the record are written; it has no secrets.

    ``number`` is the release to deploy, ``before`` the one to roll back to.
    ``ramp_event`` is an operator's word about the ramp of the release; ``aborts`` is the release
    whose ramp ends before.
    """

    kind: str
    app: str
    run: str
    token: int
    limits: Limits
    number: int = 0
    before: int = 0
    replicas: dict[str, int] = field(default_factory=dict)
    recreate: tuple[str, ...] = ()
    adopt: bool = False
    ramp_event: str = ""
    aborts: int = 0
    is_ramp: bool = False

    def as_data(self) -> dict[str, Any]:
        """Return plain data, for another process."""
        return {**asdict(self), "recreate": list(self.recreate)}

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> Job:
        """Read what :meth:`as_data` returned."""
        limits, recreate = Limits(**data["limits"]), tuple(data["recreate"])
        return cls(**{**data, "limits": limits, "recreate": recreate})

    @property
    def wishes(self) -> Wishes:
        """Return what the run may do beyond the ordinary."""
        return Wishes(self.adopt, frozenset(self.recreate), self.limits.monitor)
