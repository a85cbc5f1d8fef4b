# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The names that an entry has: each value of a naming attribute is an alias. Pure.

LDAP keeps no order of values (RFC 4511 4.1.7), so that a name must not follow the server's.
"""

from __future__ import annotations

from collections.abc import Sequence

from .._directory.distinguished_names import dn_key, first_value
from .._directory.search import Entry


def main_value(entry: Entry, attribute: str) -> str:
    """Return the value in the RDN, or the first in alphabetical order; nothing where none is."""
    values = entry.values.get(attribute.lower())
    if not values:
        return ""
    if len(values) == 1:  # Nearly every entry; a decision calls this 20,000 times.
        return values[0].decode("utf-8", "backslashreplace")
    return distinguished(entry, attribute, entry.texts(attribute))


def distinguished(entry: Entry, attribute: str, values: Sequence[str]) -> str:
    """Return the one of these values that the RDN has; otherwise the first in order."""
    own = first_value(entry.dn, attribute)
    if own is not None:
        for value in values:
            # As the directory compares them, but as the attribute writes it.
            if dn_key(f"x={value}") == dn_key(f"x={own}"):
                return value
    return min(values, default="")
