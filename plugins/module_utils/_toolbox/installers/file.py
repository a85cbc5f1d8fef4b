# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A file that a project's tools read."""

from __future__ import annotations

from .installer import EntryKey, Installer, declared, put

INSTALLER = Installer(
    "file",
    "A file that tools read, such as a configuration. It is at `share/PROJECT/PATH` of the user's"
    " view; a tool of the type `env` can set a variable to its path.",
    {
        "file": EntryKey("path", "The file, below the folder of the catalog.", required=True),
        "path": EntryKey("path", "The path in the view; by default the tool's name."),
    },
    declared("sha256"),
    lambda build: put(build, 0o644),
    has_commands=False,
    needs_version=False,
)
