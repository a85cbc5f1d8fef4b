# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The answers of registries, their token services and OAuth 2 servers. Pure.

Errors: https://github.com/opencontainers/distribution-spec/blob/main/spec.md#error-codes
Challenges: https://www.rfc-editor.org/rfc/rfc9110#section-11.6.1
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from .._core.image_references import is_image_id

DENIED, MISSING, UNREACHABLE = "image_denied", "image_missing", "registry_unreachable"
# Characters: a message of a registry is a part of one line that a user reads.
_SHOWN = 300
_CHALLENGE = re.compile(
    r"[\s,]*([\w!#$%&'*+.^`|~-]+)(?:\s*=\s*(\"(?:[^\"\\]|\\.)*\"|[^\s,\"]+))?", re.ASCII
)


class Rejection(Exception):
    """The reason why there is no digest."""

    def __init__(self, kind: str, why: str = "") -> None:
        self.kind, self.why = kind, why
        super().__init__(kind)


class NoAnswer(Rejection):
    """There was no answer, or none that can be used."""

    def __init__(self, why: str) -> None:
        super().__init__(UNREACHABLE, why)


class TooLate(NoAnswer):
    """There was no answer within the time that is allowed."""


@dataclass(frozen=True)
class HttpAnswer:
    """The answer from ``url``."""

    url: str
    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(default=b"", repr=False)


def challenges(header: str) -> dict[str, dict[str, str]]:
    """Return the parameters of each scheme in ``WWW-Authenticate``, names in lower case."""
    parameters: dict[str, dict[str, str]] = {}
    current: dict[str, str] = {}
    for name, value in _CHALLENGE.findall(header):
        if not value:
            current = parameters.setdefault(name.lower(), {})
        elif value.startswith('"'):
            current[name.lower()] = re.sub(r"\\(.)", r"\1", value[1:-1])
        else:
            current[name.lower()] = value
    return parameters


def rejection(answer: HttpAnswer) -> Rejection:
    """Return what an error answer means; its codes say more than its status."""
    codes = {code.upper() for code, _text in _errors_in(answer.body)}
    # Registries differ: some answer 404 to a client without a login, some 403 to one that requests
    # what does not exist.
    denied = answer.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN) or codes & {
        "DENIED",
        "UNAUTHORIZED",
    }
    unknown = codes & {"MANIFEST_UNKNOWN", "NAME_UNKNOWN"}
    if denied and not unknown:
        return Rejection(DENIED, message_of(answer))
    if unknown or answer.status == HTTPStatus.NOT_FOUND:
        return Rejection(MISSING)
    return NoAnswer(message_of(answer))


def message_of(answer: HttpAnswer) -> str:
    """Return the message of an error answer, put as the Docker client puts it."""
    parts = [
        ": ".join(filter(None, (code.lower().replace("_", " "), text)))
        for code, text in _errors_in(answer.body)
    ]
    text = " ".join("; ".join(filter(None, parts)).split())
    # The message is shown in a terminal, which would carry out escape sequences.
    printable = "".join(filter(str.isprintable, text))[:_SHOWN]
    message = printable or _status(answer.status)
    pause = answer.headers.get("Retry-After", "")
    # Retry-After may also be a date (RFC 9110 section 10.2.3), which is left out.
    if answer.status == HTTPStatus.TOO_MANY_REQUESTS and re.fullmatch("[0-9]{1,9}", pause):
        return f"{message}; try again in {pause} s"
    return message


def _status(status: int) -> str:
    try:
        return f"status {status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"status {status}"


def _errors_in(body: bytes) -> list[tuple[str, str]]:
    """Return codes and messages, as registries, token services and OAuth 2 servers write them.

    https://github.com/opencontainers/distribution-spec/blob/main/spec.md#error-codes
    """
    content = mapping_in(body)
    errors = content.get("errors")
    if isinstance(errors, list):
        return [
            (str(error.get("code") or ""), str(error.get("message") or ""))
            for error in errors
            if isinstance(error, dict)
        ]
    code, text = (
        content.get("error"),
        content.get("error_description") or content.get("details") or content.get("message"),
    )
    return [(code if isinstance(code, str) else "", text if isinstance(text, str) else "")]


def mapping_in(body: bytes) -> dict[str, Any]:
    """Return the JSON mapping in a body; empty without one."""
    try:
        content = json.loads(body)
    # RecursionError: JSON that is nested too deep.
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def digest_of(answer: HttpAnswer) -> str:
    """Return the digest of a manifest: from its registry, or from its content."""
    named = answer.headers.get("Docker-Content-Digest", "")
    if is_image_id(named):
        return named
    # A digest is that of the body's bytes; only that of schema 1 leaves its signatures out.
    if mapping_in(answer.body).get("schemaVersion") != 2:
        raise NoAnswer("its answer is no image manifest")
    return f"sha256:{hashlib.sha256(answer.body).hexdigest()}"
