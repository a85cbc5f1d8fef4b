# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds of tools by name. A new kind is a file here and a line below."""

from __future__ import annotations

from . import (
    archive,
    binary,
    env,
    file,
    git,
    python,
    script,
)
from .installer import Kind

KINDS: dict[str, Kind] = {
    module.KIND.name: module.KIND for module in (script, git, python, archive, binary, env, file)
}
