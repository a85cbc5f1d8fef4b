# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compressed content: recognized by its first bytes, and converted for workstations.

Python has zstd from 3.14 on (``compression.zstd``); ``backports.zstd`` is the same for older ones.
"""

from __future__ import annotations

import contextlib
import gzip
import importlib
import os
from typing import Any
from urllib.parse import urlsplit

from ...module_utils._core.errors import ShippingError, innermost
from ...module_utils._toolbox.compressed_file import (
    HEAD,
    compression_of,
    open_compressed,
    read_head,
    unreadable,
    write_decompressed,
)
from ...module_utils._toolbox.installers.installer import CONVERTED, Details, checksum_of
from ...module_utils._toolbox.unpack import UNREADABLE
from .tool_sources import ToolSources

_SUFFIXES = {".gz": "gz", ".bz2": "bz2", ".xz": "xz", ".zst": "zst"}


def name_of(details: Details) -> str:
    """Return the name of the published file."""
    return os.path.basename(details.get("file") or urlsplit(details["url"]).path)


def refuse_wrong_name(path: str, details: Details, name: str) -> None:
    """Raise ShippingError for a file whose name claims another compression than it has."""
    published = name_of(details)
    claimed = _SUFFIXES.get(os.path.splitext(published)[1], "")
    compression = compression_of(read_head(path))
    if claimed and claimed != compression:
        raise ShippingError(
            f"{name} is not delivered",
            f"{published} is not compressed as {claimed}, but"
            f" {f'as {compression}' if compression else 'not at all'}",
            "Check its origin, and correct the catalog",
        )


def refuse_archive(path: str, details: Details, name: str) -> None:
    """Raise ShippingError for a tar, compressed or not, where one program is declared."""
    # The magic of a tar: POSIX and GNU have it at the same place (tar(5)).
    if _decompressed_head(path)[257:262] == b"ustar":
        raise ShippingError(
            f"{name} is not delivered",
            f"{name_of(details)} is a tar, and not one program",
            "Write `type: archive` in the catalog",
        )


def sendable(sources: ToolSources, path: str, details: Details, name: str) -> tuple[str, str]:
    """Return the file as workstations can read it, and what its name as sent content ends with."""
    if compression_of(read_head(path)) != "zst":
        return path, ""
    file = f"{checksum_of(details)}{CONVERTED}"
    return sources.derived(file, lambda target: _convert(path, target, name)), CONVERTED


def _convert(path: str, target: str, name: str) -> None:
    zstd = _zstd(name)
    try:
        # Fast: it is sent once to each workstation that lacks it. Without a time, so that the same
        # content is the same file.
        with (
            zstd.open(path) as source,
            open(target, "wb") as file,
            gzip.GzipFile("", "wb", 1, file, 0) as packed,
        ):
            write_decompressed(source, packed, name)
    except (zstd.ZstdError, *UNREADABLE) as error:
        raise unreadable(name, "zst", error) from error
    except OSError as error:
        raise ShippingError(
            f"{name} cannot be converted",
            innermost(error),
            "Check the space of the controller's cache folder",
        ) from error


def _zstd(name: str) -> Any:
    """Return the module of zstd."""
    for module in ("compression.zstd", "backports.zstd"):
        with contextlib.suppress(ImportError):
            return importlib.import_module(module)
    raise ShippingError(
        f"{name} is not delivered",
        "it is compressed as zst, which Python reads from 3.14 on",
        "On the controller, install the Python package backports.zstd (1.3 or newer, below 2)",
    )


def _decompressed_head(path: str) -> bytes:
    """Return the first bytes without the compression; nothing where they cannot be read."""
    compression = compression_of(read_head(path))
    if not compression:
        return read_head(path)
    try:
        with open_compressed(path, compression) as stream:
            return stream.read(HEAD)
    # Reported where all of it is read.
    except (OSError, *UNREADABLE):
        return b""
