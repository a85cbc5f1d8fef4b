# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Recognize a compressed file by its first bytes, and decompress it."""

from __future__ import annotations

import importlib
from typing import IO, Any

from .._core.errors import os_words
from .delivery_errors import Damaged, DeliveryError, Hostile
from .unpack import CHUNK, MAX_SIZE, content_errors

HEAD = 512
# The block of a bzip2 file: one with data, or the end of an empty one.
_BZIP2_BLOCKS = (b"1AY&SY", b"\x17rE8P\x90")
_MODULES = {"gz": "gzip", "bz2": "bz2", "xz": "lzma"}


def compression_of(head: bytes) -> str:
    """Return ``gz``, ``bz2``, ``xz`` or ``zst`` by the first bytes; empty for other content."""
    if head.startswith(b"\x1f\x8b\x08"):
        return "gz"
    if head.startswith(b"BZh") and head[4:10] in _BZIP2_BLOCKS:
        return "bz2"
    if head.startswith(b"\xfd7zXZ\x00"):
        return "xz"
    # A frame, or one that decoders skip, as pzstd writes it first (RFC 8878, 3.1.2).
    if head.startswith(b"\x28\xb5\x2f\xfd"):
        return "zst"
    return "zst" if head[1:4] == b"\x2a\x4d\x18" and 0x50 <= head[0] <= 0x5F else ""


def read_head(path: str) -> bytes:
    """Return the first bytes of a file."""
    with open(path, "rb") as stream:
        return stream.read(HEAD)


def write_decompressed(source: Any, target: Any, name: str) -> None:
    """Copy all that a decompressing stream has, as far as a tool may be large."""
    written = 0
    while block := source.read(CHUNK):
        written += len(block)
        if written > MAX_SIZE:
            raise Hostile(
                f"the compressed file of {name} is too large",
                f"more than {MAX_SIZE >> 30} GiB",
            )
        target.write(block)


def decompress(path: str, target: str, name: str) -> None:
    """Write a gz, bz2 or xz file without its compression; ``name`` is the tool's."""
    compression = compression_of(read_head(path))
    with (
        content_errors(
            lambda error: unreadable(name, compression, error),
            lambda error: _unwritable(name, error),
        ),
        open_compressed(path, compression) as source,
        open(target, "xb") as file,
    ):
        write_decompressed(source, file, name)


def unreadable(name: str, compression: str, error: Exception) -> Damaged:
    """Return the error for a file whose compressed content is damaged."""
    return Damaged(
        f"the compressed file of {name} cannot be read",
        f"{compression} reports {str(error) or type(error).__name__}",
        "Download the published file again, and compare its checksum",
    )


def open_compressed(path: str, compression: str) -> IO[bytes]:
    """Open a gz, bz2 or xz file for its content."""
    # Imported where they are used: a Python may be built without one of them. By name, since they
    # are Python's own, and so not packed for the workstation.
    try:
        stream: IO[bytes] = importlib.import_module(_MODULES[compression]).open(path)
    except ImportError as error:
        raise DeliveryError(
            "the compressed file cannot be read",
            f"the host's Python was built without {error.name}",
            "Install a complete Python on the host, or deliver the file as gz",
        ) from error
    return stream


def _unwritable(name: str, error: OSError) -> DeliveryError:
    return DeliveryError(
        f"the compressed file of {name} cannot be written",
        os_words(error),
        "Check the space and the file system below the toolbox's root",
    )
