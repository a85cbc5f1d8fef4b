# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server that misbehaves on demand, for what no real directory can be made to do.

RFC 4511, in BER.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

PAGED = "1.2.840.113556.1.4.319"


@dataclass(frozen=True)
class Asked:
    """A search request."""

    base: str
    scope: int
    attributes: tuple[str, ...]
    cookie: bytes | None


@dataclass(frozen=True)
class Answer:
    """What goes back; ``cut`` closes the connection after the entries."""

    entries: Sequence[tuple[str, Mapping[str, Sequence[str]]]] = ()
    code: int = 0
    message: str = ""
    cookie: bytes | None = None
    references: Sequence[str] = field(default=())
    cut: bool = False
    pause: float = 0
    """The seconds between two bytes."""


ROOT = Answer([("", {"supportedControl": [PAGED]})])


@dataclass
class Binds:
    """How a server answers binds, and how many there were."""

    code: int = 0
    count: int = 0


@contextlib.contextmanager
def serving(answer: Callable[[Asked], Answer], binds: Binds | None = None) -> Iterator[str]:
    """The URI of a server that answers so."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(
            target=_accept, args=(server, answer, binds or Binds()), daemon=True
        ).start()
        yield f"ldap://127.0.0.1:{server.getsockname()[1]}"


def _accept(server: socket.socket, answer: Callable[[Asked], Answer], binds: Binds) -> None:
    with contextlib.suppress(OSError):
        while True:
            client, _address = server.accept()
            threading.Thread(target=_serve, args=(client, answer, binds), daemon=True).start()


def _serve(client: socket.socket, answer: Callable[[Asked], Answer], binds: Binds) -> None:
    with client, client.makefile("rb") as file, contextlib.suppress(OSError):
        while message := _message(file):
            number, operation, *controls = _parts(message)
            if operation[0] == 0x60:
                binds.count += 1
                client.sendall(_wrapped(number[1], _result(0x61, binds.code, "")))
            elif operation[0] == 0x63:
                asked = _asked(operation[1], controls)
                given = ROOT if asked.base == "" and asked.scope == 0 else answer(asked)
                _send(client, b"".join(_answered(number[1], given)), given.pause)
                if given.cut:
                    return
            else:
                return


def _send(client: socket.socket, content: bytes, pause: float) -> None:
    if not pause:
        client.sendall(content)
        return
    for octet in content:
        client.sendall(bytes([octet]))
        time.sleep(pause)


def _answered(number: bytes, given: Answer) -> Iterator[bytes]:
    for dn, attributes in given.entries:
        held = b"".join(
            _tlv(0x30, _text(name), _tlv(0x31, *map(_text, values)))
            for name, values in attributes.items()
        )
        yield _wrapped(number, _tlv(0x64, _text(dn), _tlv(0x30, held)))
    for uri in given.references:
        yield _wrapped(number, _tlv(0x73, _text(uri)))
    if given.cut:
        return
    control = b""
    if given.cookie is not None:
        value = _tlv(0x30, _tlv(0x02, b"\0"), _tlv(0x04, given.cookie))
        control = _tlv(0xA0, _tlv(0x30, _text(PAGED), _tlv(0x04, value)))
    yield _wrapped(number, _result(0x65, given.code, given.message), control)


def _asked(content: bytes, controls: list[tuple[int, bytes]]) -> Asked:
    base, scope, _deref, _size, _time, _types, _filter, attributes = _parts(content)
    cookie = None
    for _tag, held in _parts(controls[0][1]) if controls else ():
        control = _parts(held)
        if control[0][1].decode() == PAGED:
            cookie = _parts(_parts(control[-1][1])[0][1])[1][1]
    return Asked(
        base[1].decode(),
        scope[1][0],
        tuple(name.decode() for _tag, name in _parts(attributes[1])),
        cookie,
    )


def _message(file: object) -> bytes:
    head = file.read(2)  # type: ignore[attr-defined]
    if len(head) < 2:
        return b""
    length = head[1]
    if length & 0x80:
        length = int.from_bytes(file.read(length & 0x7F), "big")  # type: ignore[attr-defined]
    return bytes(file.read(length))  # type: ignore[attr-defined]


def _parts(content: bytes) -> list[tuple[int, bytes]]:
    found, position = [], 0
    while position < len(content):
        tag, length, position = content[position], content[position + 1], position + 2
        if length & 0x80:
            octets = length & 0x7F
            length, position = (
                int.from_bytes(content[position : position + octets], "big"),
                position + octets,
            )
        found.append((tag, content[position : position + length]))
        position += length
    return found


def _tlv(tag: int, *parts: bytes) -> bytes:
    content = b"".join(parts)
    length = len(content)
    if length < 0x80:
        return bytes([tag, length]) + content
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(octets)]) + octets + content


def _text(value: str) -> bytes:
    return _tlv(0x04, value.encode())


def _wrapped(number: bytes, *parts: bytes) -> bytes:
    return _tlv(0x30, _tlv(0x02, number), *parts)


def _result(tag: int, code: int, message: str) -> bytes:
    return _tlv(tag, _tlv(0x0A, bytes([code])), _text(""), _text(message))
