# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check what is in a directory, once the connection to it works."""

from __future__ import annotations

from collections.abc import Iterator

from ...module_utils._core.errors import ShippingError
from .._directory.connection import LdapSession
from .._directory.connection_check import CheckStep, failed_step
from .._directory.directory_errors import DirectoryError
from .._directory.search import Query, read_all
from .._directory.settings import SearchArea, Settings
from .facts import group_attributes, host_attributes, user_attributes
from .membership import membership_in


def check_contents(session: LdapSession, settings: Settings) -> Iterator[CheckStep]:
    """Yield steps that say whether the directory has what the settings name."""
    session.limit(settings.connection.total_timeout)
    areas = (
        ("projects", settings.projects, group_attributes(settings)),
        ("users", settings.users, user_attributes(settings)),
        ("hosts", settings.hosts, host_attributes(settings)),
    )
    all_found = True
    for name, area, attributes in areas:
        if area:
            step = _check_area(session, name, area, attributes)
            all_found &= step.ok
            yield step
    # Without one of these the answer would fail for the reason that was given above.
    if all_found:
        yield _check_membership(session, settings)


def _check_area(
    session: LdapSession, name: str, area: SearchArea, attributes: tuple[str, ...]
) -> CheckStep:
    searched = f"{area.filter} below {area.base}"
    try:
        entries = list(read_all(session, Query(area.base, area.filter, attributes, area.scope)))
    except DirectoryError as error:
        return failed_step(name, session.uri, error, base=area.base, filter=area.filter)
    facts = {
        "base": area.base,
        "filter": area.filter,
        "count": len(entries),
        "first": [entry.dn for entry in entries[:3]],
    }
    if not entries:
        hint = f"Correct {name}.base or {name}.filter, or give this account the right to see them"
        return CheckStep(
            name,
            session.uri,
            False,
            f"the base exists, but no entry matches {searched}",
            hint,
            facts,
        )
    return CheckStep(
        name,
        session.uri,
        True,
        f"{len(entries)} found by {searched}, the first one is {entries[0].dn}",
        facts=facts,
    )


def _check_membership(session: LdapSession, settings: Settings) -> CheckStep:
    try:
        membership = membership_in(session, settings)
    except ShippingError as error:
        return failed_step("membership", session.uri, error)
    users: set[str] = set()
    for host in membership.hosts:
        users.update(user.id for user in host.users)
    facts = {
        "projects": len(membership.projects),
        "hosts": len(membership.hosts),
        "users": len(users),
        "remarks": list(membership.remarks),
    }
    text = f"{facts['users']} users have {facts['hosts']} hosts and {facts['projects']} projects"
    return CheckStep("membership", session.uri, True, text, facts=facts)
