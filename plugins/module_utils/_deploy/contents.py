# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The contents of secrets and configs, and the words that must not be shown."""

from __future__ import annotations

from collections.abc import Mapping

from .._compose.model import Compose
from .._core.masking import words_of
from .intent import Intent
from .platform_connection import registry_credentials
from .platform_definition import Options
from .ports import Contents
from .run_request import RunRequest

_SECRET_CREDENTIALS = ("password", "identitytoken")


def read_contents(app: Compose, sent: Contents) -> Contents:
    """Return the bytes of secrets and configs: sent by the controller, or written in the spec."""
    return Contents(
        secrets=_section(app.secrets, sent.secrets), configs=_section(app.configs, sent.configs)
    )


def _section(
    declared: Mapping[str, Mapping[str, str]], sent: Mapping[str, bytes]
) -> dict[str, bytes]:
    inline = {
        name: entry["content"].encode() for name, entry in declared.items() if "content" in entry
    }
    return inline | {name: sent[name] for name in declared if name in sent}


def hidden_words(options: Options, request: RunRequest, intent: Intent) -> list[str]:
    """Return everything that must not be shown."""
    return words_of(
        [
            *intent.contents.secrets.values(),
            *request.hidden,
            *(str(value) for value in (options.get("secret_values") or {}).values()),
            *_credentials(options),
        ]
    )


def _credentials(options: Options) -> list[str]:
    result = [options["api_key"]] if options.get("api_key") else []
    for entry in registry_credentials(options).values():
        result += [entry[name] for name in _SECRET_CREDENTIALS if name in entry]
    return result
