# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that are mounted read-only by a relative path, as configs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.shipping.code.plugins.module_utils._core.errors import SpecError
from ansible_collections.shipping.code.plugins.plugin_utils._sources.compose_files import (
    SpecSources,
    load,
)

from ...module_utils._compose.reading import KUBERNETES, SWARM, read_spec

# The digest is of the path below the folder.
PAGE = "page.conf-ff7dd884"


@pytest.fixture
def app(tmp_path):
    """A folder with files beside a Compose file, and what loads the latter."""
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "page.conf").write_text("one")
    (tmp_path / "start.sh").write_text("#!/bin/sh\n")
    (tmp_path / "start.sh").chmod(0o700)

    def loaded(volumes, check=None, **keys):
        spec = {"services": {"web": {"image": "nginx", "volumes": volumes, **keys}}}
        (tmp_path / "compose.yml").write_text(json.dumps(spec))
        path = str(tmp_path / "compose.yml")
        return load(
            SpecSources(read=lambda name: Path(name).read_bytes(), compose=[path], ship_binds=True),
            check,
        )

    loaded.folder = tmp_path
    return loaded


MOUNTS = [
    "./web/page.conf:/etc/page.conf:ro",
    "./web/page.conf:/etc/page.conf:z,ro",
    {"type": "bind", "source": "web/page.conf", "target": "/etc/page.conf", "read_only": True},
]


@pytest.mark.parametrize("mount", MOUNTS)
def test_a_file_becomes_a_config(app, mount):
    spec = app(["data:/data", mount], configs=["other"])
    web = spec.content["services"]["web"]
    assert web["volumes"] == ["data:/data"]
    assert web["configs"] == ["other", {"source": PAGE, "target": "/etc/page.conf", "mode": 0o444}]
    assert spec.content["configs"] == {PAGE: {"environment": PAGE}}
    assert spec.configs == {PAGE: b"one"}


def test_a_program_stays_one(app):
    (grant,) = app(["./start.sh:/start.sh:ro"]).content["services"]["web"]["configs"]
    assert grant["mode"] == 0o555


@pytest.mark.parametrize("support", [SWARM, KUBERNETES])
def test_a_platform_takes_it(app, support):
    mounts = ["./web/page.conf:/etc/page.conf:ro", "./web/page.conf:/run/page.conf:ro"]
    spec = app([*mounts, "./start.sh:/start.sh:ro"])
    service = read_spec(spec.content, support=support).services["web"]
    assert [grant["target"] for grant in service["configs"]] == [
        "/etc/page.conf",
        "/run/page.conf",
        "/start.sh",
    ]


OTHER = [
    "./web/page.conf:/etc/page.conf",
    "./web:/etc/web:ro",
    "./absent:/absent:ro",
    "/etc/hostname:/name:ro",
    "data:/data:ro",
    "/anonymous",
    {"type": "tmpfs", "target": "/scratch"},
]


@pytest.mark.parametrize("mount", OTHER)
def test_other_mounts_stay(app, mount):
    spec = app([mount])
    assert spec.content["services"]["web"]["volumes"] == [mount]
    assert not spec.configs and "configs" not in spec.content


SECRETS = [
    b"x\n-----BEGIN RSA PRIVATE KEY-----\n",
    b"-----BEGIN PRIVATE KEY-----\n",
    b"$ANSIBLE_VAULT;1.1;AES256\n",
]


@pytest.mark.parametrize("content", SECRETS)
def test_secret_content_is_no_config(app, content):
    (app.folder / "key.pem").write_bytes(content)
    with pytest.raises(SpecError) as caught:
        app(["data:/data", "./key.pem:/key.pem:ro"])
    assert [str(problem) for problem in caught.value.problems] == [
        "services.web.volumes[1]: ./key.pem has secret content, and everyone who can inspect the"
        " app can read a config; ship it under secrets"
    ]


def test_problems_have_the_places_of_the_file(app):
    def check(content):
        read_spec(content, support=KUBERNETES)

    with pytest.raises(SpecError) as caught:
        app(["./start.sh:/start.sh:ro", "./web:/etc/web"], check)
    assert [problem.path for problem in caught.value.problems] == ["services.web.volumes[1]"]


def test_all_problems_are_reported_at_once(app):
    def check(content):
        read_spec(content, support=KUBERNETES)

    (app.folder / "key.pem").write_bytes(SECRETS[0])
    with pytest.raises(SpecError) as caught:
        app(["./key.pem:/key.pem:ro", "./web:/etc/web"], check)
    assert [problem.path for problem in caught.value.problems] == [
        "services.web.volumes[0]",
        "services.web.volumes[1]",
    ]
