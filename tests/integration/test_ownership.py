# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is declared is owned, all else is others'.

Labels by hand, drift, removals, take-overs, foreign objects.
"""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from docker import APIClient

from .harness import Player
from .specs import changed, shop, simple, tool, with_service

pytestmark = pytest.mark.long


def ship(
    player: Player, platform: Any, app: str, spec: Any, version: str = "1", **options: Any
) -> Any:
    """Release an app that must become live."""
    outcome = player.run(
        "release", {"app": app, "version": version, "spec": spec, **options, **platform.options}
    )
    assert outcome.ok, outcome.output
    return outcome.result


def actions(result: dict[str, Any]) -> dict[str, str]:
    """What a run did with each service."""
    return {service["name"]: service["action"] for service in result["plan"]["services"]}


def test_set_by_hand_survives_and_drift_is_taken_back(
    platform: Any, player: Player, app: str
) -> None:
    """Labels and settings of others stay.

    What is declared and was changed by hand comes back, and is told.
    """
    spec = simple(platform, environment={"MODE": "plain"}, hostname="declared")
    ship(player, platform, app, spec)
    platform.change_by_hand(app, "app", labels={"owner": "alice"}, environment={"EXTRA": "1"})
    assert ship(player, platform, app, spec)["changed"] is False
    assert platform.labels(app, "app")["owner"] == "alice"

    platform.change_by_hand(app, "app", environment={"MODE": "other"}, hostname="elsewhere")
    drift = player.run("release_info", {"app": app, **platform.options}).result["drift"]
    assert {(change["path"], change["before"], change["after"]) for change in drift} == {
        (platform.drift_path("app", "environment", "MODE"), "other", "plain"),
        (platform.drift_path("app", "hostname"), "elsewhere", "declared"),
    }
    result = ship(player, platform, app, spec)
    assert result["changed"] and result["release"]["number"] == 2
    found = platform.environment(app, "app")
    assert (found["MODE"], found["EXTRA"]) == ("plain", "1")
    assert platform.labels(app, "app")["owner"] == "alice"
    assert player.run("release_info", {"app": app, **platform.options}).result["drift"] == []


def test_removed_by_hand_comes_back(platform: Any, player: Player, app: str) -> None:
    """A service that somebody removed is made again; the others keep their tasks."""
    spec = with_service(simple(platform), "second", tool(platform))
    ship(player, platform, app, spec)
    tasks = platform.running(app)
    platform.remove_service(app, "second")
    assert actions(ship(player, platform, app, spec)) == {"app": "keep", "second": "create"}
    assert platform.running(app)["app"] == tasks["app"]
    assert ship(player, platform, app, spec)["changed"] is False


def test_unchanged_services_keep_their_tasks(platform: Any, player: Player, app: str) -> None:
    """Neither another service, nor a new version, nor what concerns no task restarts one."""
    spec = with_service(simple(platform), "second", tool(platform))
    ship(player, platform, app, spec)
    tasks = platform.running(app)
    ship(player, platform, app, changed(spec, "second", environment={"NEW": "1"}), version="2")
    assert platform.running(app)["app"] == tasks["app"]
    assert platform.running(app)["second"] != tasks["second"]
    tasks = platform.running(app)
    settings = {
        "labels": {"tier": "web"},
        "update_config": {"order": "start-first", "monitor": "1s"},
        **platform.harmless,
    }
    result = ship(
        player,
        platform,
        app,
        changed(changed(spec, "second", environment={"NEW": "1"}), "app", deploy=settings),
        version="3",
    )
    assert {
        service["name"]: service["interruption"]
        for service in result["plan"]["services"]
        if service["action"] != "keep"
    } == {"app": "without interruption"}
    assert platform.running(app) == tasks
    result = ship(
        player,
        platform,
        app,
        changed(changed(spec, "second", environment={"NEW": "1"}), "app", deploy=settings),
        version="4",
    )
    assert result["changed"] and result["release"]["version"] == "4"
    assert platform.running(app) == tasks


def test_services_that_leave(platform: Any, player: Player, app: str) -> None:
    """A service that leaves the spec goes; one that passes its host port on goes first."""
    port = {"ports": [{"target": 80, "published": 18770, "mode": "host"}]}
    first = {"services": {"old": tool(platform, **port), "other": tool(platform)}}
    ship(player, platform, app, first)
    second = {"services": {"new": tool(platform, **port), "other": tool(platform)}}
    result = ship(player, platform, app, second, version="2")
    assert actions(result) == {"new": "create", "other": "keep", "old": "remove"}
    assert set(platform.services(app)) == {"new", "other"}
    assert ship(player, platform, app, second, version="2")["changed"] is False


def as_job_of_stack(platform: Any, app: str, name: str, *command: str) -> set[str]:
    """Run a job as one of a stack, beside its service ``app``; the tasks that have completed."""
    # The client of Docker 20.10 has no jobs in stacks; this is what that of Docker 28 writes.
    template = platform.services(app)["app"]["Spec"]["TaskTemplate"]
    of_client = ("Image", "Init", "StopGracePeriod", "Isolation", "Privileges")
    shown = template["ContainerSpec"]
    container = {key: shown[key] for key in of_client if key in shown}
    label = {"com.docker.stack.namespace": app}
    network = template["Networks"][0]["Target"]
    body = {
        "Name": f"{app}_{name}",
        "Labels": {**label, "com.docker.stack.image": platform.image("tool:1")},
        "TaskTemplate": {
            "ContainerSpec": {**container, "Labels": label, "Args": list(command)},
            "RestartPolicy": {"Condition": "none", "Delay": 5_000_000_000, "MaxAttempts": 0},
            "Placement": template["Placement"],
            "Networks": [{"Target": network, "Aliases": [name]}],
        },
        "Mode": {"ReplicatedJob": {"MaxConcurrent": 1, "TotalCompletions": 1}},
    }
    client = APIClient(base_url=platform.engine.host, version="1.41")
    client.post(f"{client.base_url}/v1.41/services/create", json=body).raise_for_status()
    for _attempt in range(100):
        if platform.completed(app, name):
            break
        time.sleep(0.1)
    return set(platform.completed(app, name))


@pytest.mark.only("swarm")
def test_a_stack_is_taken_over_without_restarts(platform: Any, player: Player, app: str) -> None:
    """`adopt` takes over what docker stack deploy made, also with upper case and relative paths.

    A key that is dropped afterwards goes back.
    """
    app = app.capitalize()
    spec = {
        "services": {
            "app": {
                **tool(platform, environment={"A": "1", "B": "2"}),
                "networks": {"inside": {"aliases": ["also"]}},
                "configs": [{"source": "settings", "target": "/settings"}],
                "secrets": ["token"],
                "volumes": ["data:/data", "./settings:/bound:ro"],
                "hostname": "stacked",
                "healthcheck": {"test": "true", "interval": "1s"},
                "labels": {"on": "container"},
            }
        },
        "networks": {"inside": None},
        "volumes": {"data": None},
        "configs": {"settings": {"file": "./settings"}},
        "secrets": {"token": {"file": "./token"}},
    }
    folder = player.home
    (folder / "token").write_text("a token of the stack")
    (folder / "settings").write_text("from the stack")
    (folder / "stack.yml").write_text(json.dumps({"version": "3.8", **spec}))
    platform.engine.docker("stack", "deploy", "--compose-file", folder / "stack.yml", app)
    ran = as_job_of_stack(platform, app, "migrate", "true")
    once = {"mode": "replicated-job", "restart_policy": {"condition": "none"}}
    spec["services"]["migrate"] = tool(platform, "true", deploy=once, networks=["inside"])
    (folder / "stack.yml").write_text(json.dumps({"version": "3.8", **spec}))
    options = {"app": app, "version": "1", "compose": str(folder / "stack.yml"), **platform.options}
    refused = player.run("release", options)
    assert not refused.ok and "adopt: true" in refused.result["msg"]
    assert platform.completed(app, "migrate") == ran
    for _attempt in range(100):
        if platform.running(app).get("app"):
            break
    tasks = platform.running(app)["app"]
    outcome = player.run("release", {**options, "adopt": True})
    assert outcome.ok, outcome.output
    assert platform.running(app) == {"app": tasks}, "the take-over restarted a task"
    plan = {entry["name"]: entry for entry in outcome.result["plan"]["services"]}
    assert plan["migrate"]["action"] == "remove", plan["migrate"]
    assert platform.completed(app, "migrate") == set(), "the take-over ran a job again"
    assert platform.exec(app, "app", "cat", "/bound") == "from the stack"
    assert not player.run("release", options).result["changed"]
    other = player.run("release", {**options, "app": app.lower(), "adopt": True}).result
    assert f"this Swarm has the app {app}" in other["msg"]
    dropped = changed(spec, "app", environment={"A": "1"})
    del dropped["services"]["app"]["hostname"]
    (folder / "stack.yml").write_text(json.dumps(dropped))
    assert player.run("release", {**options, "version": "2"}).ok
    assert "B" not in platform.environment(app, "app")
    assert not platform.services(app)["app"]["Spec"]["TaskTemplate"]["ContainerSpec"].get(
        "Hostname"
    )
    assert player.run("release", {"app": app, "state": "absent", **platform.options}).ok
    for kind in ("service", "network", "secret", "config"):
        assert platform.objects(kind, app) == set()


def test_foreign_objects_are_refused(platform: Any, player: Player, app: str) -> None:
    """A service or a network of that name which somebody else made is not touched."""
    network = platform.object_name(app, "default")
    platform.make_service(app, "app")
    platform.make_network(network, app)
    try:
        outcome = player.run(
            "release", {"app": app, "version": "1", "spec": simple(platform), **platform.options}
        )
        paths = {problem["path"] for problem in outcome.result["problems"]}
        assert not outcome.ok and paths == {"services.app", f"networks: {network}"}
    finally:
        platform.remove_service(app, "app")
        platform.remove_object(app, "network", network)


@pytest.mark.parametrize(
    "network",
    [
        {},
        pytest.param(
            {"attachable": True, "ipam": {"config": [{"subnet": "10.124.0.0/24"}]}},
            marks=pytest.mark.only("swarm"),
        ),
    ],
    ids=["mode", "mode-and-network"],
)
def test_what_cannot_change_in_place(
    network: dict[str, Any], platform: Any, player: Player, app: str
) -> None:
    """A mode or a network cannot change, unless it may be made anew; then everybody is told."""
    spec = {
        "services": {
            "app": tool(platform, networks=["inside"]),
            "far": tool(platform, networks=["apart"]),
        },
        "networks": {"inside": {}, "apart": {}},
    }
    ship(player, platform, app, spec)
    far = platform.running(app)["far"]
    turned = {
        **changed(spec, "app", deploy={"mode": "global"}),
        "networks": {"inside": network, "apart": {}},
    }
    anew = ["app", *([platform.object_name(app, "inside")] if network else [])]
    outcome = player.run(
        "release", {"app": app, "version": "2", "spec": turned, **platform.options}
    )
    texts = " ".join(problem["text"] for problem in outcome.result["problems"])
    assert (
        not outcome.ok
        and all(f"recreate: [{name}]" in texts for name in anew)
        and ("used by app" in texts) == bool(network)
    )
    result = ship(player, platform, app, turned, version="2", recreate=anew)
    assert actions(result) == {"app": "recreate", "far": "keep"}
    assert platform.running(app)["far"] == far
    assert platform.is_global(app, "app")
    assert ship(player, platform, app, turned, version="2")["changed"] is False


def test_scale(platform: Any, player: Player, app: str) -> None:
    """Numbers change without a release, are judged, and survive where the spec leaves them out."""
    spec = simple(platform)
    ship(player, platform, app, spec)
    scaled = player.run("scale", {"app": app, "replicas": {"app": 3}, **platform.options})
    assert scaled.ok and scaled.result["changed"] and len(platform.running(app)["app"]) == 3
    assert (
        player.run("scale", {"app": app, "replicas": {"app": 3}, **platform.options}).result[
            "changed"
        ]
        is False
    )
    ship(player, platform, app, changed(spec, "app", environment={"NEW": "1"}), version="2")
    assert len(platform.running(app)["app"]) == 3
    wrong = player.run(
        "scale", {"app": app, "replicas": {"ap": 1, "app": "many"}, **platform.options}
    )
    assert "replicas.app: must be a whole number" in wrong.result["msg"]
    wrong = player.run("scale", {"app": app, "replicas": {"ap": 1}, **platform.options})
    assert "replicas.ap: is not a service of the app; did you mean app?" in wrong.result["msg"]


def test_scale_that_cannot_be_goes_back(platform: Any, player: Player, app: str) -> None:
    """Where the new tasks find no room, the former number is set again."""
    ship(
        player,
        platform,
        app,
        simple(platform, deploy={"resources": {"reservations": {"memory": "5G"}}}),
    )
    outcome = player.run("scale", {"app": app, "replicas": {"app": 50}, **platform.options})
    assert (
        not outcome.ok
        and "its replicas were set back (app to 1)" in outcome.result["msg"]
        and outcome.result["failures"][0]["kind"] == "no_resources"
    )
    assert platform.replicas_of(app, "app") == 1


def test_depends_on_orders_the_rollout(platform: Any, player: Player, app: str) -> None:
    """A service waits for what it depends on; where that fails it is not begun."""
    check = {
        "test": ["CMD-SHELL", "test $$(cut -d. -f1 /proc/uptime) -gt 0 && test -e /tmp/ready"],
        "interval": "300ms",
        "retries": 50,
    }
    database = tool(
        platform, "sh", "-c", "sleep 2; touch /tmp/ready; exec sleep 100000", healthcheck=check
    )
    spec = {
        "services": {
            "web": tool(platform, depends_on={"database": {"condition": "service_healthy"}}),
            "database": database,
        }
    }
    ship(player, platform, app, spec)
    created = platform.created(app)
    assert created["web"] > created["database"]
    broken = changed(
        changed(spec, "database", command=["sh", "-c", "exit 9"]), "web", environment={"NEW": "1"}
    )
    versions = platform.versions(app)
    outcome = player.run(
        "release", {"app": app, "version": "2", "spec": broken, **platform.options}
    )
    assert outcome.result["outcome"] == "rolled_back"
    assert platform.versions(app)["web"] == versions["web"], (
        "a service was begun though what it depends on had failed"
    )


def test_longest_names(platform: Any, player: Player) -> None:
    """The longest app, service, secret and config names fit the limits and stay apart."""
    app = "a" + "b" * 38 + "c"
    names = ["s" * 60 + "one", "s" * 60 + "two"]
    grants = {
        "secrets": ["t" * 70 + "one", "t" * 70 + "two"],
        "configs": ["c" * 70 + "one", "c" * 70 + "two"],
    }
    spec: dict[str, Any] = {"services": {name: tool(platform, **grants) for name in names}}
    for section, sources in grants.items():
        spec[section] = {name: {"content": f"{section} {name}"} for name in sources}
    try:
        ship(player, platform, app, spec)
        assert ship(player, platform, app, spec)["changed"] is False
    finally:
        assert player.run("release", {"app": app, "state": "absent", **platform.options}).ok


def test_absent_leaves_only_volumes(platform: Any, player: Player, app: str) -> None:
    """When the play returns all is really gone, but for the volumes, which are listed."""
    spec = {
        **shop(platform, port=18771),
        "secrets": {"token": {"content": "a token to remove"}},
        "volumes": {"data": {}},
    }
    spec["services"]["web"].update(secrets=["token"], volumes=["data:/data"])
    ship(player, platform, app, spec)
    gone = player.run("release", {"app": app, "state": "absent", **platform.options})
    assert gone.ok and gone.result["volumes_kept"] == [platform.object_name(app, "data")]
    for kind in ("service", "network", "secret", "config"):
        assert platform.objects(kind, app) == set()
    assert platform.objects("volume", app) == {platform.object_name(app, "data")}
    assert (
        player.run("release", {"app": app, "state": "absent", **platform.options}).result["changed"]
        is False
    )


@pytest.mark.only("swarm")
def test_what_cannot_take_effect_on_a_swarm(platform: Any, player: Player, app: str) -> None:
    """A volume that exists keeps its options, and a config has one mode: both are told before.

    Labels of secrets and configs can change, and do.
    """
    sized = {"type": "tmpfs", "device": "tmpfs"}

    def spec(size: str, volume: str = "data", **keys: Any) -> dict[str, Any]:
        return {
            "services": {"app": tool(platform, volumes=[f"{volume}:/data"], configs=["c"], **keys)},
            "volumes": {volume: {"driver_opts": {**sized, "o": f"size={size}"}}},
            "configs": {"c": {"content": "hello", "labels": {"size": size}}},
        }

    ship(player, platform, app, spec("1m"))
    tasks, volume = platform.running(app), platform.object_name(app, "data")
    for flags in (["--check"], []):
        options = {"app": app, "version": "2", "spec": spec("7m"), **platform.options}
        rejected = player.run("release", options, *flags)
        (problem,) = rejected.result["problems"]
        assert not rejected.ok and problem["path"] == f"volumes: {volume}"
        assert "size=1m" in problem["text"] and "size=7m" in problem["text"]
    assert platform.running(app) == tasks and len(platform.records(app)) == 1

    two = [
        {"source": "c", "target": "/one", "uid": "10", "gid": "11", "mode": 0o440},
        {"source": "c", "target": "/two"},
    ]
    twice = {**spec("1m"), "services": {"app": tool(platform, configs=two)}}
    rejected = player.run("release", {**options, "spec": twice})
    assert "mounted at /one and /two" in rejected.result["msg"]

    ship(player, platform, app, spec("7m", "large"), version="2")
    assert "size=7168k" in platform.exec(app, "app", "mount")
    (config,) = (name for name in platform.objects("config", app) if "_c" in name)
    labels = platform.engine.docker("config", "inspect", "--format", "{{.Spec.Labels}}", config)
    assert "size:7m" in labels
    gone = player.run("release", {"app": app, "state": "absent", **platform.options})
    assert gone.ok and "volumes are kept" in gone.output and f"{app}_large" in gone.output


@pytest.mark.only("swarm")
def test_ports_of_the_whole_swarm(platform: Any, player: Player, app: str) -> None:
    """Check mode sees the ports of others; within an app they are given up before they are taken.

    Two services swap theirs where one of them may be interrupted.
    """

    def spec(**ports: int) -> dict[str, Any]:
        return {
            "services": {
                name: tool(platform, ports=[f"{number}:80"]) for name, number in ports.items()
            }
        }

    def check(ports: dict[str, int], **more: Any) -> Any:
        options = {"app": app, "version": "9", "spec": spec(**ports), **platform.options, **more}
        return player.run("release", options, "--check")

    other = f"{app}other"
    try:
        ship(player, platform, other, spec(web=18781))
        taken = check({"web": 18781})
        assert not taken.ok and f"by the service {other}_web" in taken.result["msg"]
    finally:
        platform.stop(other)
    ship(player, platform, app, spec(a=18782, b=18783))
    # b gives 18783 up, a takes it and gives 18782 up, which c takes.
    ship(player, platform, app, spec(a=18783, b=18784, c=18782), version="2")
    swapped = {"a": 18784, "b": 18783, "c": 18782}
    rejected = check(swapped)
    assert not rejected.ok and "recreate: [b]" in rejected.result["msg"]
    assert check(swapped, recreate=["b"]).ok
    result = ship(player, platform, app, spec(**swapped), version="3", recreate=["b"])
    assert actions(result) == {"a": "update", "b": "recreate", "c": "keep"}
    # To bring a release back, the ports change hands once more.
    broken = changed(spec(a=18783, b=18784, c=18782), "a", command=["sh", "-c", "exit 3"])
    options = {"app": app, "version": "4", "spec": broken, "recreate": ["b"], **platform.options}
    failed = player.run("release", options)
    assert failed.result["outcome"] == "rolled_back", failed.output
    assert ship(player, platform, app, spec(**swapped), version="3")["changed"] is False


def test_a_host_port_comes_back_from_a_replica_that_stops_slowly(
    platform: Any, player: Player, app: str
) -> None:
    """The failed replica holds the port for seconds, and the former release waits for it."""
    port = {"ports": [{"target": 80, "published": 18785, "mode": "host"}]}
    ship(player, platform, app, simple(platform, **port))
    stubborn = simple(
        platform,
        "sh",
        "-c",
        "trap '' TERM; while true; do sleep 1; done",
        **port,
        stop_grace_period="8s",
        healthcheck={"test": "false", "interval": "1s", "start_period": "60s"},
    )
    failed = player.run(
        "release",
        {
            "app": app,
            "version": "2",
            "spec": stubborn,
            "rollout_timeout": 8,
            **platform.options,
        },
    )
    assert failed.result["outcome"] == "rolled_back", failed.output
    assert ship(player, platform, app, simple(platform, **port))["changed"] is False
