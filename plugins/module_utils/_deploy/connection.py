# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connect to the platform that the options of a module name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .ports import Platform

Options = Mapping[str, Any]
_CREDENTIALS = {
    "username": "username",
    "password": "password",
    "identity_token": "identitytoken",
}


def connect(options: Options) -> Platform:
    """Return the platform that the options name; only that one's code is loaded."""
    if options["platform"] == "kubernetes":
        from .._platforms.kubernetes.connect import connect as to_kubernetes

        return to_kubernetes(options, registry_credentials(options))
    from .._platforms.swarm.connect import connect as to_swarm

    return to_swarm(options, registry_credentials(options))


def registry_credentials(options: Options) -> dict[str, dict[str, str]]:
    """Return ``registry_auths`` as the engine takes them, by registry."""
    return {
        entry["registry"]: {**_credentials(entry), "serveraddress": entry["registry"]}
        for entry in options.get("registry_auths") or ()
    }


def _credentials(entry: Mapping[str, str]) -> dict[str, str]:
    return {_CREDENTIALS[key]: entry[key] for key in _CREDENTIALS if entry.get(key)}
