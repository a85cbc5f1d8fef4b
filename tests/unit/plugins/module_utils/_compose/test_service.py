# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from itertools import product

import pytest
from ansible_collections.shipping.code.plugins.module_utils._compose.service import (
    EXTENSION,
    PARSERS,
    RESTART_DEFAULTS,
    UPDATE_DEFAULTS,
)

from .reading import NOTHING_SAID, SWARM, read_spec, service, spec


def port(target, published=None, protocol="tcp", mode="ingress"):
    known = {"target": target, "protocol": protocol, "mode": mode}
    return known if published is None else {**known, "published": published}


def file(source, target, **other):
    return {"source": source, "target": target, "uid": "0", "gid": "0", "mode": 0o444, **other}


# Key, ways to write one and the same, normal form.
SAME = [
    ("command", ["sleep 1", ["sleep", "1"], ["sleep", 1], "  sleep\t1\n"], ["sleep", "1"]),
    (
        "command",
        [
            "sh -c 'a && b; c'",
            ["sh", "-c", "a && b; c"],
            'sh -c "a && b; c"',
            "sh -c a\\ \\&\\&\\ b\\;\\ c",
        ],
        ["sh", "-c", "a && b; c"],
    ),
    ("command", ["--save \"\" --x='y z'", ["--save", "", "--x=y z"]], ["--save", "", "--x=y z"]),
    ("command", ['sh -c "echo \\$HOME"', ["sh", "-c", "echo $HOME"]], ["sh", "-c", "echo $HOME"]),
    ("entrypoint", ["/run it", ["/run", "it"]], ["/run", "it"]),
    (
        "environment",
        [{"A": "b", "C": 1}, ["A=b", "C=1"], {"C": "1", "A": "b"}],
        {"A": "b", "C": "1"},
    ),
    (
        "environment",
        [{"A": "", "B": True, "C": 1.5}, ["A=", "B=true", "C=1.5"]],
        {"A": "", "B": "true", "C": "1.5"},
    ),
    ("environment", [["A=b=c=d"], {"A": "b=c=d"}, ["A=x", "A=b=c=d"]], {"A": "b=c=d"}),
    ("labels", [{"a": None, "b": "c"}, ["a", "b=c"], {"a": "", "b": "c"}], {"a": "", "b": "c"}),
    (
        "ports",
        [["80"], [80], [{"target": 80}], [{"target": "80"}], ["80/tcp"], [":80"], ["80", 80]],
        [port(80)],
    ),
    (
        "ports",
        [
            ["8080:80"],
            [{"target": 80, "published": 8080}],
            ["8080:80/TCP"],
            ["0.0.0.0:8080:80"],
            ["0.0.0.0:8080:80", "[::]:8080:80"],
        ],
        [port(80, 8080)],
    ),
    (
        "ports",
        [
            [
                {
                    "target": 80,
                    "published": "8080",
                    "host_ip": "0.0.0.0",
                    "name": "web",
                    "app_protocol": "http",
                }
            ]
        ],
        [port(80, 8080)],
    ),
    ("ports", [["22:22"], [{"target": 22, "published": "22"}]], [port(22, 22)]),
    (
        "ports",
        [["53:53/udp"], [{"target": 53, "published": 53, "protocol": "udp"}]],
        [port(53, 53, "udp")],
    ),
    (
        "ports",
        [["3000-3001:4000-4001"], ["3001:4001", "3000:4000"]],
        [port(4000, 3000), port(4001, 3001)],
    ),
    ("ports", [["7-8"], ["8", "7"]], [port(7), port(8)]),
    ("ports", [["1:65535", "65535:1"], ["65535:1", "1:65535"]], [port(1, 65535), port(65535, 1)]),
    ("ports", [[{"target": 80, "published": 80, "mode": "host"}]], [port(80, 80, mode="host")]),
    (
        "volumes",
        [
            ["/data"],
            [{"type": "volume", "target": "/data"}],
            [{"target": "/data/"}],
            ["/x/../data//"],
        ],
        [{"type": "volume", "target": "/data"}],
    ),
    (
        "volumes",
        [
            ["/a:/b"],
            [{"type": "bind", "source": "/a", "target": "/b", "bind": {"create_host_path": True}}],
        ],
        [{"type": "bind", "source": "/a", "target": "/b"}],
    ),
    (
        "volumes",
        [
            ["/a:/b:ro,rslave"],
            [
                {
                    "type": "bind",
                    "source": "/a",
                    "target": "/b",
                    "read_only": True,
                    "bind": {"propagation": "rslave"},
                }
            ],
        ],
        [
            {
                "type": "bind",
                "source": "/a",
                "target": "/b",
                "read_only": True,
                "bind": {"propagation": "rslave"},
            }
        ],
    ),
    (
        "volumes",
        [
            ["/a:/b:rw"],
            ["/a:/b:cached"],
            [
                {
                    "type": "bind",
                    "source": "/a",
                    "target": "/b",
                    "read_only": False,
                    "consistency": "cached",
                }
            ],
        ],
        [{"type": "bind", "source": "/a", "target": "/b"}],
    ),
    (
        "volumes",
        [["/:/rootfs:ro"]],
        [{"type": "bind", "source": "/", "target": "/rootfs", "read_only": True}],
    ),
    (
        "volumes",
        [
            ["data:/x:nocopy"],
            ["data:/x/:rw,nocopy"],
            [{"type": "volume", "source": "data", "target": "/x", "volume": {"nocopy": "true"}}],
        ],
        [{"type": "volume", "source": "data", "target": "/x", "volume": {"nocopy": True}}],
    ),
    (
        "volumes",
        [
            [
                {
                    "type": "volume",
                    "source": "data",
                    "target": "/x",
                    "volume": {"subpath": path, "nocopy": False},
                }
            ]
            for path in ("a/b", "./a/b/", "a/c/../b")
        ],
        [{"type": "volume", "source": "data", "target": "/x", "volume": {"subpath": "a/b"}}],
    ),
    (
        "volumes",
        [["data:/x"], [{"source": "data", "target": "/x", "volume": {"subpath": "./"}}]],
        [{"type": "volume", "source": "data", "target": "/x"}],
    ),
    (
        "volumes",
        [["/a:/b", "/a:/b/"], ["/a:/b"]],
        [{"type": "bind", "source": "/a", "target": "/b"}],
    ),
    (
        "volumes",
        [
            [{"type": "tmpfs", "target": "/x", "tmpfs": {"size": 65536, "mode": 0o1777}}],
            [{"type": "tmpfs", "target": "/x", "tmpfs": {"size": "64k", "mode": "1777"}}],
        ],
        [{"type": "tmpfs", "target": "/x", "tmpfs": {"size": "64K", "mode": 0o1777}}],
    ),
    (
        "extra_hosts",
        [
            ["a:10.0.0.1", "b=::1"],
            {"a": "10.0.0.1", "b": "[::1]"},
            ["b=[::1]", "a=10.0.0.1"],
            ["b:::1", "a:10.0.0.1"],
        ],
        ["a=10.0.0.1", "b=::1"],
    ),
    (
        "extra_hosts",
        [[f"{name}=10.0.0.1" for name in "fbeacd"]],
        [f"{name}=10.0.0.1" for name in "abcdef"],
    ),
    (
        "extra_hosts",
        [{"a": ["10.0.0.1", "10.0.0.2"]}, ["a=10.0.0.2,10.0.0.1"], ["a:10.0.0.1", "a:10.0.0.2"]],
        ["a=10.0.0.1", "a=10.0.0.2"],
    ),
    (
        "healthcheck",
        [{"test": "true"}, {"test": ["CMD-SHELL", "true"]}, {"test": "true", "interval": "0s"}],
        {"test": ["CMD-SHELL", "true"]},
    ),
    (
        "healthcheck",
        [
            {"disable": True},
            {"test": ["NONE"]},
            {"test": "true", "disable": "true"},
            {"test": ["NONE"], "interval": "5s"},
        ],
        {"test": ["NONE"]},
    ),
    (
        "healthcheck",
        [
            {"interval": "90s", "retries": "3"},
            {"interval": "1m30s", "retries": 3, "disable": False},
        ],
        {"interval": "1m30s", "retries": 3},
    ),
    ("dns", ["10.0.0.1", ["10.0.0.1"], ["10.0.0.1", "", "10.0.0.1"]], ["10.0.0.1"]),
    ("dns_search", ["example.com", ["example.com"]], ["example.com"]),
    (
        "cap_add",
        [["net_admin", "CAP_SYS_TIME"], ["SYS_TIME", "NET_ADMIN", "CAP_NET_ADMIN"]],
        ["CAP_NET_ADMIN", "CAP_SYS_TIME"],
    ),
    ("cap_drop", [["all"], ["ALL"]], ["ALL"]),
    (
        "security_opt",
        [
            ["no-new-privileges", "seccomp=unconfined", "apparmor:unconfined"],
            ["apparmor=unconfined", "no-new-privileges:true", "seccomp:unconfined"],
        ],
        {"no_new_privileges": True, "seccomp": "unconfined", "apparmor": "unconfined"},
    ),
    (
        "security_opt",
        [["label=type:x_t", "label:level:s0:c1"], ["label:level:s0:c1", "label=type:x_t"]],
        {"selinux": {"type": "x_t", "level": "s0:c1"}},
    ),
    ("security_opt", [["label=disable"], "label:disable"], {"selinux": {"disable": True}}),
    (
        "security_opt",
        [["seccomp=builtin", "apparmor=docker-default", "no-new-privileges=false"]],
        {"seccomp": "default", "apparmor": "default"},
    ),
    ("oom_score_adj", [-500, "-500"], -500),
    ("mem_swappiness", [0, "0"], 0),
    (
        "sysctls",
        [{"net.core.somaxconn": 1024}, ["net.core.somaxconn=1024"]],
        {"net.core.somaxconn": "1024"},
    ),
    (
        "ulimits",
        [{"nofile": 10}, {"nofile": {"soft": 10, "hard": "10"}}],
        {"nofile": {"soft": 10, "hard": 10}},
    ),
    ("ulimits", [{"memlock": -1}], {"memlock": {"soft": -1, "hard": -1}}),
    ("platform", ["linux/arm64", "arm64", "linux/arm64/v8", "Linux/ARM64"], "linux/arm64"),
    (
        "logging",
        [
            {"driver": "json-file", "options": {"max-file": 3}},
            {"driver": "json-file", "options": {"max-file": "3"}},
        ],
        {"driver": "json-file", "options": {"max-file": "3"}},
    ),
    ("stop_grace_period", ["90s", "1m30s", "1.5m"], "1m30s"),
    ("init", [True, "true", "True", "yes", "YES", "on", "y"], True),
    ("read_only", [False, "false", "FALSE", "no", "off", "n"], False),
    ("user", [1000, "1000"], "1000"),
    ("network_mode", ["host"], "host"),
    ("group_add", [[1000, "docker"], ["1000", "docker"]], ["1000", "docker"]),
]


