# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names in groups and machines that lead to none of the people. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from .._directory.distinguished_names import dn_key
from .facts import MembershipFacts

_SHOWN = 3


class UnmatchedNames:
    """The names that lead to no person, by the group or machine that has them.

    ``outside`` exist, and are not among the people; ``unresolved`` cannot be found.
    """

    def __init__(self, facts: MembershipFacts) -> None:
        self._other_keys = facts.others
        self._other_logins = facts.other_logins
        self.outside: dict[str, set[str]] = defaultdict(set)
        self.unresolved: dict[str, set[str]] = defaultdict(set)
        for name in facts.lost_netgroups:
            self.unresolved["a netgroup"].add(name)

    def add(self, where: str, key: str, written: str) -> None:
        """Keep a name that ``where`` has; ``key`` is its DN in normal form."""
        exists = self.is_outside(key) or self.is_login_outside(written)
        (self.outside if exists else self.unresolved)[where].add(written)

    def forget(self, where: str) -> None:
        """Drop the names outside that a group or machine had; it is about to be read again."""
        self.outside.pop(where, None)

    def is_outside(self, key: str) -> bool:
        """Return whether an entry exists and is neither a person nor a group."""
        return key in self._other_keys

    def is_login_outside(self, login: str) -> bool:
        """Return whether a login name exists outside of the people."""
        return login in self._other_logins

    def unresolved_names(self) -> frozenset[str]:
        """Return what cannot be found, as it is written and as a DN in normal form."""
        written = set[str]().union(*self.unresolved.values())
        return frozenset(written | {dn_key(text) for text in written})


def some(names: Iterable[str]) -> str:
    """Return the first of these names, and how many more there are."""
    ordered = sorted(names)
    more = f" and {len(ordered) - _SHOWN} more" if len(ordered) > _SHOWN else ""
    return f"{', '.join(ordered[:_SHOWN])}{more}"
