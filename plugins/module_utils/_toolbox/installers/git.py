# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of one commit."""

from __future__ import annotations

from .installer import Build, EntryKey, Installer, declared


def _install(build: Build) -> None:
    from ..unpack import unpack

    # Without a checksum: git has compared the content with the ID of the commit.
    unpack(build.sent("archive"), build.target, build.name)


INSTALLER = Installer(
    "git",
    "The files of one commit of a git repository, unchanged. The controller fetches them; the"
    " workstation needs no git. Submodules and files of Git LFS are rejected.",
    {
        "repository": EntryKey(
            "text",
            "The URL of the repository, or its path, as `git fetch` takes it.",
            required=True,
        ),
        "commit": EntryKey(
            "commit",
            "The full ID of the commit, which is its checksum.",
            required=True,
            pins=True,
        ),
        "tag": EntryKey(
            "text",
            "The tag that `shipping.code.lock` takes `commit` from. `{version}` stands for the"
            " tool's version.",
        ),
        "branch": EntryKey(
            "text",
            "The branch, in place of `tag`. A commit that is there stays until the next upgrade.",
        ),
        "commands": EntryKey(
            "commands", "Paths in the repository by command, or a list of paths.", required=True
        ),
    },
    declared("commit"),
    _install,
)
