# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.shipping.code.plugins.module_utils._compose import model

from .reading import NOTHING_SAID, problems, read_spec, spec

DIGEST = "sha256:" + "0123456789abcdef" * 4


def app(**services):
    return {"services": {name: {"image": "nginx", **keys} for name, keys in services.items()}}


def test_defaults():
    read = read_spec({"services": {"web": {"image": "nginx"}}})
    assert read == model.Compose(
        services={"web": NOTHING_SAID},
        networks={"default": {}},
        volumes={},
        secrets={},
        configs={},
        notes=[],
    )


IMAGES = [
    ({"image": "a"}, {"web": "b:2"}, "b:2"),
    ({"build": "."}, {"web": "b:2"}, "b:2"),
    ({"build": ".", "image": "a"}, {}, "a"),
    ({"image": "a"}, {"web": f"b@{DIGEST}"}, f"b@{DIGEST}"),
    ({"image": "a"}, {"web": DIGEST}, DIGEST),
]


@pytest.mark.parametrize(("service", "images", "image"), IMAGES)
def test_images_set_from_outside(service, images, image):
    assert read_spec({"services": {"web": service}}, images).services["web"]["image"] == image


IMAGE_PROBLEMS = [
    (
        {"build": "."},
        {},
        [
            "services.web: has no image; set it by images: {web: <reference>}, as CI built and"
            " pushed it"
        ],
    ),
    ({"command": "x"}, {}, ["services.web: needs an image; write image: registry/name:tag"]),
    ({"image": None}, {}, ["services.web: needs an image; write image: registry/name:tag"]),
    ({"image": "a"}, {"wep": "b"}, ["images.wep: no such service; did you mean web?"]),
    ({"image": "a"}, {"db": "b"}, ["images.db: no such service"]),
    (
        {"image": "a"},
        {"web": "B"},
        ["images.web: 'B' is not an image reference; write registry/name:tag in lower case"],
    ),
    (
        {"image": ""},
        {},
        ["services.web.image: '' is not an image reference; write registry/name:tag"],
    ),
]


@pytest.mark.parametrize(("service", "images", "expected"), IMAGE_PROBLEMS)
def test_services_without_a_good_image(service, images, expected):
    assert problems(read_spec, {"services": {"web": service}}, images) == expected


def test_what_is_for_local_work_only_is_named_in_one_line():
    content = app(
        web={"build": ".", "container_name": "w", "pull_policy": "always"},
        db={"attach": False, "develop": {}},
    )
    expected = (
        "ignored, for local development only: services.web.build, services.web.container_name,"
        " services.web.pull_policy, services.db.attach, services.db.develop"
    )
    assert read_spec(content).notes == [expected]


NO_APPS = [
    ({}, "services: an app needs at least one service; write one below services:"),
    ({"services": {}}, "services: an app needs at least one service; write one below services:"),
    ({"services": None}, "services: an app needs at least one service; write one below services:"),
    (
        {"services": {"web": None}},
        "services.web: has no keys; indent its keys further than its name",
    ),
    ({"services": {"web": "nginx"}}, "services.web: must be a mapping, not 'nginx'"),
    ({**spec(), "include": ["b.yml"]}, "include: list the file under compose"),
    ({**spec(), "servces": {}}, "servces: unknown key; did you mean services?"),
    ({**spec(), "networks": ["front"]}, "networks: must be a mapping"),
    (
        {"services": {"my.web": {"image": "nginx"}}},
        (
            "services.my.web: a service's name must have letters, digits, '-' and '_' only, and"
            " begin and end with a letter or digit"
        ),
    ),
    (
        {"services": {"-web": {"image": "nginx"}}},
        (
            "services.-web: a service's name must have letters, digits, '-' and '_' only, and begin"
            " and end with a letter or digit"
        ),
    ),
    (
        {"services": {"web": {"image": "a"}, "image": "a"}},
        "services.image: is a key of a service; indent it further than the service's name",
    ),
    (
        {**spec(), "db": {"image": "a"}},
        "db: is a service; indent it below services:",
    ),
    ({**spec(), 5: {"image": "a"}}, "5: is a service; indent it below services:"),
    ({**spec(), None: {"image": "a"}}, "None: is a service; indent it below services:"),
    (
        {"apiVersion": "v1", "kind": "Pod", "metadata": {}},
        "has apiVersion and kind, so it is a manifest and no Compose file; give it by the option"
        " manifests",
    ),
    (
        {**spec(), "volumes": {"my data": None}},
        "volumes.my data: a name must have letters, digits, '-', '_' and '.' only",
    ),
]


