# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shipping file of a project: what it may have, and its errors with line and column."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from ansible_collections.shipping.code.plugins.module_utils._core.errors import (
    ShippingError,
    SpecError,
)
from ansible_collections.shipping.code.plugins.plugin_utils._shipping.shipping_file import (
    Environment,
    ImageBuild,
    ImageTest,
    environment_of,
    read,
)
from ansible_collections.shipping.code.plugins.plugin_utils._shipping.shipping_schema import schema
from ansible_collections.shipping.code.plugins.plugin_utils._sources.yaml_reader import parse

ROOT = Path(__file__).parents[5]
SMALL = "app: shop\nenvironments: {production: {branch: main, hosts: swarm}}\n"
FULL = """app: shop
compose: [compose.yml, ./deploy/production.yml]
images:
  web:
    repository: registry.example.com:5000/shop/web
    context: web/
    dockerfile: docker/Dockerfile
    args: {DEBUG: false, LEVEL: 3}
    platform: linux/arm64/v8
    services: [web, worker]
    timeout: 1h
    tests:
      - command: [python3, -m, unittest]
        timeout: 90s
      - command: ["true"]
environments:
  production:
    branch: main
    hosts: production
    platform: kubernetes
    values: {REPLICAS: 3}
  staging: {branch: next, hosts: staging, app: shop-next}
"""


def test_a_small_file() -> None:
    content = read(SMALL)
    assert (content.compose, content.images) == (("compose.yml",), ())
    assert content.environments == (Environment("production", "main", "swarm", "shop"),)


def test_a_full_file() -> None:
    content = read(FULL)
    assert content.compose == ("compose.yml", "deploy/production.yml")
    assert content.images == (
        ImageBuild(
            "web",
            "registry.example.com:5000/shop/web",
            "web",
            "docker/Dockerfile",
            {"DEBUG": "false", "LEVEL": "3"},
            "linux/arm64/v8",
            ("web", "worker"),
            (ImageTest(("python3", "-m", "unittest"), 90.0), ImageTest(("true",), 600.0)),
            3600.0,
        ),
    )
    assert [entry.app for entry in content.environments] == ["shop", "shop-next"]
    assert content.environments[0].values == {"REPLICAS": 3}


WRONG = {
    "app: shop\n": "f:1:1: a shipping file needs environments",
    f"{SMALL}image: {{}}\n": "f:3:1: unknown key image; did you mean images?",
    f"{SMALL}images: {{web: {{}}}}\n": "f:3:15: web needs repository",
    f"{SMALL}images: {{web: {{repository: 'r/a:1'}}}}\n": "f:3:28: must have no tag",
    f"{SMALL}images: {{web: {{repository: R}}}}\n": "f:3:28: must be registry/name",
    f"{SMALL}images: {{web: {{repository: r/a, context: ../x}}}}\n": "f:3:42: must be a path below",
    f"{SMALL}images: {{web: {{repository: r/a, context: /x}}}}\n": "f:3:42: must be a path below",
    f"{SMALL}images: {{web: {{repository: r/a, timeout: 10}}}}\n": "f:3:42: 10 is no duration",
    f"{SMALL}images: {{web: {{repository: r/a, args: {{A: [1]}}}}}}\n": "must be a single value",
    f"{SMALL}images: {{web: {{repository: r/a, tests: [{{}}]}}}}\n": "f:3:41: a test needs command",
    f"{SMALL}images: {{web: {{repository: r/a, tests: [{{command: x}}]}}}}\n": "must be a list",
    f"{SMALL}images: {{web: {{repository: r/a}}, a: {{repository: r/b, services: web}}}}\n": (
        "f:3:37: web has the image web already"
    ),
    "app: shop\nenvironments: {}\n": "f:2:15: must have at least one environment",
    "app: shop\nenvironments: {a: {branch: main}}\n": "f:2:19: a needs hosts",
    "app: 1.10\nenvironments: {a: {branch: b, hosts: c}}\n": "f:1:6: must be text; write it in",
    "app: a\nenvironments: {a: {branch: b, hosts: c}, d: {branch: b, hosts: e}}\n": (
        "f:2:45: b is the branch of a already"
    ),
    "app: a\napp: b\n": "f:2:1: the key app is duplicated",
    "": "f: it is empty",
}


@pytest.mark.parametrize("text", WRONG)
def test_errors_have_a_place(text: str) -> None:
    with pytest.raises(SpecError) as caught:
        read(text, "f")
    assert WRONG[text] in str(caught.value)


def test_the_environment_of_a_branch() -> None:
    content = read(FULL)
    assert environment_of(content, "refs/heads/next").name == "staging"
    with pytest.raises(ShippingError, match=r"environments for main, next; did you mean main\?"):
        environment_of(content, "mian")


def test_the_schema_of_the_editor_is_that_of_the_reader() -> None:
    assert json.loads((ROOT / "docs/shipping.schema.json").read_text()) == schema(), (
        "call make docs"
    )
    validator = jsonschema.Draft202012Validator(schema())
    for text in (SMALL, FULL):
        assert validator.is_valid(parse(text, "f"))
    for text in WRONG:
        is_yaml = text and "app: b" not in text
        # A schema cannot have references, paths, durations, and branches that are named twice.
        if is_yaml and "needs" in WRONG[text]:
            assert not validator.is_valid(parse(text, "f")), text
