# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a package-lock.json has for a system, and which locks are rejected."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import pytest
from ansible_collections.shipping.code.plugins.module_utils._toolbox.npm_lock import (
    BadLock,
    NpmSystem,
    read,
)

PC = NpmSystem("linux", "x86_64", "glibc")
TARBALL = b"a tarball"
INTEGRITY = f"sha512-{base64.b64encode(hashlib.sha512(TARBALL).digest()).decode()}"


def package(**more: Any) -> dict[str, Any]:
    return {
        "version": "1.0.0",
        "resolved": "https://example.com/t.tgz",
        "integrity": INTEGRITY,
        **more,
    }


def lock(root: dict[str, Any] | None = None, version: Any = 3, **packages: Any) -> str:
    """A lock whose packages are below node_modules; of their names __ is a slash."""
    entries = {path.replace("__", "/"): entry for path, entry in packages.items()}
    return json.dumps({"lockfileVersion": version, "packages": {"": root or {}, **entries}})


def paths(text: str, system: NpmSystem = PC) -> list[str]:
    return [entry.path for entry in read(text, system).packages]


def test_the_tree_of_a_lock() -> None:
    text = lock(
        {"dependencies": {"t": "^1"}},
        node_modules__t=package(bin={"t": "./bin/t.js"}),
        **{"node_modules__@s/u": package(name="other")},
        node_modules__t__node_modules__u=package(integrity=f"sha1-x {INTEGRITY}"),
        node_modules__dev=package(dev=True, integrity=None),
        node_modules__lost=package(extraneous=True),
        node_modules__t__node_modules__inner={"version": "1", "inBundle": True},
    )
    found = read(text, PC)
    assert [str(entry) for entry in found.packages] == ["other@1.0.0", "t@1.0.0", "u@1.0.0"]
    assert found.packages[1].sha512 == hashlib.sha512(TARBALL).hexdigest()
    assert found.bins == {"t": "node_modules/t/bin/t.js"}


def test_the_bin_of_a_package_that_was_asked_for_wins() -> None:
    text = lock(
        {"dependencies": {"z": "1"}},
        node_modules__a=package(bin={"t": "a.js", "a": "a.js"}),
        node_modules__z=package(bin={"t": "z.js"}),
        node_modules__z__node_modules__b=package(bin={"b": "b.js"}),
    )
    assert read(text, PC).bins == {"t": "node_modules/z/z.js", "a": "node_modules/a/a.js"}


@pytest.mark.parametrize(
    ("entry", "fits"),
    [
        ({"os": ["linux"], "cpu": ["x64"], "libc": ["glibc"]}, True),
        ({"os": ["darwin"]}, False),
        ({"os": ["!win32"]}, True),
        ({"os": ["!linux"]}, False),
        ({"os": ["linux", "!darwin"]}, True),
        ({"os": "linux"}, True),
        ({"cpu": ["any"]}, True),
        ({"cpu": ["arm64", "arm"]}, False),
        ({"libc": ["musl"]}, False),
    ],
)
def test_packages_for_other_systems(entry: dict[str, Any], fits: bool) -> None:
    text = lock(node_modules__t=package(optional=True, **entry))
    assert bool(paths(text)) == fits
    # What is not known yet does not leave anything out.
    assert paths(text, NpmSystem()) == ["node_modules/t"]
    if not fits:
        with pytest.raises(BadLock, match=r"t@1\.0\.0 is not for linux x86_64 glibc: its"):
            read(lock(node_modules__t=package(**entry)), PC)


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"hasInstallScript": True}, "t@1.0.0 have install scripts"),
        ({"integrity": None}, "node_modules/t has no sha512 as its integrity, none"),
        ({"integrity": "sha1-x"}, "only sha1"),
        ({"integrity": 5}, "only 5"),
        ({"resolved": "git+ssh://git@example.com/t.git#abc", "integrity": None}, "is from git"),
        ({"resolved": "file:t.tgz"}, "is from file:t.tgz"),
        ({"resolved": "../t", "link": True}, "is a link to the folder ../t"),
        ({"bin": {"t": "../../x"}}, "a bin that leads outside"),
        ({"bin": {"../t": "x"}}, "a bin that leads outside"),
        ({"bin": {"t": None}}, "a bin that leads outside"),
        ({"bin": ["t"]}, "a bin that leads outside"),
    ],
)
def test_locks_that_are_rejected(entry: dict[str, Any], words: str) -> None:
    with pytest.raises(BadLock) as caught:
        read(lock(node_modules__t=package(**entry)), PC)
    assert words in str(caught.value)
    # For a system that does not get the package, its scripts do not matter.
    if "hasInstallScript" in entry:
        assert paths(lock(node_modules__t=package(**entry, os=["aix"], optional=True))) == []
        assert read(lock(node_modules__t=package(**entry)), PC, ["t"]).packages


@pytest.mark.parametrize(
    "path",
    ["packages/a", "node_modules/../t", "/node_modules/t", "node_modules", "node_modules/.."],
)
def test_paths_that_lead_elsewhere(path: str) -> None:
    with pytest.raises(BadLock, match="is not a path of a package below node_modules"):
        read(json.dumps({"lockfileVersion": 3, "packages": {path: package()}}), PC)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "it is no JSON"),
        ("[]", "its lockfileVersion is None"),
        ('{"lockfileVersion": 1, "dependencies": {}}', "its lockfileVersion is 1, and 2 and 3"),
        ('{"lockfileVersion": 3}', "its lockfileVersion is 3"),
        (lock({"workspaces": ["a"]}), "it has workspaces"),
        (lock(node_modules__t=5), "node_modules/t is no mapping"),
    ],
)
def test_files_that_are_no_lock(text: str, words: str) -> None:
    with pytest.raises(BadLock) as caught:
        read(text, PC)
    assert words in str(caught.value)
