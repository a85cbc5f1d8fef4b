# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tiny platform of the tests as the platforms' registry lists it."""

from __future__ import annotations

from ..._compose.support import Support
from ..._deploy.platform_definition import PlatformDefinition


def _load_support():
    return Support(
        platform="memory",
        keys={"image": "kept", "environment": "kept"},
        refused_keys={},
        object_keys={},
        refused_object_keys={},
        refused_values={},
        read_overlay=lambda value, reader: reader.problem("there is none"),
    )


def _connect(options, registries):
    from .platform import connect

    return connect(options)


MEMORY = PlatformDefinition(
    name="memory",
    title="memory",
    load_support=_load_support,
    connect=_connect,
    connection_options={"memory_place": {"type": "str", "default": "here"}},
)
