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


KEYS = ("ca.pem", "client.pem", "server.pem")


def keys(files: dict[str, bytes]) -> list[bytes]:
    return [files[name] for name in KEYS]


def test_a_rotation_trusts_both_keys_first(tmp_path):
    first, _is_new = ensure(tmp_path)
    assert ensure(tmp_path, rotate=True, check=True)[1] and not (tmp_path / "next").exists()
    begun, is_new = ensure(tmp_path, rotate=True)
    assert is_new and pki_folder.is_rotating(tmp_path)
    following = (tmp_path / "next/ca.pem").read_bytes()
    assert keys(begun) == keys(first)
    assert begun["trusted-clients.pem"] == first["ca.pem"] + following
    assert begun["trusted-routers.pem"] == first["ca.pem"] + following
    # A run that was interrupted goes on with the same keys.
    assert ensure(tmp_path, rotate=True) == (begun, False)
    assert pki_folder.promote_next(tmp_path, check=False)
    second, _is_new = ensure(tmp_path)
    assert not set(keys(second)) & set(keys(first)) and second["ca.pem"] == following
    # The former client is not trusted, and former routers are.
    assert second["trusted-clients.pem"] == following
    assert second["trusted-routers.pem"] == following + first["ca.pem"]
    client = pki_folder.client_files(tmp_path, read)
    assert client["ca.pem"].encode() == following + first["ca.pem"]
    assert ensure(tmp_path) == (second, False)
    assert not pki_folder.promote_next(tmp_path, check=False)


def test_a_failed_rotation_is_put_back(tmp_path):
    first, _is_new = ensure(tmp_path)
    ensure(tmp_path, rotate=True)
    # The first release failed: no router knows the next keys.
    assert pki_folder.restore_former(tmp_path, check=False)
    assert keys(ensure(tmp_path)[0]) == keys(first)
    assert not pki_folder.is_rotating(tmp_path)
    begun, _is_new = ensure(tmp_path, rotate=True)
    pki_folder.promote_next(tmp_path, check=False)
    second, _is_new = ensure(tmp_path)
    # The second release failed: the router has the former keys, and trusts both.
    assert pki_folder.restore_former(tmp_path, check=False)
    again, _is_new = ensure(tmp_path)
    assert pki_folder.is_rotating(tmp_path)
    assert keys(again) == keys(first)
    assert again["trusted-clients.pem"] == begun["trusted-clients.pem"]
    pki_folder.promote_next(tmp_path, check=False)
    assert keys(ensure(tmp_path)[0]) == keys(second)


@pytest.mark.parametrize("moved", [1, 2])
def test_a_killed_promotion_is_ended(tmp_path, moved):
    first, _is_new = ensure(tmp_path)
    ensure(tmp_path, rotate=True)
    following = [(tmp_path / "next" / name).read_bytes() for name in KEYS]
    (tmp_path / "former").mkdir()
    for name in ("ca.pem", "server.pem")[:moved]:
        (tmp_path / "former" / name).write_bytes(first[name])
        (tmp_path / "next" / name).replace(tmp_path / name)
    files, _is_new = ensure(tmp_path)
    assert keys(files) == following
    assert not pki_folder.is_rotating(tmp_path)
    assert (tmp_path / "former/ca.pem").read_bytes() == first["ca.pem"]


def test_keys_are_renewed_before_they_expire(tmp_path):
    ensure(tmp_path)
    assert not ensure(tmp_path, NOW + timedelta(days=365 * 9))[1]
    assert ensure(tmp_path, NOW + timedelta(days=365 * 10 - 59))[1]


def test_a_folder_that_cannot_be_used(tmp_path):
    with pytest.raises(ShippingError, match="are incomplete"):
        pki_folder.client_files(tmp_path, read)
