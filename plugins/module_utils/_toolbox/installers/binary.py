# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One program, from a URL or a file."""

from __future__ import annotations

from .installer import Installer, Key, declared, put

INSTALLER = Installer(
    "binary",
    "One program in one file.",
    {
        "url": Key("url", "Where the control machine gets it from.", each_platform=True),
        "file": Key(
            "path",
            "The file, below the folder of the catalogue, in place of `url`.",
            each_platform=True,
        ),
        "sha256": Key("sha256", "Its checksum.", required=True, each_platform=True, pins=True),
    },
    declared("sha256"),
    lambda build: put(build, 0o755),
    own_commands=True,
    together=(("url", "file"),),
)
