# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Kubernetes cannot take of an app, where it stands, and what it passes over."""

from __future__ import annotations

import pytest
from ansible_collections.shipping.code.plugins.module_utils._compose import model
from ansible_collections.shipping.code.plugins.module_utils._core.errors import SpecError
from ansible_collections.shipping.code.plugins.module_utils._platforms.kubernetes.pod_fields import (
    split_constraint,
)
from hypothesis import assume, given, settings

from ..._compose import generated_files
from ..._compose.reading import KUBERNETES, problems, read_spec, spec

ID = "sha256:" + "0" * 64
NAME = "by a name of a-z, 0-9 and '-'"
KEY = (
    "is no key for Kubernetes; write letters, digits, '-', '_' and '.', at most 63, after an"
    " optional domain and '/'"
)
KNOWN = "it knows Node.Hostname, Node.ID, Task.ID, Task.Name, Service.Name"
BY_GROUP = (
    "Kubernetes gives such files to root; leave uid out and let the group read them by gid and mode"
    " 0440"
)
UNREADABLE = (
    "Kubernetes gives such files to root, so the user could not read it; let the group read it by"
    " gid and mode 0440"
)


def read(**given_keys):
    return model.read(whole(**given_keys), KUBERNETES)


def whole(**given_keys):
    declared = {
        "secrets": {"token": {"environment": "TOKEN"}, "key": {"environment": "KEY"}},
        "configs": {"settings": {"content": "a"}},
    }
    return {**spec(**given_keys), **declared, "networks": {"front": None}}


def grant(source="token", **more):
    return {"source": source, **more}


# Keys of a service, place, what is said.
REFUSED = [
    (
        {"ports": [{"target": 80, "published": port, "mode": "host"} for port in (8080, 8081)]},
        "ports",
        (
            "Kubernetes publishes the port 80/tcp of a container once on a machine; leave one of"
            " them out"
        ),
    ),
    (
        {"shm_size": "64m", "tmpfs": ["/dev/shm"]},
        "shm_size",
        "something else is mounted at /dev/shm; write one of them",
    ),
    (
        {"image": ID},
        "image",
        "Kubernetes runs no image by its bare id; push it and name it by its registry",
    ),
    (
        {"user": "postgres"},
        "user",
        "Kubernetes takes numbers only, not 'postgres'; write the uid and gid, such as 1000:1000",
    ),
    (
        {"user": "1000:users"},
        "user",
        "Kubernetes takes numbers only, not '1000:users'; write the uid and gid, such as 1000:1000",
    ),
    (
        {"group_add": [5, "docker"]},
        "group_add[1]",
        "Kubernetes takes numbers only, not 'docker'; write the gid",
    ),
    (
        {"hostname": "My_Host"},
        "hostname",
        "Kubernetes takes a name of a-z, 0-9 and '-', not 'My_Host'",
    ),
    ({"hostname": "a.b"}, "hostname", "Kubernetes takes a name of a-z, 0-9 and '-', not 'a.b'"),
    (
        {"extra_hosts": ["a=10.0.0.1", "h:host-gateway"]},
        "extra_hosts[1]",
        "pods know no host-gateway; write the machine's address",
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
    ({"labels": {"a b": "c"}}, "labels.a b", KEY),
    ({"labels": {"x" * 64: "c"}}, f"labels.{'x' * 64}", KEY),
    ({"annotations": {"A/b": "c"}}, "annotations.A/b", KEY),
    ({"deploy": {"labels": {"a/b/c": "d"}}}, "deploy.labels.a/b/c", KEY),
    (
        {"restart": "no"},
        "deploy.restart_policy.condition",
        "Kubernetes always starts the pods of a service again; leave it out",
    ),
    (
        {"deploy": {"placement": {"constraints": ["node.role == manager", "gpu"]}}},
        "deploy.placement.constraints[1]",
        "'gpu' is no constraint; write for example node.labels.zone == a",
    ),
    (
        {"deploy": {"placement": {"constraints": ["engine.labels.disk == ssd"]}}},
        "deploy.placement.constraints[0]",
        "there is no engine on Kubernetes; label the nodes and write node.labels",
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
        "Kubernetes knows one a node or no limit; write 1, or leave it out",
    ),
    ({"secrets": [grant(uid="5")]}, "secrets[0].uid", BY_GROUP),
    ({"user": "1000", "secrets": ["key", grant(uid="5")]}, "secrets[1].uid", BY_GROUP),
    ({"user": "1000", "secrets": [grant(uid="1000", mode=0o400)]}, "secrets[0].mode", UNREADABLE),
    ({"user": "1000", "secrets": [grant(uid="1000", mode=0o440)]}, "secrets[0].mode", UNREADABLE),
    (
        {"configs": [grant("settings", gid="users")]},
        "configs[0].gid",
        "Kubernetes takes numbers only, not 'users'",
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
            " machines and leave it out"
        ),
    ),
    (
        {"networks": {"front": {"aliases": ["My.Alias"]}}},
        "networks.front.aliases",
        f"Kubernetes finds a service {NAME}, not by 'My.Alias'",
    ),
    (
        {"volumes": ["/a:/b:z"]},
        "volumes[0]",
        "Kubernetes labels volumes for SELinux by itself; leave it out",
    ),
    (
        {"ports": ["127.0.0.1:80:80"]},
        "ports[0]",
        KUBERNETES.refused_values["host_ip"].format("127.0.0.1"),
    ),
]


