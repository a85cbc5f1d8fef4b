# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Active Directory's change notification, MS-ADTS 3.1.1.3.4.1.9.

The server sends each entry that changes, in its new form.
"""

from __future__ import annotations

import importlib
from typing import Any

from .listener import Listener
from .modes import NOTIFY


class Notification(Listener):
    """A listener for everything below one base.

    For more than one level it has to be the root of a naming context.
    """

    def listen(self, connection: Any) -> None:
        """Send one request, and take all messages."""
        control = importlib.import_module("ldap.controls").RequestControl
        number = connection.search_ext(
            self.base,
            self.ldap.SCOPE_SUBTREE,
            "(objectClass=*)",
            # No attributes (RFC 4511 4.5.1.8): the entry is read again by a search of its own.
            ["1.1"],
            serverctrls=[control(NOTIFY, True, None)],
        )
        # The answer arrives after the server has accepted the request above.
        connection.search_ext_s("", self.ldap.SCOPE_BASE, "(objectClass=*)", ["1.1"])
        self.ready.set()
        self.answers(connection, lambda seconds: self._take(connection, number, seconds))

    def _take(self, connection: Any, number: int, seconds: float) -> bool:
        # all=0: the search never ends, so each message is taken as it comes.
        kind, data, *_rest = connection.result4(number, all=0, timeout=seconds)
        self.queue.add({dn for dn, _attributes in data if dn})
        return bool(kind != self.ldap.RES_SEARCH_RESULT)
