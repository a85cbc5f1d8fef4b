# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A connection to a port of a pod, through the API server.

The client's own port-forward sends no headers for impersonation, takes authorities as files only,
and has no timeout.
API: https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/ (portforward)
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from .cluster import Cluster, client_context, is_direct
from .cluster_access import CLIENT, Access

# The first byte of a message is its channel: the data of the first port, and its error.
_DATA, _ERROR = 0, 1
_PROTOCOL = "v4.channel.k8s.io"
_SHORTEST = 0.001


class PortForward:
    """A stream to one port of a pod; see control_channel.Stream."""

    def __init__(self, websocket: Any, lost: type[Exception]) -> None:
        self._websocket = websocket
        # Errors of the library, which are no OSError.
        self._lost = lost
        self._begun: set[int] = set()

    def sendall(self, data: bytes, /) -> None:
        """Send all bytes."""
        try:
            self._websocket.send_binary(bytes([_DATA]) + data)
        except self._lost as error:
            raise OSError(str(error)) from error

    def recv(self, size: int, /) -> bytes:
        """Return received bytes, of any number; none at the end of the stream."""
        while True:
            try:
                message = self._websocket.recv()
            except self._lost as error:
                raise OSError(str(error)) from error
            if not message:
                return b""
            data = self._data_of(message)
            if data:
                return data

    def settimeout(self, seconds: float | None, /) -> None:
        """Set the time that each call may take."""
        self._websocket.settimeout(seconds)

    def close(self) -> None:
        """Close the connection, without waiting for the server."""
        with contextlib.suppress(OSError, self._lost):
            self._websocket.shutdown()

    def _data_of(self, message: bytes) -> bytes:
        channel, content = message[0], message[1:]
        # The first message of each channel has the number of the port.
        if channel not in self._begun:
            self._begun.add(channel)
            return b""
        if channel == _ERROR and content:
            raise OSError(content.decode(errors="replace").strip())
        return content if channel == _DATA else b""


def dial(cluster: Cluster, pod: str, port: int) -> Callable[[float], PortForward]:
    """Return how to connect to a port of a pod, by a deadline of ``time.monotonic()``."""

    def connect(deadline: float) -> PortForward:
        try:
            import websocket
        except ImportError as error:
            raise CLIENT.unusable(error) from error

        access = cluster.access
        address = access.host.replace("http", "ws", 1)
        path = f"/api/v1/namespaces/{cluster.namespace}/pods/{pod}/portforward?ports={port}"
        token = access.authorization()
        headers = [f"{name}: {value}" for name, value in access.headers]
        secure = access.host.startswith("https:")
        client = websocket.WebSocket(
            skip_utf8_validation=True,
            sslopt=_trust(access) if secure else {},
        )
        proxy = urlsplit("" if is_direct(access) else access.proxy)
        try:
            client.connect(
                f"{address}{path}",
                header=[*headers, *([f"Authorization: {token}"] if token else [])],
                subprotocols=[_PROTOCOL],
                suppress_origin=True,
                timeout=max(deadline - time.monotonic(), _SHORTEST),
                http_proxy_host=proxy.hostname,
                http_proxy_port=proxy.port,
                # Its own reading of variables would use HTTPS_PROXY, which this platform does not.
                http_no_proxy=[] if proxy.hostname else ["*"],
            )
        except websocket.WebSocketException as error:
            raise OSError(_words(error)) from error
        return PortForward(client, websocket.WebSocketException)

    return connect


def _trust(access: Access) -> dict[str, Any]:
    # A kubeconfig's tls-server-name: the certificate need not be for the address.
    name = {"server_hostname": access.server_name} if access.server_name else {}
    return {"context": client_context(access), **name}


def _words(error: Exception) -> str:
    """Return the cause in one line, by the status of a failed handshake."""
    status = getattr(error, "status_code", None)
    if status == 403:
        return "the account may not get and create pods/portforward there"
    return f"the cluster answered with the status {status}" if status else str(error)
