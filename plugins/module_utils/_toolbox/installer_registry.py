# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""List the installers of all types by name.

To add a type, write a file in ``installers`` and name it here, in the import and in the table. The
folder cannot be searched instead: AnsiballZ sends only those files with a module that it finds
imported by name.
"""

from __future__ import annotations

from .installers import (
    archive,
    binary,
    env,
    file,
    git,
    npm,
    package,
    python,
    script,
)
from .installers.installer import Installer

INSTALLERS: dict[str, Installer] = {
    module.INSTALLER.name: module.INSTALLER
    for module in (script, git, python, npm, package, archive, binary, env, file)
}
"""In the order in which messages, the JSON schema and the guide list them."""
