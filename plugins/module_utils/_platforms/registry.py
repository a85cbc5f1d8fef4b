# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The platforms by name: the one place that lists them.

The loaders import when they are called, so that a run loads only the platform in use. They use
import statements, since Ansible sends a host only the modules that it finds in such statements.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from .._compose.support import Support
from .._core.errors import ShippingError, suggestion


@dataclass(frozen=True)
class Loaders:
    """How the parts of a platform are loaded."""

    support: Callable[[], Support]


def _swarm_support() -> Support:
    from .swarm.support import SUPPORT

    return SUPPORT


def _kubernetes_support() -> Support:
    from .kubernetes.support import SUPPORT

    return SUPPORT


_PLATFORMS = {
    "swarm": Loaders(_swarm_support),
    "kubernetes": Loaders(_kubernetes_support),
}


def names() -> tuple[str, ...]:
    """Return the names of all platforms, the default one first."""
    return tuple(_PLATFORMS)


def support(name: str) -> Support:
    """Return what a platform takes of a Compose file."""
    return replace(_loaders(name).support(), platforms=names())


def _loaders(name: str) -> Loaders:
    if name not in _PLATFORMS:
        raise ShippingError(
            f"platform {name!r} is unknown{suggestion(name, names())}",
            f"the platforms are {', '.join(names())}",
            "Set platform to one of them",
        )
    return _PLATFORMS[name]
