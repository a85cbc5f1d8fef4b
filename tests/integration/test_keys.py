# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every key that is supported: again changes nothing, check mode predicts the run.

A key that is dropped goes back to its default. One service a key: it is released, released again,
changed, released again, and released without the key.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.shipping.code.plugins.module_utils._platforms import registry
from docker import APIClient

from .harness import Player, PlayOutcome
from .key_values import BESIDE, CHECK, DEFAULTS, SILENT, SWITCHES, values_tried_on
from .specs import Spec, tool

pytestmark = pytest.mark.long

APP = "keys"


def named(key: str) -> str:
    """A service's name for a key."""
    return key.replace(".", "-").replace("_", "-")


def with_value(service: dict[str, Any], key: str, value: Any) -> dict[str, Any]:
    """A service with one key set."""
    result = copy.deepcopy(service)
    *parents, last = key.split(".")
    spot = result
    for parent in parents:
        spot = spot.setdefault(parent, {})
    spot[last] = value
    return result


def spec_for(platform: Any, which: int | None) -> Spec:
    """One service a key, with its first, second or no value."""
    base = {
        "image": platform.image("tool:1"),
        "command": ["sleep", "100000"],
        "stop_grace_period": "200ms",
        "init": True,
    }
    services: Spec = {"image": {**base, "healthcheck": CHECK}}
    for key, values in values_tried_on(platform).items():
        service = {
            **{name: value for name, value in base.items() if name != key},
            **BESIDE.get(key, {}),
        }
        if which is not None:
            service = with_value(service, key, values[min(which, len(values) - 1)])
            service.update({"command": ["100000"]} if key == "entrypoint" else {})
        services[named(key)] = service
    return {
        "services": services,
        "networks": {"one": {}, "two": {"attachable": True, "labels": {"kind": "second"}}},
        "volumes": {"data": {"labels": {"keep": "yes"}}},
        "secrets": {"token": {"content": "a token of the keys test", "labels": {"kind": "token"}}},
        "configs": {"settings": {"content": "color = blue\n", "labels": {"kind": "settings"}}},
    }


@pytest.fixture(scope="module")
def keys(platform: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Player]:
    """Plays that end with the app removed."""
    platform.make_manager()
    platform.make_namespace(APP)
    player = Player(tmp_path_factory.mktemp("keys"))
    yield player
    player.run("release", {"app": APP, "state": "absent", **platform.options})


def release(player: Player, platform: Any, spec: Spec, *flags: str) -> PlayOutcome:
    """Release all keys at once."""
    outcome = player.run(
        "release", {"app": APP, "version": "1", "spec": spec, **platform.options}, *flags
    )
    assert outcome.ok, outcome.output
    return outcome


def predicted_and_done(player: Player, platform: Any, spec: Spec) -> dict[str, dict[str, Any]]:
    """Release twice, with what check mode says before, until nothing is left to do.

    The plan by service.
    """
    versions = platform.versions(APP)
    predicted = release(player, platform, spec, "--check", "--diff").result
    assert platform.versions(APP) == versions, "check mode wrote something"
    done = release(player, platform, spec).result
    assert predicted["plan"] == done["plan"]
    assert predicted["changed"] == done["changed"]
    again = release(player, platform, spec)
    assert again.result["changed"] is False, [
        service for service in again.result["plan"]["services"] if service["action"] != "keep"
    ]
    assert player.run("release_info", {"app": APP, **platform.options}).result["drift"] == []
    return {service["name"]: service for service in done["plan"]["services"]}


def test_first_again_changed_again_and_dropped(platform: Any, keys: Player) -> None:
    """The life of every key on a real platform."""
    plan = predicted_and_done(keys, platform, spec_for(platform, 0))
    assert {service["action"] for service in plan.values()} == {"create"}

    plan = predicted_and_done(keys, platform, spec_for(platform, 1))
    for key, values in values_tried_on(platform).items():
        expected = "update" if len(values) > 1 and key not in SILENT[platform.name] else "keep"
        assert plan[named(key)]["action"] == expected, (key, plan[named(key)])

    plan = predicted_and_done(keys, platform, spec_for(platform, None))
    for key in values_tried_on(platform):
        expected = "keep" if key in DEFAULTS[platform.name] | SWITCHES else "update"
        assert plan[named(key)]["action"] == expected, (key, plan[named(key)])
    assert plan["image"]["action"] == "keep"


