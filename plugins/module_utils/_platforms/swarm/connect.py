# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a module's options to a Swarm."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .driver import Swarm
from .engine import Connection, Engine
from .image_digests import Credentials


def connect(options: Mapping[str, Any], registries: Mapping[str, Mapping[str, str]]) -> Swarm:
    """The Swarm behind the engine that the options name."""
    names = Connection.__dataclass_fields__
    engine = Engine(
        Connection(**{name: options[name] for name in names if options.get(name) is not None})
    )
    return Swarm(
        engine,
        Credentials(registries, options.get("docker_config")),
        float(options.get("monitor") or 5.0),
    )
