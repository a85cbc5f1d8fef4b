# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An archive with one or more programs."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from ..delivery_errors import DeliveryError
from .installer import (
    CONTENT_GROUPS,
    CONTENT_KEYS,
    Build,
    EntryKey,
    Installer,
    declared,
    sent_content,
)

_NAMED = 3


def _install(build: Build) -> list[str]:
    # Imported where it is used: most calls install nothing, and the import takes time.
    from ..unpack import unpack

    unpacked = unpack(
        sent_content(build, "archive"),
        build.target,
        build.name,
        build.details.get("strip") or 0,
        drop_setid=build.details.get("setid") == "drop",
    )
    for pattern in build.details.get("executable") or ():
        _make_executable(build, pattern)
    notes = []
    if unpacked.setid:
        notes.append(f"setuid and setgid bits of {_listed(unpacked.setid)} were dropped")
    if not unpacked.has_executables:
        programs = sorted(_programs_without_bit(build))
        if programs:
            notes.append(
                f"{_listed(programs)} are not executable: the archive marks no file as executable,"
                " such as a zip from Windows. Name them under `executable` if a command of the tool"
                " runs them"
            )
    return notes


def _listed(paths: Iterable[str]) -> str:
    names = list(paths)
    rest = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + rest


def _make_executable(build: Build, pattern: str) -> None:
    from pathlib import Path

    # Links lead to files of the archive, which have their own paths.
    paths = [
        path
        for path in Path(build.target).glob(pattern)
        if path.is_file() and not path.is_symlink()
    ]
    if not paths:
        raise DeliveryError(
            f"the archive of {build.name} has no file {pattern}",
            "the catalog names it under executable",
            "Correct executable in the catalog, or strip",
        )
    for path in paths:
        path.chmod(0o755)


def _programs_without_bit(build: Build) -> Iterator[str]:
    """Yield files that begin as programs, and are neither executable nor commands."""
    from ..executables import needs_of

    commands = set(build.commands.values())
    for folder, _folders, names in os.walk(build.target):
        for name in names:
            path = os.path.join(folder, name)
            relative = os.path.relpath(path, build.target)
            if relative in commands or os.path.islink(path) or os.access(path, os.X_OK):
                continue
            if needs_of(path).interpreter:
                yield relative


INSTALLER = Installer(
    "archive",
    "Programs from a tar (plain, gz, bz2, xz, zst) or zip archive. An archive is rejected if it"
    " would write outside the tool's folder.",
    {
        **CONTENT_KEYS,
        "strip": EntryKey(
            "count",
            "The number of leading folders to leave out, as with `tar --strip-components`.",
            each_platform=True,
        ),
        "commands": EntryKey(
            "command_templates",
            "Paths in the archive by command, or a list of paths. They take `{version}`, `{os}` and"
            " `{arch}`, as `url` does.",
            required=True,
            each_platform=True,
        ),
        "executable": EntryKey(
            "globs",
            "Paths in the archive that are made executable in addition to the commands, such as"
            " `bin/*`."
            " For a zip that was made on Windows, which marks no file as executable.",
            each_platform=True,
        ),
        "setid": EntryKey(
            "setid",
            "`drop` unpacks an archive with setuid or setgid bits without them, and reports it. By"
            " default, such an archive is rejected.",
            each_platform=True,
        ),
    },
    declared("sha256", "sha512", "strip", "executable", "setid"),
    _install,
    together=CONTENT_GROUPS,
)
