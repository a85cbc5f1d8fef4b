# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The attributes that name the members of a group, by the class of the group. Pure."""

from __future__ import annotations

from .._directory.layouts import DirectoryLayout
from .._directory.search import Entry

# In practice, groups of all these classes contain each other, regardless of the layout.
_INNER_DNS = ("member", "uniqueMember")
_INNER_LOGIN = "memberUid"
# Groups of these classes name their members by DNs. Their memberUid is a copy for old
# systems, or left over: Active Directory keeps it when a member leaves.
_BY_DN = frozenset(
    (
        "groupofnames",
        "groupofuniquenames",
        "groupofmembers",
        "groupofurls",
        "groupofentries",
        "group",
        "univentiongroup",
        "ipausergroup",
    )
)


DYNAMIC = "memberURL"
"""The search by which a server computes the members of a group (slapo-dynlist, groupOfURLs)."""


def is_dynamic(group: Entry) -> bool:
    """Return whether the server computes the members, so that no change of the group shows them."""
    return bool(group.raw(DYNAMIC))


def dn_attributes(layout: DirectoryLayout, *, is_project: bool) -> tuple[str, ...]:
    """Return the attributes of a group that name members by DN."""
    if is_project or not layout.member_dns:
        return layout.member_dns
    present = {name.lower() for name in layout.member_dns}
    return (*layout.member_dns, *(name for name in _INNER_DNS if name.lower() not in present))


def login_attributes(layout: DirectoryLayout) -> tuple[str, ...]:
    """Return the attributes of any group that are read for members by login name."""
    return (*layout.member_logins, _INNER_LOGIN) if layout.member_dns else layout.member_logins


def logins_in(layout: DirectoryLayout, group: Entry, *, is_project: bool) -> list[str]:
    """Return the login names that a group has as members."""
    logins = group.texts(*layout.member_logins)
    if logins or is_project or not layout.member_dns:
        return logins
    classes = {name.lower() for name in group.texts("objectClass")}
    # A posixGroup of RFC 2307 can name its members no other way.
    is_posix = "posixgroup" in classes and classes.isdisjoint(_BY_DN)
    return group.texts(_INNER_LOGIN) if is_posix else []
