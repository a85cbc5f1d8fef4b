# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""URLs made of the version and the platform, and what is wrong with them."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
from ansible_collections.shipping.code.plugins.plugin_utils._catalog import url_templates
from ansible_collections.shipping.code.plugins.plugin_utils._catalog.json_schema import schema
from ansible_collections.shipping.code.plugins.plugin_utils._catalog.project_file import (
    Project,
    read,
)
from ansible_collections.shipping.code.plugins.plugin_utils._sources.yaml_reader import parse
from hypothesis import given
from hypothesis import strategies as st

from .test_project_file import SUM, problems, text

BASE = "https://example.com"
TOOL = f"""
    type: archive
    version: "1.2"
    url: {BASE}/v{{version}}/t-{{os}}-{{arch}}.tar.gz
    os_names: {{linux: Linux}}
    arch_names: {{x86_64: amd64}}
    commands: [t]
    platforms:
      - {{os: linux, arch: x86_64, sha256: {SUM}}}
      - {{os: linux, arch: aarch64, sha256: {SUM}}}
"""


def variants(tool: str) -> list[dict[str, Any]]:
    project = read(text(tool), "atlas.yml", "atlas")
    assert isinstance(project, Project)
    found: list[dict[str, Any]] = project.tools[0]["variants"]
    return found


def test_each_platform_has_its_url():
    found = variants(TOOL)
    assert [variant["url"] for variant in found] == [
        f"{BASE}/v1.2/t-Linux-amd64.tar.gz",
        f"{BASE}/v1.2/t-Linux-aarch64.tar.gz",
    ]
    assert not any("arch_names" in variant for variant in found)
    jsonschema.validate(parse(text(TOOL), "atlas.yml"), schema())


def test_an_update_is_the_version_and_the_checksums():
    assert variants(TOOL.replace('"1.2"', '"1.3"'))[0]["url"].startswith(f"{BASE}/v1.3/")


def test_the_signature_has_a_template_as_well():
    tool = TOOL.replace(
        "    commands:",
        "    signature: {cosign: {key: cosign.pub, url: '"
        + BASE
        + "/t-{version}-{arch}.sig'}}\n    commands:",
    )
    found = variants(tool)[0]["signature"]
    assert found == {"cosign": {"key": "cosign.pub", "url": f"{BASE}/t-1.2-amd64.sig"}}


def test_paths_of_commands_have_a_template_as_well():
    tool = TOOL.replace("commands: [t]", "commands: {t: 't-{version}/t-{arch}'}")
    assert [variant["commands"] for variant in variants(tool)] == [
        {"t": "t-1.2/t-amd64"},
        {"t": "t-1.2/t-aarch64"},
    ]
    jsonschema.validate(parse(text(tool), "atlas.yml"), schema())
    wrong = tool.replace("{version}/t-{arch}", "{verson}")
    assert "unknown placeholder {verson}; did you mean version?" in problems(text(wrong))[0]
    (said, _again) = problems(text(tool.replace('"1.2"', '"1/../../.."')))
    assert "has a path of t that leads out: 't-1/../../../t-amd64'" in said


def binary(url: str, more: str = "") -> str:
    return f"{{type: binary, version: '1', sha256: {SUM}, url: '{url}'{more}}}"


@pytest.mark.parametrize(
    ("tool", "said"),
    [
        (
            binary(f"{BASE}/{{verison}}"),
            "atlas.yml:3:114: unknown placeholder {verison}; did you mean version?; {version},"
            " {os}, {arch} are known",
        ),
        (
            binary(f"{BASE}/{{{{ version }}}}/t"),
            "atlas.yml:3:114: is not a Jinja template; write {version}, {os} or {arch} in single"
            " braces",
        ),
        (
            binary(f"{BASE}/{{version"),
            "atlas.yml:3:114: has a brace without its pair; in a URL, write %7B or %7D for a brace"
            " itself",
        ),
        (
            binary(f"{BASE}/t-{{os}}"),
            "atlas.yml:3:6: t has {os} in its URL and no os; name them in its platforms",
        ),
        (
            binary(f"{BASE}/t", ", arch_names: {amd64: x}"),
            "atlas.yml:3:152: unknown key amd64",
        ),
        (
            binary(f"{BASE}/{{version}}").replace("'1'", "'1 beta'"),
            "atlas.yml:3:6: t has the invalid URL 'https://example.com/1 beta'",
        ),
    ],
)
def test_refused_with_its_place(tool: str, said: str):
    assert problems(text(tool)) == [said]


VALUES = st.fixed_dictionaries(
    {name: st.text("abc{}.%v0/", min_size=1) for name in url_templates.NAMES}
)


@given(st.text("{}versionarchos /"), VALUES)
def test_any_template(template: str, values: dict[str, str]):
    """It has a problem, or it is expanded, once."""
    if list(url_templates.problems(template)):
        return
    pieces = template.replace("{", "\0{").replace("}", "}\0").split("\0")
    known = {f"{{{name}}}": value for name, value in values.items()}
    expected = "".join(known.get(piece, piece) for piece in pieces)
    assert url_templates.lacking(template, values) == []
    assert url_templates.expand(template, values) == expected
