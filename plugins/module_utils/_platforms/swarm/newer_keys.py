# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find keys that only newer engines have, and that an older one drops silently. Pure.

Versions: the API's CHANGELOG.md, and adjustForAPIVersion in daemon/server/router/swarm/helpers.go,
of moby at Docker 29. Two reached services later than the API: Docker 25.0.0 and 26.0 take
StartInterval and Subpath, and no container of a service gets them (moby pull requests 47163 and
47711).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..._core.errors import Problem
from ..._core.version_numbers import dotted
from ..._deploy.resolution import Resolved
from .spec_fields import FIELDS, get

Version = tuple[int, ...]


@dataclass(frozen=True)
class Since:
    """The first API, and the first Docker Engine, that has a key."""

    api: Version
    engine: Version


_SECURITY = Since((1, 44), (25, 0))
_SWAP = Since((1, 52), (29, 0))
_SUBPATH = Since((1, 45), (26, 1))
# Key of a service in normal form -> since when.
SINCE: dict[str, Since] = {
    "healthcheck.start_interval": Since((1, 44), (25, 0, 1)),
    "security_opt.no_new_privileges": _SECURITY,
    "security_opt.seccomp": _SECURITY,
    "security_opt.apparmor": _SECURITY,
    "oom_score_adj": Since((1, 46), (27, 0)),
    "swap_limit": _SWAP,
    "mem_swappiness": _SWAP,
}
# Keys that the file calls otherwise.
_WRITTEN = {"swap_limit": "memswap_limit"}
_DEFAULTS = {entry.key: entry.default for entry in FIELDS}


def problems(resolved: Resolved, api: Version, engine: Version) -> Iterator[Problem]:
    """Yield what the engine would ignore; ``engine`` is empty if its version is not known."""
    have = f"API {dotted(api)}"
    if engine:
        have = f"{have} (Docker {dotted(engine)})"
    for name, service in resolved.services.items():
        for key, since in _newer(service):
            if api < since.api or _is_too_early(engine, since.engine):
                yield Problem(
                    f"services.{name}.{key}",
                    f"needs engine API {dotted(since.api)} (Docker {dotted(since.engine)}), and"
                    f" this engine, which speaks {have}, would ignore it; leave it out, or upgrade"
                    " the engines of all nodes",
                )


def _is_too_early(engine: Version, first: Version) -> bool:
    # Of one major version only: an engine that others have built may be numbered otherwise, such as
    # moby's module 2.0 of Docker 29.
    return engine[:1] == first[:1] and engine < first


def _newer(service: Mapping[str, Any]) -> Iterator[tuple[str, Since]]:
    for key, since in SINCE.items():
        value = get(service, key)
        # What is so anyway may be dropped.
        if value is not None and value != _DEFAULTS.get(key):
            yield _WRITTEN.get(key, key), since
    for index, mount in enumerate(service.get("volumes", [])):
        if "subpath" in mount.get("volume", {}):
            yield f"volumes[{index}].volume.subpath", _SUBPATH
