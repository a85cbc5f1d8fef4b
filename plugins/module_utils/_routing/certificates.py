# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates of routes, checked before anything is changed. Pure."""

from __future__ import annotations

from datetime import datetime


def certificate_problem(pem: bytes, host: str, now: datetime) -> str:
    """Return what is wrong with a route's certificate, empty if nothing is.

    Problems: no certificate, no private key, not yet valid, expired, not for this host.
    """
    raise NotImplementedError
