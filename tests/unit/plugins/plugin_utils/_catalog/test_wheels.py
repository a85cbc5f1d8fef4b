# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which packages of a lock have no wheel for a machine."""

from __future__ import annotations

import pytest
from ansible_collections.shipping.code.plugins.plugin_utils._catalog.wheels import (
    System,
    declared,
    lacking,
    reported,
)
from packaging.tags import compatible_tags, cpython_tags

LOCK = """\
# made by a tool
--only-binary :all:
Fast_Numbers==2.1.0 \\
    --hash=sha256:aa \\
    --hash=sha256:bb  # via maps
maps==1.0 --hash=sha256:cc
tomli==2.0 ; python_version < "3.11" --hash=sha256:dd
here @ https://example.com/here.whl --hash=sha256:ee
"""
DEBIAN = System("linux", "x86_64", "3.11")
MAPS = "maps-1.0-py3-none-any.whl"


def numbers(tag: str) -> list[str]:
    return [MAPS, "tomli-2.0-py3-none-any.whl", f"fast_numbers-2.1.0-{tag}.whl"]


@pytest.mark.parametrize(
    "tag",
    [
        "py3-none-any",
        "py2.py3-none-any",
        "cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64",
        "cp311-cp311-musllinux_1_2_x86_64",
        "cp38-abi3-manylinux_2_28_x86_64",
        "py310-none-linux_x86_64",
        "cp311-none-any",
    ],
)
def test_fits(tag: str):
    assert lacking(LOCK, numbers(tag), DEBIAN) == []


@pytest.mark.parametrize(
    "tag",
    [
        "cp310-cp310-manylinux_2_17_x86_64",
        "cp312-abi3-manylinux_2_17_x86_64",
        "cp311-cp311-manylinux_2_17_aarch64",
        "cp311-cp311-macosx_11_0_universal2",
        "cp311-cp311-win_amd64",
        "pp311-pypy311_pp73-manylinux_2_17_x86_64",
        "py2-none-any",
        "py312-none-any",
        "cp311-cp311t-manylinux_2_17_x86_64",
    ],
)
def test_does_not_fit(tag: str):
    assert lacking(LOCK, numbers(tag), DEBIAN) == ["Fast_Numbers 2.1.0"]


def test_agrees_with_what_installs_it():
    """Every tag that a CPython of that kind takes fits, by the library that pip decides by."""
    platforms = ["manylinux_2_17_x86_64", "linux_x86_64"]
    tags = [
        *cpython_tags((3, 11), ["cp311"], platforms),
        *compatible_tags((3, 11), "cp311", platforms),
    ]
    wrong = [str(tag) for tag in tags if lacking(LOCK, numbers(str(tag)), DEBIAN)]
    assert len(tags) > 50 and wrong == []


def test_other_versions_and_markers():
    assert lacking(LOCK, [MAPS, "fast_numbers-2.0.0-py3-none-any.whl"], DEBIAN) == [
        "Fast_Numbers 2.1.0"
    ]
    assert lacking(LOCK, [], System("linux", "x86_64", "3.9")) == [
        "Fast_Numbers 2.1.0",
        "maps 1.0",
        "tomli 2.0",
    ]
    assert lacking("maps==1.0.0\nloose==1.*\n", [MAPS], DEBIAN) == []
    assert lacking(LOCK, ["no wheel.txt", *numbers("py3-none-any")], DEBIAN) == []


def test_what_is_not_known_yet_fits():
    assert lacking(LOCK, numbers("cp39-cp39-manylinux_2_17_aarch64"), System()) == []
    assert lacking(
        LOCK, numbers("cp39-cp39-manylinux_2_17_aarch64"), declared("linux", "x86_64", None)
    ) == ["Fast_Numbers 2.1.0"]
    assert (
        declared(None, None, "/opt/python3.12").python
        == declared(None, None, "/usr/bin/python3.12").python
        == "3.12"
    )
    assert declared(None, None, "/usr/bin/python3").python == ""


def test_what_a_machine_says_is_only_compared_with():
    assert reported({"os": "linux", "arch": "x86_64", "python": "3.11"}) == DEBIAN
    strange = reported({"os": "plan9", "arch": "pdp11", "python": "x.y", "more": 1})
    assert lacking(LOCK, numbers("py3-none-any"), strange) == [] and lacking(
        LOCK, numbers("py3-none-linux_x86_64"), strange
    ) == ["Fast_Numbers 2.1.0"]


@pytest.mark.parametrize(
    ("system", "text"),
    [(DEBIAN, "linux x86_64, Python 3.11"), (System("linux"), "linux"), (System(), "any system")],
)
def test_its_words(system: System, text: str):
    assert str(system) == text
