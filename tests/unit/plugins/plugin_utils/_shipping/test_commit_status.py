# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Statuses as a forge gets them: by a strict stand-in of the published schemas, in HTTP."""

from __future__ import annotations

import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.shipping.code.plugins.action.commit_status import ActionModule
from ansible_collections.shipping.code.plugins.module_utils._core import slow_calls
from ansible_collections.shipping.code.plugins.module_utils._core.errors import ShippingError
from ansible_collections.shipping.code.plugins.plugin_utils._controller import progress_lines
from ansible_collections.shipping.code.plugins.plugin_utils._shipping.commit_status import (
    CommitStatus,
    Forge,
    request,
)
from ansible_collections.shipping.code.plugins.plugin_utils._shipping.status_client import send

from tests.testbed.forge import SCHEMAS, TOKEN
from tests.testbed.forge import Forge as StandIn

pytest.importorskip("requests")

COMMIT = "9f2b1c7d3a5e8f60b4c2d1e0f9a8b7c6d5e4f3a2"


@pytest.fixture(params=list(SCHEMAS))
def stand_in(request: pytest.FixtureRequest) -> Iterator[StandIn]:
    server = StandIn(request.param)
    yield server
    server.close()


def forge(server: StandIn, **changes: str) -> Forge:
    return Forge(
        **{"type": server.kind, "project": "shop/web", "token": TOKEN, "url": server.url} | changes
    )


def status(state: str, **changes: str) -> CommitStatus:
    return CommitStatus(
        **{
            "commit": COMMIT,
            "state": state,
            "name": "deploy/production",
            "branch": "refs/heads/main",
            "target_url": "https://ci.example.com/17",
            "description": "release 8 is live",
        }
        | changes
    )


def test_from_pending_to_its_end(stand_in: StandIn) -> None:
    for state in ("pending", "pending", "success", "failure"):
        assert send(forge(stand_in), status(state)) == "", state
    last = stand_in.statuses[-1]
    assert last["description"] == "release 8 is live"
    assert last["target_url"] == "https://ci.example.com/17"
    assert last.get("name", last.get("context")) == "deploy/production"
    assert last["state"] == ("failed" if stand_in.kind == "gitlab" else "failure")
    if stand_in.kind == "gitlab":
        assert last["ref"] == "main"


def test_a_long_description_is_cut(stand_in: StandIn) -> None:
    assert send(forge(stand_in), status("failure", description="a line\n" * 100)) == ""
    description = stand_in.statuses[-1]["description"]
    assert len(description) == 140 and description.startswith("a line a line")
    assert send(forge(stand_in), status("failure", description="", target_url="")) == ""
    assert not stand_in.statuses[-1].keys() & {"description", "target_url"}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"token": "wrong"}, "it rejected the token (status 401)"),
        ({"project": "shop/other"}, "it answered with status 404: Not Found: "),
        ({"url": "http://127.0.0.1:1"}, "no answer of http://127.0.0.1:1 ("),
    ],
)
def test_what_a_forge_does_not_take(stand_in: StandIn, changes: dict[str, str], says: str) -> None:
    cause = send(forge(stand_in, **changes), status("success"))
    assert cause.startswith(says) and TOKEN not in cause
    assert stand_in.statuses == []


def test_a_redirect_does_not_get_the_token(stand_in: StandIn) -> None:
    stand_in.redirects = True
    assert "a redirect" in send(forge(stand_in), status("success"))


def test_a_task_shows_that_it_waits_for_a_forge(monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[str] = []
    monkeypatch.setattr(progress_lines, "show_line", lines.append)
    monkeypatch.setattr(slow_calls, "AFTER", 0.02)
    monkeypatch.setattr(slow_calls, "_LOOK_EVERY", 0.01)
    server = StandIn("gitea")
    answer = server.answer

    def slow_answer(*request: Any) -> tuple[int, str]:
        time.sleep(0.2)
        return answer(*request)

    monkeypatch.setattr(server, "answer", slow_answer)
    options = {"type": "gitea", "url": server.url, "project": "shop/web", "token": TOKEN}
    args = {**options, "commit": COMMIT, "state": "success"}
    task = SimpleNamespace(args=args, async_val=0, check_mode=False, diff=False)
    action = ActionModule(task, SimpleNamespace(_shell=SimpleNamespace(tmpdir="/")), *[None] * 4)
    try:
        result = action.run(task_vars={"inventory_hostname": "swarm"})
    finally:
        server.close()
    assert result == {"changed": True, "posted": True}
    assert lines[0] == f"swarm | waits for the gitea at {server.url}, 0 s so far"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"url": ""}, "url cannot be used: gitea has no default"),
        ({"url": "git.example.com"}, "'git.example.com' is not the address of a forge"),
        ({"url": "https://user@git.example.com"}, "is not the address of a forge"),
        ({"url": "http://git.example.com"}, "http://git.example.com is without TLS"),
        ({"url": "http://localhost.example.com"}, "is without TLS"),
        ({"project": "web"}, "project cannot be used: 'web' is not the path of a project"),
        ({"project": "shop/../admin"}, "is not the path of a project"),
    ],
)
def test_mistakes(changes: dict[str, str], says: str) -> None:
    options = {"type": "gitea", "project": "a/b", "token": TOKEN, "url": "https://git.example.com"}
    with pytest.raises(ShippingError) as caught:
        request(Forge(**options | changes), status("success"))
    assert says in str(caught.value)


def test_the_token_is_in_no_text_of_an_object() -> None:
    there = Forge("github", "shop/web", TOKEN)
    assert TOKEN not in repr(there) and TOKEN not in repr(request(there, status("success")))
