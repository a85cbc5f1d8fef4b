# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Releases are remembered, and can be brought back for as long, with all they need."""

from __future__ import annotations

from typing import Any

import pytest

from .harness import Player, PlayOutcome, until
from .specs import changed, simple, tool, with_service


def ship(
    player: Player, platform: Any, app: str, spec: Any, version: str, **options: Any
) -> PlayOutcome:
    """Release an app."""
    return player.run(
        "release", {"app": app, "version": version, "spec": spec, **options, **platform.options}
    )


def back(player: Player, platform: Any, app: str, **options: Any) -> PlayOutcome:
    """Roll back."""
    return player.run("rollback", {"app": app, **options, **platform.options})


def info(player: Player, platform: Any, app: str) -> dict[str, Any]:
    """What is known of an app."""
    return player.run("release_info", {"app": app, **platform.options}).result


def with_secret(platform: Any, content: str, **keys: Any) -> Any:
    """An app with one secret."""
    return {
        "services": {"app": tool(platform, secrets=["token"], **keys)},
        "secrets": {"token": {"content": content}},
    }


def tokens(platform: Any, app: str) -> set[str]:
    """The names of the secrets that hold a token of the app."""
    return {
        name
        for name in platform.objects("secret", app)
        if name.startswith(platform.object_name(app, "token"))
    }


def test_there_and_back(platform: Any, player: Player, app: str) -> None:
    """All services go back together; twice is no change; by number to any release.

    The secrets come back, too.
    """
    both = {
        "services": {"one": tool(platform, secrets=["token"]), "two": tool(platform)},
        "secrets": {"token": {"content": "first token"}},
    }
    assert ship(player, platform, app, both, "1", commit="abc123", by="alice").ok
    second = changed(
        changed(
            {**both, "secrets": {"token": {"content": "second token"}}},
            "two",
            environment={"V": "2"},
        ),
        "one",
        environment={"V": "2"},
    )
    assert ship(player, platform, app, second, "2").ok
    assert platform.exec(app, "one", "cat", "/run/secrets/token") == "second token"

    first_back = back(player, platform, app)
    assert first_back.ok and first_back.result["release"]["rollback_of"] == 1
    assert platform.exec(app, "one", "cat", "/run/secrets/token") == "first token"
    assert "V" not in platform.environment(app, "two")

    again = back(player, platform, app)
    assert again.ok and not again.result["changed"] and "is a rollback already" in again.output
    assert ship(player, platform, app, both, "1").result["changed"] is False

    assert back(player, platform, app, release=2, by="bob").result["release"]["number"] == 4
    assert back(player, platform, app, release=2).result["changed"] is False
    known = info(player, platform, app)
    assert [
        (entry["number"], entry["version"], entry["rollback_of"]) for entry in known["history"]
    ] == [
        (4, "2", 2),
        (3, "1", 1),
        (2, "2", None),
        (1, "1", None),
    ]
    assert (known["history"][3]["by"], known["history"][3]["commit"], known["live"]["by"]) == (
        "alice",
        "abc123",
        "bob",
    )
    assert known["drift"] == [] and known["held_by"] == ""


@pytest.mark.long
def test_what_cannot_be_brought_back(platform: Any, player: Player, app: str) -> None:
    """A rollback is rejected before anything changes.

    The release never was live, is not there, or has lost a secret.
    """
    nothing = back(player, platform, app)
    assert not nothing.ok and "cannot be rolled back" in nothing.result["msg"]
    assert ship(player, platform, app, with_secret(platform, "a token that will be lost"), "1").ok
    assert not back(player, platform, app).ok
    assert ship(player, platform, app, with_secret(platform, "a token that stays"), "2").ok
    assert not ship(
        player,
        platform,
        app,
        with_secret(platform, "a token that stays", command=["sh", "-c", "exit 3"]),
        "3",
    ).ok
    assert list(info(player, platform, app)["history"][2]["services"]) == ["app"]
    refused = back(player, platform, app, release=3)
    assert (
        not refused.ok
        and "was never live" in refused.result["msg"]
        and "Choose one of 2, 1" in refused.result["msg"]
    )
    assert "release 9 does not exist" in back(player, platform, app, release=9).result["msg"]

    lost = tokens(platform, app) - platform.secrets_of(app, "app")
    platform.remove_object(app, "secret", *lost)
    versions = platform.versions(app)
    refused = back(player, platform, app, release=1)
    assert (
        not refused.ok
        and "cannot be restored" in refused.result["msg"]
        and "does not exist any more" in refused.result["msg"]
    )
    assert platform.versions(app) == versions
    assert info(player, platform, app)["history"][-1]["not_restorable"] == [
        f"secret {name}" for name in lost
    ]


@pytest.mark.long
def test_a_lost_image_is_told_before_the_rollback(platform: Any, player: Player, app: str) -> None:
    """An image that neither the registry nor the machine has any more."""
    reference = platform.image("fleeting:1")
    platform.publish(reference, f"FROM {platform.image('tool:1')}\nENV FLEETING=1\n")
    spec = simple(platform)
    spec["services"]["app"]["image"] = reference
    first = ship(player, platform, app, spec, "1")
    assert first.ok, first.output
    assert ship(player, platform, app, simple(platform), "2").ok
    digest = first.result["release"]["services"]["app"]["image"].rpartition("@")[2]
    platform.forget_image("fleeting", digest)
    refused = back(player, platform, app)
    assert not refused.ok and "fleeting:1 does not exist any more" in refused.result["msg"]


