# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mask secrets in whatever is shown: whole ones, and the longer lines of those with several."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

HIDDEN = "********"
# Shorter words are in too many texts by chance.
_SHORTEST = 3
# A log may show single lines of a key; a line such as `end` is also in other texts.
_SHORTEST_LINE = 8


def words_of(secrets: Iterable[bytes | str]) -> list[str]:
    """Return what must not be shown."""
    words: set[str] = set()
    for secret in secrets:
        text = secret.decode("utf-8", "replace") if isinstance(secret, bytes) else secret
        words.add(text.strip())
        lines = text.splitlines()
        if len(lines) > 1:
            words.update(line.strip() for line in lines if len(line.strip()) >= _SHORTEST_LINE)
    return sorted(word for word in words if len(word) >= _SHORTEST)


def mask(value: Any, words: list[str]) -> Any:
    """Return ``value`` with the words hidden in all its texts."""
    if isinstance(value, str):
        return _masked(value, words)
    if isinstance(value, dict):
        return {mask(key, words): mask(item, words) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [mask(item, words) for item in value]
    return value


def _masked(text: str, words: Iterable[str]) -> str:
    """Return the text with one mask for each stretch that words cover, also where they overlap."""
    shown: list[str] = []
    end = 0
    for first, last in sorted(_found(text, words)):
        if first > end or not shown:
            shown += [text[end:first], HIDDEN]
        end = max(end, last)
    return "".join([*shown, text[end:]])


def _found(text: str, words: Iterable[str]) -> Iterator[tuple[int, int]]:
    """Yield where each word begins and ends in the text."""
    for word in words:
        first = text.find(word)
        while first >= 0:
            yield first, first + len(word)
            first = text.find(word, first + 1)
