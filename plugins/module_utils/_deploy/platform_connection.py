# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connect to the platform that the options of a module name."""

from __future__ import annotations

from collections.abc import Mapping

from .platform_definition import Options, Platforms
from .ports import Platform

# The names of AuthConfig in the engine's API, as its header X-Registry-Auth takes them.
_CREDENTIALS = {
    "username": "username",
    "password": "password",
    "identity_token": "identitytoken",
}


def connect(options: Options, platforms: Platforms) -> Platform:
    """Return the platform that the options name; only that one's code is loaded."""
    definition = platforms.definition(options["platform"])
    return definition.connect(options, registry_credentials(options))


def registry_credentials(options: Options) -> dict[str, dict[str, str]]:
    """Return ``registry_auths`` as the engine takes them, by registry."""
    return {
        entry["registry"]: {**_credentials(entry), "serveraddress": entry["registry"]}
        for entry in options.get("registry_auths") or ()
    }


def _credentials(entry: Mapping[str, str]) -> dict[str, str]:
    return {_CREDENTIALS[key]: entry[key] for key in _CREDENTIALS if entry.get(key)}