@pytest.mark.long
def test_a_moved_tag_is_a_new_release(platform: Any, player: Player, app: str) -> None:
    """The same reference with another image behind it: told, and only its service restarts."""
    reference = platform.image("moving:1")

    def push(value: str) -> None:
        platform.publish(reference, f"FROM {platform.image('tool:1')}\nENV MOVED={value}\n")

    push("no")
    spec = with_service(simple(platform), "moved", {**tool(platform), "image": reference})
    assert ship(player, platform, app, spec, "1").ok
    tasks = platform.running(app)
    push("yes")
    frozen = ship(player, platform, app, spec, "1", immutable_versions=True)
    assert (
        not frozen.ok
        and "immutable_versions" in frozen.result["msg"]
        and platform.running(app) == tasks
    )
    moved = ship(player, platform, app, spec, "1")
    assert (
        moved.ok
        and "version 1 exists as release 1 with another spec; it becomes release 2" in moved.output
    )
    assert platform.environment(app, "moved")["MOVED"] == "yes"
    assert platform.running(app)["app"] == tasks["app"]
    assert ship(player, platform, app, spec, "1").result["changed"] is False
    assert back(player, platform, app).ok
    assert platform.environment(app, "moved")["MOVED"] == "no"


@pytest.mark.long
def test_history_is_kept_and_pruned(platform: Any, player: Player, app: str) -> None:
    """Only so many releases are kept, each with its secrets; what no release needs goes."""
    for number in range(1, 6):
        assert ship(
            player,
            platform,
            app,
            with_secret(platform, f"token number {number}"),
            str(number),
            keep=3,
        ).ok
    assert [entry["number"] for entry in info(player, platform, app)["history"]] == [5, 4, 3]
    assert len(tokens(platform, app)) == 3
    assert back(player, platform, app, release=3, keep=3).ok
    assert platform.exec(app, "app", "cat", "/run/secrets/token") == "token number 3"


@pytest.mark.long
def test_first_release_that_fails_leaves_nothing(platform: Any, player: Player, app: str) -> None:
    """There is nothing to go back to, so nothing of it stays but its record.

    The next one is as good as a first one.
    """
    broken = with_secret(
        platform, "a token for nothing", command=["sh", "-c", "echo never; exit 3"]
    )
    outcome = ship(player, platform, app, broken, "1")
    assert (
        not outcome.ok
        and outcome.result["outcome"] == "failed"
        and "failed and was removed" in outcome.result["msg"]
    )
    assert platform.services(app) == {} and platform.objects("network", app) == set()
    assert [entry["outcome"] for entry in info(player, platform, app)["history"]] == ["failed"]
    good = ship(player, platform, app, with_secret(platform, "a token for nothing"), "1")
    assert good.ok and good.result["release"]["number"] == 2
    assert not back(player, platform, app).ok


@pytest.mark.long
def test_all_or_nothing(platform: Any, player: Player, app: str) -> None:
    """One service of three fails, and all three go back."""
    spec = {
        "services": {
            name: tool(platform, environment={"V": "1"}) for name in ("one", "two", "three")
        }
    }
    assert ship(player, platform, app, spec, "1").ok
    second = {
        "services": {
            name: tool(platform, environment={"V": "2"}) for name in ("one", "two", "four")
        }
    }
    second["services"]["two"]["command"] = ["sh", "-c", "sleep 0.3; exit 3"]
    outcome = ship(player, platform, app, second, "2")
    assert outcome.result["outcome"] == "rolled_back"
    assert set(platform.services(app)) == {"one", "two", "three"}
    assert {platform.environment(app, name)["V"] for name in ("one", "two", "three")} == {"1"}
    assert ship(player, platform, app, spec, "1").result["changed"] is False


@pytest.mark.long
def test_a_restoration_that_fails_is_told(platform: Any, player: Player, app: str) -> None:
    """If the former release cannot be restored either, the verdict and the record say so."""
    spec = {
        "services": {
            "app": tool(
                platform,
                "sh",
                "-c",
                "test ! -e /switch/broken && exec sleep 100000",
                volumes=["switch:/switch"],
            )
        },
        "volumes": {"switch": {}},
    }
    assert ship(player, platform, app, spec, "1").ok
    fatal = changed(spec, "app", command=["sh", "-c", "touch /switch/broken; exit 3"])
    outcome = ship(player, platform, app, fatal, "2", max_crashes=2)
    assert outcome.result["outcome"] == "failed"
    assert f"After the rollback:\napp: {platform.task('app')}" in outcome.result["msg"]
    known = info(player, platform, app)
    assert known["history"][0]["outcome"] == "failed" and known["live"]["number"] == 1
    # Without a health check a task counts while it runs, which this one does for a moment at each
    # start.
    until(lambda: info(player, platform, app)["services"]["app"]["healthy"] == 0)