@pytest.mark.parametrize(("key", "ways", "normal"), SAME)
def test_all_ways_to_write_a_thing_are_the_same(key, ways, normal):
    for way in ways:
        content = {**spec(**{key: way}), "volumes": {"data": None}}
        assert read_spec(content).services["web"][key] == normal, way


# Keys that go to another place -> the whole service but for what is always there.
MOVED = [
    ({"tmpfs": "/run"}, {"volumes": [{"type": "tmpfs", "target": "/run"}]}),
    (
        {"tmpfs": ["/run:size=64m,mode=1777", "/tmp"]},
        {
            "volumes": [
                {"type": "tmpfs", "target": "/run", "tmpfs": {"size": "64M", "mode": 0o1777}},
                {"type": "tmpfs", "target": "/tmp"},
            ]
        },
    ),
    ({"tmpfs": "/run:size=0,rw"}, {"volumes": [{"type": "tmpfs", "target": "/run"}]}),
    (
        {"volumes": [{"type": "tmpfs", "target": "/run", "tmpfs": {"size": 0, "mode": 0}}]},
        {"volumes": [{"type": "tmpfs", "target": "/run"}]},
    ),
    ({"mem_limit": "512m"}, {"deploy": {"resources": {"limits": {"memory": "512M"}}}}),
    (
        {"mem_limit": "64m", "memswap_limit": "96m"},
        {"deploy": {"resources": {"limits": {"memory": "64M"}}}, "swap_limit": "32M"},
    ),
    (
        {"deploy": {"resources": {"limits": {"memory": "64M"}}}, "memswap_limit": "64m"},
        {"deploy": {"resources": {"limits": {"memory": "64M"}}}, "swap_limit": "0"},
    ),
    (
        {"mem_limit": "64m", "memswap_limit": -1},
        {"deploy": {"resources": {"limits": {"memory": "64M"}}}, "swap_limit": "-1"},
    ),
    ({"memswap_limit": 0, "mem_swappiness": -1, "security_opt": []}, {}),
    (
        {"security_opt": ["no-new-privileges:false"]},
        {},
    ),
    ({"mem_reservation": 1024}, {"deploy": {"resources": {"reservations": {"memory": "1K"}}}}),
    ({"cpus": 0.5}, {"deploy": {"resources": {"limits": {"cpus": "0.5"}}}}),
    ({"pids_limit": 0}, {"deploy": {"resources": {"limits": {"pids": 0}}}}),
    (
        {"deploy": {"placement": {"max_replicas_per_node": 0}}},
        {"deploy": {"placement": {"max_replicas_per_node": 0}}},
    ),
    (
        {"restart": "on-failure:0"},
        {"deploy": {"restart_policy": {**RESTART_DEFAULTS, "condition": "on-failure"}}},
    ),
    ({"pids_limit": "100"}, {"deploy": {"resources": {"limits": {"pids": 100}}}}),
    (
        {"mem_limit": "1g", "deploy": {"resources": {"limits": {"memory": "1024m", "cpus": 1}}}},
        {"deploy": {"resources": {"limits": {"memory": "1G", "cpus": "1"}}}},
    ),
    ({"restart": "always"}, {"deploy": {"restart_policy": RESTART_DEFAULTS}}),
    ({"restart": "unless-stopped"}, {"deploy": {"restart_policy": RESTART_DEFAULTS}}),
    ({"restart": "no"}, {"deploy": {"restart_policy": {**RESTART_DEFAULTS, "condition": "none"}}}),
    ({"restart": False}, {"deploy": {"restart_policy": {**RESTART_DEFAULTS, "condition": "none"}}}),
    (
        {"restart": "on-failure"},
        {"deploy": {"restart_policy": {**RESTART_DEFAULTS, "condition": "on-failure"}}},
    ),
    (
        {"restart": "on-failure:3"},
        {
            "deploy": {
                "restart_policy": {**RESTART_DEFAULTS, "condition": "on-failure", "max_attempts": 3}
            }
        },
    ),
    (
        {"restart": "no", "deploy": {"restart_policy": {"delay": "1s"}}},
        {"deploy": {"restart_policy": {**RESTART_DEFAULTS, "delay": "1s"}}},
    ),
    (
        {"deploy": {"update_config": {"order": "start-first"}}},
        {"deploy": {"update_config": {**UPDATE_DEFAULTS, "order": "start-first"}}},
    ),
    (
        {"deploy": {"update_config": {"monitor": "0s"}}},
        {"deploy": {"update_config": UPDATE_DEFAULTS}},
    ),
    ({"deploy": {"update_config": {}}}, {"deploy": {"update_config": UPDATE_DEFAULTS}}),
    (
        {"deploy": {"update_config": {"max_failure_ratio": 1}}},
        {"deploy": {"update_config": {**UPDATE_DEFAULTS, "max_failure_ratio": 1.0}}},
    ),
    (
        {"deploy": {"update_config": {"max_failure_ratio": "0.5"}}},
        {"deploy": {"update_config": {**UPDATE_DEFAULTS, "max_failure_ratio": 0.5}}},
    ),
    (
        {"deploy": {"rollback_config": {"parallelism": 0}}},
        {"deploy": {"rollback_config": {**UPDATE_DEFAULTS, "parallelism": 0}}},
    ),
    (
        {"deploy": {"placement": {"preferences": [{"spread": "node.labels.rack"}]}}},
        {"deploy": {"placement": {"preferences": ["node.labels.rack"]}}},
    ),
    (
        {"deploy": {"replicas": "2", "mode": "replicated"}},
        {"deploy": {"replicas": 2, "mode": "replicated"}},
    ),
    ({"deploy": {"replicas": 0}}, {"deploy": {"replicas": 0}}),
    (
        {"deploy": {"labels": ["a=b"], "endpoint_mode": "dnsrr"}},
        {"deploy": {"labels": {"a": "b"}, "endpoint_mode": "dnsrr"}},
    ),
    ({"expose": [80, "81-83"]}, {"expose": ["80", "81-83"]}),
]


