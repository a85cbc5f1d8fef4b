# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Name runs, so that leases show who has them."""

from __future__ import annotations

import getpass
import secrets
import socket


def new_run(by: str | None = None) -> str:
    """Return a name for a run that shows its user; by default the account and the host."""
    # In one line: the name is shown to users that wait for the run.
    name = " ".join((by or "").split()) or f"{getpass.getuser()}@{socket.gethostname()}"
    return f"{name} {secrets.token_hex(8)}"
