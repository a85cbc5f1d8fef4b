# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mask secrets in whatever is shown: whole ones, and the longer lines of those with several."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

HIDDEN = "********"
# Shorter words are in too many texts by chance.
_SHORTEST = 3
# A log may show single lines of a key; a line such as `end` is also in other texts.
_SHORTEST_LINE = 8


def words_of(secrets: Iterable[bytes | str]) -> list[str]:
    """Return what must not be shown, the longest first."""
    words: set[str] = set()
    for secret in secrets:
        text = secret.decode("utf-8", "replace") if isinstance(secret, bytes) else secret
        words.add(text.strip())
        lines = text.splitlines()
        if len(lines) > 1:
            words.update(line.strip() for line in lines if len(line.strip()) >= _SHORTEST_LINE)
    # A word that is part of another one must not leave the rest of the longer one visible.
    return sorted((word for word in words if len(word) >= _SHORTEST), key=len, reverse=True)


def mask(value: Any, words: list[str]) -> Any:
    """Return ``value`` with the words hidden in all its texts."""
    if isinstance(value, str):
        for word in words:
            value = value.replace(word, HIDDEN)
        return value
    if isinstance(value, dict):
        return {mask(key, words): mask(item, words) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [mask(item, words) for item in value]
    return value
