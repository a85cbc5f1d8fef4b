# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Kubernetes cannot take of an app, and where it stands."""

from __future__ import annotations

import re

import pytest

from ..._compose.reading import problems
from .reading import app, grant, read

ID = "sha256:" + "0" * 64
ALWAYS = (
    "Kubernetes always restarts the pods of a service; leave it out, or write deploy.mode:"
    " replicated-job where the program ends"
)
NAME = "by a name of a-z, 0-9 and '-'"
KEY = (
    "is not a key on Kubernetes; write letters, digits, '-', '_' and '.', at most 63, after an"
    " optional domain and '/'"
)
KNOWN = "it knows Node.Hostname, Node.ID, Task.ID, Task.Name, Service.Name"
BY_GROUP = (
    "on Kubernetes such files belong to root; leave uid out and let the group read them by gid and"
    " mode 0440"
)
UNREADABLE = (
    "on Kubernetes such files belong to root, so the user could not read it; let the group read it"
    " by gid and mode 0440"
)


# Keys of a service, place, what is said.
REFUSED = [
    (
        {"ports": [{"target": 80, "published": port, "mode": "host"} for port in (8080, 8081)]},
        "ports",
        (
            "Kubernetes publishes the port 80/tcp of a container once on a node; leave one of"
            " them out"
        ),
    ),
    (
        {"shm_size": "64m", "tmpfs": ["/dev/shm"]},
        "shm_size",
        "another mount has the target /dev/shm; write one of them",
    ),
    (
        {"image": ID},
        "image",
        "Kubernetes runs no image by its bare id; push it and name it by its registry",
    ),
    (
        {"security_opt": ["label=disable"]},
        "security_opt",
        "Kubernetes cannot disable SELinux labels; write label=type:spc_t, which is unconfined",
    ),
    (
        {"security_opt": ["no-new-privileges"], "privileged": True},
        "security_opt",
        "privileged excludes no-new-privileges; write one of them",
    ),
    (
        {"security_opt": ["seccomp=a.json"]},
        "security_opt[0]",
        (
            "Kubernetes reads profiles such as a.json from its nodes; write seccompProfile with"
            " localhostProfile under x-shipping.overlay.kubernetes"
        ),
    ),
    (
        {"volumes": ["./conf:/etc/conf"]},
        "volumes[0]",
        (
            "./conf is a path of the control node, and a service runs on any node; ship the file"
            " under configs or secrets, set bind_mounts: as_configs for files with :ro, write an"
            " absolute path that exists on the nodes, or set bind_mounts: everywhere if all nodes"
            " have it at this path"
        ),
    ),
    (
        {"user": "postgres"},
        "user",
        "Kubernetes supports numbers only, not 'postgres'; write the uid and gid, as in 1000:1000",
    ),
    (
        {"user": "1000:users"},
        "user",
        (
            "Kubernetes supports numbers only, not '1000:users'; write the uid and gid, as in"
            " 1000:1000"
        ),
    ),
    (
        {"group_add": [5, "docker"]},
        "group_add[1]",
        "Kubernetes supports numbers only, not 'docker'; write the gid",
    ),
    (
        {"hostname": "My_Host"},
        "hostname",
        (
            "Kubernetes supports a name of a-z, 0-9 and '-', not 'My_Host'; write such a name, or"
            " leave it out"
        ),
    ),
    (
        {"extra_hosts": ["a=10.0.0.1", "h:host-gateway"]},
        "extra_hosts[1]",
        "pods know no host-gateway; write the node's address",
    ),
    (
        {"environment": {"A": "{{.Task.Slot}}"}},
        "environment.A",
        f"Kubernetes has nothing to fill in for {{{{.Task.Slot}}}}; {KNOWN}",
    ),
    (
        {"environment": {"A": "{{ .Service.Labels.x }}"}},
        "environment.A",
        f"Kubernetes has nothing to fill in for {{{{.Service.Labels}}}}; {KNOWN}",
    ),
    ({"annotations": {"A/b": "c"}}, "annotations.A/b", KEY),
    ({"annotations": {"x" * 64: "c"}}, f"annotations.{'x' * 64}", KEY),
    (
        {"deploy": {"restart_policy": {"delay": "24h"}}},
        "deploy.restart_policy.delay",
        (
            "Kubernetes restarts a pod after 5m at most, not after 24h; write a CronJob under"
            " manifests in an app of its own"
        ),
    ),
    (
        {"restart": "no"},
        "restart",
        ALWAYS,
    ),
    (
        {"deploy": {"placement": {"constraints": ["node.role == manager", "gpu"]}}},
        "deploy.placement.constraints[1]",
        "'gpu' is not a constraint; write for example node.labels.zone == a",
    ),
    (
        {"deploy": {"placement": {"constraints": ["engine.labels.disk == ssd"]}}},
        "deploy.placement.constraints[0]",
        "Kubernetes nodes have no engine; label the nodes and write node.labels",
    ),
    (
        {"deploy": {"placement": {"constraints": ["node.ip == 10.0.0.1"]}}},
        "deploy.placement.constraints[0]",
        "Kubernetes knows no node.ip; use node.labels, node.hostname, node.role or node.platform",
    ),
    (
        {"deploy": {"placement": {"preferences": [{"spread": "engine.labels.x"}]}}},
        "deploy.placement.preferences[0]",
        (
            "Kubernetes spreads over labels of nodes, not over engine.labels.x; write"
            " node.labels.<label>"
        ),
    ),
    (
        {"deploy": {"placement": {"max_replicas_per_node": 2}}},
        "deploy.placement.max_replicas_per_node",
        "Kubernetes supports one per node or no limit; write 1, or leave it out",
    ),
    ({"secrets": [grant(uid="5")]}, "secrets[0].uid", BY_GROUP),
    ({"user": "1000", "secrets": ["key", grant(uid="5")]}, "secrets[1].uid", BY_GROUP),
    ({"user": "1000", "secrets": [grant(uid="1000", mode=0o400)]}, "secrets[0].mode", UNREADABLE),
    ({"user": "1000", "secrets": [grant(uid="1000", mode=0o440)]}, "secrets[0].mode", UNREADABLE),
    (
        {"configs": [grant("settings", gid="users")]},
        "configs[0].gid",
        "Kubernetes supports numbers only, not 'users'",
    ),
    (
        {"secrets": [grant(gid="6"), grant("key", gid="5")]},
        "",
        (
            "its secrets and configs have the gids 5, 6, and a pod has one group for all its files;"
            " write one gid"
        ),
    ),
    (
        {"logging": {"driver": "gelf"}},
        "logging.driver",
        (
            "Kubernetes has no log drivers such as gelf; collect the logs by an agent on the"
            " nodes and leave it out"
        ),
    ),
    (
        {"networks": {"front": {"aliases": ["My.Alias"]}}},
        "networks.front.aliases",
        f"Kubernetes finds a service {NAME}, not by 'My.Alias'",
    ),
    (
        {"deploy": {"restart_policy": {"condition": "none"}}},
        "deploy.restart_policy.condition",
        ALWAYS,
    ),
    (
        {"extra_hosts": ["z=10.0.0.1", "a=host-gateway"]},
        "extra_hosts[1]",
        "pods know no host-gateway; write the node's address",
    ),
    (
        {"extra_hosts": {"z": "10.0.0.1", "a": ["10.0.0.1", "host-gateway"]}},
        "extra_hosts.a",
        "pods know no host-gateway; write the node's address",
    ),
    (
        {"ports": ["127.0.0.1:80:80"]},
        "ports[0]",
        "Kubernetes publishes on all addresses of a node, not on 127.0.0.1 alone; set"
        " loopback_ports: unpublished to leave the port out, or write the long form with mode:"
        " host",
    ),
    (
        {"runtime": "/usr/bin/runsc"},
        "runtime",
        "Kubernetes supports the name of a RuntimeClass, not /usr/bin/runsc; write one of a-z, 0-9,"
        " '-' and '.'",
    ),
    (
        {"runtime": "one..two"},
        "runtime",
        "Kubernetes supports the name of a RuntimeClass, not one..two; write one of a-z, 0-9,"
        " '-' and '.'",
    ),
    (
        {"ports": ["10.0.0.1:80:80"]},
        "ports[0]",
        "Kubernetes publishes on all addresses of a node, not on 10.0.0.1 alone; write the long"
        " form with mode: host, or leave the address out and close the port by a firewall",
    ),
]


