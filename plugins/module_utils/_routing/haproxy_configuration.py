# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The configuration of HAProxy as a pure function of the table of routes.

Each route has ``1 + slots`` prepared backends. The network name of the replicas of a slot is
prepared, too, and resolves once a variant is in the slot. So variants and weights change maps only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from .route_table import RouteTable

SlotName = Callable[[str, str, int], str]
"""(app, service, slot) -> DNS name whose A records are the replicas of the variant in the slot.

Slot 0 is ``stable``. Swarm: slot 0 ``tasks.<app>_<service>``; slot N ``tasks.<alias>``, where the
variant's service has the full alias ``<app>_<service>-slot<N>`` on the network shipping-router.
Kubernetes: a headless Service of each slot.
"""


@dataclass(frozen=True)
class RouterPaths:
    """Where the router finds its files inside of its container."""

    configuration: str = "/usr/local/etc/haproxy"
    """Folder of the files of RouterFiles."""
    secrets: str = "/run/secrets"
    """Folder of certificates (one PEM file for a secret of a route) and of the keys below."""
    state: str = "/var/lib/haproxy"
    """Folder that the router writes to: state of servers, newest tables. A volume keeps it."""
    socket: str = "/var/run/haproxy"
    """Folder of the unix socket of the runtime API."""


@dataclass(frozen=True)
class Control:
    """How controllers reach the runtime API.

    ``port`` of ``mutual_tls``: a listener that demands a client certificate. Without it the runtime
    API listens on the loopback of the pod at that port, in plain text, for port-forwards.
    Secrets of mutual TLS in ``RouterPaths.secrets``: ``router-server.pem`` (certificate and key),
    ``router-ca.pem``.
    """

    port: int = 9443
    mutual_tls: bool = True


@dataclass(frozen=True)
class RouterSettings:
    """What the configuration depends on besides the routes; equal on all replicas.

    ``resolver`` is ``address:port`` of the DNS server. ``servers`` is the largest number of
    replicas of a variant. ``bots``: words in the User-Agent of clients that get ``stable``.
    ``extra``: raw lines of HAProxy's configuration, at the end. Optional secrets as files in
    ``RouterPaths.secrets``: ``router-tester-key`` (one line; testers send it in a header),
    ``router-exposure-key`` (a map file with the line ``key <base64>``).
    """

    slot_name: SlotName
    resolver: str = "127.0.0.11:53"
    http_port: int = 80
    https_port: int = 443
    metrics_port: int = 8404
    slots: int = 4
    servers: int = 20
    control: Control = Control()
    paths: RouterPaths = RouterPaths()
    bots: tuple[str, ...] = ()
    tester_key: bool = False
    extra: tuple[str, ...] = ()
    is_peer_sync_on: bool = True


@dataclass(frozen=True)
class RouterFiles:
    """The files of a router: name below ``RouterPaths.configuration`` -> content.

    ``secrets`` are the names of the certificates' secrets that must be mounted.
    The main file is ``haproxy.cfg``; tables of revision 0 are ``table-<app>_<service>.map``.
    """

    files: Mapping[str, str]
    secrets: tuple[str, ...] = field(default=())

    def content_name(self) -> str:
        """Return a short hash of all files: same routes and settings, same name."""
        raise NotImplementedError


def router_files(table: RouteTable, settings: RouterSettings) -> RouterFiles:
    """Return the files of a router; same routes and settings, same bytes."""
    raise NotImplementedError


def map_path(app: str, service: str, paths: RouterPaths) -> str:
    """Return the name of a service's map in the runtime API."""
    raise NotImplementedError
