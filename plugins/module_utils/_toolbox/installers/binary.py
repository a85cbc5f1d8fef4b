# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One program, from a URL or a file."""

from __future__ import annotations

from .installer import CONTENT_KEYS, Installer, declared, put

INSTALLER = Installer(
    "binary",
    "One program in one file.",
    CONTENT_KEYS,
    declared("sha256"),
    lambda build: put(build, 0o755),
    own_commands=True,
    together=(("url", "file"),),
)
