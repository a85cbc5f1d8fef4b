# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of the webhook, and which pushes become events."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.shipping.code.plugins.module_utils._core.errors import (
    ShippingError,
    SpecError,
)
from ansible_collections.shipping.code.plugins.plugin_utils._events import webhook_options
from ansible_collections.shipping.code.plugins.plugin_utils._events.push_requests import (
    Push,
    RejectedRequest,
)

from tests.docs.event_schema import (
    WEBHOOK,
    WEBHOOK_SCHEMA,
    documented,
    webhook_schema_text,
)

GIVEN: dict[str, Any] = {
    "port": 5000,
    "secret_file": "/etc/ship/webhook-secret",
    "repositories": {"team/shop": "/srv/git/shop.git"},
    "branches": ["main"],
}


def test_the_schema_and_defaults_are_those_of_the_documentation() -> None:
    assert WEBHOOK_SCHEMA.read_text() == webhook_schema_text(), "call make docs"
    assert set(documented(WEBHOOK)) == set(webhook_options.OPTIONS)
    assert webhook_options.read(GIVEN).host == documented(WEBHOOK)["host"]["default"]


def test_all_mistakes_at_once() -> None:
    wrong = {"port": "5000", "secret_file": "", "branches": "main", "repositories": {"a": None}}
    with pytest.raises(SpecError) as caught:
        webhook_options.read({**wrong, "certfile": "/x", "brnches": 1, "host": 1})
    for name in ("port", "secret_file", "branches", "repositories", "keyfile", "brnches", "host"):
        assert name in str(caught.value)
    assert "Did you mean branches" in str(caught.value) or "branches?" in str(caught.value)


def test_only_named_repositories_and_branches_have_events() -> None:
    options = webhook_options.read(GIVEN)
    assert options.event(Push("team/shop", "main", "1" * 40)) == {
        "type": "push",
        "project": "team/shop",
        "repository": "/srv/git/shop.git",
        "branch": "main",
        "commit": "1" * 40,
    }
    assert options.event(Push("team/shop", "main2", "1" * 40)) is None
    with pytest.raises(RejectedRequest) as caught:
        options.event(Push("team/other", "main", "1" * 40))
    assert caught.value.status == 404 and "team/other is not in repositories" in str(caught.value)


def test_the_secret_is_read_from_its_file(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    options = webhook_options.read({**GIVEN, "secret_file": str(file)})
    with pytest.raises(ShippingError, match="cannot be read"):
        options.secret()
    file.write_text("\n")
    with pytest.raises(ShippingError, match="it is empty"):
        options.secret()
    file.write_bytes(b"\xff")
    with pytest.raises(ShippingError, match="it is not UTF-8 text"):
        options.secret()
    file.write_text("a secret \n")
    assert options.secret() == "a secret "
