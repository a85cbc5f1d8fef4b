# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How old an answer is: ``kind:source:value``, ordered within one kind and source.

contextCSN: draft-chu-ldap-csn. highestCommittedUSN: MS-ADTS 3.1.1.3.2.14. lastChangeNumber: draft-good-ldap-changelog.
"""

from __future__ import annotations

import time
import uuid

from .connect import LdapSession
from .search import read_one


def take(session: LdapSession, base: str) -> str:
    """The serial of the directory as it is now; the control machine's clock where the server has none."""
    return _usn(session) or _csn(session, base) or _change_number(session) or f"time:control:{time.time_ns() // 1_000_000}"


def _usn(session: LdapSession) -> str:
    value, service = session.root.text("highestCommittedUSN"), session.root.text("dsServiceName")
    if not value or not service:
        return ""
    entry = read_one(session, service, ("invocationId",))
    raw = entry.raw("invocationId") if entry else ()
    return f"usn:{uuid.UUID(bytes_le=raw[0])}:{value}" if raw and len(raw[0]) == 16 else ""


def _csn(session: LdapSession, base: str) -> str:
    lower = base.lower().replace(" ", "")
    suffix = next((name for name in session.root.texts("namingContexts") if lower.endswith(name.lower().replace(" ", ""))), "")
    entry = read_one(session, suffix, ("contextCSN",)) if suffix else None
    values = entry.texts("contextCSN") if entry else []
    return f"csn:{suffix}:{max(values)}" if values else ""


def _change_number(session: LdapSession) -> str:
    value = session.root.text("lastChangeNumber")
    return f"change:{session.uri}:{value}" if value else ""
