# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Environment variables."""

from __future__ import annotations

from .installer import EntryKey, Installer, declared

INSTALLER = Installer(
    "env",
    "Environment variables, such as the address of a service. Do not store secrets in them.",
    {
        "variables": EntryKey(
            "variables",
            "Values by name. `{share}` stands for the folder of the project's files. Lists of"
            " folders such as `PYTHONPATH` and `XDG_DATA_DIRS` join those of other projects.",
            required=True,
        )
    },
    declared("variables"),
    lambda build: None,
    has_commands=False,
    needs_version=False,
    stored=False,
)