def test_object_keys(platform: Any, player: Player, app: str) -> None:
    """Networks, volumes, secrets and configs with every key they may have."""
    platform.make_network(f"{app}-outside", app)
    platform.make_config(f"{app}-config", app, "from outside")
    platform.make_secret(f"{app}-secret", app, "a secret from outside")
    platform.make_volume(f"{app}-volume-outside", app)
    service = {
        **tool(platform),
        "networks": ["named", "outside", "plain"],
        "volumes": ["named:/one", "driven:/two", "outside:/three"],
        "secrets": ["outside", "inline", "valued"],
        "configs": ["outside", "inline", "valued"],
    }
    options = ("attachable", "internal")
    spec: Spec = {
        "services": {"app": service},
        "networks": {
            "named": {
                "name": f"{app}-called",
                **dict.fromkeys(options, True),
                "driver": "overlay",
                "driver_opts": {"com.docker.network.driver.mtu": "1400"},
                "labels": {"a": "b"},
            },
            "outside": {"external": True, "name": f"{app}-outside"},
            "plain": {
                "driver": "bridge",
                "ipam": {"config": [{"subnet": "10.123.0.0/24", "gateway": "10.123.0.9"}]},
            },
        },
        "volumes": {
            "named": {"name": f"{app}-volume", "labels": {"a": "b"}},
            "driven": platform.driven_volume(app),
            "outside": {"external": True, "name": f"{app}-volume-outside"},
        },
        "secrets": {
            "outside": {"external": True, "name": f"{app}-secret"},
            "inline": {
                "content": "inline secret",
                "labels": {"a": "b"},
                "name": f"{app}-called",
            },
            "valued": {"environment": "A_SECRET"},
        },
        "configs": {
            "outside": {"external": True, "name": f"{app}-config"},
            "inline": {"content": "by {{.Service.Name}} ", "labels": {"a": "b"}},
            "valued": {"environment": "A_VALUE", "name": f"{app}-called"},
        },
    }
    if platform.name == "swarm":
        spec["configs"]["inline"]["template_driver"] = "golang"
        spec["secrets"]["inline"]["template_driver"] = "golang"
    options_given = {
        "app": app,
        "version": "1",
        "spec": spec,
        "values": {"A_VALUE": "valued"},
        "secret_values": {"A_SECRET": "secretly valued"},
        **platform.options,
    }
    tried = set()
    for section in ("networks", "volumes", "secrets", "configs"):
        for entry in spec[section].values():
            tried |= {f"{section}.{key}" for key in entry}
    assert tried | {"secrets.file", "configs.file"} == set(
        registry.support(platform.name).object_keys
    )
    first = player.run("release", options_given)
    assert first.ok, first.output
    assert player.run("release", options_given).result["changed"] is False
    service_name = "{{.Service.Name}}" if platform.name == "kubernetes" else f"{app}_app"
    assert (
        platform.exec(app, "app", "cat", "/run/secrets/valued", "/inline", "/valued", "/outside")
        == f"secretly valuedby {service_name} valuedfrom outside"
    )


