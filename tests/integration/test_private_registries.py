# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private registries: who is let in, by what, and what is said to those who are not."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import Any

import pytest

from .harness import Player, PlayOutcome
from .specs import Spec, simple

pytestmark = pytest.mark.long


@pytest.fixture
def images(platform: Any, app: str) -> list[str]:
    """Two images that only the private registry has, so that machines must pull them."""
    references = [platform.image(f"guarded-{app}:{tag}", private=True) for tag in ("1", "2")]
    for number, reference in enumerate(references):
        platform.publish(reference, f"FROM {platform.image('tool:1')}\nENV GUARDED={number}\n")
    return references


def spec(platform: Any, image: str) -> Spec:
    """An app of this image."""
    content = simple(platform)
    content["services"]["app"]["image"] = image
    return content


def ship(
    player: Player, platform: Any, app: str, content: Spec, version: str = "1", **options: Any
) -> PlayOutcome:
    """Release it."""
    return player.run(
        "release", {"app": app, "version": version, "spec": content, **options, **platform.options}
    )


def client_config(player: Player, content: dict[str, Any]) -> dict[str, Any]:
    """An option with a Docker client's configuration."""
    path = player.home / "config.json"
    path.write_text(json.dumps(content))
    return {"docker_config": str(path)}


def by_auths(player: Player, platform: Any) -> dict[str, Any]:
    """As the module's option."""
    return {"registry_auths": [platform.credentials]}


def by_config(player: Player, platform: Any) -> dict[str, Any]:
    """As ``docker login`` writes it."""
    given = platform.credentials
    word = base64.b64encode(f"{given['username']}:{given['password']}".encode()).decode()
    return client_config(player, {"auths": {given["registry"]: {"auth": word}}})


def by_helper(player: Player, platform: Any) -> dict[str, Any]:
    """From a credential helper on the PATH."""
    given = platform.credentials
    answer = json.dumps(
        {"ServerURL": given["registry"], "Username": given["username"], "Secret": given["password"]}
    )
    helper = Path(player.home / "bin" / "docker-credential-safe")
    helper.parent.mkdir()
    helper.write_text(f"#!/bin/sh\necho '{answer}'\n")
    helper.chmod(0o755)
    return client_config(player, {"credHelpers": {given["registry"]: "safe"}})


@pytest.mark.parametrize("way", [by_auths, by_config, by_helper])
def test_let_in(
    way: Any,
    platform: Any,
    player: Player,
    app: str,
    images: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The machine pulls with the credentials at first and at an update.

    A second run changes nothing.
    """
    given = way(player, platform)
    monkeypatch.setenv("PATH", f"{player.home / 'bin'}:{os.environ['PATH']}")
    for number, image in enumerate(images):
        platform.drop_image(image)
        outcome = ship(player, platform, app, spec(platform, image), str(number), **given)
        assert outcome.ok, outcome.output
        assert platform.environment(app, "app")["GUARDED"] == str(number)
    assert (
        ship(player, platform, app, spec(platform, images[1]), "1", **given).result["changed"]
        is False
    )
    assert platform.credentials["password"] not in outcome.output


def test_wrong_password(platform: Any, player: Player, app: str, images: list[str]) -> None:
    """Told before anything is touched, and without the password."""
    wrong = {**platform.credentials, "password": "not-the-password"}
    refused = ship(player, platform, app, spec(platform, images[0]), registry_auths=[wrong])
    assert not refused.ok and refused.result["failures"][0]["kind"] == "image_denied"
    assert (
        f"denies access to {images[0]}" in refused.result["msg"]
        and "registry_auths" in refused.result["msg"]
    )
    assert "not-the-password" not in refused.output and platform.services(app) == {}


def test_rollback_pulls_with_credentials(
    platform: Any, player: Player, app: str, images: list[str]
) -> None:
    """An image that the machine has lost comes from the registry again."""
    auths = by_auths(player, platform)
    for number, image in enumerate(images):
        assert ship(player, platform, app, spec(platform, image), str(number), **auths).ok
    platform.drop_image(images[0])
    back = player.run("rollback", {"app": app, **auths, **platform.options})
    assert back.ok, back.output
    assert platform.environment(app, "app")["GUARDED"] == "0"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{not json", "it is not the JSON of a Docker client"),
        ("[]", "it is not the JSON of a Docker client"),
        ('{"credHelpers": {"REGISTRY": "nowhere"}}', "docker-credential-nowhere"),
    ],
)
def test_configuration_that_cannot_be_used(
    content: str, says: str, platform: Any, player: Player, app: str, images: list[str]
) -> None:
    """A broken file or a helper that is not there is an error in words."""
    path = player.home / "config.json"
    path.write_text(content.replace("REGISTRY", platform.credentials["registry"]))
    refused = ship(player, platform, app, spec(platform, images[0]), docker_config=str(path))
    assert not refused.ok and says in refused.result["msg"]
    assert "Traceback" not in refused.output


def test_configuration_that_is_not_there(
    platform: Any, player: Player, app: str, images: list[str]
) -> None:
    """A path with a typo is told, and not taken for no credentials."""
    refused = ship(
        player, platform, app, spec(platform, images[0]), docker_config="/no/such/config.json"
    )
    assert not refused.ok and "/no/such/config.json" in refused.result["msg"]


@pytest.mark.only("swarm")
def test_local_image(platform: Any, player: Player, app: str) -> None:
    """An image that no registry has runs where only one machine may run it; `always` refuses it."""
    reference = platform.image("never-pushed:1")
    platform.publish(reference, f"FROM {platform.image('tool:1')}\nENV LOCAL=1\n", push=False)
    refused = ship(player, platform, app, spec(platform, reference), resolve_image="always")
    assert not refused.ok and "has no" in refused.result["msg"]
    outcome = ship(player, platform, app, spec(platform, reference))
    assert outcome.ok and platform.environment(app, "app")["LOCAL"] == "1"
    assert outcome.result["release"]["services"]["app"]["image"].startswith("sha256:")
    assert ship(player, platform, app, spec(platform, reference)).result["changed"] is False


def test_a_registry_that_does_not_answer(platform: Any, player: Player, app: str) -> None:
    """A run says after 5 s what it waits for, gives up in time, and says what it uses instead."""
    content = simple(platform)
    assert ship(player, platform, app, content).ok
    with platform.silent_registry():
        outcome = ship(player, platform, app, content)
        quiet = ship(player, platform, app, content, progress="never")
    waited = f"{app} waits for the registry {platform.registry}, "
    assert any(line.startswith(waited) for line in outcome.lines()), outcome.output
    assert outcome.seconds < 40 and quiet.seconds < 40
    assert quiet.lines() == []
    for each in (outcome, quiet):
        assert "does not answer" in each.output and "no answer within 20 s" in each.output
        assert each.ok == (platform.name == "swarm")
        if each.ok:
            assert "[WARNING]" in each.output and each.result["changed"] is False
            assert any(
                "the run uses the image of the engine instead" in warning
                for warning in each.result["warnings"]
            )
        else:
            assert each.result["failures"][0]["kind"] == "registry_unreachable"