@pytest.mark.parametrize(("content", "problem"), NO_APPS)
def test_what_is_no_app(content, problem):
    assert problems(read_spec, content) == [problem]


def test_what_concerns_nobody_at_the_top():
    content = {**spec(), "name": "shop", "version": "3.8", "x-anchors": {"a": 1}}
    assert read_spec(content) == read_spec(spec())


OBJECTS = [
    ("networks", None, {}),
    ("networks", {"driver": "bridge"}, {}),
    (
        "networks",
        {"driver": "overlay", "attachable": "true", "internal": False},
        {"driver": "overlay", "attachable": True},
    ),
    (
        "networks",
        {"name": "front", "labels": ["a=b"], "driver_opts": {"encrypted": ""}},
        {"name": "front", "labels": {"a": "b"}, "driver_opts": {"encrypted": ""}},
    ),
    ("networks", {"external": True}, {"external": True, "name": "it"}),
    ("networks", {"external": "true", "name": "public"}, {"external": True, "name": "public"}),
    ("networks", {"external": {"name": "public"}}, {"external": True, "name": "public"}),
    ("networks", {"external": False}, {}),
    ("networks", {"ipam": {}, "enable_ipv6": False, "enable_ipv4": True}, {}),
    ("volumes", None, {}),
    ("volumes", {"driver": "local"}, {}),
    (
        "volumes",
        {"driver": "nfs", "driver_opts": {"size": 1}, "labels": {"a": 1}},
        {"driver": "nfs", "driver_opts": {"size": "1"}, "labels": {"a": "1"}},
    ),
    ("volumes", {"external": True, "name": "data"}, {"external": True, "name": "data"}),
    ("secrets", {"environment": "TOKEN"}, {"environment": "TOKEN"}),
    (
        "secrets",
        {"environment": "TOKEN", "name": "token", "template_driver": "golang"},
        {"environment": "TOKEN", "name": "token", "template_driver": "golang"},
    ),
    ("secrets", {"external": True, "name": "token-3"}, {"external": True, "name": "token-3"}),
    (
        "configs",
        {"content": "a: b", "labels": {"x": None}},
        {"content": "a: b", "labels": {"x": ""}},
    ),
]


@pytest.mark.parametrize(("section", "given", "normal"), OBJECTS)
def test_objects(section, given, normal):
    assert getattr(read_spec({**spec(), section: {"it": given}}), section)["it"] == normal


ONE_SOURCE = "needs exactly one of file, content, environment or external"
OBJECT_PROBLEMS = [
    (
        "networks",
        {"driver": "macvlan"},
        "networks.it.driver: 'macvlan' is not one of overlay, bridge, default",
    ),
    (
        "networks",
        {"enable_ipv4": False},
        "networks.it.enable_ipv4: Swarm cannot switch this off; leave it out",
    ),
    (
        "networks",
        {"external": True, "driver": "overlay", "internal": True},
        "networks.it: is external, so internal cannot be set here",
    ),
    ("networks", {"extrenal": True}, "networks.it.extrenal: unknown key; did you mean external?"),
    ("networks", "front", "networks.it: must be a mapping, not 'front'"),
    (
        "volumes",
        {"external": True, "labels": {"a": "b"}},
        "volumes.it: is external, so labels cannot be set here",
    ),
    (
        "volumes",
        {"external": True, "labels": {"a": "b"}, "driver": "x", "driver_opts": {"c": "d"}},
        "volumes.it: is external, so driver, driver_opts, labels cannot be set here",
    ),
    ("secrets", None, f"secrets.it: {ONE_SOURCE}"),
    (
        "secrets",
        {"file": "a", "environment": "B"},
        f"secrets.it: {ONE_SOURCE}; it has file and environment",
    ),
    (
        "secrets",
        {"environment": "A", "name": "x y"},
        "secrets.it.name: a name must have letters, digits, '-', '_' and '.' only",
    ),
    (
        "secrets",
        {"external": True, "file": "a"},
        "secrets.it: is external, so file cannot be set here",
    ),
    (
        "configs",
        {"file": "a", "content": "b"},
        f"configs.it: {ONE_SOURCE}; it has file and content",
    ),
    (
        "configs",
        {"content": "b", "template_driver": "jinja"},
        "configs.it.template_driver: 'jinja' is not one of golang",
    ),
]


