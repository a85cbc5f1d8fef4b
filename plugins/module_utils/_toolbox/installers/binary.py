# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One program, from a URL or a file."""

from __future__ import annotations

from .installer import (
    CONTENT_GROUPS,
    CONTENT_KEYS,
    Build,
    Installer,
    declared,
    place,
    sent_content,
)


def _install(build: Build) -> None:
    # Imported where it is used: most calls install nothing, and loading takes a workstation's time.
    from ..compressed_file import compression_of, decompress, read_head

    source = sent_content(build, "content")
    if not compression_of(read_head(source)):
        place(build, source, 0o755)
        return
    plain = build.sent("plain")
    decompress(source, plain, build.name)
    place(build, plain, 0o755)


INSTALLER = Installer(
    "binary",
    "One program in one file, as it is or compressed (gz, bz2, xz, zst).",
    CONTENT_KEYS,
    declared("sha256", "sha512"),
    _install,
    own_commands=True,
    together=CONTENT_GROUPS,
)
