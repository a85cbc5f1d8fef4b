# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the revision of a directory, by which answers are ordered.

The toolbox defines the order, because it compares revisions on the hosts.

contextCSN: draft-chu-ldap-csn. highestCommittedUSN: MS-ADTS 3.1.1.3.2.14. lastChangeNumber:
draft-good-ldap-changelog. nsds50ruv: the replica update vector of 389-ds, one line a supplier with
the CSN of its last change.
"""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Sequence
from dataclasses import replace

from .connection import LdapSession
from .search import Query, read_one

# 389-ds keeps the vector in a tombstone of this fixed id at the suffix.
_RUV = Query(
    "",
    "(&(objectClass=nsTombstone)(nsUniqueId=ffffffff-ffffffff-ffffffff-ffffffff))",
    ("nsds50ruv",),
)
_GENERATION = re.compile(r"\{replicageneration\} ([0-9a-f]+)")
_LAST_CHANGE = re.compile(r"\{replica [^}]*\} [0-9a-f]{20} ([0-9a-f]{20})\b")
_HAS_RUV = re.compile(r"389|Red Hat|Fedora", re.IGNORECASE)


def read_revision(session: LdapSession, base: str) -> str:
    """Return the revision of the directory as it is now.

    The controller's clock if the server has no revision.
    """
    return (
        _usn(session)
        or _csn(session, base)
        or _ruv(session, base)
        or _change_number(session)
        or f"time:control:{time.time_ns() // 1_000_000}"
    )


def _usn(session: LdapSession) -> str:
    value, service = session.root.text("highestCommittedUSN"), session.root.text("dsServiceName")
    if not value or not service:
        return ""
    # Each domain controller numbers changes by itself (MS-ADTS 3.1.1.1.9), so numbers are
    # comparable only within the same database.
    entry = read_one(session, service, ("invocationId",))
    raw = entry.raw("invocationId") if entry else ()
    return f"usn:{uuid.UUID(bytes_le=raw[0])}:{value}" if raw and len(raw[0]) == 16 else ""


def _suffix(session: LdapSession, base: str) -> str:
    lower = base.lower().replace(" ", "")
    return next(
        (name for name in session.naming_contexts if lower.endswith(name.lower().replace(" ", ""))),
        "",
    )


def _csn(session: LdapSession, base: str) -> str:
    suffix = _suffix(session, base)
    entry = read_one(session, suffix, ("contextCSN",)) if suffix else None
    values = entry.texts("contextCSN") if entry else []
    # With several providers there is a value for each of them.
    return f"csn:{suffix}:{max(values)}" if values else ""


def _ruv(session: LdapSession, base: str) -> str:
    suffix = _suffix(session, base)
    if not suffix or not _HAS_RUV.search(session.root.text("vendorName")):
        return ""
    # If this account may not read the RUV, 389-ds omits attributes of the next entry on the same
    # connection.
    with session.second_session() as second_session:
        reply = second_session.request(replace(_RUV, base=suffix), None)
    lines: list[str] = []
    for entry in reply.entries:
        lines += entry.texts("nsds50ruv")
    return ruv_revision(lines)


def ruv_revision(lines: Sequence[str]) -> str:
    """Return the largest CSN of a replica update vector, which all replicas of a generation share.

    Pure.
    """
    generation = next((match[1] for match in map(_GENERATION.match, lines) if match), "")
    changes = [match[1] for match in map(_LAST_CHANGE.match, lines) if match]
    return f"ruv:{generation}:{max(changes)}" if generation and changes else ""


def _change_number(session: LdapSession) -> str:
    # Each server numbers its own changelog, hence its URI.
    value = session.root.text("lastChangeNumber")
    return f"change:{session.uri}:{value}" if value else ""
