# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ids that follow from content, and names that fit into a limit. Pure."""

from __future__ import annotations

import hashlib
import json
from typing import Any

ID_LENGTH = 12


def fit(name: str, limit: int) -> str:
    """Return ``name``; its start and a hash of all of it where it is longer than ``limit``."""
    if len(name) <= limit:
        return name
    # The hash is of the whole name, so that two names with the same start stay apart.
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{name[: limit - 9].rstrip('-_.')}-{digest}"


def secret_id(content: bytes, salt: bytes) -> str:
    """Return an id that follows a secret's content.

    Slow to compute, so that a weak secret is not guessed from it.
    """
    # RFC 7914 section 2: 128 * n * r bytes, here 16 MiB, which makes guessing slow. With
    # n=2**15 OpenSSL answers that its default limit of memory is exceeded.
    return hashlib.scrypt(content, salt=salt, n=2**14, r=8, p=1, dklen=32).hex()[:ID_LENGTH]


def config_id(content: bytes) -> str:
    """Return an id that follows a config's content."""
    # A fast hash: a config may hold no secret value that could be guessed from it.
    return hashlib.sha256(content).hexdigest()[:ID_LENGTH]


def canonical(value: Any) -> str:
    """Return JSON that is the same for equal values."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest(value: Any) -> str:
    """Return a short hash of a value's canonical JSON."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()[:16]
