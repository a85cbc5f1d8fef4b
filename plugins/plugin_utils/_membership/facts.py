# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the entries that decide the assignments: groups before users, users before hosts.

There are few searches, and none for a single user.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain

from .._directory.directory_errors import Contradiction, Inaccessible, Incomplete
from .._directory.distinguished_names import any_of, dn_key, filter_value, member_dn
from .._directory.layouts import IN_CHAIN
from .._directory.search import DnSearch, Entry, Query, Session, read_all, read_dns
from .._directory.settings import SearchArea, Settings
from . import accounts
from .group_members import DYNAMIC, dn_attributes, login_attributes, logins_in
from .netgroups import read_netgroups, users_named


@dataclass(frozen=True)
class MembershipFacts:
    """Everything that was read; groups and users by the normal forms of their DNs."""

    projects: tuple[Entry, ...]
    groups: Mapping[str, Entry]
    users: Mapping[str, Entry]
    hosts: tuple[Entry, ...]
    chains: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Users and groups in each project, as the server's own rule has them."""
    others: frozenset[str] = frozenset()
    """What is named as a member or owner, exists, and is neither a user nor a group.

    By the normal forms of DNs.
    """
    other_groups: frozenset[str] = frozenset()
    """The groups that are named and not followed, where groups inside of groups do not count."""
    other_logins: frozenset[str] = frozenset()
    """The same of login names."""
    netgroups: tuple[Entry, ...] = ()
    lost_netgroups: frozenset[str] = frozenset()
    """Netgroups that are named inside others and do not exist."""


class HalfAnswer(Incomplete):
    """A search left out an entry that was read by its DN, and that it should have found."""


def read_facts(session: Session, settings: Settings) -> MembershipFacts:
    """Read all that is needed, and nothing by the user."""
    try:
        return _read_facts(session, settings)
    except HalfAnswer:
        # An entry may have been made between two of the searches.
        return _read_facts(session, settings)


def _read_facts(session: Session, settings: Settings) -> MembershipFacts:
    projects = tuple(
        _named(_read(session, settings.projects, group_attributes(settings), settings), settings)
    )
    users = _by_key(_read(session, settings.users, user_attributes(settings), settings))
    hosts = (
        tuple(_read(session, settings.hosts, host_attributes(settings), settings))
        if settings.hosts
        else ()
    )
    groups = _by_key(projects)
    chains: dict[str, frozenset[str]] = {}
    if settings.nested == "in_chain":
        for project in projects:
            chains[project.key] = frozenset(_chain(session, settings, project, groups))
    owner_dns = (host.texts(*settings.layout.hosts_owners) for host in hosts)
    owned = {dn_key(dn): dn for dn in chain.from_iterable(owner_dns)}
    known = users.keys() | {host.key for host in hosts} | settings.placeholders
    # Owners regardless of ``nested``: managedBy of Active Directory may name a group.
    named = {**owned, **_groups_to_follow(settings, _naming(settings, groups, users))}
    _add_inner_groups(session, settings, groups, named, known)
    for group in groups.values():
        _refuse_empty(settings, group)
    netgroups, lost = read_netgroups(session, settings)
    others = _others(session, settings, _naming(settings, groups, users), {*known, *groups}, owned)
    logins = _logins_in(settings, projects, groups) | users_named(netgroups)
    logins.update(*(item.texts(*settings.layout.hosts_owner_logins) for item in hosts))
    of_logins = _of_other_logins(session, settings, logins, users)
    _check_found(session, settings, {**others, **of_logins})
    _check_projects(session, settings, projects, groups)
    return MembershipFacts(
        projects=projects,
        groups=groups,
        users=users,
        hosts=hosts,
        chains=chains,
        others=frozenset(others),
        other_groups=_groups_among(session, settings, others),
        other_logins=_logins_of(settings, of_logins.values()),
        netgroups=netgroups,
        lost_netgroups=lost,
    )


