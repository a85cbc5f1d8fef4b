# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The request that the controller adds to a module's options: one type for every form of a run."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from .lease import LeaseAge
from .ports import Contents

WHOLE, PREPARE, FOLLOW = "whole", "prepare", "follow"
CAPABILITIES = "capabilities"

# Two options instead of one: Ansible masks every value of an option with no_log wherever it is
# in the result, which would take the run's own name and numbers out of the answer.
PLAIN_OPTION, SECRET_OPTION = "_run", "_sent"
INTERNAL_OPTIONS: dict[str, dict[str, Any]] = {
    PLAIN_OPTION: {"type": "dict"},
    SECRET_OPTION: {"type": "dict", "no_log": True},
}


@dataclass(frozen=True)
class RunRequest:
    """The request of one call of a module, with what only the controller can read for it.

    ``phase``: ``whole`` runs everything in one process, for callers without the action plugin;
    ``prepare`` plans, and leaves the changes to a worker; ``follow`` reads the worker's journal
    from ``offset`` and waits for news up to ``seconds``; ``capabilities`` reads what the templates
    of manifests may depend on.
    ``hidden``: words that must not be shown.
    ``relative_binds``: the paths of bind mounts that were resolved on the control node, by their
    places in the spec.
    """

    phase: str = WHOLE
    run: str = ""
    lease_age: LeaseAge = field(default_factory=LeaseAge)
    journal: str = ""
    offset: int = 0
    seconds: float = 0.0
    contents: Contents = field(default_factory=Contents)
    manifests: tuple[dict[str, Any], ...] = ()
    hidden: tuple[str, ...] = ()
    relative_binds: dict[str, str] = field(default_factory=dict)

    def as_options(self) -> dict[str, Any]:
        """Return plain data, as options of the module."""
        plain = {
            "phase": self.phase,
            "run": self.run,
            "lease_age": asdict(self.lease_age),
            "journal": self.journal,
            "offset": self.offset,
            "seconds": self.seconds,
            "relative_binds": self.relative_binds,
        }
        secret = {
            "secrets": _encoded(self.contents.secrets),
            "configs": _encoded(self.contents.configs),
            "manifests": _as_text(self.manifests),
            "hidden": list(self.hidden),
        }
        given = {name: value for name, value in secret.items() if value}
        return {PLAIN_OPTION: plain, **({SECRET_OPTION: given} if given else {})}

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> RunRequest:
        """Read what :meth:`as_options` returned; without it, the request is for a whole run."""
        plain, secret = options.get(PLAIN_OPTION) or {}, options.get(SECRET_OPTION) or {}
        manifests = secret.get("manifests")
        return cls(
            **{**plain, "lease_age": LeaseAge(**plain.get("lease_age", {}))},
            contents=Contents(
                secrets=_decoded(secret.get("secrets", {})),
                configs=_decoded(secret.get("configs", {})),
            ),
            manifests=tuple(json.loads(base64.b64decode(manifests))) if manifests else (),
            hidden=tuple(secret.get("hidden", ())),
        )


def _as_text(manifests: tuple[dict[str, Any], ...]) -> str:
    """Return one text: as data, each value would be masked anywhere in the result."""
    return base64.b64encode(json.dumps(manifests).encode()).decode() if manifests else ""


def _encoded(contents: Mapping[str, bytes]) -> dict[str, str]:
    # Options of modules are JSON, which has no bytes.
    return {name: base64.b64encode(content).decode() for name, content in contents.items()}


def _decoded(contents: Mapping[str, str]) -> dict[str, bytes]:
    return {name: base64.b64decode(content) for name, content in contents.items()}
