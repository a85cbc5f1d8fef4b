# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of a directory: DNs, filter values, machines and projects. Pure.

RFC 4514 (DNs), RFC 4515 (filters), RFC 4517 4.2.15 and 4.2.6 (how DNs and strings are compared).
"""

from __future__ import annotations

import re
import unicodedata
import uuid
from collections.abc import Iterator
from functools import lru_cache

_PLAIN = re.compile(r'[^\\"#+;]*')
_PAIR = re.compile(r"\\([0-9A-Fa-f]{2})|\\(.)", re.DOTALL)
_HOST = re.compile(
    r"(?=.{1,253}\Z)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*"
)
_UID_SUFFIX = re.compile(r"#'[01]*'B\Z")
_ESCAPED = {",": "\\,", "+": "\\+", "=": "\\=", "\\": "\\\\", ";": "\\;"}


@lru_cache(maxsize=200_000)
def dn_key(text: str) -> str:
    """The same for all spellings of one DN.

    Case, spaces around and within, escapes, the order in a multi-valued RDN.
    """
    if _PLAIN.fullmatch(text):
        return ",".join(_assertion(part) for part in text.split(","))
    return ",".join(
        "+".join(sorted(_assertion(part) for part in _split(rdn, "+")))
        for rdn in _split(text, ",;")
    )


def member_dn(text: str) -> str:
    """The DN in a Name And Optional UID (RFC 4517 3.3.21), as uniqueMember has it."""
    return _UID_SUFFIX.sub("", text)


def first_value(dn: str, attribute: str) -> str | None:
    """The value of an attribute in the first RDN of a DN, as written."""
    for part in _split(next(_split(dn, ",;")), "+"):
        name, _equals, value = part.partition("=")
        if name.strip().lower() == attribute.lower():
            return _unescaped(value)
    return None


def filter_value(value: str | bytes) -> str:
    """A value inside a filter (RFC 4515 3).

    What is no plain letter, digit or mark is given as hexadecimal octets.
    """
    raw = value.encode() if isinstance(value, str) else value
    return "".join(
        chr(octet) if 0x20 <= octet < 0x7F and chr(octet) not in "*()\\" else f"\\{octet:02x}"
        for octet in raw
    )


def any_of(attribute: str, values: list[str]) -> str:
    """A filter for entries with one of the values."""
    parts = "".join(f"({attribute}={filter_value(value)})" for value in values)
    return f"(|{parts})"


def identifier(attribute: str, raw: bytes) -> str:
    """A stable id as text: AD's objectGUID is 16 octets, little-endian in its first three fields (MS-DTYP 2.3.4.2)."""
    if attribute.lower() == "objectguid" and len(raw) == 16:
        return str(uuid.UUID(bytes_le=raw))
    return raw.decode("utf-8", "backslashreplace")


def machine_name(name: str, domain: str) -> str | None:
    """The lower-case FQDN; None for what cannot be a host's name."""
    full = name.strip().rstrip(".").lower()
    if domain and "." not in full:
        full = f"{full}.{domain.strip('.').lower()}"
    return full if _HOST.fullmatch(full) else None


def group_name(project: str) -> str:
    """The Ansible group of a project."""
    return "project_" + re.sub(r"[^A-Za-z0-9_]", "_", project)


def is_odd(project: str) -> bool:
    """Whether a project's name says something else than its group's name.

    A hyphen is common enough.
    """
    return group_name(project) != f"project_{project.replace('-', '_')}"


def relative_id(sid: bytes) -> int:
    """The last part of a SID (MS-DTYP 2.4.2.2), which primaryGroupID of a member holds."""
    return int.from_bytes(sid[-4:], "little")


@lru_cache(maxsize=200_000)
def _assertion(text: str) -> str:
    name, _equals, value = text.partition("=")
    content = _folded(_unescaped(value))
    return f"{_folded(name)}={''.join(_ESCAPED.get(letter, letter) for letter in content)}"


def _folded(text: str) -> str:
    """As servers compare it: letter by letter.

    RFC 4518 2 would take a sharp s for two letters, which none of them does.
    """
    if text.isascii():
        plain = text.lower()
    else:
        plain = unicodedata.normalize("NFKC", "".join(letter.lower()[0] for letter in text))
    return " ".join(part for part in plain.split(" ") if part)


def _split(text: str, separators: str) -> Iterator[str]:
    """Split where no backslash and no quotes (RFC 2253 4) protect the separator."""
    part, quoted, position = "", False, 0
    while position < len(text):
        letter = text[position]
        if letter == "\\":
            part += text[position : position + 2]
            position += 2
            continue
        quoted ^= letter == '"'
        if letter in separators and not quoted:
            yield part
            part = ""
        else:
            part += letter
        position += 1
    yield part


def _unescaped(text: str) -> str:
    text = text.strip()
    if text.endswith("\\") and (len(text) - len(text.rstrip("\\"))) % 2:
        text += " "  # It was escaped.
    if text.startswith("#") and re.fullmatch(r"#([0-9A-Fa-f]{2})+", text):
        return _from_ber(bytes.fromhex(text[1:])) or text
    if len(text) > 1 and text.startswith('"') and text.endswith('"') and not text.endswith('\\"'):
        text = text[1:-1]
    raw, position = b"", 0
    for match in _PAIR.finditer(text):
        raw += text[position : match.start()].encode() + (
            bytes.fromhex(match[1]) if match[1] else match[2].encode()
        )
        position = match.end()
    return (raw + text[position:].encode()).decode("utf-8", "backslashreplace")


def _from_ber(raw: bytes) -> str:
    """A string in BER, as ``#hex`` has it (RFC 4514 2.4).

    Nothing where it is not a short string.
    """
    strings = (0x04, 0x0C, 0x13, 0x16)
    if len(raw) < 2 or raw[0] not in strings or raw[1] != len(raw) - 2:
        return ""
    return raw[2:].decode("utf-8", "backslashreplace")
