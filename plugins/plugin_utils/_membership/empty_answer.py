# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reject empty answers, which would remove everything and which no healthy directory gives.

A wrong layout, a mistake in a filter, or a rule that hides one attribute looks like this.
"""

from __future__ import annotations

from collections.abc import Iterator

from .._directory.directory_errors import Incomplete
from .._directory.search import Session, read_one
from .._directory.settings import SearchArea, Settings
from .decide import Decision
from .listing import some

_ALLOWED = "if that is right, write allow_empty: true"
_LAYOUTS = {
    "memberUid": "layout: rfc2307, or projects.member_logins: [memberUid]",
    "member": "layout: groupofnames or rfc2307bis, or projects.members: [member]",
    "uniqueMember": "layout: groupofnames or rfc2307bis, or projects.members: [uniqueMember]",
}
_SAMPLES = 5


def require_content(session: Session, settings: Settings, decision: Decision) -> None:
    """Raise Incomplete if there is no project, no host, or no member in any project."""
    if settings.allow_empty:
        return
    if not decision.projects:
        prefix = f" with a name that begins with {settings.prefix}" if settings.prefix else ""
        raise _nothing("project", "projects", settings.projects, prefix)
    if not decision.hosts.users_of and settings.hosts:
        raise _nothing("host", "hosts", settings.hosts)
    if not decision.users.entries:
        raise _nothing("user", "users", settings.users)
    if not decision.has_members():
        raise _no_members(session, settings, decision)


def _nothing(what: str, section: str, area: SearchArea, prefix: str = "") -> Incomplete:
    return Incomplete(
        f"the answer of the directory has no {what}",
        f"the search for {area.filter} below {area.base} found none{prefix}",
        f"Correct {section}.base or {section}.filter, or give this account the right to see them;"
        f" {_ALLOWED}",
    )


def _no_members(session: Session, settings: Settings, decision: Decision) -> Incomplete:
    layout = settings.layout
    attributes = (*layout.member_dns, *layout.member_logins, *layout.member_of)
    named = sorted(set(_named(decision)))
    what = f"the answer of the directory has no member in any of {len(decision.projects)} projects"
    if named:
        return Incomplete(
            what,
            f"the groups name {some(named)}, and the search for {settings.users.filter} below"
            f" {settings.users.base} found none of them",
            f"Correct users.base, users.filter or users.login; {_ALLOWED}",
        )
    other = _other_attributes(session, decision, attributes)
    hints = "".join(f"; {dn} has {name}: write {_LAYOUTS[name]}" for name, dn in other.items())
    return Incomplete(
        what,
        f"no group has a value of {' or '.join(attributes)} that this account may read",
        "Correct the layout or the attributes of projects, or give this account the right to read"
        f" them{hints}; {_ALLOWED}",
    )


def _named(decision: Decision) -> Iterator[str]:
    for entry in decision.projects.values():
        yield from decision.groups.named_in(entry)
        yield from decision.groups.logins_in(entry)


def _other_attributes(
    session: Session, decision: Decision, read: tuple[str, ...]
) -> dict[str, str]:
    """Return the attributes that name members in a project and are not read, with its DN."""
    names = tuple(name for name in _LAYOUTS if name not in read)
    other: dict[str, str] = {}
    for project in list(decision.projects.values())[:_SAMPLES]:
        entry = read_one(session, project.dn, names) if names else None
        for name in names:
            if entry and entry.raw(name):
                other.setdefault(name, project.dn)
    return other
