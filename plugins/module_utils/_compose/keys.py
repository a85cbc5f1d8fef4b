# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sets of keys of a Compose file that are the same on every platform."""

from __future__ import annotations

from collections.abc import Mapping

# The same file serves `docker compose up` on a workstation, so these keys are allowed.
# Keys that concern only local work: ignored, and noted in one line.
LOCAL_KEYS = frozenset(
    {"attach", "build", "container_name", "develop", "pull_policy", "pull_refresh_after"}
)

# What to write instead of a key that no platform honors so far.
NOT_YET = "not supported yet; leave it out"


def below(section: str, table: Mapping[str, str]) -> dict[str, str]:
    """Return the entries of ``table`` below ``section``, without that prefix."""
    prefix = f"{section}."
    return {path[len(prefix) :]: value for path, value in table.items() if path.startswith(prefix)}
