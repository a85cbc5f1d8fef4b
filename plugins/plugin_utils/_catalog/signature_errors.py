# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors of signatures and of keys."""

from __future__ import annotations


class BadSignature(Exception):
    """A signature does not hold for a file and a key; the text is the reason."""


class UnusableKey(Exception):
    """A public key cannot be used; the text is the reason."""
