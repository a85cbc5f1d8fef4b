# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files over each other.

The rows are what ``docker compose -f a -f b config`` makes of them, too.
"""

from __future__ import annotations

import pytest
from ansible_collections.shipping.code.plugins.plugin_utils._sources.merge import merge
from ansible_collections.shipping.code.plugins.plugin_utils._sources.yaml_reader import parse
from hypothesis import given
from hypothesis import strategies as st


def merged(*services):
    """One service from what each file says of it, as YAML in one line."""
    files = [parse(f"services: {{web: {{{keys}}}}}", "compose.yml") for keys in services]
    return merge(files)["services"]["web"]


PAIRS = [
    # plain values: the later wins, nothing leaves as it is
    ("image: a", "image: b", {"image": "b"}),
    ("image: a", "image: ", {"image": "a"}),
    ("image: a", "user: b", {"image": "a", "user": "b"}),
    ("read_only: true", "read_only: false", {"read_only": False}),
    # command, entrypoint and the test of a health check are replaced, by nothing too
    ("command: a b", "command: [c]", {"command": ["c"]}),
    ("command: [a]", "command: ", {"command": None}),
    ("command: [a]", "command: []", {"command": []}),
    ("entrypoint: [a]", "entrypoint: b", {"entrypoint": "b"}),
    (
        "healthcheck: {test: [CMD, a], interval: 5s}",
        "healthcheck: {test: b}",
        {"healthcheck": {"test": "b", "interval": "5s"}},
    ),
    # key and value, in whichever way
    (
        "environment: {A: 1, B: 2}",
        "environment: [B=3, C=4]",
        {"environment": {"A": 1, "B": "3", "C": "4"}},
    ),
    ("environment: [A=1, B=2]", "environment: {A: x}", {"environment": {"A": "x", "B": "2"}}),
    ("environment: [A=1]", "environment: [A]", {"environment": {"A": None}}),
    ("environment: [A=1]", "environment: ", {"environment": ["A=1"]}),
    ("labels: {a: 1}", "labels: [a]", {"labels": {"a": None}}),
    ("labels: ['1=b']", "labels: {1: c}", {"labels": {"1": "c"}}),
    (
        "deploy: {labels: [a=1]}",
        "deploy: {labels: {b: 2}}",
        {"deploy": {"labels": {"a": "1", "b": 2}}},
    ),
    ("sysctls: {a: 1}", "sysctls: [a=2]", {"sysctls": {"a": "2"}}),
    # ports: one for each address, published port, target and protocol
    ("ports: ['80:80']", "ports: ['80:80', '81:80']", {"ports": ["80:80", "81:80"]}),
    ("ports: ['80:80']", "ports: ['80:80/tcp']", {"ports": ["80:80/tcp"]}),
    ("ports: ['80:80']", "ports: ['0.0.0.0:80:80']", {"ports": ["0.0.0.0:80:80"]}),
    ("ports: ['80:80']", "ports: ['80:80/udp']", {"ports": ["80:80", "80:80/udp"]}),
    ("ports: ['80']", "ports: [80]", {"ports": [80]}),
    (
        "ports: ['80:80', '443:443']",
        "ports: [{target: 80, published: 80, mode: host}]",
        {"ports": [{"target": 80, "published": 80, "mode": "host"}, "443:443"]},
    ),
    (
        "ports: [{target: 80, published: '80'}]",
        "ports: [{target: 80, published: 80}]",
        {"ports": [{"target": 80, "published": 80}]},
    ),
    # mounts: one for each target
    ("volumes: ['/a:/x', '/b:/y']", "volumes: ['/c:/x:ro']", {"volumes": ["/c:/x:ro", "/b:/y"]}),
    ("volumes: ['/a:/x']", "volumes: ['/b:/x/']", {"volumes": ["/b:/x/"]}),
    (
        "volumes: ['/x']",
        "volumes: [{type: tmpfs, target: /x}]",
        {"volumes": [{"type": "tmpfs", "target": "/x"}]},
    ),
    ("tmpfs: /run", "tmpfs: [/tmp, '/run:size=1m']", {"tmpfs": ["/run:size=1m", "/tmp"]}),
    # secrets and configs: one for each file
    (
        "secrets: [a, b]",
        "secrets: [{source: a, mode: 256}]",
        {"secrets": [{"source": "a", "mode": 256}, "b"]},
    ),
    (
        "secrets: [a]",
        "secrets: [{source: b, target: /run/secrets/a}]",
        {"secrets": [{"source": "b", "target": "/run/secrets/a"}]},
    ),
    (
        "configs: [{source: a, target: /x}]",
        "configs: [{source: b, target: /x}, a]",
        {"configs": [{"source": "b", "target": "/x"}, "a"]},
    ),
    (
        "configs: [a]",
        "configs: [{source: b, target: /a}]",
        {"configs": [{"source": "b", "target": "/a"}]},
    ),
    # one text or a list
    ("dns: 10.0.0.1", "dns: [10.0.0.2, 10.0.0.1]", {"dns": ["10.0.0.1", "10.0.0.2"]}),
    ("dns_search: [a]", "dns_search: b", {"dns_search": ["a", "b"]}),
    ("cap_add: [A]", "cap_add: [B, A]", {"cap_add": ["A", "B"]}),
    ("expose: ['80']", "expose: [80, 81]", {"expose": [80, 81]}),
    ("env_file: a.env", "env_file: [b.env, a.env]", {"env_file": ["a.env", "b.env"]}),
    (
        "env_file: [a.env]",
        "env_file: [{path: a.env, required: false}]",
        {"env_file": [{"path": "a.env", "required": False}]},
    ),
    (
        "extra_hosts: ['a:10.0.0.1']",
        "extra_hosts: {b: '::1', a: 10.0.0.1}",
        {"extra_hosts": ["a=10.0.0.1", "b=::1"]},
    ),
    (
        "extra_hosts: {a: [10.0.0.1, 10.0.0.2]}",
        "extra_hosts: ['a=10.0.0.3']",
        {"extra_hosts": ["a=10.0.0.1", "a=10.0.0.2", "a=10.0.0.3"]},
    ),
    # names in a list are a mapping
    (
        "networks: [a]",
        "networks: {a: {aliases: [x]}, b: }",
        {"networks": {"a": {"aliases": ["x"]}, "b": None}},
    ),
    (
        "networks: {a: {aliases: [x]}}",
        "networks: [a, b]",
        {"networks": {"a": {"aliases": ["x"]}, "b": None}},
    ),
    (
        "networks: {a: {aliases: [x]}}",
        "networks: {a: {aliases: [y, x]}}",
        {"networks": {"a": {"aliases": ["x", "y"]}}},
    ),
    (
        "depends_on: [a]",
        "depends_on: {a: {condition: service_healthy}}",
        {"depends_on": {"a": {"condition": "service_healthy", "required": True}}},
    ),
    (
        "depends_on: {a: {condition: service_healthy}}",
        "depends_on: [a]",
        {"depends_on": {"a": {"condition": "service_started", "required": True}}},
    ),
    # logging: options belong to a driver
    (
        "logging: {driver: x, options: {a: 1}}",
        "logging: {driver: x, options: {b: 2}}",
        {"logging": {"driver": "x", "options": {"a": 1, "b": 2}}},
    ),
    (
        "logging: {driver: x, options: {a: 1}}",
        "logging: {options: {b: 2}}",
        {"logging": {"driver": "x", "options": {"a": 1, "b": 2}}},
    ),
    ("logging: {driver: x, options: {a: 1}}", "logging: {driver: y}", {"logging": {"driver": "y"}}),
    ("logging: {options: {a: 1}}", "logging: {options: {a: }}", {"logging": {"options": {"a": 1}}}),
    # all other mappings and lists
    (
        "ulimits: {nofile: 1, nproc: 2}",
        "ulimits: {nofile: {soft: 3, hard: 4}}",
        {"ulimits": {"nofile": {"soft": 3, "hard": 4}, "nproc": 2}},
    ),
    (
        "ulimits: {nofile: {soft: 3, hard: 4}}",
        "ulimits: {nofile: {hard: 5}}",
        {"ulimits": {"nofile": {"soft": 3, "hard": 5}}},
    ),
    (
        "deploy: {replicas: 1, placement: {constraints: [a==b]}}",
        "deploy: {replicas: 2, placement: {constraints: [c==d, a==b]}}",
        {"deploy": {"replicas": 2, "placement": {"constraints": ["a==b", "c==d"]}}},
    ),
    ("group_add: [a]", "group_add: [a, b]", {"group_add": ["a", "b"]}),
    # What cannot be merged is replaced; the reader tells what is wrong with it.
    ("group_add: [a]", "group_add: b", {"group_add": "b"}),
    ("group_add: a", "group_add: [b]", {"group_add": ["b"]}),
    ("deploy: {replicas: 1}", "deploy: 2", {"deploy": 2}),
    ("environment: [A=1]", "environment: 2", {"environment": 2}),
    ("ports: 1", "ports: ['80:80']", {"ports": ["80:80"]}),
    ("networks: [a]", "networks: 2", {"networks": 2}),
    ("logging: 1", "logging: {driver: x}", {"logging": {"driver": "x"}}),
    ("extra_hosts: [1]", "extra_hosts: ['a=b']", {"extra_hosts": ["a=b"]}),
    # !reset and !override
    ("ports: ['80:80']", "ports: !reset []", {}),
    ("environment: {A: 1, B: 2}", "environment: {A: !reset null}", {"environment": {"B": 2}}),
    ("environment: [A=1, B=2]", "environment: {A: !reset null}", {"environment": {"B": "2"}}),
    ("environment: {A: 1}", "environment: !override {B: 2}", {"environment": {"B": 2}}),
    ("ports: ['80:80']", "ports: !override ['81:81']", {"ports": ["81:81"]}),
    ("command: a", "command: !override b", {"command": "b"}),
    (
        "deploy: {replicas: 3, labels: {a: b}}",
        "deploy: {labels: !reset {}}",
        {"deploy": {"replicas": 3}},
    ),
    (
        "deploy: {replicas: 3, labels: {a: b}}",
        "deploy: !override {replicas: 1}",
        {"deploy": {"replicas": 1}},
    ),
    # marks in a first file stand for themselves
    ("ports: !reset [], image: !override a", "user: b", {"image": "a", "user": "b"}),
]


@pytest.mark.parametrize(("base", "over", "expected"), PAIRS)
def test_a_file_over_a_file(base, over, expected):
    assert merged(base, over) == expected


THREE = [
    (("image: a", "image: b", "image: c"), {"image": "c"}),
    (
        ("environment: {A: 1}", "environment: !override {B: 2}", "environment: {C: 3}"),
        {"environment": {"B": 2, "C": 3}},
    ),
    (
        ("environment: {A: 1}", "environment: !reset {}", "environment: {C: 3}"),
        {"environment": {"C": 3}},
    ),
    (
        ("environment: {A: 1}", "environment: {A: !reset null}", "environment: {A: 2}"),
        {"environment": {"A": 2}},
    ),
    (
        ("ports: ['80:80']", "ports: !override ['81:81']", "ports: ['82:82']"),
        {"ports": ["81:81", "82:82"]},
    ),
]


@pytest.mark.parametrize(("services", "expected"), THREE)
def test_three_files(services, expected):
    assert merged(*services) == expected


TOP = [
    (
        "services: {a: {image: x}}",
        "services: {b: {image: y}}",
        {"services": {"a": {"image": "x"}, "b": {"image": "y"}}},
    ),
    (
        "services: {a: {image: x}, b: {image: y}}",
        "services: {b: !reset null}",
        {"services": {"a": {"image": "x"}}},
    ),
    (
        "services: {a: {image: x, user: u}}",
        "services: {a: !override {image: y}}",
        {"services": {"a": {"image": "y"}}},
    ),
    (
        "networks: {n: {labels: [a=1, b=1], driver_opts: {c: 1}}}",
        "networks: {n: {labels: {a: 2}, driver_opts: {d: 2}, internal: true}}",
        {
            "networks": {
                "n": {
                    "labels": {"a": 2, "b": "1"},
                    "driver_opts": {"c": 1, "d": 2},
                    "internal": True,
                }
            }
        },
    ),
    (
        "secrets: {s: {labels: [a=1]}}",
        "secrets: {s: {labels: [b]}}",
        {"secrets": {"s": {"labels": {"a": "1", "b": None}}}},
    ),
    ("volumes: {v: }", "volumes: {v: {external: true}}", {"volumes": {"v": {"external": True}}}),
    ("volumes: {v: {name: w}}", "volumes: {v: }", {"volumes": {"v": {"name": "w"}}}),
    ("networks: {n: {name: a}}", "networks: !reset {}", {}),
    (
        "x-own: {environment: [A]}",
        "x-own: {environment: [B]}",
        {"x-own": {"environment": ["A", "B"]}},
    ),
]


@pytest.mark.parametrize(("base", "over", "expected"), TOP)
def test_sections(base, over, expected):
    assert merge([parse(base, "a.yml"), parse(over, "b.yml")]) == expected


def test_merging_changes_no_file():
    files = [
        parse("services: {web: {ports: [80], environment: {A: 1}, deploy: {labels: {a: b}}}}", name)
        for name in ("a.yml", "b.yml")
    ]
    before = repr(files)
    merge(files)
    assert repr(files) == before


NAMES = st.sampled_from(
    [
        "a",
        "b",
        "ports",
        "environment",
        "networks",
        "logging",
        "depends_on",
        "extra_hosts",
        "volumes",
        "healthcheck",
        "test",
        "deploy",
        "labels",
    ]
)
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(0, 9),
    st.sampled_from(["80:80", "A=1", "a:1", "/a:/b", ""]),
)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=3)),
    max_leaves=8,
)
FILES = st.dictionaries(
    st.sampled_from(["services", "networks", "x-own"]),
    st.dictionaries(NAMES, st.dictionaries(NAMES, TREES, max_size=4), max_size=2),
    max_size=3,
)
MAPPINGS = st.recursive(
    st.one_of(st.booleans(), st.integers(), st.text()),
    lambda inner: st.dictionaries(st.text(max_size=3), inner, max_size=3),
)


@given(FILES, FILES)
def test_any_two_files_can_be_merged(base, over):
    assert isinstance(merge([base, over]), dict)


@given(st.dictionaries(st.text(), MAPPINGS))
def test_mappings_over_themselves_change_nothing(content):
    assert merge([content, content]) == content


@given(FILES)
def test_a_file_over_itself_is_the_same_as_thrice(content):
    assert merge([content, content, content]) == merge([content, content])


@given(FILES)
def test_an_empty_file_changes_nothing(content):
    assert merge([content]) == merge([content, {}]) == merge([{}, content]) == content
