# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A connection to the runtime API of one replica of the router."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType

from .._core.errors import Denied, Unreachable, innermost, os_words
from .tls_stream import Stream, TlsStream

# In its interactive mode, the runtime API keeps a connection for many commands.
_PROMPT = b"\n> "
_INTERACTIVE = "prompt"
SERVER_NAME = "router.shipping"
"""The name in the certificate of all replicas."""
CONTROLLER_FILES = ("ca.pem", "client.pem")
"""The files of ClientIdentity in the folder of the controller's keys, in its order."""
_TIMEOUT_HINT = "Check that the router runs and that the controller reaches its control port"


@dataclass(frozen=True)
class ClientIdentity:
    """Paths of PEM files on the controller: the pinned CA, and the client's certificate and key.

    ``client`` has both. They are those of RouterPki.
    """

    ca: str
    client: str


class ControlChannel:
    """A connection that sends commands to one replica; a context manager."""

    def __init__(self, replica: str, stream: Stream, deadline: float) -> None:
        """Take a connected stream; ``deadline`` is of ``time.monotonic()``."""
        self.replica = replica
        self._stream = stream
        self._deadline = deadline
        self._is_interactive = False

    def __enter__(self) -> ControlChannel:
        """Return the channel."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the connection."""
        self.close()

    def extend(self, deadline: float) -> None:
        """Set another deadline, such as that of putting back what was changed."""
        self._deadline = deadline

    def send(self, commands: Sequence[str]) -> list[str]:
        """Return the answers in order; raise Unreachable if one is missing."""
        try:
            if not self._is_interactive:
                self._send(_INTERACTIVE)
                self._is_interactive = True
            return [self._send(command) for command in commands]
        except OSError as error:
            raise _unreachable(self.replica, os_words(error)) from error

    def close(self) -> None:
        """Close the connection."""
        self._stream.close()

    def _send(self, command: str) -> str:
        self._set_timeout()
        self._stream.sendall(f"{command}\n".encode())
        answer = b""
        while not answer.endswith(_PROMPT):
            self._set_timeout()
            received = self._stream.recv(65536)
            if not received:
                # An answer that has no end may be any part of one.
                raise _unreachable(self.replica, "it closed the connection without an answer")
            answer += received
        # A "+ " prompts for each line of a payload.
        return answer[: -len(_PROMPT)].decode(errors="replace").lstrip("+ ").strip("\n")

    def _set_timeout(self) -> None:
        seconds = self._deadline - time.monotonic()
        if seconds <= 0:
            raise _unreachable(self.replica, "it did not answer in time")
        self._stream.settimeout(seconds)


def connect_tls(
    replica: str,
    address: tuple[str, int],
    identity: ClientIdentity,
    deadline: float,
    dial: Callable[[float], Stream] | None = None,
) -> ControlChannel:
    """Connect to a replica's control port with mutual TLS; raise Unreachable or Denied.

    ``dial`` leads to the port where its address does not.
    """
    # Costs 20 ms, which only programs with a router need.
    import ssl

    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cafile=identity.ca)
        context.load_cert_chain(identity.client)
    except (ssl.SSLError, OSError) as error:
        raise Denied(
            f"the control port of router replica {replica} cannot be reached",
            f"the files of the controller's identity cannot be used ({innermost(error)})",
            "Check router_pki; set router_rotate to true to make it again",
        ) from error
    try:
        # One name for all replicas, whose addresses change.
        stream: Stream
        if dial:
            stream = TlsStream(dial(deadline), context, SERVER_NAME)
        else:
            stream = context.wrap_socket(_connected(address, deadline), server_hostname=SERVER_NAME)
        channel = ControlChannel(replica, stream, deadline)
        # With TLS 1.3 a rejected client certificate shows at the first byte that is read.
        channel.send(())
    except ssl.SSLError as error:
        raise _denied(replica, error) from error
    except OSError as error:
        raise _unreachable(replica, os_words(error)) from error
    except Unreachable as error:
        if isinstance(error.__cause__, ssl.SSLError):
            raise _denied(replica, error.__cause__) from error
        raise
    return channel


def connect_unix(replica: str, path: str, deadline: float) -> ControlChannel:
    """Connect to a unix socket of the runtime API."""
    stream = socket.socket(socket.AF_UNIX)
    try:
        stream.settimeout(max(deadline - time.monotonic(), 0.001))
        stream.connect(path)
    except OSError as error:
        stream.close()
        raise _unreachable(replica, os_words(error)) from error
    return ControlChannel(replica, stream, deadline)


def _connected(address: tuple[str, int], deadline: float) -> socket.socket:
    return socket.create_connection(address, max(deadline - time.monotonic(), 0.001))


def _unreachable(replica: str, cause: str) -> Unreachable:
    return Unreachable(f"router replica {replica} did not answer", cause, _TIMEOUT_HINT)


def _denied(replica: str, error: OSError) -> Denied:
    return Denied(
        f"router replica {replica} and this controller do not trust each other",
        os_words(error),
        "Use the router_pki that the router was installed with, or set router_rotate to true",
    )
