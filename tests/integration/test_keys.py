# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every key that is supported: again changes nothing, check mode predicts the run.

A key that is dropped goes back to its default.
One service a key. It is released, released again, changed, released again, and released without the
key. The table is held against the collection's own table of keys.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.shipping.code.plugins.module_utils._platforms import registry

from .harness import Player, PlayOutcome
from .specs import Spec, tool

pytestmark = pytest.mark.long

APP = "keys"
SWARM, KUBERNETES = "swarm", "kubernetes"
_CHECK = {"test": ["CMD", "true"], "interval": "1s"}

# Key -> two values; the second may be left out where there is only one. OTHERS has those of one
# platform.
VALUES: dict[str, list[Any]] = {
    "command": [["sleep", "100001"], "sleep 100002"],
    "entrypoint": [["sleep"], ["/usr/bin/sleep"]],
    "environment": [
        {"PLAIN": "1", "EMPTY": "", "ODD": "a b=c \"d\" 'e' $$HOME {{ x }} ü\nnext"},
        ["PLAIN=2", "MORE=x"],
    ],
    "working_dir": ["/tmp", "/run"],
    "user": ["1000", "1000:1000"],
    "group_add": [["1000"], ["1000", "1001"]],
    "hostname": ["{{.Node.Hostname}}-{{.Task.Slot}}", "fixed"],
    "init": [True, False],
    "tty": [True, False],
    "stdin_open": [True, False],
    "read_only": [True, False],
    "stop_signal": ["SIGUSR1", "SIGINT"],
    "stop_grace_period": ["750ms", "1m30s"],
    "labels": [{"team": "shop", "tier": "web"}, ["team=checkout"]],
    "ports": [
        [{"target": 80, "published": 18080, "mode": "host"}, "53/udp"],
        ["18081:80", "18082-18083:82-83/udp"],
    ],
    "expose": [["80"], ["81"]],
    "networks": [["one"], {"one": {"aliases": ["other", "another"]}, "two": None}],
    "network_mode": ["host"],
    "volumes": [
        ["data:/data", "/tmp:/host:ro", "/anonymous"],
        [
            {"type": "volume", "source": "data", "target": "/data", "volume": {"nocopy": True}},
            {
                "type": "bind",
                "source": "/tmp",
                "target": "/host",
                "bind": {"propagation": "rprivate"},
            },
            {"type": "tmpfs", "target": "/scratch", "tmpfs": {"size": "16m", "mode": 0o1777}},
        ],
    ],
    "tmpfs": [["/run/one:size=8m", "/run/two"], "/run/one"],
    "secrets": [
        ["token"],
        [{"source": "token", "target": "/etc/token", "uid": "1000", "gid": "1000", "mode": 0o400}],
    ],
    "configs": [
        ["settings"],
        [
            {
                "source": "settings",
                "target": "/etc/settings",
                "uid": "1000",
                "gid": "1000",
                "mode": 0o440,
            }
        ],
    ],
    "healthcheck": [
        {**_CHECK, "timeout": "2s", "retries": 5, "start_period": "3s"},
        {"disable": True},
    ],
    "logging": [
        {"driver": "json-file", "options": {"max-size": "1m", "max-file": "2"}},
        {"driver": "none"},
    ],
    "extra_hosts": [["a.example:192.0.2.1", "b.example=192.0.2.2"], {"a.example": "192.0.2.3"}],
    "dns": [["192.0.2.53", "192.0.2.54"], "192.0.2.55"],
    "dns_search": ["shop.example", ["a.example", "b.example"]],
    "dns_opt": [["ndots:2"], ["ndots:3"]],
    "cap_add": [["NET_ADMIN"], ["CAP_NET_ADMIN", "sys_time"]],
    "cap_drop": [["ALL"], ["chown", "CAP_KILL"]],
    "sysctls": [{"net.core.somaxconn": 1024}, {"net.core.somaxconn": 512}],
    "ulimits": [{"nofile": {"soft": 1000, "hard": 2000}}, {"nproc": 512}],
    "platform": ["linux/amd64", "amd64"],
    "restart": ["always", "on-failure:4"],
    "mem_limit": ["64m", "96m"],
    "mem_reservation": ["8m", "9m"],
    "pids_limit": [50, 60],
    "cpus": ["0.25", 0.5],
    "depends_on": [["image"], {"image": {"condition": "service_healthy"}}],
    "deploy.mode": ["replicated"],
    "deploy.replicas": [1, 0],
    "deploy.endpoint_mode": ["dnsrr", "vip"],
    "deploy.labels": [{"owner": "shop"}, ["owner=checkout", "more=1"]],
    "deploy.placement.constraints": [["node.role == manager"], ["node.platform.os == linux"]],
    "deploy.placement.preferences": [
        [{"spread": "node.labels.zone"}],
        [{"spread": "node.labels.rack"}],
    ],
    "deploy.placement.max_replicas_per_node": [2, 3],
    "deploy.resources.limits": [{"cpus": "0.5", "memory": "64M", "pids": 40}, {"memory": "80M"}],
    "deploy.resources.reservations": [{"cpus": "0.01", "memory": "4M"}, {"memory": "5M"}],
    "deploy.restart_policy": [
        {"condition": "on-failure", "delay": "2s", "max_attempts": 3, "window": "10s"},
        {"delay": "1s"},
    ],
    "deploy.update_config": [
        {
            "parallelism": 0,
            "delay": "1s",
            "failure_action": "continue",
            "monitor": "1s",
            "max_failure_ratio": 0.5,
            "order": "start-first",
        },
        {"delay": "2s"},
    ],
    "deploy.rollback_config": [
        {
            "parallelism": 2,
            "delay": "1s",
            "failure_action": "continue",
            "monitor": "1s",
            "max_failure_ratio": 0.25,
            "order": "start-first",
        },
        {"order": "stop-first"},
    ],
}
OTHERS: dict[str, dict[str, list[Any]]] = {
    SWARM: {
        "x-shipping": [
            {"probe": {"tcp": {"port": 8000}}},
            {"probe": {"http": {"port": 8000, "path": "/"}}},
        ],
    },
    KUBERNETES: {
        "annotations": [{"example.com/note": "a b"}, ["example.com/note=c", "more=d"]],
        "hostname": ["first", "second"],
        "privileged": [True, False],
        "shm_size": ["16m", "32m"],
        "sysctls": [
            {"net.ipv4.ip_unprivileged_port_start": 1023},
            {"net.ipv4.ip_unprivileged_port_start": 80},
        ],
        "secrets": [
            ["token"],
            [{"source": "token", "target": "/etc/token", "gid": "1000", "mode": 0o440}],
        ],
        "configs": [
            ["settings"],
            [{"source": "settings", "target": "/etc/settings", "gid": "1000", "mode": 0o440}],
        ],
        "x-shipping": [
            {
                "probe": {"tcp": {"port": 8000}},
                "overlay": {"kubernetes": {"Deployment": {"spec": {"revisionHistoryLimit": 3}}}},
            },
            {"probe": {"http": {"port": 8000, "path": "/etc/passwd"}}},
        ],
        "deploy.placement.max_replicas_per_node": [1],
    },
}
# Key -> others that its service has for its sake.
BESIDE: dict[str, dict[str, Any]] = {
    "deploy.endpoint_mode": {"expose": ["80"]},
    "x-shipping": {"command": ["httpd", "-f", "-p", "8000"]},
}
# Keys that only the control machine sees, or that every service of this table has.
ELSEWHERE = {"image", "env_file"}
# Keys that the platform passes over, or whose two values say the same.
SILENT = {
    SWARM: {"expose", "depends_on", "platform", "x-shipping"},
    KUBERNETES: {
        "depends_on",
        "platform",
        "logging",
        "ulimits",
        "restart",
        "pids_limit",
        "deploy.restart_policy",
        "deploy.rollback_config",
    },
}
# Keys whose last value is as good as none.
DEFAULTS = {
    SWARM: {
        "expose",
        "depends_on",
        "x-shipping",
        "deploy.mode",
        "deploy.replicas",
        "deploy.endpoint_mode",
        "deploy.rollback_config",
    },
    KUBERNETES: (
        (SILENT[KUBERNETES] - {"platform"})
        | {
            "init",
            "privileged",
            "healthcheck",
            "deploy.mode",
            "deploy.replicas",
            "deploy.endpoint_mode",
        }
    ),
}
SWITCHES = {"tty", "stdin_open", "read_only"}


