# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services that are left out by their profiles, as ``docker compose up`` leaves them out."""

from __future__ import annotations

import pytest
from ansible_collections.shipping.code.plugins.module_utils._core.errors import SpecError
from ansible_collections.shipping.code.plugins.plugin_utils._sources.compose_files import (
    SpecSources,
    load,
)

from ...module_utils._compose.reading import read_spec

FILE = """
services:
  web: {image: nginx}
  debug: {image: "nginx:${TAG}", profiles: [dev, test]}
  import: {image: nginx, profiles: [data], env_file: absent.env}
"""


def loaded(*texts, active=None, env_files=None):
    """The spec of these files, with COMPOSE_PROFILES in values."""
    files = {f"{index}.yml": text for index, text in enumerate(texts)}
    files.update(env_files or {})

    def read(path):
        if path not in files:
            raise FileNotFoundError(2, "No such file or directory")
        return files[path].encode()

    return load(
        SpecSources(
            read=read,
            compose=[name for name in files if name.endswith(".yml")],
            values={} if active is None else {"COMPOSE_PROFILES": active, "TAG": "1"},
            env_files=[name for name in env_files or () if name != ".env"],
        ),
        read_spec,
    )


def problems(*texts, **options):
    with pytest.raises(SpecError) as caught:
        loaded(*texts, **options)
    return [str(problem) for problem in caught.value.problems]


def test_without_active_profiles():
    """What is left out needs neither values nor files."""
    spec = loaded(FILE)
    assert spec.content["services"] == {"web": {"image": "nginx"}}
    assert spec.warnings == (
        "ignored, since their profiles are not active: debug (dev, test); import (data). To release"
        " them, list profiles in COMPOSE_PROFILES in values",
    )


@pytest.mark.parametrize("active", ["dev", "test", "test,dev", "other, dev"])
def test_with_an_active_profile(active):
    spec = loaded(FILE, active=active)
    assert spec.content["services"] == {"web": {"image": "nginx"}, "debug": {"image": "nginx:1"}}


def test_all_profiles():
    spec = loaded(FILE.replace(", env_file: absent.env", ""), active="*")
    assert set(spec.content["services"]) == {"web", "debug", "import"} and spec.warnings == ()


def test_the_profiles_of_all_files_count():
    second = "services: {debug: {init: true}, import: {profiles: !reset []}}"
    without_file = FILE.replace(", env_file: absent.env", "")
    assert set(loaded(without_file, second).content["services"]) == {"web", "import"}
    other = "services: {web: {profiles: [front]}}"
    assert set(loaded(without_file, other, active="front").content["services"]) == {"web"}


def test_profiles_from_an_env_file():
    spec = loaded(FILE, env_files={"prod.env": "COMPOSE_PROFILES=dev\nTAG=2\n"})
    assert spec.content["services"]["debug"] == {"image": "nginx:2"}


def test_an_env_file_that_is_not_read_is_named():
    assert loaded(FILE, env_files={".env": "COMPOSE_PROFILES=dev\n"}).warnings[1] == (
        ".env is not read, so that its COMPOSE_PROFILES had no effect; list it under env_file of"
        " the task"
    )


NEEDED = [
    ("depends_on: [debug]", "depends_on"),
    ("depends_on: {debug: {condition: service_started}}", "depends_on"),
    ("links: [debug]", "links[0]"),
]


@pytest.mark.parametrize(("keys", "place"), NEEDED)
def test_what_others_need(keys, place):
    text = FILE.replace("web: {image: nginx}", f"web: {{image: nginx, {keys}}}")
    assert problems(text) == [
        f"services.web.{place}: debug is left out, since its profiles are not active: dev, test."
        " Add one of them to COMPOSE_PROFILES in values, or remove profiles from debug"
    ]


def test_what_others_may_go_without():
    keys = "depends_on: {debug: {condition: service_started, required: false}}"
    spec = loaded(FILE.replace("web: {image: nginx}", f"web: {{image: nginx, {keys}}}"))
    assert "depends_on" not in read_spec(spec.content).services["web"]


def test_what_is_no_list():
    assert problems("services: {web: {image: nginx, profiles: dev}}") == [
        "services.web.profiles: must be a list, not 'dev'"
    ]


def test_all_services_are_left_out():
    assert problems("services: {web: {image: nginx, profiles: [dev]}}") == [
        "services: an app needs at least one service; write one below services:"
    ]
