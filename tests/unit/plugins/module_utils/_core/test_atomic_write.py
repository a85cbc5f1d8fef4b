# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.shipping.code.plugins.module_utils._core.atomic_write import (
    write_atomically,
)


@pytest.mark.parametrize("lasting", [False, True])
def test_it_replaces_a_file_with_exactly_the_mode(tmp_path: Path, lasting: bool) -> None:
    path = tmp_path / "page.html"
    path.write_text("old")
    path.chmod(0o666)
    mask = os.umask(0o077)
    try:
        write_atomically(str(path), b"new", 0o644, lasting=lasting)
    finally:
        os.umask(mask)
    assert path.read_text() == "new" and path.stat().st_mode & 0o777 == 0o644
    assert os.listdir(tmp_path) == ["page.html"]


def test_only_the_owner_reads_it_by_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_atomically("key.pem", b"key")
    assert (tmp_path / "key.pem").stat().st_mode & 0o777 == 0o600


def test_it_replaces_a_link_and_not_its_target(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_text("kept")
    link.symlink_to(target)
    write_atomically(str(link), b"new")
    assert target.read_text() == "kept" and not link.is_symlink()


def test_a_failure_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(IsADirectoryError):
        write_atomically(str(tmp_path / "folder"), b"new")
    assert os.listdir(tmp_path) == ["folder"]
    with pytest.raises(FileNotFoundError):
        write_atomically(str(tmp_path / "missing" / "file"), b"new")