@pytest.mark.parametrize(("given_keys", "place", "text"), REFUSED)
def test_refused(given_keys, place, text):
    where = f"services.web.{place}" if place else "services.web"
    assert problems(read, **given_keys) == [f"{where}: {text}"]


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


# Keys of a service, what is passed over and said so.
NOTED = [
    (
        {"stop_signal": "SIGQUIT", "init": True},
        ["init: passed over, since the program must be PID 1 to get its stop_signal"],
    ),
    (
        {"ulimits": {"nofile": 9}},
        ["ulimits: passed over, the machines' container runtime sets them"],
    ),
    (
        {"deploy": {"restart_policy": {"delay": "1s", "max_attempts": 3}}},
        [
            "deploy.restart_policy: delay, max_attempts passed over, kubelets have a back-off of"
            " their own"
        ],
    ),
    (
        {"deploy": {"rollback_config": {"parallelism": 2}}},
        ["deploy.rollback_config: passed over, the way back is an update like any other"],
    ),
    (
        {"deploy": {"update_config": {"max_failure_ratio": 0.5, "failure_action": "continue"}}},
        [
            (
                "deploy.update_config.max_failure_ratio: passed over, max_crashes of the release"
                " says how many may fail"
            ),
            (
                "deploy.update_config.failure_action: passed over, a failed release goes back in"
                " any case"
            ),
        ],
    ),
    (
        {"pids_limit": 9},
        ["deploy.resources.limits.pids: passed over, kubelets limit processes (podPidsLimit)"],
    ),
    (
        {"tmpfs": "/run:mode=1777"},
        ["volumes[0].tmpfs.mode: passed over, everybody may write there"],
    ),
    (
        {"logging": {"driver": "json-file", "options": {"max-size": "1m"}}},
        ["logging: passed over, the machines keep the logs of pods"],
    ),
    (
        {"logging": {"options": {"max-size": "1m"}}},
        ["logging: passed over, the machines keep the logs of pods"],
    ),
]
# What is passed over -> the same without it.
WITHOUT = [
    *((noted, {}) for noted, _notes in NOTED if set(noted) & {"ulimits", "pids_limit", "logging"}),
    ({"deploy": {"restart_policy": {"delay": "1s"}}}, {}),
    ({"restart": "always"}, {}),
    ({"deploy": {"rollback_config": {}}}, {}),
    ({"tmpfs": "/run:mode=1777"}, {"tmpfs": "/run"}),
    ({"tmpfs": "/run:size=1m,mode=1777"}, {"tmpfs": "/run:size=1m"}),
    ({"init": True, "stop_signal": "SIGINT"}, {"stop_signal": "SIGINT"}),
    (
        {"volumes": [{"type": "volume", "target": "/x", "volume": {"nocopy": True}}]},
        {"volumes": ["/x"]},
    ),
    (
        {"deploy": {"update_config": {"failure_action": "continue"}}},
        {"deploy": {"update_config": {"failure_action": "pause"}}},
    ),
]


