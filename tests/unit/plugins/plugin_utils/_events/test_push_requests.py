# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests of webhooks: signatures in the forms of four servers, and what they report."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

import pytest
from ansible_collections.shipping.code.plugins.plugin_utils._events.push_requests import (
    Push,
    RejectedRequest,
    check_signature,
    read_push,
)

SECRET = "not so secret"
COMMIT = "8f2b1c7d" * 5
GITHUB = {"ref": "refs/heads/main", "after": COMMIT, "repository": {"full_name": "team/shop"}}
GITLAB = {
    "ref": "refs/heads/main",
    "after": COMMIT,
    "project": {"path_with_namespace": "team/shop"},
    "repository": {"name": "shop"},
}
PUSH = Push("team/shop", "main", COMMIT)


def signed(body: bytes, secret: str = SECRET) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


@pytest.mark.parametrize(
    ("headers", "content"),
    [
        ({"x-hub-signature-256": "sha256={}", "x-github-event": "push"}, GITHUB),
        (
            {
                "x-gitea-signature": "{}",
                "x-hub-signature-256": "sha256={}",
                "x-gitea-event": "push",
                "x-github-event": "push",
            },
            GITHUB,
        ),
        ({"x-forgejo-signature": "{}", "x-forgejo-event": "push"}, GITHUB),
        ({"x-gitlab-token": SECRET, "x-gitlab-event": "Push Hook"}, GITLAB),
    ],
    ids=["github", "gitea", "forgejo", "gitlab"],
)
def test_pushes(headers: dict[str, str], content: dict[str, Any]) -> None:
    body = json.dumps(content).encode()
    sent = {name: text.format(signed(body)) for name, text in headers.items()}
    check_signature(sent, body, SECRET)
    assert read_push(sent, body) == PUSH
    for name in headers:
        if "event" not in name:
            with pytest.raises(RejectedRequest) as caught:
                check_signature({**sent, name: sent[name][:-1] + "é"}, body, SECRET)
            assert caught.value.status == 401 and "is wrong. Set the secret" in str(caught.value)
            assert SECRET not in str(caught.value)
    if "x-gitlab-token" not in sent:
        with pytest.raises(RejectedRequest):
            check_signature(sent, body + b" ", SECRET)


@pytest.mark.parametrize("headers", [{}, {"x-gitlab-token": ""}, {"x-hub-signature-256": ""}])
def test_no_signature_is_no_access(headers: dict[str, str]) -> None:
    with pytest.raises(RejectedRequest) as caught:
        check_signature(headers, b"{}", SECRET)
    assert caught.value.status == 401


@pytest.mark.parametrize(
    ("event", "content"),
    [
        ("ping", {"zen": "x"}),
        ("push", {**GITHUB, "ref": "refs/tags/1.0"}),
        ("push", {**GITHUB, "after": "0" * 40}),
    ],
    ids=["ping", "tag", "deleted"],
)
def test_what_is_no_push_to_a_branch(event: str, content: dict[str, Any]) -> None:
    assert read_push({"x-github-event": event}, json.dumps(content).encode()) is None


@pytest.mark.parametrize(
    ("headers", "body", "text"),
    [
        ({}, b"{}", "no header with the name of an event"),
        (
            {"x-github-event": "push", "content-type": "application/x-www-form-urlencoded"},
            b"payload=%7B%7D",
            "its body is not JSON, but application/x-www-form-urlencoded. Set the content type",
        ),
        ({"x-github-event": "push"}, b"[" * 100_000, "its body is not JSON"),
        ({"x-github-event": "push"}, b"[]", "the body is not a mapping"),
        ({"x-github-event": "push"}, b"{}", "it has no text in ref"),
        (
            {"x-github-event": "push"},
            json.dumps({**GITHUB, "after": "--help"}).encode(),
            "after is not the ID of a commit",
        ),
        (
            {"x-github-event": "push"},
            json.dumps({**GITHUB, "repository": None}).encode(),
            "repository is not a mapping",
        ),
    ],
    ids=["no event", "form", "deep", "list", "empty", "no commit", "no repository"],
)
def test_what_cannot_be_read(headers: dict[str, str], body: bytes, text: str) -> None:
    with pytest.raises(RejectedRequest) as caught:
        read_push(headers, body)
    assert text in str(caught.value) and caught.value.status == 400
