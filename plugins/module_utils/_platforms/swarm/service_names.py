# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The names of an app's services on a Swarm."""

from __future__ import annotations

from ..._core.content_ids import fit
from ..._deploy.naming import SERVICE_LIMIT


def service_name(app: str, service: str) -> str:
    """Return the Swarm's name of a service, as ``docker stack deploy`` makes it."""
    return fit(f"{app}_{service}", SERVICE_LIMIT)