def group_attributes(settings: Settings) -> tuple[str, ...]:
    """Return the attributes of a group that are read."""
    layout = settings.layout
    primary = ("objectSid", "gidNumber") if layout.primary_group else ()
    return _distinct(
        "objectClass",
        layout.projects_name,
        *dn_attributes(layout, is_project=False),
        *login_attributes(layout),
        *layout.member_of,
        *primary,
        DYNAMIC,
    )


def user_attributes(settings: Settings) -> tuple[str, ...]:
    """Return the attributes of a user that are read."""
    layout = settings.layout
    primary = ("primaryGroupID", "gidNumber") if layout.primary_group else ()
    hosts = (settings.host_attribute,) if settings.host_attribute else ()
    hints = ("uidNumber", "homeDirectory", "unixHomeDirectory")
    return _distinct(
        layout.users_login,
        layout.users_id,
        *layout.member_of,
        *primary,
        *hosts,
        *hints,
        *accounts.ATTRIBUTES,
    )


def host_attributes(settings: Settings) -> tuple[str, ...]:
    """Return the attributes of a host that are read."""
    layout = settings.layout
    return _distinct(layout.hosts_name, *layout.hosts_owners, *layout.hosts_owner_logins)


def _distinct(*names: str) -> tuple[str, ...]:
    # Names of attributes are the same in any case (RFC 4512 2.5).
    return tuple({name.lower(): name for name in names}.values())


def _read(
    session: Session, place: SearchArea, attributes: tuple[str, ...], settings: Settings
) -> Iterator[Entry]:
    return read_all(
        session, Query(place.base, place.filter, attributes, place.scope), ranged(settings)
    )


def ranged(settings: Settings) -> tuple[str, ...]:
    """Return the attributes that may have more values than a server gives at once."""
    layout = settings.layout
    own = (settings.host_attribute,) if settings.host_attribute else ()
    return (
        *dn_attributes(layout, is_project=False),
        *login_attributes(layout),
        *layout.member_of,
        *layout.hosts_owners,
        *layout.hosts_owner_logins,
        *own,
    )


def _by_key(entries: Iterable[Entry]) -> dict[str, Entry]:
    """Return entries by the normal forms of their DNs.

    If a server distinguishes two DNs that are equal here, members would be assigned wrongly.
    """
    by_key: dict[str, Entry] = {}
    for entry in entries:
        other = by_key.setdefault(entry.key, entry)
        if other is not entry and other.dn != entry.dn:
            hint = "Rename one of them, or leave it out by a filter"
            raise Contradiction(
                "two entries have names that cannot be distinguished",
                f"{other.dn} and {entry.dn}",
                hint,
            )
    return by_key


def _named(entries: Iterable[Entry], settings: Settings) -> Iterator[Entry]:
    """Yield the groups whose names begin as projects do."""
    for entry in entries:
        names = entry.texts(settings.layout.projects_name)
        if not settings.prefix or any(name.startswith(settings.prefix) for name in names):
            yield entry


def _chain(
    session: Session, settings: Settings, project: Entry, groups: dict[str, Entry]
) -> Iterator[str]:
    """Yield who is in a project over any number of groups, in two searches.

    The groups are kept for their primary members.
    """
    # The server follows the chain. In Samba that is slow for large groups: 5,000 users took more
    # than 10 s where following group by group finished.
    rule = f"(memberOf:{IN_CHAIN}:={filter_value(project.dn)})"
    inner = Query(
        settings.base, f"(&{settings.layout.groups_filter}{rule})", group_attributes(settings)
    )
    for group in read_all(session, inner, ranged(settings)):
        groups.setdefault(group.key, group)
        yield group.key
    for user in read_all(
        session,
        Query(
            settings.users.base,
            f"(&{settings.users.filter}{rule})",
            ("cn",),
            settings.users.scope,
        ),
    ):
        yield user.key


