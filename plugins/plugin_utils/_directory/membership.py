# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who works where: from the settings to the answer."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from . import serial
from .connect import LdapSession, connect
from .decide import decide
from .facts import read_facts
from .record import Membership
from .settings import Settings


def read_membership(settings: Settings) -> Membership:
    """Ask the directory; the whole answer, or an error."""
    with connect(settings.connection) as session:
        return membership_in(session, settings)


def membership_in(session: LdapSession, settings: Settings) -> Membership:
    """The same over a session that is there already."""
    taken = serial.take(session, settings.base)
    answer = decide(read_facts(session, settings), settings, taken, datetime.now(UTC))
    return replace(answer, remarks=(*session.remarks, *answer.remarks))