def values_on(platform: str) -> dict[str, list[Any]]:
    """The table of a platform."""
    return {**VALUES, **OTHERS[platform]}


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
    services: Spec = {"image": {**base, "healthcheck": _CHECK}}
    for key, values in values_on(platform.name).items():
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
        "configs": {"settings": {"content": "colour = blue\n", "labels": {"kind": "settings"}}},
    }


@pytest.mark.parametrize("name", registry.names())
def test_table_has_every_key(name: str) -> None:
    """A key that is not tried here is not supported."""
    assert set(values_on(name)) | ELSEWHERE == set(registry.support(name).keys)


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
    for key, values in values_on(platform.name).items():
        expected = "update" if len(values) > 1 and key not in SILENT[platform.name] else "keep"
        assert plan[named(key)]["action"] == expected, (key, plan[named(key)])

    plan = predicted_and_done(keys, platform, spec_for(platform, None))
    for key in values_on(platform.name):
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
            "plain": {"driver": "bridge"},
        },
        "volumes": {
            "named": {"name": f"{app}-volume", "labels": {"a": "b"}},
            "driven": platform.driven_volume(app),
            "outside": {"external": True, "name": f"{app}-volume-outside"},
        },
        "secrets": {
            "outside": {"external": True, "name": f"{app}-secret"},
            "inline": {"content": "inline secret", "labels": {"a": "b"}},
            "valued": {"environment": "A_SECRET"},
        },
        "configs": {
            "outside": {"external": True, "name": f"{app}-config"},
            "inline": {"content": "inline", "labels": {"a": "b"}},
            "valued": {"environment": "A_VALUE"},
        },
    }
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
    assert (
        platform.exec(app, "app", "cat", "/run/secrets/valued", "/valued", "/outside")
        == "secretly valuedvaluedfrom outside"
    )
