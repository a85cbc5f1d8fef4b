# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The user's intent, from the options of a module."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .._compose.model import Compose
from .lease import LeaseAge
from .ports import Contents, Wishes
from .ramp_options import RampOptions

RELEASE, SCALE, ABSENT = "release", "scale", "absent"


@dataclass(frozen=True)
class Limits:
    """Limits in seconds and counts."""

    rollout_timeout: float = 600
    rollback_timeout: float = 300
    max_crashes: int = 3
    monitor: float = 5
    lease_ttl: float = 30
    keep: int = 10


@dataclass(frozen=True)
class Intent:
    """The user's intent; ``run`` is the name of the run, ``lease_age`` its former observation."""

    app: str
    run: str
    version: str = ""
    by: str = ""
    commit: str = ""
    branch: str = ""
    preview_of: str = ""
    compose: Compose | None = None
    manifests: dict[str, Any] | None = None
    contents: Contents = field(default_factory=Contents)
    resolve_image: str = "auto"
    wishes: Wishes = field(default_factory=Wishes)
    limits: Limits = field(default_factory=Limits)
    immutable_versions: bool = False
    after_release: int | None = None
    release_notes: tuple[str, ...] = ()
    check: bool = False
    lease_age: LeaseAge = field(default_factory=LeaseAge)
    release: int | None = None
    replicas: dict[str, int] = field(default_factory=dict)
    ramp: RampOptions | None = None
    has_router_keys: bool = False
    abort_canary: bool = False
    ramp_event: str = ""