@pytest.mark.parametrize(("section", "given", "problem"), OBJECT_PROBLEMS)
def test_objects_that_cannot_be(section, given, problem):
    assert problems(read_spec, {**spec(), section: {"it": given}}) == [problem]


REFERENCES = [
    (
        {"networks": ["frnt"]},
        "services.web.networks: no network frnt is declared; did you mean front?",
    ),
    (
        {"networks": {"other": {}}},
        "services.web.networks: no network other is declared; declare it under networks",
    ),
    (
        {"volumes": ["dat:/x"]},
        "services.web.volumes: no volume dat is declared; did you mean data?",
    ),
    (
        {"secrets": ["tokn"]},
        "services.web.secrets: no secret tokn is declared; did you mean token?",
    ),
    (
        {"configs": [{"source": "x"}]},
        "services.web.configs: no config x is declared; declare it under configs",
    ),
    (
        {"depends_on": ["databse"]},
        "services.web.depends_on: no service databse is declared; did you mean database?",
    ),
    (
        {"depends_on": {"x": {"condition": "service_healthy"}}},
        "services.web.depends_on: no service x is declared; declare it under services",
    ),
    (
        {"secrets": ["token", {"source": "key", "target": "token"}]},
        "services.web.secrets[1]: /run/secrets/token is mounted twice; write one of them",
    ),
    *(
        (
            {"secrets": [{"source": "token", "mode": mode}]},
            f"services.web.secrets[0].mode: must be a file mode such as 0440, not {mode!r}",
        )
        for mode in ("rw", "", "999", -1, "-1", 0o10000, True, 4.5)
    ),
]


@pytest.mark.parametrize(("keys", "problem"), REFERENCES)
def test_every_name_must_be_declared(keys, problem):
    content = {
        **app(web=keys, database={}),
        "networks": {"front": None},
        "volumes": {"data": None},
        "secrets": {"token": {"environment": "TOKEN"}, "key": {"environment": "KEY"}},
    }
    assert problems(read_spec, content) == [problem]


def test_a_bad_declaration_is_told_once_only():
    content = {
        **app(web={"networks": ["front"], "volumes": ["data:/x"], "depends_on": ["db"]}),
        "networks": {"front": "x"},
        "volumes": {"data": ["x"]},
    }
    content["services"]["db"] = "postgres"
    assert problems(read_spec, content) == [
        "services.db: must be a mapping, not 'postgres'",
        "networks.front: must be a mapping, not 'x'",
        "volumes.data: must be a mapping, not a list",
    ]


FLAGS = [
    (["/a:/b:z"], {}, ["volumes[0]"]),
    (["/a:/b:ro,Z"], {"read_only": True}, ["volumes[0]"]),
    (["/a:/b:Z,rslave"], {"bind": {"propagation": "rslave"}}, ["volumes[0]"]),
    (
        [{"type": "bind", "source": "/a", "target": "/b", "bind": {"selinux": "z"}}],
        {},
        ["volumes[0]"],
    ),
]


