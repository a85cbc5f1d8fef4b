# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which versions and wheels of an index a lock takes."""

from __future__ import annotations

import pytest
from ansible_collections.shipping.code.plugins.plugin_utils._catalog.lock_file import without_hash
from ansible_collections.shipping.code.plugins.plugin_utils._catalog.wheels import System
from ansible_collections.shipping.code.plugins.plugin_utils._locking import choices
from ansible_collections.shipping.code.plugins.plugin_utils._locking.package_index import IndexFile

A, B, C = ("a" * 64, "b" * 64, "c" * 64)
LOCK = f"""\
# made by a tool
fast-numbers[more]==2.1.0 ; python_full_version >= '3.9' \\
    --hash=sha256:{A} \\
    --hash=sha256:{B}
    # via x
old==1.0 ; python_full_version < '3.9' \\
    --hash=sha256:{C}
"""
DEBIAN = System("linux", "x86_64", "3.11")


def of(name: str, sha256: str = A, **more: object) -> IndexFile:
    return IndexFile(name, f"https://x/{name}", sha256, **more)


def test_all_compatible_tags_are_needed():
    tags = {
        "cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64": True,
        "cp311-cp311-manylinux_2_28_x86_64": True,
        "cp311-cp311-musllinux_1_2_x86_64": True,
        "cp39-abi3-manylinux_2_34_x86_64": True,
        "py3-none-any": True,
        "cp310-cp310-manylinux_2_17_x86_64": False,
        "cp311-cp311-manylinux_2_17_aarch64": False,
        "cp311-cp311-win_amd64": False,
    }
    files = [of(f"fast_numbers-2.1.0-{tag}.whl") for tag in tags]
    files += [of("fast_numbers-2.2.0-py3-none-any.whl"), of("fast_numbers-2.1.0.tar.gz")]
    files += [of("fast_numbers-2.1.0-py2.py3-none-any.whl", C)]
    needed = choices.needed_wheels(LOCK, {"fast-numbers": files, "old": []}, [DEBIAN])
    wanted = {f"fast_numbers-2.1.0-{tag}.whl" for tag, is_needed in tags.items() if is_needed}
    assert {file.name for file in needed} == wanted


def test_a_file_whose_checksum_the_index_does_not_have_is_needed():
    files = {"fast-numbers": [of("fast_numbers-2.1.0-py3-none-any.whl", "")]}
    assert choices.needed_wheels(LOCK, files, [DEBIAN])


@pytest.mark.parametrize(
    ("requirement", "is_satisfied"),
    [
        ("Fast_Numbers==2.1.0", True),
        ("fast.numbers[more]>=2,<3", True),
        ("fast-numbers", True),
        ("old ; python_version < '3.9'", True),
        ("absent ; sys_platform == 'win32'", True),
        ("fast-numbers==2.2.0", False),
        ("fast-numbers[less]", False),
        ("absent", False),
    ],
)
def test_what_a_lock_satisfies(requirement: str, is_satisfied: bool):
    assert (choices.unsatisfied(LOCK, [requirement]) == []) is is_satisfied


def test_the_line_without_a_hash():
    text = f"a==1 \\\n  --hash=sha256:{A}\n# c\n--index-url x\nb==2 # why\n"
    assert [(line.number, line.text) for line in without_hash(text)] == [(5, "b==2")]
    assert without_hash(LOCK) == []
    assert without_hash("a==1 --hash=sha512:ab\n") == []


def test_the_pythons_that_pinned_requirements_support():
    files = {
        "core": [
            of("core-2.19-py3-none-any.whl", requires_python=">=3.11"),
            of("core-2.20-py3-none-any.whl", requires_python=">=3.12"),
        ],
        "odd": [of("odd-1-py3-none-any.whl", requires_python="nonsense")],
    }
    assert choices.supported_pythons(["core==2.20", "odd==1"], files) == ("3.12", "3.13", "3.14")
    assert choices.supported_pythons(["core"], files) == choices.KNOWN_PYTHONS


def test_the_newest_version():
    files = [of(f"a-{version}-py3-none-any.whl") for version in ("1.9", "1.10", "2.0rc1")]
    files += [of("a-3.0-py3-none-any.whl", yanked=True), of("a-4.0.tar.gz"), of("b.txt")]
    assert choices.newest_version(files) == "1.10" and choices.newest_version([]) == ""


@pytest.mark.parametrize(
    ("current", "newest"),
    [
        ("v1.9", "v1.10"),
        ("v1.10", "v1.10"),
        ("cli-1.0", "cli-1.1"),
        ("24.1", "24.1"),
        ("stable", ""),
    ],
)
def test_the_newest_tag(current: str, newest: str):
    tags = ["v1.9", "v1.10", "v2.0rc1", "cli-1.0", "cli-1.1", "stable", "v1.x"]
    assert choices.newest_tag(current, tags) == newest