@pytest.mark.parametrize(("given", "normal"), MOVED)
def test_what_goes_to_another_place(given, normal):
    assert service(**given) == {**NOTHING_SAID, **normal}


# What says nothing leaves nothing behind, so that it changes nothing in a second run.
NOTHING = [
    *({key: None} for key in (*PARSERS, EXTENSION) if key != "image"),
    *(
        {key: []}
        for key in (
            "command",
            "ports",
            "volumes",
            "tmpfs",
            "secrets",
            "configs",
            "dns",
            "extra_hosts",
            "cap_add",
            "expose",
        )
    ),
    *(
        {key: {}}
        for key in (
            "environment",
            "labels",
            "networks",
            "healthcheck",
            "logging",
            "deploy",
            "depends_on",
            "sysctls",
            "ulimits",
        )
    ),
    {"command": ""},
    {"deploy": {"resources": {"limits": {}}, "placement": {"constraints": []}, "labels": {}}},
    {"healthcheck": {"interval": "0s"}},
    {"logging": {"options": {}}},
    {"x-anything": {"goes": ["here"]}},
    {"deploy": {"x-mine": 1}},
    *({key: empty} for key, empty in product(SWARM.refused_keys, (None, [], {}, False))),
]


@pytest.mark.parametrize("given", NOTHING, ids=str)
def test_what_says_nothing(given):
    assert service(**given) == NOTHING_SAID


