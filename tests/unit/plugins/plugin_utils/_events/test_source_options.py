# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.shipping.code.plugins.module_utils._core.errors import (
    ShippingError,
    SpecError,
)
from ansible_collections.shipping.code.plugins.plugin_utils._directory import settings
from ansible_collections.shipping.code.plugins.plugin_utils._events import source_options

from tests.docs.event_schema import EVENT_SCHEMA, PLUGIN, documented, event_schema_text

GIVEN: dict[str, Any] = {
    "uris": ["ldaps://x"],
    "base": "dc=x",
    "layout": "groupofnames",
    "hosts": {"domain": "example.com"},
    "state_path": "/state",
}


def test_defaults_are_those_of_the_documentation():
    found = source_options.read(GIVEN)
    for name, option in documented().items():
        if "default" in option and hasattr(found, name):
            assert getattr(found, name) == option["default"], name
    assert found.limits.max_shrink == documented()["max_shrink"]["default"]
    assert set(documented()) == set(source_options.OWN)


def test_the_schema_is_that_of_the_documentation():
    assert EVENT_SCHEMA.read_text() == event_schema_text(), "call make docs"
    properties = json.loads(EVENT_SCHEMA.read_text())["properties"]
    assert set(properties) == {*source_options.OWN, *settings.OPTIONS}
    assert set(properties["projects"]["properties"]) == set(settings.SECTIONS["projects"])


def test_all_mistakes_at_once():
    wrong = {
        "state_path": "state",
        "mode": "pol",
        "heartbeat": 0,
        "settle": "x",
        "may_empty": "a",
        "accept_older": "no",
        "reconsile": 5,
    }
    with pytest.raises(SpecError) as raised:
        source_options.read({**GIVEN, "base": None, **wrong})
    text = str(raised.value)
    for name in ("state_path", "mode", "heartbeat", "settle", "may_empty", "accept_older", "base"):
        assert f"  {name}: " in text
    assert "did you mean polling?" in text and "did you mean reconcile?" in text


def test_the_file_of_an_inventory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "ldap_projects.yml"
    directory = {name: value for name, value in GIVEN.items() if name != "state_path"}
    path.write_text(
        json.dumps(
            {
                "plugin": "shipping.code.ldap_projects",
                "cache": True,
                "bind_dn": "cn=r",
                "host_map": "map.yml",
                **directory,
            }
        )
    )
    (tmp_path / "map.yml").write_text("pc9: [ada]\n")
    monkeypatch.setenv("SHIPPING_LDAP_PASSWORD", "from outside")
    found = source_options.read({"source_file": str(path), "state_path": "/state", "base": "dc=y"})
    assert found.directory.base == "dc=y" and found.directory.host_map == {"pc9": ("ada",)}
    assert found.directory.connection.password == "from outside"
    path.write_text("plugin: another\n")
    with pytest.raises(ShippingError, match=r"is not shipping\.code\.ldap_projects"):
        source_options.read({"source_file": str(path), "state_path": "/state"})
    with pytest.raises(ShippingError, match="cannot be read"):
        source_options.read({"source_file": str(tmp_path / "nowhere.yml"), "state_path": "/state"})


def test_a_new_password_is_seen(tmp_path: Path):
    secret = tmp_path / "password"
    secret.write_text("one")
    found = source_options.read({**GIVEN, "bind_dn": "cn=r", "bind_password_file": str(secret)})
    assert found.directory.connection.password == "one"
    secret.write_text("two\n")
    assert found.password() == "two"
    command = source_options.read(
        {**GIVEN, "bind_dn": "cn=r", "bind_password_command": ["echo", "one"]}
    )
    assert command.password() == "one"


def test_it_loads_without_ansible_and_without_libraries():
    program = f"""
import runpy, sys
module = runpy.run_path({str(PLUGIN)!r})
module["_package"]("plugin_utils._events.event_loop")
names = ("ansible", "ansible_collections", "ldap", "ldap3", "yaml", "dns")
assert not [name for name in sys.modules if name.partition(".")[0] in names], sys.modules
"""
    done = subprocess.run(
        [sys.executable, "-I", "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
