# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One compressed file: recognized by its first bytes, bounded, and checked to its end."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import lzma
from pathlib import Path

import pytest
from ansible_collections.shipping.code.plugins.module_utils._toolbox import compressed_file
from ansible_collections.shipping.code.plugins.module_utils._toolbox.delivery_errors import (
    Damaged,
    DeliveryError,
    Hostile,
)
from hypothesis import given
from hypothesis import strategies as st

WAYS = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}
PROGRAM = b"#!/bin/sh\necho hello\n"


def decompressed(folder: Path, content: bytes) -> bytes:
    (folder / "packed").write_bytes(content)
    compressed_file.decompress(str(folder / "packed"), str(folder / "plain"), "tool")
    return (folder / "plain").read_bytes()


@pytest.mark.parametrize("way", WAYS)
@given(content=st.binary(max_size=2000))
def test_what_was_compressed_comes_back(tmp_path_factory, way, content):
    packed = WAYS[way](content)
    assert compressed_file.compression_of(packed[:512]) == way
    assert decompressed(tmp_path_factory.mktemp("any"), packed) == content


@pytest.mark.parametrize(
    "head",
    [b"", b"\x28", PROGRAM, b"\x7fELF", b"BZh is a program of somebody", b"PK\x03\x04", b"\x50"],
)
def test_other_content_is_none(head: bytes):
    assert compressed_file.compression_of(head) == ""


def test_zstd_begins_with_a_frame_or_with_one_to_skip():
    assert compressed_file.compression_of(b"\x28\xb5\x2f\xfd\x04") == "zst"
    assert compressed_file.compression_of(b"\x5a\x2a\x4d\x18\x04") == "zst"


@pytest.mark.parametrize("way", WAYS)
def test_cut_off(tmp_path: Path, way: str):
    with pytest.raises(
        Damaged, match=f"the compressed file of tool cannot be read: {way} reports "
    ):
        decompressed(tmp_path, WAYS[way](PROGRAM * 100)[:-9])


@pytest.mark.parametrize("way", WAYS)
@given(place=st.integers(0, 60), piece=st.binary(min_size=1, max_size=4))
def test_any_damage_has_a_message(tmp_path_factory, way, place, piece):
    content = bytearray(WAYS[way](PROGRAM * 3))
    content[place : place + len(piece)] = piece
    with contextlib.suppress(DeliveryError):
        decompressed(tmp_path_factory.mktemp("any"), bytes(content))


@pytest.mark.parametrize("way", WAYS)
def test_much_from_little(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str):
    monkeypatch.setattr(compressed_file, "MAX_SIZE", 1 << 20)
    assert len(decompressed(tmp_path, WAYS[way](bytes(1 << 20)))) == 1 << 20
    (tmp_path / "plain").unlink()
    with pytest.raises(Hostile, match="is too large"):
        decompressed(tmp_path, WAYS[way](bytes((1 << 20) + 1)))
