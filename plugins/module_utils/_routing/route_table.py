# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The routes of all apps as one table. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .routes import Route


@dataclass(frozen=True)
class RouteTable:
    """Routes of all apps, sorted by host and path."""

    routes: tuple[Route, ...]

    def services(self) -> tuple[tuple[str, str], ...]:
        """Return app and service of all routes, sorted, each once."""
        return tuple(sorted({(route.app, route.service) for route in self.routes}))


def joined_routes(routes: Iterable[Route]) -> RouteTable:
    """Return the table of routes.

    Raise SpecError with all conflicts: two apps or services on one host and path, one address that
    must and must not send the PROXY protocol, one host with two certificates. Each names both apps.
    """
    raise NotImplementedError


def matching_route(table: RouteTable, host: str, path: str) -> Route | None:
    """Return the route that the router takes for a request: that of the longest path prefix."""
    raise NotImplementedError
