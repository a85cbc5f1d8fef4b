# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Packages of the host's distribution, which all its users have."""

from __future__ import annotations

from .installer import EntryKey, Installer, declared

INSTALLER = Installer(
    "package",
    "Packages of the workstation's distribution, from its own repositories, by apt or dnf. They"
    " are for the whole host: all its users have them, and a rollback does not change them.",
    {
        "packages": EntryKey(
            "packages",
            "The packages by distribution. A distribution is the `ID` of its os-release, such as"
            " `debian`, `ID-VERSION_ID`, such as `debian-12`, or one of its `ID_LIKE`. The closest"
            " counts. Each package is a name, or has `name` and `version`, which may end in `*`.",
            required=True,
        )
    },
    declared("packages"),
    lambda build: None,
    stored=False,
)
