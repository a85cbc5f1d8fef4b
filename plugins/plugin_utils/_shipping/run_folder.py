# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make and remove the folder with the files of one run on the controller.

ansible.builtin.tempfile and file would each start a process for it, twice a run.
"""

from __future__ import annotations

import os
import shutil
import tempfile

from ...module_utils._core.errors import ShippingError, os_words

_PREFIX = "shipping-"


def make() -> str:
    """Return a new folder, which only the user of the run can read."""
    try:
        return tempfile.mkdtemp(prefix=_PREFIX)
    except OSError as error:
        raise ShippingError(
            "no temporary folder can be made", os_words(error), "Free space, or set TMPDIR"
        ) from error


def remove(folder: str) -> None:
    """Remove a folder that :func:`make` has made; one that does not exist is not an error."""
    # A wrong path must not cost other files.
    if not os.path.basename(folder).startswith(_PREFIX) or os.path.islink(folder):
        raise ShippingError(
            f"{folder} is not removed",
            "shipping.code.ship did not make it",
            "Name the folder that state read returned",
        )
    try:
        shutil.rmtree(folder)
    except FileNotFoundError:
        return
    except OSError as error:
        raise ShippingError(
            f"{folder} cannot be removed", os_words(error), "Remove it by hand"
        ) from error