@pytest.mark.parametrize(("given_keys", "place", "text"), REFUSED)
def test_refused(given_keys, place, text):
    where = f"services.web.{place}" if place else "services.web"
    assert problems(read, **given_keys) == [f"{where}: {text}"]
    # A problem names a key that the file has.
    assert re.split("[.[]", place)[0] in {"", *given_keys}


TAKEN = [
    {"user": "1000:5", "group_add": ["20"], "hostname": "web-1"},
    {"environment": {"A": "{{.Node.Hostname}} {{.Values.x}} {{ .Task.Name }}"}},
    {"labels": {"a.b/C_d": "any text", "x": ""}, "annotations": {"prometheus.io/scrape": "true"}},
    {"restart": "on-failure"},
    {
        "deploy": {
            "placement": {
                "constraints": [
                    "node.labels.a == b",
                    "node.id!=c",
                    "node.hostname == d",
                    "node.platform.os==linux",
                ]
            }
        }
    },
    {
        "deploy": {
            "placement": {
                "preferences": [{"spread": "node.labels.zone"}, {"spread": "node.hostname"}],
                "max_replicas_per_node": 1,
            }
        }
    },
    {"secrets": [grant(gid="5", mode=0o440), grant("key", gid="5")], "configs": ["settings"]},
    {"user": "1000", "secrets": [grant(uid="1000"), grant("key", uid="1000", gid="5", mode=0o440)]},
    {"stop_signal": "SIGQUIT"},
    {"init": True},
    {"privileged": True, "shm_size": "64m"},
]


