# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Verify and read requests of the webhooks of GitHub, GitLab, Gitea and Forgejo.

Pure: a request is its headers and body.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...module_utils._core.errors import ShippingError

_BRANCH = "refs/heads/"
_ZERO = re.compile(r"0+")
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_EVENTS = ("x-github-event", "x-gitea-event", "x-forgejo-event", "x-gitlab-event")
_PUSHES = ("push", "Push Hook")
_SIGNATURES = ("X-Hub-Signature-256", "X-Forgejo-Signature", "X-Gitea-Signature")
_PLAIN = "X-Gitlab-Token"
_CHECK = "Correct the settings of the webhook"

UNSIGNED, UNREADABLE, UNKNOWN = 401, 400, 404


@dataclass(frozen=True)
class Push:
    """A push to a branch; ``project`` is the full name of its repository on the server."""

    project: str
    branch: str
    commit: str


class RejectedRequest(ShippingError):
    """A request that is no answerable push; ``status`` is that of the HTTP response."""

    def __init__(self, status: int, why: str, hint: str = _CHECK) -> None:
        super().__init__("the request of the webhook is rejected", why, hint)
        self.status = status


def check_signature(headers: Mapping[str, str], body: bytes, secret: str) -> None:
    """Raise RejectedRequest unless the sender of a request has the secret.

    GitLab sends the secret itself, the others an HMAC of the body. A server may send several
    signatures: all have to match. Header names are in lower case.
    """
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    expected = {**dict.fromkeys(_SIGNATURES, digest), _PLAIN: secret}
    sent = {name: headers[name.lower()] for name in expected if name.lower() in headers}
    if not sent:
        names = ", ".join(expected)
        raise RejectedRequest(UNSIGNED, f"it has none of {names}", "Set the secret of the webhook")
    for name, value in sent.items():
        signature = value.removeprefix("sha256=") if name != _PLAIN else value
        # As bytes: compare_digest rejects texts that are not ASCII.
        if not hmac.compare_digest(signature.encode(errors="replace"), expected[name].encode()):
            raise RejectedRequest(
                UNSIGNED,
                f"its {name} is wrong",
                "Set the secret of the webhook to that of secret_file",
            )


def read_push(headers: Mapping[str, str], body: bytes) -> Push | None:
    """Return the push of a verified request.

    None for another event, a tag or a deleted branch. Raise RejectedRequest.
    """
    event = next((headers[name] for name in _EVENTS if name in headers), "")
    if not event:
        raise RejectedRequest(UNREADABLE, "it has no header with the name of an event")
    if event not in _PUSHES:
        return None
    content = _mapping(_json(headers, body), "the body")
    reference, commit = _text(content, "ref"), _text(content, "after")
    if not reference.startswith(_BRANCH) or _ZERO.fullmatch(commit):
        return None
    if not _COMMIT.fullmatch(commit):
        raise RejectedRequest(UNREADABLE, "after is not the ID of a commit")
    return Push(_project(content), reference.removeprefix(_BRANCH), commit)


def _json(headers: Mapping[str, str], body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        kind = headers.get("content-type", "").partition(";")[0]
        raise RejectedRequest(
            UNREADABLE,
            f"its body is not JSON, but {kind or 'of no type'}",
            "Set the content type of the webhook to application/json",
        ) from None


def _project(content: Mapping[str, Any]) -> str:
    """Return the full name of the repository, such as ``team/shop``."""
    if "project" in content:
        return _text(_mapping(content["project"], "project"), "path_with_namespace")
    return _text(_mapping(content.get("repository"), "repository"), "full_name")


def _mapping(value: Any, name: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise RejectedRequest(UNREADABLE, f"{name} is not a mapping")
    return value


def _text(content: Mapping[str, Any], key: str) -> str:
    value = content.get(key)
    if not isinstance(value, str):
        raise RejectedRequest(UNREADABLE, f"it has no text in {key}")
    return value