GRANTS = [
    ("secrets", "token", file("token", "/run/secrets/token")),
    ("secrets", {"source": "token"}, file("token", "/run/secrets/token")),
    ("secrets", {"source": "token", "target": "t"}, file("token", "/run/secrets/t")),
    (
        "secrets",
        {"source": "token", "target": "/etc/t", "uid": 1000, "gid": "1000", "mode": 0o400},
        file("token", "/etc/t", uid="1000", gid="1000", mode=0o400),
    ),
    (
        "secrets",
        {"source": "token", "mode": 0o7777},
        file("token", "/run/secrets/token", mode=0o7777),
    ),
    (
        "secrets",
        {"source": "token", "mode": "0o400"},
        file("token", "/run/secrets/token", mode=0o400),
    ),
    (
        "secrets",
        {"source": "token", "mode": "0440"},
        file("token", "/run/secrets/token", mode=0o440),
    ),
    ("configs", "token", file("token", "/token")),
    ("configs", {"source": "token", "target": "/etc/t"}, file("token", "/etc/t")),
]


@pytest.mark.parametrize(("section", "given", "normal"), GRANTS)
def test_grants(section, given, normal):
    content = {**spec(**{section: [given, given]}), section: {"token": {"environment": "TOKEN"}}}
    assert read_spec(content).services["web"][section] == [normal]


