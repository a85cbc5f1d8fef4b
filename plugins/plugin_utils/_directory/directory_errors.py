# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The errors of a directory.

DirectoryError
 +- Unanswered    no server answered, or it stopped answering
 +- Inaccessible  the server denies access, or a setting or file cannot be used
 |   +- Rejected   the server rejected the password
 +- Incomplete    an incomplete answer, which is never used
 +- Contradiction two facts of the directory exclude each other
"""

from __future__ import annotations

from ...module_utils._core.errors import ShippingError


class DirectoryError(ShippingError):
    """The directory could not be read completely; nothing of the answer is used."""


class Unanswered(DirectoryError):
    """No server answered in time."""


class Inaccessible(DirectoryError):
    """The server denied the connection, the bind or the search."""


class Rejected(Inaccessible):
    """The server rejected the password; another attempt may lock the account."""


class Incomplete(DirectoryError):
    """An answer is incomplete."""


class Contradiction(DirectoryError):
    """Two facts of the directory exclude each other."""
