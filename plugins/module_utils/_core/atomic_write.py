# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Replace a file so that a reader gets the old one or the new one, never a part.

Files below a toolbox have a function of their own, :mod:`.._toolbox.atomic_files`: one process
alone writes there as root, and the next run reuses the file that an interrupted one leaves.
"""

from __future__ import annotations

import contextlib
import os
import tempfile


def write_atomically(
    path: str, content: bytes, mode: int = 0o600, *, lasting: bool = False
) -> None:
    """Replace a file by one rename; raise OSError and leave no other file if that fails.

    It replaces a link, not the link's target. A ``lasting`` file outlives a power cut.
    """
    folder, name = os.path.split(path)
    folder = folder or "."
    handle, temporary = tempfile.mkstemp(prefix=f".{name}-", dir=folder)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            # mkstemp() gives 0600, and fchmod() does not heed the umask.
            os.fchmod(handle, mode)
            if lasting:
                file.flush()
                os.fsync(handle)
        os.replace(temporary, path)
        if lasting:
            _sync_folder(folder)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def _sync_folder(folder: str) -> None:
    """Let a rename outlive a power cut."""
    # A rename is in the folder, which fsync() of the file does not write (fsync(2)).
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
