# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the control machine sends: one tar with the files of all objects that were missing."""

from __future__ import annotations

import os
import shutil
import tarfile

from .errors import Damaged
from .names import is_inside


class Bundle:
    """A tar of regular files called ``KEY/NAME``."""

    def __init__(self, path: str) -> None:
        self.path = path

    def extract(self, key: str, folder: str) -> None:
        """Put the files of one object into a folder of ours."""
        count = 0
        try:
            with tarfile.open(self.path, "r:") as content:
                for member in content:
                    first, _slash, name = member.name.partition("/")
                    if first == key:
                        _write(content, member, name, folder)
                        count += 1
        except tarfile.TarError as error:
            raise Damaged("what the control machine sent cannot be read", str(error), "Run again") from error
        if not count:
            raise Damaged("what the control machine sent is not complete", f"nothing is there for {key}", "Run again")


def _write(content: tarfile.TarFile, member: tarfile.TarInfo, name: str, folder: str) -> None:
    source = content.extractfile(member) if member.isreg() and is_inside(name) else None
    if source is None:
        raise Damaged("what the control machine sent is odd", f"{member.name!r} is no plain file", "Run again")
    path = os.path.join(folder, name)
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    with source, open(path, "xb") as file:
        shutil.copyfileobj(source, file)
