# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read requirements files: locks with hashes, and what locks are made of. Pure.

The lines are split here: packaging reads a single requirement, without pip's ``--hash`` and
continued lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

# packaging comes with ansible-core. It is imported where it is used, since ansible-test looks at
# this file without it.
if TYPE_CHECKING:
    from packaging.requirements import Requirement
    from packaging.version import Version

_HASH = re.compile(r"--hash[= ]sha256:([0-9a-f]{64})\b")
_ANY_HASH = re.compile(r"\s--hash[= ]\w+:\w+")


@dataclass(frozen=True)
class LockLine:
    """One requirement of a file, with its hashes."""

    number: int
    """The line that it begins in."""
    text: str
    """The requirement without its hashes."""
    hashes: frozenset[str]
    has_hash: bool

    @cached_property
    def requirement(self) -> Requirement | None:
        """Return the requirement; None for one that packaging does not read."""
        from packaging.requirements import InvalidRequirement, Requirement

        try:
            return Requirement(self.text)
        except InvalidRequirement:
            return None

    @cached_property
    def version(self) -> Version | None:
        """Return the version that it pins; None where it pins none, or by a URL."""
        from packaging.version import InvalidVersion, Version

        pins = list(self.requirement.specifier) if self.requirement else []
        if len(pins) != 1 or pins[0].operator != "==":
            return None
        try:
            return Version(pins[0].version)
        except InvalidVersion:
            return None


def lock_lines(text: str) -> Iterator[LockLine]:
    """Yield the requirements of a file, without options and comments."""
    number = 1
    # Two lines that a backslash joins are one.
    for line in re.split(r"(?<!\\)\n", text.replace("\r\n", "\n")):
        joined = line.replace("\\\n", " ")
        words = re.split(r"\s--hash|\s#", f" {joined}")[0].strip()
        if words and not words.startswith(("#", "-")):
            yield LockLine(
                number,
                words,
                frozenset(_HASH.findall(joined)),
                has_hash=bool(_ANY_HASH.search(joined)),
            )
        number += line.count("\n") + 1


def all_hashes(text: str) -> frozenset[str]:
    """Return the hashes of all requirements of a lock."""
    return frozenset[str]().union(*(line.hashes for line in lock_lines(text)))


def without_hash(text: str) -> list[LockLine]:
    """Return the requirements of a lock that no hash pins."""
    return [line for line in lock_lines(text) if not line.has_hash]
