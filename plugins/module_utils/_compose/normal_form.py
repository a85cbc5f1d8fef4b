# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An app as its Compose file describes it, in long syntax and one way to say each thing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Service = dict[str, Any]
Section = dict[str, dict[str, Any]]


@dataclass
class Compose:
    """An app in normal form, before anything is resolved against a platform."""

    services: Section
    networks: Section
    volumes: Section
    secrets: Section
    configs: Section
    notes: list[str] = field(default_factory=list)