def _add_inner_groups(
    session: Session,
    settings: Settings,
    groups: dict[str, Entry],
    named: Mapping[str, str],
    known: Iterable[str],
) -> None:
    """Add the groups among these DNs, and those inside of them, level by level.

    Each DN is looked up once, so that a circle ends; those that are ``known`` are no groups.
    """
    looked_up = {*known, *groups}
    while True:
        missing = {key: dn for key, dn in named.items() if key not in looked_up}
        if not missing:
            return
        looked_up.update(missing)
        inner = _by_key(
            _look_up(
                session,
                settings,
                missing,
                settings.layout.groups_filter,
                group_attributes(settings),
            )
        )
        groups.update(inner)
        named = _groups_to_follow(settings, inner.values())


def _look_up(
    session: Session,
    settings: Settings,
    dns: Mapping[str, str],
    kind: str,
    attributes: tuple[str, ...],
) -> Iterator[Entry]:
    """Yield entries of a type among these DNs, in any tree of this server."""
    for base, chosen in _by_tree([settings.base, *session.naming_contexts], dns).items():
        search = DnSearch(
            base=base,
            dn_attribute=settings.layout.dn_attribute,
            kind_filter=kind,
            attributes=attributes,
            ranged=ranged(settings),
            batch_size=settings.batch_size,
        )
        entries = read_dns(session, search, chosen)
        # A tree that this account may not read counts as absent.
        with contextlib.suppress(*([] if base == settings.base else [Inaccessible])):
            yield from entries


def _by_tree(bases: Iterable[str], dns: Mapping[str, str]) -> dict[str, list[str]]:
    """Return the DNs by the first base that they are below, without those below none."""
    by_base: dict[str, list[str]] = {}
    keys = {base: dn_key(base) for base in bases if base}
    for key, dn in dns.items():
        base = next(
            (base for base, above in keys.items() if key == above or key.endswith(f",{above}")),
            None,
        )
        if base is not None:
            by_base.setdefault(base, []).append(dn)
    return by_base


def _others(
    session: Session,
    settings: Settings,
    entries: Iterable[Entry],
    known: set[str],
    owned: Mapping[str, str],
) -> dict[str, Entry]:
    """Return entries that are named and are neither a user nor a group nor a host.

    A service, a contact, a user from another domain.
    """
    named = {
        key: dn
        for key, dn in {**owned, **_members_of(settings, entries)}.items()
        if key not in known
    }
    # 389-ds hides its roles, which nsRole of users names, from filters without their class.
    has_roles = any(name.lower() == "nsrole" for name in settings.layout.member_of)
    kind = "(|(objectClass=*)(objectClass=ldapSubEntry))" if has_roles else "(objectClass=*)"
    entries = _look_up(session, settings, named, kind, ("objectClass",))
    return {entry.key: entry for entry in entries}


def _groups_among(
    session: Session, settings: Settings, others: Mapping[str, Entry]
) -> frozenset[str]:
    if settings.nested != "none":
        return frozenset()
    dns = {key: entry.dn for key, entry in others.items()}
    groups = _look_up(session, settings, dns, settings.layout.groups_filter, ("objectClass",))
    return frozenset(entry.key for entry in groups)


def _check_found(session: Session, settings: Settings, outside: Mapping[str, Entry]) -> None:
    """Raise HalfAnswer where an entry outside is one that a search should have found.

    An index of slapd that was not rebuilt leaves out entries with success.
    """
    areas = {"users": settings.users, "hosts": settings.hosts}
    for key, entry in outside.items():
        for name, area in areas.items():
            if area and area.contains(key) and _matches(session, entry.dn, area):
                raise _half_answer(session, name, area, entry)


def _check_projects(
    session: Session, settings: Settings, projects: Iterable[Entry], groups: Mapping[str, Entry]
) -> None:
    """Raise HalfAnswer where a group inside of a project is itself one, and was not found."""
    area = settings.projects
    found = {entry.key for entry in projects}
    inner = (entry for key, entry in groups.items() if key not in found and area.contains(key))
    for entry in _named(inner, settings):
        if _matches(session, entry.dn, area):
            raise _half_answer(session, "projects", area, entry)


