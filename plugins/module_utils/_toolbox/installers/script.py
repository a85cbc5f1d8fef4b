# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A script beside the catalog."""

from __future__ import annotations

from .installer import EntryKey, Installer, declared, put

INSTALLER = Installer(
    "script",
    "A file beside the catalog that runs unchanged. Its first line names the interpreter.",
    {"file": EntryKey("path", "The file, below the folder of the catalog.", required=True)},
    declared("sha256"),
    lambda build: put(build, 0o755),
    own_commands=True,
)
