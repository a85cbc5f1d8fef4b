# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copy a checkout: the files that git tracks or would add, as they are on the disk."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def files_of(checkout: Path) -> list[str]:
    """Return the files and links that git tracks or would add and that exist.

    Raises CalledProcessError where git does not work.
    """
    words = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(words, cwd=checkout, check=True, capture_output=True, text=True).stdout
    # A file that was deleted and not committed is still listed; one in a conflict, three times.
    return [name for name in dict.fromkeys(listed.split("\0")) if name and _exists(checkout / name)]


def _exists(path: Path) -> bool:
    return path.is_file() or path.is_symlink()


def copy_checkout(target: Path, source: Path = ROOT, *, with_links: bool) -> None:
    """Copy a checkout into a folder.

    ``with_links``: what runs plays in the copy needs the link in ``.collections`` by which Ansible
    finds the collection. To what walks through all folders, such as ``ansible-galaxy collection
    build``, this link is an endless folder.
    """
    for name in files_of(source):
        if with_links or not (source / name).is_symlink():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source / name, target / name, follow_symlinks=False)
