# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read a bundle: one tar from the controller, with the files of all objects that are missing."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
from typing import TYPE_CHECKING

from .checked_names import is_inside
from .delivery_errors import Damaged
from .installers.installer import sha256_of

if TYPE_CHECKING:
    import tarfile

    Members = dict[str, list[tarfile.TarInfo]]


class Bundle:
    """A tar of regular files called ``KEY/NAME``, at a path or as it is.

    Its members are listed once.
    """

    def __init__(self, source: str | bytes = "") -> None:
        self.source = source
        self._members: Members | None = None

    def __bool__(self) -> bool:
        """Return whether anything was sent."""
        return bool(self.source)

    def verify(self, sha256: str) -> None:
        """Raise Damaged if its checksum is not the one that the controller computed."""
        actual = (
            hashlib.sha256(self.source).hexdigest()
            if isinstance(self.source, bytes)
            else sha256_of(self.source)
        )
        if actual != sha256:
            raise Damaged(
                "the bundle is damaged",
                "its checksum differs from the controller's",
                "Run again",
            )

    def extract(self, key: str, folder: str) -> None:
        """Extract the files of one object to a folder that only root can enter."""
        # Imported where it is used: most calls install nothing, and the import takes time.
        import tarfile

        try:
            with self._open() as content:
                members = self._of(content).get(key)
                for member in members or ():
                    _write(content, member, folder)
        except (tarfile.TarError, EOFError) as error:
            raise Damaged("the bundle cannot be read", str(error), "Run again") from error
        if not members:
            raise Damaged(
                "the bundle is not complete",
                f"it has no files of {key}",
                "Run again",
            )

    def _open(self) -> tarfile.TarFile:
        import tarfile

        # r: is a tar without compression, as BundleWriter writes it. Only that is read here.
        if isinstance(self.source, bytes):
            return tarfile.open(fileobj=io.BytesIO(self.source), mode="r:")
        return tarfile.open(self.source, "r:")

    def _of(self, content: tarfile.TarFile) -> Members:
        # Listed once: a search for each object would cost the square of their number, and hundreds
        # of tools are delivered in a second.
        if self._members is None:
            self._members = {}
            for member in content:
                self._members.setdefault(member.name.partition("/")[0], []).append(member)
        return self._members


def _write(content: tarfile.TarFile, member: tarfile.TarInfo, folder: str) -> None:
    name = member.name.partition("/")[2]
    source = content.extractfile(member) if member.isreg() and is_inside(name) else None
    if source is None:
        raise Damaged(
            "the bundle is rejected", f"{member.name!r} is not a regular file", "Run again"
        )
    path = os.path.join(folder, name)
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    with source, open(path, "xb") as file:
        shutil.copyfileobj(source, file)
