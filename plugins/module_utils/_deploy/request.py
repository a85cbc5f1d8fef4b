# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run was asked for, and what one run hands to the next process."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from .._compose.model import Compose
from .lease import Seen
from .ports import Contents, Wishes

RELEASE, SCALE, ABSENT = "release", "scale", "absent"


@dataclass(frozen=True)
class Limits:
    """How long and how often, in seconds and times."""

    rollout_timeout: float = 600
    rollback_timeout: float = 300
    max_crashes: int = 3
    monitor: float = 5
    lease_ttl: float = 30
    keep: int = 10


@dataclass(frozen=True)
class Request:
    """What the user asked for."""

    app: str
    run: str
    version: str = ""
    by: str = ""
    commit: str = ""
    compose: Compose | None = None
    manifests: dict[str, Any] | None = None
    contents: Contents = field(default_factory=Contents)
    resolve_image: str = "auto"
    wishes: Wishes = field(default_factory=Wishes)
    limits: Limits = field(default_factory=Limits)
    immutable_versions: bool = False
    check: bool = False
    seen: Seen = field(default_factory=Seen)
    release: int | None = None
    replicas: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Job:
    """What is left to do once the app is held and the record is written; it holds no secrets."""

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

    def as_data(self) -> dict[str, Any]:
        """Plain data, for another process."""
        return asdict(self)

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> Job:
        """What :meth:`as_data` made."""
        return cls(
            **{
                **data,
                "limits": Limits(**data["limits"]),
                "recreate": tuple(data.get("recreate", ())),
            }
        )

    @property
    def wishes(self) -> Wishes:
        """What the run may do beyond the ordinary."""
        return Wishes(self.adopt, frozenset(self.recreate), self.limits.monitor)


@dataclass(frozen=True)
class Begun:
    """What the first, short part of a run came to.

    A result, a job that is left, or a wait for somebody.
    """

    changed: bool = False
    result: dict[str, Any] = field(default_factory=dict)
    job: Job | None = None
    waiting_for: str = ""
    seen: Seen = field(default_factory=Seen)
    warnings: tuple[str, ...] = ()
