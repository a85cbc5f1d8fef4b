# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a module's options to a Swarm."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..._deploy.ports import Platform
from .adoption import Adopter
from .diagnoser import Diagnoser
from .driver import Driver
from .engine import Connection, Engine
from .experiment_store import ExperimentStore
from .image_digests import EngineCredentials
from .preview import Preview
from .reader import Reader
from .router import RouterPlace
from .storage import Storage

NAME = "swarm"


def connect(options: Mapping[str, Any], registries: Mapping[str, Mapping[str, str]]) -> Platform:
    """Return the Swarm behind the engine that the options name."""
    names = Connection.__dataclass_fields__
    engine = Engine(
        Connection(**{name: options[name] for name in names if options.get(name) is not None})
    )
    credentials = EngineCredentials(registries, options.get("docker_config"))
    storage = Storage(engine)
    return Platform(
        NAME,
        reader=Reader(engine, credentials, float(options.get("monitor") or 5.0)),
        preview=Preview(engine, credentials),
        driver=Driver(engine, credentials),
        records=storage,
        leases=storage,
        diagnoser=Diagnoser(engine, credentials),
        adopter=Adopter(),
        router=RouterPlace(engine, credentials, storage),
        experiments=ExperimentStore(engine),
    )
