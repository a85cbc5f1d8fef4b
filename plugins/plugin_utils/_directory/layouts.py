# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Defaults for the common directories; options of the user take precedence.

RFC 2307, draft-howard-rfc2307bis, RFC 4519 (groupOfNames), MS-ADTS, the schema of FreeIPA.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

IN_CHAIN = "1.2.840.113556.1.4.1941"  # MS-ADTS 3.1.1.3.4.4.3


@dataclass(frozen=True)
class DirectoryLayout:
    """Filters and attributes of one kind of directory."""

    projects_filter: str
    projects_name: str
    member_dns: tuple[str, ...] = ()
    member_logins: tuple[str, ...] = ()
    member_of: tuple[str, ...] = ()
    primary_group: bool = False
    # False where RFC 4519 3.5 and 3.6 hold: a groupOfNames has at least one member, so that one
    # without any has members that cannot be read.
    empty_groups: bool = True
    users_filter: str = "(objectClass=inetOrgPerson)"
    users_login: str = "uid"
    users_id: str = "entryUUID"
    hosts_filter: str = "(objectClass=device)"
    hosts_name: str = "cn"
    hosts_owners: tuple[str, ...] = ("owner",)
    hosts_owner_logins: tuple[str, ...] = ()
    # The DN as an attribute (RFC 5020), so that many entries are read by their DNs in one search.
    dn_attribute: str = "entryDN"
    groups_filter: str = "(objectClass=*)"
    """What may be a group inside a project; a project's own filter may be narrower."""
    # A user who was deleted looks the same as one who is hidden from this account.
    unresolved: str = "error"


# The classes of groups in the schemas of OpenLDAP, 389-ds, FreeIPA, Active Directory, UCS, and of
# RFC 2307 and its drafts.
_GROUP_CLASSES = (
    "groupOfNames",
    "groupOfUniqueNames",
    "groupOfMembers",
    "groupOfEntries",
    "groupOfURLs",
    "posixGroup",
    "group",
    "univentionGroup",
    "ipaUserGroup",
)


def inner_groups_filter(member_dns: tuple[str, ...]) -> str:
    """Return a filter for what may be a group inside of a project, or of one that has a host.

    Groups of different classes are inside of each other in the wild: of each class that is known,
    and of others by the attributes that name members.
    """
    if not member_dns:
        return "(objectClass=posixGroup)"
    classes = "".join(f"(objectClass={name})" for name in _GROUP_CLASSES)
    return f"(|{classes}{''.join(f'({name}=*)' for name in member_dns)})"


_IPA_USER = "(&(objectClass=posixAccount)(!(objectClass=ipaHost))(!(objectClass=computer)))"

LAYOUTS = MappingProxyType(
    {
        # No directory removes the names of deleted users from memberUid, so names without an entry
        # are common there.
        "rfc2307": DirectoryLayout(
            "(objectClass=posixGroup)",
            "cn",
            member_logins=("memberUid",),
            users_filter="(objectClass=posixAccount)",
            unresolved="warn",
        ),
        "rfc2307bis": DirectoryLayout(
            "(objectClass=posixGroup)",
            "cn",
            member_dns=("member", "uniqueMember"),
            empty_groups=False,
            users_filter="(objectClass=posixAccount)",
        ),
        "groupofnames": DirectoryLayout(
            "(|(objectClass=groupOfNames)(objectClass=groupOfUniqueNames))",
            "cn",
            member_dns=("member", "uniqueMember"),
            empty_groups=False,
        ),
        "freeipa": DirectoryLayout(
            "(objectClass=ipaUserGroup)",
            "cn",
            member_dns=("member",),
            users_filter=_IPA_USER,
            users_id="ipaUniqueID",
            hosts_filter="(objectClass=ipaHost)",
            hosts_name="fqdn",
            hosts_owners=("managedBy",),
            dn_attribute="entrydn",
        ),
        "ad": DirectoryLayout(
            "(objectClass=group)",
            "cn",
            member_dns=("member",),
            # In Active Directory neither member nor memberOf has those whose primary group it is.
            primary_group=True,
            users_filter="(&(objectCategory=person)(objectClass=user))",
            users_login="sAMAccountName",
            users_id="objectGUID",
            hosts_filter="(objectCategory=computer)",
            hosts_name="dNSHostName",
            hosts_owners=("managedBy",),
            dn_attribute="distinguishedName",
        ),
        "custom": DirectoryLayout("", "cn"),
    }
)
