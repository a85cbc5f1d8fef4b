# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The installers of all types of tools by name.

A new type is a file in ``installers`` and its name here, in the import and in the table. The
folder cannot be searched in place of that: AnsiballZ sends a module with those files alone that it
finds imported by name.
"""

from __future__ import annotations

from .installers import (
    archive,
    binary,
    env,
    file,
    git,
    npm,
    python,
    script,
)
from .installers.installer import Installer

INSTALLERS: dict[str, Installer] = {
    module.INSTALLER.name: module.INSTALLER
    for module in (script, git, python, npm, archive, binary, env, file)
}
"""In the order in which messages, the JSON schema and the guide list them."""