@pytest.mark.parametrize(("volumes", "rest", "places"), FLAGS)
def test_flags_for_selinux_are_ignored_and_named(volumes, rest, places):
    read = read_spec(app(web={"volumes": volumes}))
    mount = {"type": "bind", "source": "/a", "target": "/b"}
    assert read.services["web"]["volumes"] == [{**mount, **rest}]
    named = ", ".join(f"services.web.{place}" for place in places)
    assert read.notes == [
        f"ignored, the SELinux flag of {named}; label these directories on the nodes that enforce"
        " SELinux"
    ]


def test_one_line_names_all_flags_for_selinux():
    """Nodes label named volumes by themselves."""
    content = {
        **app(web={"volumes": ["/a:/b:z", "d:/d:Z", "/c:/c:z"]}, db={"volumes": ["/a:/b:z"]}),
        "volumes": {"d": None},
    }
    (note,) = read_spec(content).notes
    assert "services.web.volumes[0], services.web.volumes[2], services.db.volumes[0];" in note


def test_scale_is_the_number_of_replicas():
    assert read_spec(app(web={"scale": 2})) == read_spec(app(web={"deploy": {"replicas": 2}}))


def test_an_empty_platform_is_any():
    """A variable without a value leaves it."""
    assert read_spec(app(web={"platform": ""})) == read_spec(app(web={}))


def test_a_port_without_an_address_before_its_colon():
    """A variable without a value leaves it; docker compose reads it as no address."""
    assert read_spec(app(web={"ports": [":8080:80"]})) == read_spec(app(web={"ports": ["8080:80"]}))


def test_what_stack_files_repeat_of_an_external_network():
    entry = {"external": True, "driver": "overlay", "attachable": True, "name": "edge"}
    content = {**app(web={"networks": ["edge"]}), "networks": {"edge": entry}}
    read = read_spec(content)
    assert read.networks == {"edge": {"external": True, "name": "edge"}}
    assert read.notes == [
        "networks.edge: attachable, driver ignored, since the network is external"
    ]


CYCLES = [
    ({"a": ["a"]}, ["services.a.depends_on: depends on itself: a → a"]),
    ({"a": ["b"], "b": ["a"]}, ["services.a.depends_on: depends on itself: a → b → a"]),
    (
        {"a": ["b"], "b": ["c"], "c": ["b"]},
        ["services.b.depends_on: depends on itself: b → c → b"],
    ),
    ({"a": ["b", "c"], "b": ["d"], "c": ["d"], "d": []}, []),
]


@pytest.mark.parametrize(("needs", "expected"), CYCLES)
def test_circles_of_dependencies(needs, expected):
    content = app(**{name: {"depends_on": needed} for name, needed in needs.items()})
    assert (problems(read_spec, content) if expected else read_spec(content).notes) == expected


@pytest.mark.parametrize("name", ["a", "7", "ab", "shop", "MyStack", "my-shop_2", "a" * 40])
def test_names_of_apps(name):
    assert model.APP_NAME.fullmatch(name)


@pytest.mark.parametrize(
    "name", ["", "-", "-shop", "shop-", "_shop", "my.shop", "my shop", "a" * 41, "shöp"]
)
def test_what_is_no_name_of_an_app(name):
    assert not model.APP_NAME.fullmatch(name)


def test_the_default_network_is_there_only_where_it_is_used():
    content = {
        **app(web={"networks": ["front"]}, agent={"network_mode": "host"}),
        "networks": {"front": None},
    }
    read = read_spec(content)
    assert read.networks == {"front": {}}
    assert "networks" not in read.services["agent"]


def test_the_default_network_can_be_described():
    content = {**spec(), "networks": {"default": {"attachable": True}}}
    assert read_spec(content).networks == {"default": {"attachable": True}}


def test_reading_does_not_change_what_it_reads():
    content = {
        **app(
            web={"restart": "always", "depends_on": {"db": {"required": True}}, "tmpfs": "/run"},
            db={},
        ),
        "networks": {"n": {"external": {"name": "m"}}},
    }
    before = repr(content)
    read_spec(content, {"web": "other"})
    assert repr(content) == before
