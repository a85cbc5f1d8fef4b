# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The platforms: the one place that lists them.

Each platform is one line below, an import statement, since Ansible sends a host only the modules
that it finds in such statements. A definition loads nothing of its platform before it is used.
"""

from __future__ import annotations

from .._compose.support import Support
from .._deploy.platform_definition import PlatformDefinition, Platforms
from .kubernetes.definition import KUBERNETES  # noqa: F401  # pylint: disable=unused-import
from .swarm.definition import SWARM

# By globals(), so that the import is the only line that a platform needs here.
_DEFINITIONS = [value for value in globals().values() if isinstance(value, PlatformDefinition)]

PLATFORMS = Platforms(sorted(_DEFINITIONS, key=lambda definition: definition is not SWARM))


def names() -> tuple[str, ...]:
    """Return the names of all platforms, the default one first."""
    return tuple(PLATFORMS.names)


def support(name: str) -> Support:
    """Return what a platform takes of a Compose file."""
    return PLATFORMS.support(name)
