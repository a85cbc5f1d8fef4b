# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of a directory: DNs, filter values, hosts and projects. Pure.

RFC 4514 (DNs), RFC 4515 (filters), RFC 4517 4.2.15 and 4.2.6 (how DNs and strings are compared).

Why not ldap3.utils (2.9.1), which the tests hold against this:

- ``dn.parse_dn`` raises for DNs that servers send: an equals sign within a value (``cn=a=b``),
  which RFC 4514 allows, a value as ``#0403416461``, quotes and semicolons of RFC 2253, an escaped
  space at the end, an underscore in a type. It also leaves escapes as they are, so that two
  spellings of one DN stay two.
- ``conv.escape_filter_chars`` leaves white space as it is, and ldap3 strips what Python takes for
  white space, such as a no-break space, from both ends of a value when it parses the filter: the
  server gets another value. It also leaves control characters, and messages show filters.
"""

from __future__ import annotations

import re
import unicodedata
import uuid
from collections.abc import Iterator
from functools import lru_cache

# Nearly all DNs have none of these. Then every comma separates, and the short way is quicker.
_PLAIN = re.compile(r'[^\\"#+;]*')
_PAIR = re.compile(r"\\([0-9A-Fa-f]{2})|\\(.)", re.DOTALL)
_BER = re.compile(r"#([0-9A-Fa-f]{2})+")
_QUOTED = re.compile(r'".*(?<!\\)"', re.DOTALL)
# RFC 1123 2.1: labels of letters, digits and hyphens, of 63 at most; 253 in all.
_HOST = re.compile(
    r"(?=.{1,253}\Z)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*"
)
_UID_SUFFIX = re.compile(r"#'[01]*'B\Z")
_BER_STRINGS = (0x04, 0x0C, 0x13, 0x16)  # OCTET STRING, UTF8String, PrintableString, IA5String
_ESCAPED = {",": "\\,", "+": "\\+", "=": "\\=", "\\": "\\\\", ";": "\\;"}


@lru_cache(maxsize=200_000)
def dn_key(text: str) -> str:
    """Return a text that is the same for all spellings of one DN.

    Case, spaces around and within, escapes, the order in a multi-valued RDN.
    """
    if _PLAIN.fullmatch(text):
        return ",".join(_assertion(part) for part in text.split(","))
    return ",".join(
        "+".join(sorted(_assertion(part) for part in _split(rdn, "+")))
        # A semicolon may replace a comma (RFC 2253 4), as in LDAPv2.
        for rdn in _split(text, ",;")
    )


def member_dn(text: str) -> str:
    """Return the DN in a Name And Optional UID (RFC 4517 3.3.21), as uniqueMember has it."""
    return _UID_SUFFIX.sub("", text)


def first_value(dn: str, attribute: str) -> str | None:
    """Return the value of an attribute in the first RDN of a DN, as written."""
    for part in _split(next(_split(dn, ",;")), "+"):
        name, _equals, value = part.partition("=")
        if name.strip().lower() == attribute.lower():
            return _unescaped(value)
    return None


def filter_value(value: str | bytes) -> str:
    """Return a value escaped for a filter (RFC 4515 3), in printable ASCII only."""
    octets = value.encode() if isinstance(value, str) else value
    escaped = "".join(map(_filter_octet, octets))
    # ldap3 2.9.1 cuts blanks off both ends of a filter's value and searches for another one.
    inner = escaped.strip(" ")
    leading, _inner, trailing = escaped.partition(inner) if inner else (escaped, "", "")
    return leading.replace(" ", r"\20") + inner + trailing.replace(" ", r"\20")


def _filter_octet(octet: int) -> str:
    is_plain = 0x20 <= octet < 0x7F and chr(octet) not in "*()\\"
    return chr(octet) if is_plain else f"\\{octet:02x}"


def any_of(attribute: str, values: list[str]) -> str:
    """Return a filter for entries with one of the values."""
    parts = "".join(f"({attribute}={filter_value(value)})" for value in values)
    return f"(|{parts})"


def identifier(attribute: str, raw: bytes) -> str:
    """Return a stable id as text.

    AD's objectGUID is 16 octets, little-endian in its first three fields (MS-DTYP 2.3.4.2).
    """
    if attribute.lower() == "objectguid" and len(raw) == 16:
        return str(uuid.UUID(bytes_le=raw))
    return raw.decode("utf-8", "backslashreplace")


def host_name(name: str, domain: str) -> str | None:
    """Return the lower-case FQDN; None for what cannot be a host's name."""
    full = name.strip().rstrip(".").lower()
    if domain and "." not in full:
        full = f"{full}.{domain.strip('.').lower()}"
    return full if _HOST.fullmatch(full) else None


def group_name(project: str) -> str:
    """Return the Ansible group of a project."""
    return "project_" + re.sub(r"[^A-Za-z0-9_]", "_", project)


def is_odd(project: str) -> bool:
    """Return whether a project's name differs from its group's name.

    A hyphen is common enough.
    """
    return group_name(project) != f"project_{project.replace('-', '_')}"


def relative_id(sid: bytes) -> int:
    """Return the last part of a SID (MS-DTYP 2.4.2.2), which primaryGroupID of a member holds."""
    return int.from_bytes(sid[-4:], "little")


@lru_cache(maxsize=200_000)
def _assertion(text: str) -> str:
    name, _equals, value = text.partition("=")
    content = _folded(_unescaped(value))
    return f"{_folded(name)}={''.join(_ESCAPED.get(letter, letter) for letter in content)}"


def _folded(text: str) -> str:
    """Return a text as servers compare it: letter by letter.

    RFC 4518 2 would take a sharp s for two letters, which none of them does.
    """
    if text.isascii():
        plain = text.lower()
    else:
        # Only the first, because lower() makes two letters of a capital I with a dot.
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
    if _ends_with_escape(text):
        text += " "  # It was escaped, and strip() has taken it.
    if _BER.fullmatch(text):
        return _from_ber(bytes.fromhex(text[1:])) or text
    if _QUOTED.fullmatch(text):
        text = text[1:-1]
    octets, position = b"", 0
    for match in _PAIR.finditer(text):
        hexadecimal, letter = match.groups()
        octets += text[position : match.start()].encode()
        octets += bytes.fromhex(hexadecimal) if hexadecimal else letter.encode()
        position = match.end()
    return (octets + text[position:].encode()).decode("utf-8", "backslashreplace")


def _ends_with_escape(text: str) -> bool:
    """Return whether the text ends with a backslash that is not escaped itself."""
    return (len(text) - len(text.rstrip("\\"))) % 2 == 1


def _from_ber(raw: bytes) -> str:
    """Return the string in BER that ``#hex`` has (RFC 4514 2.4); empty where it is no short one."""
    # The short form of a length has one octet, up to 127 (X.690 8.1.3.4).
    if len(raw) < 2 or raw[0] not in _BER_STRINGS or raw[1] != len(raw) - 2:
        return ""
    return raw[2:].decode("utf-8", "backslashreplace")
