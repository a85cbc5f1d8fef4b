# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong with a delivery.

DeliveryError
 +- Unsupported  this machine cannot have tools: its system, its file system, a path that is not
 ours alone
 +- WorkstationBusy         another run works on this machine
 +- OutdatedRecord     the record is older than the one that was applied before
 +- Damaged      what arrived is not what was declared
 +- Hostile      an archive wants to write where it must not
"""

from __future__ import annotations

from .._core.errors import ShippingError


class DeliveryError(ShippingError):
    """A delivery could not be done; the generation before it is as it was."""


class Unsupported(DeliveryError):
    """This machine cannot have tools as it is."""


class WorkstationBusy(DeliveryError):
    """Another run holds the lock of this machine."""


class OutdatedRecord(DeliveryError):
    """The record is older than the last one."""


class Damaged(DeliveryError):
    """Content does not match its checksum."""


class Hostile(DeliveryError):
    """An archive has what it must not have."""
