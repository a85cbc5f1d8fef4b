# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rollout suite: every case of the table, while a client requests the app all the time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.testbed.client import Client

from .cases import CASES, LIVE, REFUSED, ROLLED_BACK, Case
from .harness import Player, PlayOutcome
from .specs import PORT, shop

APP = "roll"
MAIN_ROAD = {
    "good",
    "image not found",
    "exit at start",
    "crash loop of a new service",
    "failing health check",
    "no node matches",
    "a typo",
}
assert {case.name for case in CASES} >= MAIN_ROAD


@pytest.fixture(scope="module")
def running(platform: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Player]:
    """A shop that runs in a good version."""
    player = Player(tmp_path_factory.mktemp("rollout"))
    assert ship(player, platform, "1.0.0").ok
    yield player
    player.run("release", {"app": APP, "state": "absent", **platform.options})


def ship(
    player: Player, platform: Any, version: str, spec: Any = None, **options: Any
) -> PlayOutcome:
    """Release the shop."""
    return player.run(
        "release",
        {
            "app": APP,
            "version": version,
            "spec": spec or shop(platform),
            **options,
            **platform.options,
        },
    )


@pytest.fixture
def client(platform: Any, running: Player) -> Iterator[Client]:
    """Somebody who asks the front all the time, and must not notice anything."""
    asking = platform.client(PORT)
    asking.until("shop 1.0.0")
    with asking:
        yield asking


def marked(case: Case) -> Any:
    marks = [] if case.name in MAIN_ROAD else [pytest.mark.long]
    return pytest.param(case, id=case.name.replace(" ", "-"), marks=marks)


@pytest.mark.parametrize("case", map(marked, CASES))
def test_case(case: Case, platform: Any, running: Player, client: Client) -> None:
    """The verdict, the reason, and what serves meanwhile and afterwards.

    The next run finds all in order.
    """
    case = case.on(platform)
    tasks, versions, records = platform.running(APP), platform.versions(APP), platform.records(APP)
    outcome = ship(
        running,
        platform,
        f"case-{case.name}",
        case.change(platform, shop(platform)),
        **case.options,
    )
    result = outcome.result
    if case.verdict == REFUSED:
        assert not outcome.ok and not result.get("changed")
        assert platform.versions(APP) == versions, "something was touched"
        assert platform.records(APP) == records
    else:
        newest = platform.records(APP)[0]
        assert (newest["version"], newest["state"]) == (f"case-{case.name}", case.verdict)
        assert result.get("outcome") == case.verdict, outcome.output
        assert outcome.ok == (case.verdict == LIVE)
    if case.kind:
        assert case.kind in [failure["kind"] for failure in result["failures"]], result["msg"]
    for text in case.says:
        assert text in (outcome.output if case.verdict == LIVE else result["msg"])
        assert case.verdict != ROLLED_BACK or text in newest["reason"]
    if not case.interrupted:
        assert client.lost == []
    again = ship(running, platform, "1.0.0")
    assert again.ok, again.output
    if case.verdict != LIVE:
        assert not again.result["changed"], "the former release was not brought back as it was"
        assert case.interrupted or platform.running(APP)["front"] == tasks["front"], (
            "an unchanged service was restarted"
        )
        client.until("shop 1.0.0")