@pytest.mark.parametrize("given_keys", TAKEN, ids=str)
def test_taken(given_keys):
    assert read(**given_keys).notes == []


OBJECTS = [
    (
        {"services": {"web_1": {}}},
        [f"services.web_1: Kubernetes finds a service {NAME} that begins with a letter; rename it"],
    ),
    (
        {"services": {"1web": {}}},
        [f"services.1web: Kubernetes finds a service {NAME} that begins with a letter; rename it"],
    ),
    (
        {"services": {"w" * 64: {}}},
        [
            f"services.{'w' * 64}: Kubernetes finds a service {NAME} that begins with a letter;"
            " rename it"
        ],
    ),
    (
        {
            "services": {"web": {"networks": {"n": {"aliases": ["db"]}}}, "db": {}},
            "networks": {"n": {}},
        },
        [
            "services.web.networks.n.aliases: db is db already, and a name belongs to one service"
            " in a namespace; use another alias"
        ],
    ),
    (
        {
            "services": {
                "a": {"networks": {"n": {"aliases": ["x"]}}},
                "b": {"networks": {"n": {"aliases": ["x"]}}},
            },
            "networks": {"n": {}},
        },
        [
            "services.b.networks.n.aliases: x is a already, and a name belongs to one service in a"
            " namespace; use another alias"
        ],
    ),
    (
        {"services": {"web": {}}, "volumes": {"v": {"driver_opts": {"size": "much"}}}},
        ["volumes.v.driver_opts.size: 'much' is no size; write for example 512M or 2G"],
    ),
    (
        {"services": {"web": {}}, "volumes": {"v": {"driver_opts": {"access_mode": "rw"}}}},
        [
            "volumes.v.driver_opts.access_mode: 'rw' is not one of ReadWriteOnce, ReadOnlyMany,"
            " ReadWriteMany, ReadWriteOncePod"
        ],
    ),
    (
        {"services": {"web": {}}, "volumes": {"v": {"driver_opts": {"type": "nfs"}}}},
        [
            "volumes.v.driver_opts.type: Kubernetes supports size and access_mode; create the"
            " claim"
            " beforehand and declare the volume external"
        ],
    ),
    (
        {"services": {"web": {}}, "volumes": {"a_b": {}, "a-b": {}}},
        ["volumes.a-b: has the same name on Kubernetes as a_b: a-b; rename one of the volumes"],
    ),
    (
        {"services": {"web": {}}, "networks": {"A": {}, "a": {}}},
        ["networks.a: has the same name on Kubernetes as A: a; rename one of the networks"],
    ),
]


@pytest.mark.parametrize(("content", "told"), OBJECTS)
def test_names_and_objects(content, told):
    assert problems(app, **content) == told


def test_the_same_alias_on_two_networks_and_options_of_volumes():
    networks = {"n": {"aliases": ["x", "web"]}, "m": {"aliases": ["x"]}}
    taken = app(
        {"web": {"networks": networks}},
        networks={"n": {}, "m": {}},
        volumes={"v": {"driver_opts": {"size": "1g", "access_mode": "ReadOnlyMany"}}},
    )
    assert taken.notes == []


def test_problems_of_the_reader_and_of_the_limits_are_told_together():
    told = problems(read, user="bob", wobble=1, deploy={"mode": "globl"})
    assert [problem.split(": ")[0] for problem in told] == [
        "services.web.wobble",
        "services.web.deploy.mode",
        "services.web.user",
    ]
