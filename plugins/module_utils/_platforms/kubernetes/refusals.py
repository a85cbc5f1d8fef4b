# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the API server's messages about an object that it rejects. Pure.

https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# The value that was sent, as JSON (seen with 1.36) or as a Go structure (older servers): kilobytes,
# which may hold a password of an environment variable.
_STRUCTURE = re.compile(r"^(?:Invalid|Unsupported|Duplicate) value: .*[\]}]: ", re.DOTALL)
_LONGEST = 600
# A part of the server's sentence -> the hint.
_HINTS: tuple[tuple[str, str], ...] = (
    ("exceeded quota", "Raise the namespace's quota, or remove what needs it no more"),
    ("failed quota", "Declare the requests and limits that the quota is about"),
    ("violates PodSecurity", "Correct what the message names, or the namespace's standard"),
    ("admission webhook", "Correct what the message names, or the rules of the webhook"),
    ("denied request", "Correct what the message names, or the admission policy"),
    ("being terminated", "Wait until the namespace is removed, then run again"),
    (" per Container is ", "Correct the requests and limits, or the namespace's LimitRange"),
)


@dataclass(frozen=True)
class Refusal:
    """One field that is rejected, and the sentence about it."""

    field: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.field}: {self.sentence}" if self.field else self.sentence


def of(answer: Mapping[str, Any]) -> list[Refusal]:
    """Return the fields that a Status is about."""
    return [
        Refusal(str(cause.get("field") or ""), _cut(str(cause.get("message") or "")))
        for cause in causes(answer)
    ]


def causes(answer: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the messages of a Status about single fields."""
    # Any extension API server writes this, so nothing in it has to be there.
    details = answer.get("details")
    found = details.get("causes") if isinstance(details, dict) else None
    return [
        cause for cause in (found if isinstance(found, list) else ()) if isinstance(cause, dict)
    ]


def sentence(status: int, answer: Mapping[str, Any]) -> str:
    """Return the message of a Status, without the values that were sent."""
    refusals = of(answer) if status == 422 else []
    text = "; ".join(dict.fromkeys(map(str, refusals)))
    return text or _cut(str(answer.get("message") or f"status {status}"))


def _cut(message: str) -> str:
    # A sentence may be followed by a diff of Go structures on lines of its own.
    text = _STRUCTURE.sub("", message.partition("\n@@")[0].strip()).removeprefix("Forbidden: ")
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def hint(text: str) -> str:
    """Return what mends a rejection by quotas and admission; empty for any other."""
    return next((remedy for part, remedy in _HINTS if part in text), "")
