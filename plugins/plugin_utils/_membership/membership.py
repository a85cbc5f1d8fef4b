# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the directory and decide the assignments, from the settings to the answer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from .._directory import revision
from .._directory.connection import LdapSession, connect
from .._directory.settings import Settings
from .assignments import Host, Membership
from .decide import Decision
from .empty_answer import require_content
from .explain import Explained, Question, answer, changes, look_outside
from .facts import read_facts


def read_membership(settings: Settings) -> Membership:
    """Read the membership from the directory: the whole answer, or an error."""
    with connect(settings.connection) as session:
        return membership_in(session, settings)


def membership_in(session: LdapSession, settings: Settings) -> Membership:
    """Read the membership over a session that is open already."""
    return _explained(session, settings).membership


def explain_membership(
    settings: Settings, question: Question, former: Iterable[Host] | None = None
) -> dict[str, Any]:
    """Return who works where and why, as plain data.

    Where there is a former answer, it has the differences from that.
    """
    with connect(settings.connection) as session:
        explained = _explained(session, settings)
        explained = replace(
            explained, outside=look_outside(session, settings, explained.decision, question.users)
        )
    explanation = answer(explained, question)
    return (
        explanation
        if former is None
        else {
            **explanation,
            "changes": changes(former, explained.membership.hosts, question, settings),
        }
    )


def _explained(session: LdapSession, settings: Settings) -> Explained:
    session.limit(settings.connection.total_timeout)
    # Before the rest: what changes while that is read is newer than this revision, and is in the
    # next answer.
    taken, now = revision.read_revision(session, settings.base), datetime.now(UTC)
    decision = Decision(read_facts(session, settings), settings, now)
    membership = decision.membership(taken)
    require_content(session, settings, decision)
    return Explained(
        settings,
        decision,
        replace(membership, remarks=(*session.remarks, *membership.remarks)),
        now,
    )
