# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Request headers that the router sets for a variant: how they are read and encoded. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from itertools import chain
from urllib.parse import quote, unquote

from .._core.parsing import SpecReader, kind_of

Headers = tuple[tuple[str, str], ...]
"""Names in small letters with their values, sorted."""

MOST_HEADERS = 16
LONGEST_VALUE = 256
# Of one variant in the form of `encoded`: more would not fit into the router's buffers.
MOST_OCTETS = 4096
# Of tokens (RFC 9110 section 5.6.2) those that need no encoding in an entry of a map.
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
# RFC 9110 section 5.5, without the characters beyond ASCII that it calls obsolete.
_VALUE = re.compile(r"[!-~]([ -~]*[!-~])?")
# What a connection, a body or the router itself depends on.
_RESERVED = frozenset(
    (
        *("connection", "content-encoding", "content-length", "content-type", "cookie", "expect"),
        *("forwarded", "host", "keep-alive", "trailer", "transfer-encoding", "upgrade"),
    )
)
_RESERVED_BEGINNINGS = ("proxy-", "sec-", "x-forwarded-", "x-shipping-")


def read_headers(value: object, reader: SpecReader) -> object:
    """Read ``request_headers`` of a variant: a mapping of names to values."""
    if not isinstance(value, dict) or not value:
        return reader.problem(f"must be a mapping of headers to values, not {kind_of(value)}")
    if len(value) > MOST_HEADERS:
        return reader.problem(f"has {len(value)} headers; write at most {MOST_HEADERS}")
    result: dict[str, str] = {}
    for name, item in value.items():
        lower = str(name).lower()
        if lower in result:
            reader.at(name).problem(f"{lower} is listed twice; write it once")
        _check_name(name, lower, reader.at(name))
        result[lower] = _value(item, reader.at(name))
    return dict(sorted(result.items()))


def _check_name(name: object, lower: str, reader: SpecReader) -> None:
    if not isinstance(name, str) or not _NAME.fullmatch(lower):
        reader.problem(f"{name!r} is not the name of a header; use letters, digits, '-' and '_'")
    elif lower in _RESERVED or lower.startswith(_RESERVED_BEGINNINGS):
        reader.problem("has a meaning for connections or the router; write another header")


def _value(value: object, reader: SpecReader) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        reader.problem(f"must be a text or a number, not {kind_of(value)}")
        return ""
    text = str(value)
    if len(text) > LONGEST_VALUE or not _VALUE.fullmatch(text):
        reader.problem(
            f"must have 1 to {LONGEST_VALUE} printable ASCII characters, without a blank at its"
            f" ends, not {value!r}"
        )
    return text


def names_of(variants: Iterable[Headers]) -> list[str]:
    """Return the names of the headers of all variants of a service, sorted."""
    return sorted({name for name, _value in chain.from_iterable(variants)})


def encoded(headers: Headers, names: Iterable[str]) -> str:
    """Return headers as one word: ``x-button=buy%20now&x-size``.

    Those of ``names`` without a value are deleted from requests, so that no client sets them.
    """
    values = dict(headers)
    return "&".join(
        f"{name}={quote(values[name], safe='')}" if name in values else name for name in names
    )


def decoded(text: str) -> Headers:
    """Return the headers with values of :func:`encoded`."""
    pairs = (item.partition("=") for item in text.split("&"))
    return tuple((name, unquote(value)) for name, sign, value in pairs if sign)


def of_mapping(headers: Mapping[str, str]) -> Headers:
    """Return headers of a mapping in their one form."""
    return tuple(sorted((str(name), str(value)) for name, value in headers.items()))
