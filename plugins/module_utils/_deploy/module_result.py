# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a module returns, from what a run came to."""

from __future__ import annotations

from typing import Any

from .request import Begun


def of_beginning(begun: Begun) -> dict[str, Any]:
    """The result where nothing was left to do, or only looked at."""
    return {"changed": begun.changed, **begun.result}


def of_end(begun: dict[str, Any], ended: dict[str, Any], title: str) -> dict[str, Any]:
    """The whole result: what was planned, and the verdict.

    ``failed`` with a message where it is not live.
    """
    result = {
        **begun,
        **{
            key: value
            for key, value in ended.items()
            if key not in ("warnings", "release") and value != ""
        },
    }
    if ended.get("release"):
        result["release"] = ended["release"]
    if ended["verdict"] != "live":
        result["failed"] = True
        result["msg"] = f"{title}: {ended['reason']}"
    return result


def title(kind: str, app: str, version: str) -> str:
    """What failed, for the beginning of a message."""
    return {"scale": f"{app} could not be scaled", "absent": f"{app} could not be removed"}.get(
        kind, f"{app} {version} was refused"
    )
