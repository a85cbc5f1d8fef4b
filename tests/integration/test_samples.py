# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ten Compose files of different kinds become live on a real platform; again is no change."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.shipping.code.plugins.plugin_utils._sources.yaml_reader import parse

from .harness import ROOT, Player, PlayOutcome

pytestmark = pytest.mark.long

SAMPLES = ROOT / "tests" / "samples"
KINDS = sorted(folder.name for folder in SAMPLES.iterdir())
SECRETS = {
    name: f"secret of {name}"
    for name in (
        "BROKER_PASSWORD",
        "DATABASE_PASSWORD",
        "DB_PASSWORD",
        "GRAFANA_ADMIN_PASSWORD",
        "ML_API_KEY",
        "SESSION_KEY",
    )
}


def stand_in(platform: Any, kind: str, folder: Path) -> Path:
    """Write a second file with a small program in place of each service's own.

    It also replaces what this machine lacks by what it has.
    """
    sample = parse((SAMPLES / kind / "compose.yml").read_text(), kind)
    services = {name: small(platform, service) for name, service in sample["services"].items()}
    far = [
        name
        for name, volume in (sample.get("volumes") or {}).items()
        if volume and "driver_opts" in volume
    ]
    path = folder / "stand-in.yml"
    path.write_text(
        "\n".join(
            [
                f"services: {json.dumps(services)}",
                "volumes:" if far else "",
                *(f"  {name}: !override {{}}" for name in far),
            ]
        )
    )
    return path


def small(platform: Any, service: dict[str, Any]) -> dict[str, Any]:
    """What is said over a service, so that it runs on one small machine."""
    result: dict[str, Any] = {
        "image": platform.image("tool:1"),
        "entrypoint": ["sleep"],
        "command": ["100000"],
        "init": True,
        "stop_grace_period": "200ms",
    }
    if "test" in (service.get("healthcheck") or {}):
        result["healthcheck"] = {"test": ["CMD", "true"], "interval": "1s", "start_period": "1s"}
    if "nofile" in (service.get("ulimits") or {}):
        result["ulimits"] = {"nofile": {"soft": 1000, "hard": 1000}}
    if (service.get("logging") or {}).get("driver") == "syslog":
        result["logging"] = {"driver": "json-file"}
    deploy = service.get("deploy") or {}
    if "cpus" in deploy.get("resources", {}).get("limits", {}):
        result["deploy"] = small_deploy(deploy)
    result["volumes"] = [
        {"type": "bind", "source": "/tmp", "target": target}
        for target in missing_here(platform, service)
    ]
    return result


def small_deploy(deploy: dict[str, Any]) -> dict[str, Any]:
    """One replica with little memory; a global service has no number of replicas."""
    resources = {"limits": {"cpus": "0.5", "memory": "64M"}}
    if "reservations" in deploy["resources"]:
        resources["reservations"] = {"cpus": "0.1", "memory": "16M"}
    replicas = {} if deploy.get("mode") == "global" else {"replicas": 1}
    return {**replicas, "resources": resources}


def missing_here(platform: Any, service: dict[str, Any]) -> list[str]:
    """Where the service mounts directories that the machine has not got, or may not share on."""
    result = []
    for mount in service.get("volumes") or []:
        source, target = (
            (mount.get("source", ""), mount["target"])
            if isinstance(mount, dict)
            else (mount.split(":") * 2)[:2]
        )
        if source.startswith("/") and (not platform.has_path(source) or "rslave" in str(mount)):
            result.append(target)
    return result


@pytest.mark.parametrize("kind", KINDS)
def test_sample(kind: str, platform: Any, player: Player, app: str) -> None:
    """Shipped, and shipped again.

    What a platform needs said otherwise stands in a file of its own name.
    """
    platform.label_machine("class=compute", "logs=true", "storage=ssd")
    platform.make_manager()
    platform.make_network("public", app)
    env_file, own = SAMPLES / kind / ".env", SAMPLES / kind / f"{platform.name}.yml"
    options = {
        "app": app,
        "version": "1",
        "compose": [
            str(path)
            for path in (SAMPLES / kind / "compose.yml", own, stand_in(platform, kind, player.home))
            if path.exists()
        ],
        "env_file": [str(env_file)] if env_file.exists() else [],
        "secret_values": SECRETS,
        "rollout_timeout": 90,
        **platform.options,
    }

    def ship(*flags: str) -> PlayOutcome:
        outcome = player.run("release", options, *flags)
        assert outcome.ok, outcome.output
        return outcome

    predicted = ship("--check").result
    done = ship().result
    assert done["plan"] == predicted["plan"] and done["outcome"] == "live"
    assert set(platform.services(app)) == set(
        parse((SAMPLES / kind / "compose.yml").read_text(), kind)["services"]
    )
    assert ship().result["changed"] is False
    assert player.run("release", {"app": app, "state": "absent", **platform.options}).ok