def _matches(session: Session, dn: str, area: SearchArea) -> bool:
    """Return whether an entry matches a filter, by a search of this entry only."""
    # Of the base itself slapd looks at the entry, not at an index.
    query = Query(dn, area.filter, ("objectClass",), "base")
    reply = session.request(query, None)
    return bool(reply.entries)


def _half_answer(session: Session, name: str, area: SearchArea, entry: Entry) -> HalfAnswer:
    return HalfAnswer(
        f"the search for {name} at {session.uri} is incomplete",
        f"it left out {entry.dn}, which is below {area.base} and matches {area.filter}",
        "Rebuild the indexes of the server (slapindex, dsconf backend index reindex), or query"
        " another one; nothing of the answer was used",
    )


def _of_other_logins(
    session: Session, settings: Settings, named: Iterable[str], users: Mapping[str, Entry]
) -> dict[str, Entry]:
    """Return the entries with these login names that are not among the users."""
    login = settings.layout.users_login
    written = {*named, *chain.from_iterable(settings.host_map.values())}
    logins = sorted(written - _logins_of(settings, users.values()))
    entries: dict[str, Entry] = {}
    for first in range(0, len(logins), settings.batch_size):
        batch = logins[first : first + settings.batch_size]
        for entry in read_all(session, Query(settings.base, any_of(login, batch), (login,))):
            # Directories ignore case, and also find users whose names differ in case only.
            if entry.key not in users:
                entries[entry.key] = entry
    return entries


def _logins_of(settings: Settings, entries: Iterable[Entry]) -> frozenset[str]:
    login = settings.layout.users_login
    return frozenset(chain.from_iterable(entry.texts(login) for entry in entries))


def _logins_in(
    settings: Settings, projects: Iterable[Entry], groups: Mapping[str, Entry]
) -> set[str]:
    """Return the login names that groups have as members."""
    own = {entry.key for entry in projects}
    return set(
        chain.from_iterable(
            logins_in(settings.layout, group, is_project=key in own)
            for key, group in groups.items()
        )
    )


def _naming(
    settings: Settings, groups: Mapping[str, Entry], users: Mapping[str, Entry]
) -> list[Entry]:
    """Return the entries that name others as members or as groups."""
    return [*groups.values(), *(users.values() if settings.layout.member_of else ())]


def _groups_to_follow(settings: Settings, entries: Iterable[Entry]) -> dict[str, str]:
    """Return the DNs that may be groups inside of these."""
    return _members_of(settings, entries) if settings.nested == "recursive" else {}


def _members_of(settings: Settings, entries: Iterable[Entry]) -> dict[str, str]:
    """Return the DNs that these entries name as members, or as groups that they are in."""
    attributes = (
        *dn_attributes(settings.layout, is_project=False),
        *settings.layout.member_of,
    )
    written = chain.from_iterable(entry.texts(*attributes) for entry in entries)
    return {dn_key(dn): dn for dn in map(member_dn, written)}


_NEVER_EMPTY: Mapping[str, Callable[[Entry], object]] = {
    "groupofnames": lambda entry: entry.raw("member"),
    "groupofuniquenames": lambda entry: entry.raw("uniqueMember"),
}


def _refuse_empty(settings: Settings, group: Entry) -> None:
    """Raise Incomplete for a group without a member whose class cannot be empty.

    RFC 4519 3.5, 3.6: so that no member means no right to read.
    """
    if settings.layout.empty_groups:
        return
    for name in group.texts("objectClass"):
        has_members = _NEVER_EMPTY.get(name.lower())
        if has_members and not has_members(group):
            raise Incomplete(
                f"{group.dn} has no member that can be read",
                f"a {name} cannot be empty",
                "Give this account the right to read its members; where this directory has empty"
                " ones, write projects.empty_groups: true",
            )
