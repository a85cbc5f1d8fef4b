# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values to try for each key of a service that a platform honors: one row a key.

A unit test holds these tables against the keys that each platform supports.
"""

from __future__ import annotations

from typing import Any

SWARM, KUBERNETES = "swarm", "kubernetes"
CHECK = {"test": ["CMD", "true"], "interval": "1s"}

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
        {**CHECK, "timeout": "2s", "retries": 5, "start_period": "3s"},
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
    "shm_size": ["16m", "32m"],
    "links": [["image"]],
    "scale": [1, 0],
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
    "gpus": [[{"count": 1}], [{"count": 2, "driver": "nvidia"}]],
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
        "network_mode": ["host", "bridge"],
        "x-shipping": [
            {"probe": {"tcp": {"port": 8000}}},
            {"probe": {"http": {"port": 8000, "path": "/"}}},
        ],
        "security_opt": [["label=type:container_t"], ["label=disable"]],
        "oom_score_adj": [100, 200],
        "memswap_limit": ["96m", "128m"],
        "mem_swappiness": [10, 20],
    },
    KUBERNETES: {
        "annotations": [{"example.com/note": "a b"}, ["example.com/note=c", "more=d"]],
        "hostname": ["first", "second"],
        "privileged": [True, False],
        "runtime": ["one", "other.example.com"],
        "security_opt": [["seccomp=unconfined"], ["seccomp=builtin", "label=level:s0:c1"]],
        "volumes": [
            VALUES["volumes"][0],
            [
                {"source": "data", "target": "/data", "volume": {"subpath": "a/b"}},
                *VALUES["volumes"][1][1:],
            ],
        ],
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
    "memswap_limit": {"mem_limit": "64m"},
}
# Keys that are tried from an API of the engine on, and on others by unit tests alone.
SINCE = {"oom_score_adj": (1, 46), "memswap_limit": (1, 52), "mem_swappiness": (1, 52)}
# Keys that only the control node sees, or that every service of this table has.
ELSEWHERE = {"image", "env_file", "profiles"}
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
        "links",
        "scale",
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
            "links",
            "scale",
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


def values_tried_on(platform: Any) -> dict[str, list[Any]]:
    """The rows of the table that the platform's version has."""
    return {
        key: values
        for key, values in values_on(platform.name).items()
        if key not in SINCE or platform.api >= SINCE[key]
    }
