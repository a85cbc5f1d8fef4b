# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The router's keys: made once, rotated, put back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from ansible_collections.shipping.code.plugins.module_utils._core.errors import ShippingError
from ansible_collections.shipping.code.plugins.plugin_utils._routing import pki_folder

NOW = datetime.now(UTC)


def read(path: str) -> bytes:
    return Path(path).read_bytes()


def ensure(folder: Path, now: datetime = NOW, *, rotate: bool = False, check: bool = False):
    return pki_folder.ensure_pki(folder, read, now, rotate=rotate, check=check)


def test_keys_are_made_once(tmp_path):
    folder = tmp_path / "keys"
    assert ensure(folder, check=True)[1] and not folder.exists()
    files, is_new = ensure(folder)
    assert is_new and ensure(folder) == (files, False)
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    assert folder.stat().st_mode & 0o777 == 0o700
    assert set(pki_folder.client_files(folder, read)) == {"ca.pem", "client.pem"}


def test_rotated_keys_can_be_put_back(tmp_path):
    first, _is_new = ensure(tmp_path)
    second, is_new = ensure(tmp_path, rotate=True)
    assert is_new
    assert {name for name in first if first[name] != second[name]} == {
        "ca.pem",
        "client.pem",
        "server.pem",
    }
    assert pki_folder.restore_former(tmp_path, check=False)
    assert ensure(tmp_path) == (first, False)
    assert not pki_folder.restore_former(tmp_path, check=False)


def test_keys_are_renewed_before_they_expire(tmp_path):
    ensure(tmp_path)
    assert not ensure(tmp_path, NOW + timedelta(days=365 * 9))[1]
    assert ensure(tmp_path, NOW + timedelta(days=365 * 10 - 59))[1]


def test_a_folder_that_cannot_be_used(tmp_path):
    with pytest.raises(ShippingError, match="are incomplete"):
        pki_folder.client_files(tmp_path, read)
