# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Compose model knows no platform; it is handed what one supports."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from ansible_collections.shipping.code.plugins.module_utils._compose import model
from ansible_collections.shipping.code.plugins.module_utils._compose.support import Support
from ansible_collections.shipping.code.plugins.module_utils._platforms import registry

from .reading import problems, read_spec, spec

FOLDER = Path(model.__file__).parent
NAMED = re.compile("|".join([*registry.names(), "_platforms"]), re.IGNORECASE)


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.name)
def test_no_platform_is_named(path):
    assert NAMED.findall(path.read_text()) == []


def refuse_names(app, reader):
    for name in app.services:
        reader.at("services").at(name).problem("too long")


def without_labels(app):
    for service in app.services.values():
        service.pop("labels", None)
    return app


TINY = Support(
    platform="tiny",
    keys={"image": "as it is", "labels": "ignored", "network_mode": "host only"},
    refused_keys={"ports": "open them by hand"},
    object_keys={"volumes.name": "as it is"},
    refused_object_keys={"volumes.driver": "there is one"},
    refused_values={},
    read_overlay=lambda value, reader: value,
    as_honored=without_labels,
)


def test_a_platform_may_support_little():
    content = {
        **spec(ports=["80"], user="1", network_mode="bridge"),
        "volumes": {"data": {"driver": "fast"}},
    }
    assert problems(read_spec, content, support=TINY) == [
        "services.web.ports: open them by hand",
        "services.web.user: unknown key",
        "volumes.data.driver: there is one",
        "services.web.network_mode: not supported here; leave it out",
    ]
    app = read_spec({**spec(labels={"a": "b"}), "volumes": {"data": {"name": "d"}}}, support=TINY)
    assert app.services["web"] == {"image": "nginx", "networks": {"default": {}}}
    assert app.volumes == {"data": {"name": "d"}}
