# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The folder of a run: private, and removed alone."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from ansible_collections.shipping.code.plugins.module_utils._core.errors import ShippingError
from ansible_collections.shipping.code.plugins.plugin_utils._shipping import run_folder


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def test_a_folder_is_private_and_removed_with_its_files() -> None:
    folder = Path(run_folder.make())
    assert folder.stat().st_mode & 0o777 == 0o700
    (folder / "file").touch()
    run_folder.remove(str(folder))
    assert not folder.exists()
    run_folder.remove(str(folder))


def test_other_folders_stay(tmp_path: Path) -> None:
    other, link = tmp_path / "other", tmp_path / "shipping-link"
    other.mkdir()
    link.symlink_to(other)
    for folder in (other, link):
        with pytest.raises(ShippingError, match=r"shipping\.code\.ship did not make it"):
            run_folder.remove(str(folder))
    assert other.exists()
