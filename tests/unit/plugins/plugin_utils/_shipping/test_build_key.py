# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What changes the key of a build, and what does not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.shipping.code.plugins.plugin_utils._shipping.build_context import (
    read_context,
)
from ansible_collections.shipping.code.plugins.plugin_utils._shipping.build_key import (
    ContextEntry,
    build_key,
    tag_of,
)
from ansible_collections.shipping.code.plugins.plugin_utils._shipping.shipping_file import (
    ImageBuild,
    ImageTest,
)

IMAGE = ImageBuild("web", "registry.example.com/web", tests=(ImageTest(("true",)),))
ENTRIES = (ContextEntry("a", "folder"), ContextEntry("a/b", "file", content="0"))
INPUTS: dict[str, Any] = {
    "image": IMAGE,
    "dockerfile": "FROM debian:12",
    "entries": ENTRIES,
    "base_digests": {"debian:12": "sha256:1"},
    "engine_platform": "linux/amd64",
}


def key(**changes: Any) -> str:
    return build_key(*{**INPUTS, **changes}.values())


@pytest.mark.parametrize(
    "change",
    [
        {"dockerfile": "FROM debian:12 "},
        {"base_digests": {"debian:12": "sha256:2"}},
        {"engine_platform": "linux/arm64"},
        {"image": replace(IMAGE, args={"A": "1"})},
        {"image": replace(IMAGE, tests=())},
        {"image": replace(IMAGE, platform="linux/arm64")},
        {"entries": ENTRIES[:1]},
        {"entries": (ENTRIES[0], replace(ENTRIES[1], content="1"))},
        {"entries": (ENTRIES[0], replace(ENTRIES[1], executable=True))},
        {"entries": (ENTRIES[0], replace(ENTRIES[1], kind="link"))},
        {"entries": (ENTRIES[0], replace(ENTRIES[1], path="a/c"))},
    ],
)
def test_another_key(change: dict[str, Any]) -> None:
    assert key(**change) != key()


@pytest.mark.parametrize(
    "change",
    [
        {"entries": ENTRIES[::-1]},
        {"image": replace(IMAGE, platform="linux/amd64")},
        {"image": replace(IMAGE, tests=(ImageTest(("true",), 5.0),), timeout=1.0)},
        {"image": replace(IMAGE, name="other", services=("other",), repository="other")},
    ],
)
def test_the_same_key(change: dict[str, Any]) -> None:
    assert key(**change) == key()


def test_a_tag_is_valid() -> None:
    assert len(tag_of(key())) == 68


def test_a_name_that_is_not_utf_8_has_a_key() -> None:
    assert key(entries=(ContextEntry(b"\xff".decode(errors="surrogateescape"), "folder"),))


def test_a_context_in_another_checkout_is_the_same(tmp_path: Path) -> None:
    contexts = []
    for name, mode in (("one", 0o644), ("two", 0o600)):
        folder = tmp_path / name
        (folder / "src").mkdir(parents=True)
        (folder / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
        (folder / ".dockerignore").write_text("*.log\n")
        (folder / "src" / "main.py").write_text("pass\n")
        (folder / "src" / "main.py").chmod(mode)
        (folder / "link").symlink_to("/etc/hostname")
        (folder / f"{name}.log").write_text(name)
        contexts.append(read_context(str(folder), IMAGE))
    assert contexts[0].entries == contexts[1].entries
    kinds = [entry.kind for entry in contexts[0].entries]
    assert kinds == ["file", "file", "link", "folder", "file"]
    with contexts[0].pack(IMAGE, 1) as one, contexts[1].pack(IMAGE, 1) as two:
        assert one.read() == two.read()
