# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers of an index that end too early."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.shipping.code.plugins.module_utils._core.errors import ShippingError
from ansible_collections.shipping.code.plugins.plugin_utils._locking.package_index import (
    IndexFile,
    PackageIndex,
)

HALF = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\nff\r\nhalf"


@pytest.fixture
def url() -> Iterator[str]:
    """Return the URL of a server that sends a half of its answer."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _address = server.accept()
            with connection:
                connection.recv(1 << 16)
                connection.sendall(HALF)

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/simple"
        thread.join()


def test_half_of_a_page(url: str) -> None:
    with pytest.raises(ShippingError) as caught:
        PackageIndex(url).files("maps")
    assert str(caught.value).startswith(f"the index cannot be read: {url}/maps/ IncompleteRead")


def test_half_of_a_file(url: str, tmp_path: Path) -> None:
    with pytest.raises(ShippingError) as caught:
        PackageIndex(url).fetch(IndexFile("maps.whl", f"{url}/maps.whl"), str(tmp_path / "maps"))
    assert str(caught.value).startswith(
        f"maps.whl cannot be downloaded: {url}/maps.whl IncompleteRead"
    )
