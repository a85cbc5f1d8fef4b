# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An archive with one or more programs."""

from __future__ import annotations

from .installer import CONTENT_KEYS, Build, Installer, Key, declared, verify


def _install(build: Build) -> None:
    # Imported where it is used: most calls install nothing, and loading takes a workstation's time.
    from ..unpack import unpack

    source = build.sent("archive")
    verify(source, build.details["sha256"], build.name)
    unpack(source, build.target, build.name, build.details.get("strip") or 0)


INSTALLER = Installer(
    "archive",
    "A tar (plain, gz, bz2, xz) or zip with programs. It is unpacked by rules of our own: nothing"
    " in it can be written elsewhere.",
    {
        **CONTENT_KEYS,
        "strip": Key(
            "count",
            "How many leading folders are left out, as `tar --strip-components` does.",
            each_platform=True,
        ),
        "commands": Key(
            "commands",
            "Paths in the archive by command, or a list of paths.",
            required=True,
            each_platform=True,
        ),
    },
    declared("sha256", "strip"),
    _install,
    together=(("url", "file"),),
)
