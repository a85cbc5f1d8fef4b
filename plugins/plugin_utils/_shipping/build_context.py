# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read a build context from a folder, and pack what Docker sends of it."""

from __future__ import annotations

import hashlib
import os
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from ...module_utils._core.errors import ShippingError
from . import ignore_patterns
from .build_key import ContextEntry
from .shipping_file import ImageBuild


@dataclass(frozen=True)
class BuildContext:
    """A folder to build, what counts of it, and the text of its Dockerfile."""

    folder: str
    entries: tuple[ContextEntry, ...]
    dockerfile: str

    def pack(self, image: ImageBuild, time: int) -> IO[bytes]:
        """Return a tar of the context, with the times of the commit.

        As Docker's client, always with the Dockerfile and the ``.dockerignore``; the engine removes
        them from the context where they are ignored.
        """
        # The caller closes it, once it is sent.
        packed = tempfile.TemporaryFile()  # noqa: SIM115
        paths = {entry.path: entry for entry in self.entries}
        always = [
            path
            for path in (image.dockerfile, ignore_patterns.FILE_NAME)
            if os.path.isfile(os.path.join(self.folder, path))
        ]
        with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive:
            for path in sorted({*paths, *always}):
                _add(archive, self.folder, paths.get(path) or _entry(self.folder, path), time)
        packed.seek(0)
        return packed


def read_context(checkout: str, image: ImageBuild) -> BuildContext:
    """Return the context of an image in the files of a commit."""
    folder = os.path.normpath(os.path.join(os.path.realpath(checkout), image.context))
    # A link may lead to any folder of the controller.
    if not os.path.isdir(folder) or os.path.realpath(folder) != folder:
        raise ShippingError(
            f"the image {image.name} cannot be built",
            f"the commit has no folder {image.context}",
            "Correct context in shipping.yml",
        )
    dockerfile = _text_of(folder, image.dockerfile)
    if dockerfile is None:
        raise ShippingError(
            f"the image {image.name} cannot be built",
            f"{image.context} has no file {image.dockerfile}",
            "Add it, or correct dockerfile in shipping.yml",
        )
    ignored = _text_of(folder, ignore_patterns.FILE_NAME) or ""
    patterns = ignore_patterns.read_patterns(
        ignored, os.path.normpath(os.path.join(image.context, ignore_patterns.FILE_NAME))
    )
    kept = ignore_patterns.kept_paths(_paths(folder), patterns)
    return BuildContext(folder, tuple(_entry(folder, path) for path in kept), dockerfile)


def _text_of(folder: str, path: str) -> str | None:
    """Return the text of a file; None if it does not exist.

    A link does not count, since its target may be outside of the commit.
    """
    full = os.path.join(folder, path)
    if os.path.realpath(full) != os.path.join(os.path.realpath(folder), path):
        return None
    if not os.path.isfile(full):
        return None
    with open(full, encoding="utf-8", errors="surrogateescape") as file:
        return file.read()


def _paths(folder: str, below: str = "") -> Iterator[str]:
    """Yield the paths of folders and files, a folder before what is below it."""
    with os.scandir(os.path.join(folder, below)) as found:
        entries = sorted(found, key=lambda entry: entry.name)
    for entry in entries:
        path = f"{below}/{entry.name}" if below else entry.name
        yield path
        if entry.is_dir(follow_symlinks=False):
            yield from _paths(folder, path)


def _entry(folder: str, path: str) -> ContextEntry:
    full = os.path.join(folder, path)
    if os.path.islink(full):
        return ContextEntry(path, "link", content=os.readlink(full))
    if os.path.isdir(full):
        return ContextEntry(path, "folder")
    with open(full, "rb") as file:
        content = hashlib.file_digest(file, "sha256").hexdigest()
    return ContextEntry(path, "file", os.access(full, os.X_OK), content)


def _add(archive: tarfile.TarFile, folder: str, entry: ContextEntry, time: int) -> None:
    member = tarfile.TarInfo(entry.path)
    member.mtime = time
    # A checkout's modes depend on the umask; git itself only knows whether a file is executable.
    member.mode = 0o755 if entry.executable or entry.kind == "folder" else 0o644
    if entry.kind == "folder":
        member.type = tarfile.DIRTYPE
    elif entry.kind == "link":
        member.type, member.linkname, member.mode = tarfile.SYMTYPE, entry.content, 0o777
    if entry.kind != "file":
        archive.addfile(member)
        return
    full = os.path.join(folder, entry.path)
    member.size = os.path.getsize(full)
    with open(full, "rb") as file:
        archive.addfile(member, file)
