# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors of a delivery.

DeliveryError
 +- Unsupported      this host cannot have tools: its system, its file system, the owner of a path
 +- WorkstationBusy  another run holds the lock of this host
 +- OutdatedRecord   the host assignment is older than the last one
 +- Damaged          content does not match its checksum
 +- Hostile          an archive would write to a place that it must not
 +- PackageFailure   the package manager cannot do what a tool needs
"""

from __future__ import annotations

from .._core.errors import ShippingError


class DeliveryError(ShippingError):
    """A delivery failed; users still have the generation before it."""


class Unsupported(DeliveryError):
    """This host cannot have tools."""


class WorkstationBusy(DeliveryError):
    """Another run holds the lock of this host."""


class OutdatedRecord(DeliveryError):
    """The host assignment is older than the last one."""


class Damaged(DeliveryError):
    """Content does not match its checksum."""


class Hostile(DeliveryError):
    """An archive would write to a place that it must not."""


class PackageFailure(DeliveryError):
    """The package manager cannot do what a tool needs."""
