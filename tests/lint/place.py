# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A copy of the collection, where its tools expect a collection to be."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path


class CheckFailed(Exception):
    """A check found something; the text is what."""


class CheckSkipped(Exception):
    """A check could not be made; the text is why."""


class CollectionCopy:
    """A copy for one check, below a temporary folder."""

    def __init__(self, top: Path, source: Path) -> None:
        self.top = top
        self.collection = top / "ansible_collections" / "shipping" / "code"
        shutil.copytree(source, self.collection, symlinks=True)
        self.files = sorted(
            path.relative_to(self.collection)
            for path in self.collection.rglob("*")
            if path.is_file()
        )

    def run(self, *command: str | Path, **environment: str | Path) -> str:
        """Run a command in the collection; what it prints is returned, or is the failure."""
        settings = {
            "ANSIBLE_COLLECTIONS_PATH": self.top,
            "ANSIBLE_NOCOLOR": "1",
            "LC_ALL": "C.UTF-8",
            "MYPYPATH": f"{self.top}:{self.collection}",
            "NO_COLOR": "1",
            **environment,
        }
        done = subprocess.run(
            [str(word) for word in command],
            cwd=self.collection,
            env=os.environ | {name: str(value) for name, value in settings.items()},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        # Some tools make copies of their own, where you would not look for the file.
        output = re.sub(r"[^\s'\"]*/ansible_collections/shipping/code/", "", done.stdout)
        if done.returncode:
            raise CheckFailed(output.strip() or f"{command[0]} ended with {done.returncode}")
        return output
