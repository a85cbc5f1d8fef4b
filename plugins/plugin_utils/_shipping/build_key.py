# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compute the key of a build: two builds of one key have the same inputs and tests. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ...module_utils._core.content_ids import canonical
from .shipping_file import ImageBuild

# Raised when the inputs or their form change, so that keys of other versions never match.
_FORM = 1
TAG_PREFIX = "key-"


@dataclass(frozen=True)
class ContextEntry:
    """A file, folder or link of a build context, by its content.

    ``kind`` is ``file``, ``folder`` or ``link``. ``content`` is the SHA-256 of a file or the target
    of a link. Times and owners do not count, since a checkout has others each time.
    """

    path: str
    kind: str
    executable: bool = False
    content: str = ""


def build_key(
    image: ImageBuild,
    dockerfile: str,
    entries: Iterable[ContextEntry],
    base_digests: Mapping[str, str],
    engine_platform: str,
) -> str:
    """Return the key, as 64 hexadecimal digits.

    ``dockerfile`` is its text. ``engine_platform`` counts where the image names no platform.
    """
    inputs = {
        "form": _FORM,
        "dockerfile": dockerfile,
        "context": [
            [entry.path, entry.kind, entry.executable, entry.content]
            for entry in sorted(entries, key=lambda entry: entry.path)
        ],
        "args": dict(image.args),
        "bases": dict(base_digests),
        "platform": image.platform or engine_platform,
        # A changed test must run before the image counts as tested. How long it may take does not.
        "tests": [list(test.command) for test in image.tests],
    }
    return hashlib.sha256(canonical(inputs).encode(errors="surrogateescape")).hexdigest()


def tag_of(key: str) -> str:
    """Return the tag that an image gets once its tests have passed."""
    return f"{TAG_PREFIX}{key}"