NETWORKS = [
    (["front", "back"], {"front": {}, "back": {}}),
    ({"front": None, "back": {}}, {"front": {}, "back": {}}),
    ({"front": {"aliases": ["b", "a", "b"], "priority": 1}}, {"front": {"aliases": ["a", "b"]}}),
    ({"front": {"aliases": []}}, {"front": {}}),
    ([], {"default": {}}),
]


@pytest.mark.parametrize(("given", "normal"), NETWORKS)
def test_networks(given, normal):
    content = {**spec(networks=given), "networks": {"front": None, "back": {}}}
    assert read_spec(content).services["web"]["networks"] == normal


DEPENDENCIES = [
    (["db"], {"db": "service_started"}),
    ({"db": None}, {"db": "service_started"}),
    ({"db": {"condition": "service_healthy", "restart": True}}, {"db": "service_healthy"}),
    ({"db": {"required": False}, "cache": {"required": False}}, {"db": "service_started"}),
]


@pytest.mark.parametrize(("given", "normal"), DEPENDENCIES)
def test_dependencies(given, normal):
    content = {
        "services": {"web": {"image": "nginx", "depends_on": given}, "db": {"image": "postgres"}}
    }
    assert read_spec(content).services["web"]["depends_on"] == normal


def test_what_is_done_where_only_a_part_is_said():
    assert service(deploy={"update_config": {"delay": "1s"}, "restart_policy": {"window": "1s"}})[
        "deploy"
    ] == {
        "update_config": {
            "parallelism": 1,
            "delay": "1s",
            "failure_action": "pause",
            "monitor": "5s",
            "max_failure_ratio": 0.0,
            "order": "stop-first",
        },
        "restart_policy": {"condition": "any", "delay": "5s", "max_attempts": 0, "window": "1s"},
    }
