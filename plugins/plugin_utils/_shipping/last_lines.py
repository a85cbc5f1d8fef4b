# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Report a build or a test that failed with its last lines. Pure."""

from __future__ import annotations

from ...module_utils._core.errors import ShippingError

LINES = 20


def with_last_lines(what: str, why: str, log: str) -> ShippingError:
    """Return an error with the last lines of a log."""
    lines = [line.rstrip() for line in log.splitlines() if line.strip()][-LINES:]
    shown = "".join(f"\n  | {line}" for line in lines)
    return ShippingError(what, f"{why}{shown}", log=lines)
