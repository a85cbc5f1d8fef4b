# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A password that was rejected is tried once, also by another process, and is in no file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.shipping.code.plugins.plugin_utils._directory import rejections, settings
from ansible_collections.shipping.code.plugins.plugin_utils._directory.connection import connect
from ansible_collections.shipping.code.plugins.plugin_utils._directory.directory_errors import (
    Rejected,
)
from ansible_collections.shipping.code.plugins.plugin_utils._directory.settings import (
    ConnectionSettings,
)

from .ldap_server import Answer, Binds, serving


@pytest.fixture
def binds() -> Iterator[tuple[Binds, ConnectionSettings]]:
    """A server that rejects each password."""
    binds = Binds(49)
    with serving(lambda _asked: Answer(), binds) as uri:
        options = {
            "uris": [uri],
            "base": "dc=x",
            "layout": "rfc2307",
            "hosts": {},
            "bind_dn": "cn=reader",
            "bind_password": "a wrong one",
            "allow_clear_text": True,
        }
        yield binds, settings.read(options, "test").connection


def is_rejected(connection: ConnectionSettings) -> str:
    with pytest.raises(Rejected) as caught:
        connect(connection)
    return str(caught.value)


def another_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rejections, "_in_process", {})


def test_once_a_run_without_a_state(binds: tuple[Binds, ConnectionSettings]):
    server, connection = binds
    first, second = is_rejected(connection), is_rejected(connection)
    assert server.count == 1
    assert "invalidCredentials (49)" in first and "invalidCredentials (49)" in second
    assert "it is not tried again before" in second
    is_rejected(replace(connection, password="another one"))
    assert server.count == 2


def test_once_with_a_state(
    binds: tuple[Binds, ConnectionSettings], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    server, connection = binds
    connection = replace(connection, state_path=str(tmp_path / "state"))
    is_rejected(connection)
    another_process(monkeypatch)
    is_rejected(connection)
    assert server.count == 1
    file = rejections.path_of(connection)
    assert "a wrong one" not in file.read_text()
    assert file.stat().st_mode & 0o077 == 0
    is_rejected(replace(connection, bind_dn="cn=other"))
    assert server.count == 2


def test_until_the_hold_ends_or_a_bind_succeeds(
    binds: tuple[Binds, ConnectionSettings], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    server, connection = binds
    connection = replace(connection, state_path=str(tmp_path))
    is_rejected(connection)
    is_rejected(replace(connection, rejection_hold=0))
    assert server.count == 2
    server.code = 0
    connect(replace(connection, rejection_hold=0)).close()
    another_process(monkeypatch)
    connect(connection).close()
    assert not rejections.path_of(connection).exists()


def test_a_record_that_is_broken_holds_nothing_up(
    binds: tuple[Binds, ConnectionSettings], tmp_path: Path
):
    server, connection = binds
    connection = replace(connection, state_path=str(tmp_path))
    rejections.path_of(connection).write_text("{")
    is_rejected(connection)
    assert server.count == 1
