# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the version of a Python by its path. Pure, except that it reads links."""

from __future__ import annotations

import os
import re


def version_behind(python: str, otherwise: str) -> str:
    """Return ``3.11`` of /usr/bin/python3, which is a link to python3.11.

    To run it would take longer than the rest of a call.
    """
    name = os.path.basename(os.path.realpath(python))
    # RHEL 8 has its own Python as /usr/libexec/platform-python alone, a link to platform-python3.6.
    version = name.replace("python", "").replace("platform-", "")
    return version if re.fullmatch(r"3\.\d+", version) else otherwise