@pytest.mark.parametrize(("given_keys", "notes"), NOTED, ids=str)
def test_noted(given_keys, notes):
    assert read(**given_keys).notes == [f"services.web.{note}" for note in notes]


@pytest.mark.parametrize(("given_keys", "same"), WITHOUT, ids=str)
def test_what_is_passed_over_leaves_nothing_behind(given_keys, same):
    """Or a second run with other words would be another release."""
    assert read(**given_keys).services == read(**same).services


@settings(max_examples=40)
@given(generated_files.SERVICES)
def test_nothing_empty_is_left(keys_of_service):
    try:
        app = model.read(generated_files.spec({**keys_of_service, "user": "1"}), KUBERNETES)
    except SpecError:
        assume(False)
    for service in app.services.values():
        assert not {"ulimits", "logging", "restart"} & set(service)
        for key, value in service.items():
            assert value not in ({}, []), key
        assert not list(empties(service.get("deploy", {})))


def empties(value, path=""):
    if isinstance(value, dict):
        yield from (
            [path]
            if not value and path
            else [found for key, part in value.items() for found in empties(part, f"{path}.{key}")]
        )


def app(services=("web",), **sections):
    """An app of services that say nothing, and these sections."""
    content = {
        "services": {
            name: {"image": "nginx", **(keys_of or {})} for name, keys_of in dict(services).items()
        },
        **sections,
    }
    return model.read(content, KUBERNETES)


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
            "volumes.v.driver_opts.access_mode: 'rw' is none of ReadWriteOnce, ReadOnlyMany,"
            " ReadWriteMany, ReadWriteOncePod"
        ],
    ),
    (
        {"services": {"web": {}}, "volumes": {"v": {"driver_opts": {"type": "nfs"}}}},
        [
            "volumes.v.driver_opts.type: Kubernetes knows size and access_mode; make the claim"
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


def test_settings_of_networks_are_passed_over():
    options = {
        "driver": "overlay",
        "driver_opts": {"encrypted": ""},
        "attachable": True,
        "internal": True,
        "labels": {"a": "b"},
    }
    taken = app({"web": {"networks": ["n"]}}, networks={"n": options})
    assert taken.networks["n"] == {"internal": True, "labels": {"a": "b"}}
    assert taken.notes == [
        f"networks.n.{key}: passed over, the cluster has one network for all"
        for key in ("driver_opts", "attachable")
    ]
    assert (
        app(
            {"web": {"networks": ["n"]}}, networks={"n": {"driver": "bridge", "attachable": False}}
        ).notes
        == []
    )


SPLIT = [
    ("a==b", ("a", "==", "b")),
    (" node.labels.x  !=  y z ", ("node.labels.x", "!=", "y z")),
    ("a=b", None),
    ("a ==", None),
    ("== b", None),
    ("a b == c", None),
]


@pytest.mark.parametrize(("text", "parts"), SPLIT)
def test_constraints_are_split(text, parts):
    assert split_constraint(text) == parts


PROBE = "needs either http with path and port, or tcp with port"
# What x-shipping says, what is wrong with it on Kubernetes.
EXTENSIONS = [
    ({"probe": {"http": {"port": 80, "path": "/ok", "scheme": "https", "host": "a"}}}, []),
    ({"probe": {"tcp": {"port": "80"}}}, []),
    ({"probe": {}}, [f".probe: {PROBE}"]),
    ({"probe": {"http": {"path": "/"}}}, [f".probe: {PROBE}"]),
    ({"probe": {"tcp": {"port": 1}, "http": {"port": 1}}}, [f".probe: {PROBE}"]),
    (
        {"probe": {"http": {"port": 80, "scheme": "ftp"}}},
        [".probe.http.scheme: 'ftp' is none of http, https"],
    ),
    ({"probe": {"grpc": {"port": 1}}}, [".probe.grpc: unknown key", f".probe: {PROBE}"]),
    ({"probes": {}}, [".probes: unknown key; did you mean probe?"]),
    ({"overlay": {"kubernetes": {"Deployment": {"spec": {}}, "Service": {}}}}, []),
    (
        {"overlay": {"kubernetes": {"Deploymnt": {}}}},
        [
            ".overlay.kubernetes.Deploymnt: no object of this kind is made of a service; did you"
            " mean Deployment?"
        ],
    ),
    (
        {"overlay": {"kubernetes": ["x"]}},
        [
            ".overlay.kubernetes: needs a mapping of kinds of objects, such as Deployment, with the"
            " fields to add"
        ],
    ),
    (
        {"overlay": {"kubernetes": {"Deployment": 1}}},
        [
            ".overlay.kubernetes: needs a mapping of kinds of objects, such as Deployment, with the"
            " fields to add"
        ],
    ),
    ({"overlay": {"swarm": "anything"}}, []),
    ({"overlay": {"nomad": {}}}, [".overlay.nomad: unknown key"]),
]


@pytest.mark.parametrize(("extension", "told"), EXTENSIONS, ids=str)
def test_extensions(extension, told):
    if told:
        assert problems(read, **{"x-shipping": extension}) == [
            f"services.web.x-shipping{text}" for text in told
        ]
    else:
        assert read(**{"x-shipping": extension}).notes == []


def test_what_is_read_of_extensions():
    fields = {"Deployment": {"spec": {"paused": True}}}
    extension = {
        "probe": {"http": {"port": "80"}},
        "overlay": {"kubernetes": fields, "swarm": {"x": 1}},
    }
    assert read(**{"x-shipping": extension}).services["web"]["x-shipping"] == {
        "probe": {"http": {"port": 80}},
        "overlay": fields,
    }


def test_extensions_on_swarm():
    """What is for Kubernetes is passed over; a check that is not made is said."""
    extension = {"probe": {"tcp": {"port": 80}}, "overlay": {"kubernetes": {"Anything": 1}}}
    taken = read_spec(spec(**{"x-shipping": extension}))
    assert taken.notes == [
        "services.web.x-shipping.probe: passed over, since Swarm checks by healthcheck"
    ]
    assert "x-shipping" not in taken.services["web"]
    swarm = {"x-shipping": {"overlay": {"swarm": {}}, "probe": {"tcp": {}}}}
    assert problems(read_spec, spec(**swarm)) == [
        "services.web.x-shipping.overlay.swarm: not supported yet on Swarm; leave it out",
        f"services.web.x-shipping.probe: {PROBE}",
    ]


@pytest.mark.parametrize(("key", "remedy"), KUBERNETES.refused_keys.items())
def test_refused_keys_say_what_to_write_instead(key, remedy):
    assert problems(read, **{key: "x"}) == [f"services.web.{key}: {remedy}"]
    for nothing in (None, [], {}, False):
        assert read(**{key: nothing}).services == read().services


@pytest.mark.parametrize(("path", "remedy"), KUBERNETES.refused_object_keys.items())
def test_refused_keys_of_objects(path, remedy):
    section, key = path.split(".")
    value = False if key == "enable_ipv4" else "x"
    entry = {"environment": "X", key: value} if section in ("secrets", "configs") else {key: value}
    expected = KUBERNETES.refused_values["ipv4"] if key == "enable_ipv4" else remedy
    assert problems(app, **{section: {"n": entry}}, services={"web": {}}) == [
        f"{section}.n.{key}: {expected}"
    ]


def test_problems_of_the_reader_and_of_the_limits_are_told_together():
    told = problems(read, user="bob", wobble=1, deploy={"mode": "globl"})
    assert [problem.split(": ")[0] for problem in told] == [
        "services.web.wobble",
        "services.web.deploy.mode",
        "services.web.user",
    ]


def test_swarm_is_not_limited_so():
    swarm_only = {
        "user": "postgres",
        "ulimits": {"nofile": 9},
        "logging": {"driver": "gelf"},
        "restart": "no",
        "hostname": "{{.Node.Hostname}}",
    }
    taken = read_spec(spec(**swarm_only))
    assert taken.notes == [] and {"user", "ulimits", "logging", "hostname"} <= set(
        taken.services["web"]
    )
