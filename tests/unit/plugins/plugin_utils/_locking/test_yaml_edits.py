# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Single values of a YAML file change; its comments and its layout stay."""

from __future__ import annotations

import pytest
import yaml
from ansible_collections.shipping.code.plugins.plugin_utils._locking.yaml_edits import (
    CannotEdit,
    Edit,
    apply_edits,
)

SHA = "ab" * 32


def edited(text: str, *edits: tuple[str, str, str], loader: type = yaml.SafeLoader) -> str:
    """Return the text with values of the mapping below ``t``."""
    root = yaml.compose(text, Loader=loader)
    mapping = next(value for key, value in root.value if key.value == "t")
    return apply_edits(text, [Edit(mapping, key, value, after) for key, value, after in edits])


@pytest.mark.parametrize("loader", [yaml.SafeLoader, yaml.CSafeLoader])
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("t:\n  url: x # c\n  #\n  a: b\n", f"t:\n  url: x # c\n  sha256: {SHA}\n  #\n  a: b\n"),
        ("t:\r\n    url: 'ü'\r\n", f"t:\r\n    url: 'ü'\r\n    sha256: {SHA}\r\n"),
        ("t:\n  a: b\n  url: x", f"t:\n  a: b\n  sha256: {SHA}\n  url: x"),
        ("t:\n  url: >-\n    x\n  a: b\n", f"t:\n  sha256: {SHA}\n  url: >-\n    x\n  a: b\n"),
        ("t: {a: b, url: x}\n", f"t: {{a: b, sha256: {SHA}, url: x}}\n"),
        ('{"t": {"url": "x"}}', f'{{"t": {{"sha256": "{SHA}", "url": "x"}}}}'),
        ("a: &u x\nt:\n  url: *u\n", f"a: &u x\nt:\n  url: *u\n  sha256: {SHA}\n"),
        ("t:\n  sha256: cd # old\n  url: x\n", f"t:\n  sha256: {SHA} # old\n  url: x\n"),
        ("t:\n  sha256: 'cd'\n  url: x\n", f"t:\n  sha256: '{SHA}'\n  url: x\n"),
        ("t:\n  sha256:\n    cd\n  url: x\n", f"t:\n  sha256:\n    {SHA}\n  url: x\n"),
    ],
)  # fmt: skip
def test_one_value_changes(before: str, after: str, loader: type):
    assert edited(before, ("sha256", SHA, "url"), loader=loader) == after
    assert yaml.safe_load(after)["t"]["sha256"] == SHA


def test_digits_that_look_like_a_number_are_quoted():
    number = f"{'1' * 30}e{'1' * 33}"
    after = edited("t:\n  url: x\n", ("sha256", number, "url"))
    assert after == f't:\n  url: x\n  sha256: "{number}"\n'


def test_several_values():
    after = edited("t:\n  url: x\n  commit: y\n", ("commit", "z", ""), ("sha256", SHA, "url"))
    assert after == f"t:\n  url: x\n  sha256: {SHA}\n  commit: z\n"


@pytest.mark.parametrize(
    "text",
    [
        "a: &c cd\nt:\n  sha256: *c\n",
        "t:\n  sha256: &c cd\na: *c\n",
        "t:\n  sha256: >-\n    cd\n",
        "t: {}\n",
    ],
)
def test_what_has_no_place_of_its_own(text: str):
    with pytest.raises(CannotEdit, match="sha256"):
        edited(text, ("sha256", SHA, "url"))


def test_two_tools_that_share_a_mapping():
    root = yaml.compose("a: &p {os: linux}\nb: *p\n")
    (_a, first), (_b, second) = root.value
    same = [Edit(node, "sha256", SHA, "os") for node in (first, second)]
    assert f"sha256: {SHA}, os" in apply_edits("a: &p {os: linux}\nb: *p\n", same)
    with pytest.raises(CannotEdit, match="differs between tools"):
        apply_edits("a: &p {os: linux}\nb: *p\n", [same[0], Edit(second, "sha256", "cd", "os")])
