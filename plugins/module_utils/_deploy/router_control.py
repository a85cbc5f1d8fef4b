# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connect to the router's replicas with the keys that only the control node has."""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from typing import Any

from .._core.errors import PlanError, ShippingError, Unreachable
from .._core.parallel import side_by_side
from .._routing.control_channel import (
    CONTROLLER_FILES,
    ClientIdentity,
    ControlChannel,
    connect_tls,
)
from .._routing.haproxy_configuration import Control
from .._routing.runtime_commands import SHOW_INFO, ReplicaInfo, replica_info
from .ports import ControlPoint, Platform, RouterPlace

# The app that the role ships, and its only service.
ROUTER = "router"
CONTROL_PORT = Control().port
# A label of the service, which restarts nothing: the largest number of replicas of a variant.
SERVERS_LABEL = "shipping.router.servers"
FEWEST_SERVERS = 10
# The same, for the number of variants with replicas of their own.
SLOTS_LABEL = "shipping.router.slots"
# A loaded API server closes some streams that it forwards.
_ATTEMPTS, _PAUSE = 3, 0.3


def place_of(platform: Platform) -> RouterPlace:
    """Return the place of the platform's router; raise PlanError where it has none."""
    if platform.router is None:
        raise PlanError(
            f"platform {platform.name} has no router",
            "routes are not supported on it yet",
            "Use a platform with a router, which the guide Route traffic lists",
        )
    return platform.router


@contextlib.contextmanager
def identity_files(pki: Mapping[str, str]) -> Iterator[ClientIdentity]:
    """Put the client's keys into files of this account alone, and remove them afterwards."""
    # ssl.SSLContext reads a key from a file only.
    with tempfile.TemporaryDirectory(prefix="shipping-router-") as folder:
        paths = [os.path.join(folder, name) for name in CONTROLLER_FILES]
        for path, name in zip(paths, CONTROLLER_FILES):
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as stream:
                stream.write(pki[name])
        yield ClientIdentity(*paths)


def control_points(place: RouterPlace, options: Mapping[str, Any]) -> tuple[ControlPoint, ...]:
    """Return where the replicas take commands; raise PlanError where none runs."""
    addresses = options.get("node_addresses") or {}
    points = place.control_points(ROUTER, ROUTER, CONTROL_PORT, addresses)
    if not points:
        raise PlanError(
            "the router cannot be reached",
            "none of its replicas runs",
            "Run the playbook shipping.code.router",
        )
    return points


def connect_to(
    point: ControlPoint, identity: ClientIdentity, deadline: float
) -> tuple[ControlChannel, ReplicaInfo]:
    """Connect to one replica, and check by its own answer, which is returned, that it is it.

    One that does not answer is tried again, since nothing has been changed yet.
    """
    for _number in range(_ATTEMPTS - 1):
        try:
            return _connect(point, identity, deadline)
        except Unreachable:
            if time.monotonic() + _PAUSE > deadline:
                raise
            time.sleep(_PAUSE)
    return _connect(point, identity, deadline)


def _connect(
    point: ControlPoint, identity: ClientIdentity, deadline: float
) -> tuple[ControlChannel, ReplicaInfo]:
    name = f"{point.replica} on node {point.node}"
    channel = connect_tls(name, (point.address, point.port), identity, deadline, point.dial)
    try:
        info = replica_info(channel.send([SHOW_INFO])[0])
        # A node gives a host port that was freed to the next task.
        if point.replica != info.name:
            raise ShippingError(
                f"router replica {name} cannot be controlled",
                f"at {point.address}:{point.port} {info.name or 'another program'} answers",
                "Run the task again",
            )
    except BaseException:
        channel.close()
        raise
    return channel, info


@contextlib.contextmanager
def all_channels(
    points: tuple[ControlPoint, ...], identity: ClientIdentity, seconds: float
) -> Iterator[list[ControlChannel]]:
    """Connect to all replicas, side by side; raise the first error, so that all or none are."""
    deadline = time.monotonic() + seconds
    opened: list[ControlChannel] = []

    def open_one(point: ControlPoint) -> ControlChannel:
        channel, _info = connect_to(point, identity, deadline)
        opened.append(channel)
        return channel

    try:
        yield side_by_side(open_one, points)
    finally:
        for channel in opened:
            channel.close()
