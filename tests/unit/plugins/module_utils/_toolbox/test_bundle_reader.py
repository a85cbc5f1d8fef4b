# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the controller sends, in a file and along with the question."""

from __future__ import annotations

import hashlib
import io
import tarfile
from pathlib import Path

import pytest
from ansible_collections.shipping.code.plugins.module_utils._toolbox.bundle_reader import Bundle
from ansible_collections.shipping.code.plugins.module_utils._toolbox.delivery_errors import Damaged


def packed(**files: bytes) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as content:
        for name, data in files.items():
            info = tarfile.TarInfo(f"{name}/content")
            info.size = len(data)
            content.addfile(info, io.BytesIO(data))
    return target.getvalue()


@pytest.fixture(params=["in a file", "as it is"])
def sent(request: pytest.FixtureRequest, tmp_path: Path):
    def send(content: bytes) -> Bundle:
        if request.param == "as it is":
            return Bundle(content)
        (tmp_path / "bundle.tar").write_bytes(content)
        return Bundle(str(tmp_path / "bundle.tar"))

    return send


def test_each_object_has_its_files(sent, tmp_path: Path):
    content = packed(one=b"1", two=b"2")
    bundle = sent(content)
    bundle.verify(hashlib.sha256(content).hexdigest())
    for key, data in {"two": b"2", "one": b"1"}.items():
        bundle.extract(key, str(tmp_path / key))
        assert (tmp_path / key / "content").read_bytes() == data
    assert bundle


def test_one_that_was_changed_on_its_way_is_refused(sent):
    content = packed(one=b"1")
    with pytest.raises(Damaged, match="the bundle is damaged"):
        sent(content + b"more").verify(hashlib.sha256(content).hexdigest())


@pytest.mark.parametrize("content", [b"no tar", packed(one=b"1")[:512], packed(one=b"1")])
def test_one_that_lacks_something_is_refused(sent, content: bytes, tmp_path: Path):
    with pytest.raises(Damaged):
        sent(content).extract("two", str(tmp_path))


def test_nothing_was_sent():
    assert not Bundle()
