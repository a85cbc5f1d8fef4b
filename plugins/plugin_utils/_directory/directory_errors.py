# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong with a directory.

DirectoryError
 +- Unanswered    no server answered, or it stopped answering
 +- Refused       the server answered, and lets us not in or not see it
 |   +- Rejected   it knows no such account with this password
 +- Incomplete    an answer with a gap; it is never taken for a shorter one
 +- Contradiction the directory says two things at once
"""

from __future__ import annotations

from ...module_utils._core.errors import ShippingError


class DirectoryError(ShippingError):
    """The directory could not be read as a whole; nothing of it is used."""


class Unanswered(DirectoryError):
    """No server answered in time."""


class Refused(DirectoryError):
    """The server refused the connection, the bind or the search."""


class Rejected(Refused):
    """The server rejected the password; trying again may lock the account."""


class Incomplete(DirectoryError):
    """Something is missing in an answer."""


class Contradiction(DirectoryError):
    """What was read does not fit together."""