@pytest.mark.only("swarm")
def test_keys_of_newer_engines(platform: Any, player: Player, app: str) -> None:
    """Keys that Docker 20.10 lacks do what they say; a second run changes nothing."""
    if platform.api < (1, 52):
        pytest.skip("the engine's API is older than 1.52")
    write = "mkdir -p /data/part && echo from the part > /data/part/file"
    service = {
        **tool(platform),
        "healthcheck": {**CHECK, "start_interval": "1s", "start_period": "9s"},
        "security_opt": ["no-new-privileges", "seccomp=unconfined"],
        "oom_score_adj": 321,
        "mem_limit": "64m",
        "memswap_limit": "96m",
        "mem_swappiness": 10,
        "depends_on": {"write": {"condition": "service_completed_successfully"}},
        "volumes": [
            {"source": "data", "target": "/part", "volume": {"subpath": "part"}},
        ],
    }
    once = tool(platform, "sh", "-c", write, volumes=["data:/data"])
    once["deploy"] = {"mode": "replicated-job"}
    spec: Spec = {"services": {"write": once, "app": service}, "volumes": {"data": {}}}
    options = {"app": app, "version": "1", "spec": spec, **platform.options}
    outcome = player.run("release", options)
    assert outcome.ok, outcome.output
    assert platform.exec(app, "app", "cat", "/part/file") == "from the part\n"
    assert platform.exec(app, "app", "cat", "/proc/1/oom_score_adj") == "321\n"
    status = platform.exec(app, "app", "cat", "/proc/1/status").replace("\t", " ")
    assert "NoNewPrivs: 1" in status and "Seccomp: 0" in status
    # An older client does not get the newer fields.
    client = APIClient(base_url=platform.engine.host, version="1.52")
    resources = client.inspect_service(f"{app}_app")["Spec"]["TaskTemplate"]["Resources"]
    assert (resources["SwapBytes"], resources["MemorySwappiness"]) == (32 << 20, 10)
    assert player.run("release", options).result["changed"] is False
    service.update({"oom_score_adj": 123, "memswap_limit": "128m", "mem_swappiness": 20})
    service["security_opt"] = []
    assert player.run("release", options).ok
    assert platform.exec(app, "app", "cat", "/proc/1/oom_score_adj") == "123\n"
    status = platform.exec(app, "app", "cat", "/proc/1/status").replace("\t", " ")
    assert "NoNewPrivs: 0" in status and "Seccomp: 2" in status
    assert player.run("release", options).result["changed"] is False


def fetched(platform: Any, app: str, path: str, wanted: str) -> str:
    """Return what another service of the app gets from ``web``, once that is as wanted.

    For some seconds, a name of a cluster's DNS may still have the address of a former replica.
    """
    ask = (
        "import time, urllib.request as r\n"
        "for _ in range(40):\n"
        f" try: text = r.urlopen('http://web:8000/{path}', timeout=2).read().decode()\n"
        " except OSError as error: text = repr(error)\n"
        f" if text == {wanted!r}: break\n"
        " time.sleep(0.25)\n"
        "print(text)"
    )
    return str(platform.exec(app, "other", "python3", "-c", ask)).strip()


def test_files_and_ports_of_the_control_node(platform: Any, player: Player, app: str) -> None:
    """By choice, files of bind mounts become configs, and loopback ports are not published."""
    (player.home / "www").mkdir()
    page = player.home / "www" / "page.html"
    page.write_text("one")
    start = player.home / "start.sh"
    start.write_text("#!/bin/sh\nexec python3 -m http.server 8000 --directory /www\n")
    start.chmod(0o755)
    web = tool(
        platform,
        "/start.sh",
        ports=["127.0.0.1:8096:8000"],
        volumes=["./www/page.html:/www/page.html:ro", "./start.sh:/start.sh:ro"],
        healthcheck=dict(CHECK),
        deploy={"endpoint_mode": "dnsrr"},
    )
    spec: Spec = {"services": {"web": web, "other": tool(platform)}}
    file = player.home / "compose.yml"
    file.write_text(json.dumps(spec))
    options = {"app": app, "version": "1", "compose": str(file), **platform.options}
    refused = player.run("release", options)
    assert not refused.ok and "set loopback_ports: unpublished" in refused.result["msg"]
    options |= {"bind_mounts": "as_configs", "loopback_ports": "unpublished"}
    outcome = player.run("release", options)
    assert outcome.ok, outcome.output
    assert "services.web.ports[0] not published" in outcome.output
    assert fetched(platform, app, "page.html", "one") == "one"
    assert player.run("release", options).result["changed"] is False
    page.write_text("two")
    assert player.run("release", {**options, "version": "2"}).ok
    assert fetched(platform, app, "page.html", "two") == "two"
    assert player.run("rollback", {"app": app, **platform.options}).ok
    assert fetched(platform, app, "page.html", "one") == "one"
    if platform.name == "kubernetes":
        web["healthcheck"]["test"] = "wget -q -O /dev/null http://127.0.0.1:8000/"
        for host_ip in (platform.address, "127.0.0.1"):
            port = {"target": 8000, "published": 8096, "mode": "host", "host_ip": host_ip}
            web["ports"] = [port]
            file.write_text(json.dumps(spec))
            assert player.run("release", {**options, "version": host_ip}).ok
            # Whether a port on a loopback address answers is up to the network plugin.
            assert platform.answers(platform.address, 8096) == (host_ip == platform.address)
