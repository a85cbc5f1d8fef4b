# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Buckets: units are assigned to them by a hash, and variants own sets of them. Pure.

The table of sets, not the weights, drives the router, Python and the record.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from .._core.parsing import Reader

ALGORITHM = 1
"""The version of :func:`bucket_of`."""
BUCKETS = 10_000
STABLE = "stable"


@dataclass(frozen=True)
class VariantBuckets:
    """The buckets of a variant in the order in which it took them, and its slot in the router.

    ``stable`` has slot 0. A variant keeps its slot as long as it exists, since the network name of
    its replicas follows from it (``haproxy_configuration.slot_name``).
    """

    slot: int
    buckets: tuple[int, ...]


@dataclass(frozen=True)
class BucketTable:
    """The variants of one service, with the buckets that each owns.

    ``revision`` grows by one with each change. ``salt`` consists of letters, digits, ``_`` and
    ``-``; experiments with different salts assign independently.
    """

    app: str
    service: str
    revision: int
    salt: str
    variants: Mapping[str, VariantBuckets]
    algorithm: int = ALGORITHM

    def weights(self) -> dict[str, int]:
        """Return the number of buckets (hundredths of a percent) of each variant."""
        raise NotImplementedError

    def variant_of(self, unit: bytes) -> str:
        """Return the variant that the router assigns a unit to."""
        raise NotImplementedError


def bucket_of(unit: bytes, salt: str) -> int:
    """Return the bucket of a unit: the bytes of a cookie or header, as clients send them."""
    raise NotImplementedError


def first_table(app: str, service: str, salt: str) -> BucketTable:
    """Return the table of revision 0: ``stable`` owns all buckets."""
    raise NotImplementedError


def allocate(table: BucketTable, weights: Mapping[str, int], slots: int = 4) -> BucketTable:
    """Return the table with other weights, of the next revision; the same table if none changes.

    ``weights`` are numbers of buckets, also of ``stable``, with a sum of BUCKETS. A variant that
    is new gets the lowest free slot, one that is left out is removed. Raise PlanError for more
    than ``slots`` variants besides ``stable``.
    """
    raise NotImplementedError


def moved_buckets(before: BucketTable, after: BucketTable) -> int:
    """Return how many buckets have another variant afterwards."""
    raise NotImplementedError


def read_weights(
    declared: object, reader: Reader, variants: Collection[str]
) -> dict[str, int] | None:
    """Read weights in percent (``{green: 10, stable: 90}``, ``"0.25"``, ``"5%"``) as buckets.

    ``stable`` gets the rest if it is left out, and variants that are left out get 0. Problems: an
    unknown variant, a sum that is not 100, more than two decimals. None if there were problems.
    """
    raise NotImplementedError


def table_record(table: BucketTable) -> dict[str, object]:
    """Return a table as JSON data for the record; sets of buckets are texts of ranges."""
    raise NotImplementedError


def recorded_table(record: Mapping[str, object]) -> BucketTable:
    """Return the table of a record; raise ShippingError if it is damaged."""
    raise NotImplementedError
