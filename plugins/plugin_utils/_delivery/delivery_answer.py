# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Return the outcome of a delivery to the program that has started the play.

The exit status of ansible-playbook is the same for a delivery that failed on a host and for a play
that never delivered. So the program of the role membership_sync names a file in the environment.
The file belongs to its run alone: other runs do not have the variable, and do not write it.

::

    {"format": 1, "removals_blocked": BOOLEAN, "hosts": {NAME: STATE, ...}}
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from .._membership import membership_state

PATH_VARIABLE = "SHIPPING_DELIVERY_ANSWER"
"""The name is in roles/membership_sync/files/membership_sync.py once more, which imports nothing
of the collection."""
FORMAT = 1


def write_answer(rows: Iterable[Mapping[str, Any]], *, removals_blocked: bool) -> None:
    """Write the result of a delivery to the whole fleet, where a program waits for it."""
    path = os.environ.get(PATH_VARIABLE)
    if not path:
        return
    answer = {
        "format": FORMAT,
        "removals_blocked": removals_blocked,
        "hosts": {row["host"]: row["state"] for row in rows},
    }
    # Not ``lasting``: a power cut ends the program that waits for it, too.
    membership_state.replace(Path(path), json.dumps(answer), 0o600, PATH_VARIABLE, lasting=False)
