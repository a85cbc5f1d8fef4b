# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Buckets: units are assigned to them by a hash, and variants own sets of them. Pure.

The table of sets, not the weights, drives the router, Python and the record.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
from itertools import chain
from typing import Any

from .._core.errors import PlanError, ShippingError, suggestion
from .._core.parsing import SpecReader, kind_of
from .request_headers import Headers, of_mapping

ALGORITHM = 1
"""The version of :func:`bucket_of`."""
BUCKETS = 10_000
STABLE = "stable"
# The variants with replicas of their own: the router has so many backends prepared.
VARIANT_SLOTS, MOST_SLOTS = 4, 16
# The variants by request headers alone, which need no backend.
HEADER_VARIANTS = 64
VARIANT_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?")
SALT = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True)
class VariantBuckets:
    """The buckets of a variant in the order in which it took them, and its slot in the router.

    ``stable`` has slot 0, as has a variant by ``headers`` alone, which the replicas of ``stable``
    serve. A variant keeps its slot as long as it exists, since the network name of its replicas
    follows from it (``RouterSettings.slot_name``). ``headers`` are set in its requests, and
    deleted from those of all other variants.
    """

    slot: int
    # Ten thousand numbers help no reader of a traceback.
    buckets: tuple[int, ...] = field(repr=False)
    headers: Headers = ()


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
        return {name: len(variant.buckets) for name, variant in self.variants.items()}

    def owners(self) -> list[str]:
        """Return the variant of each bucket, by its number."""
        owners = [STABLE] * BUCKETS
        for name, variant in self.variants.items():
            for bucket in variant.buckets:
                owners[bucket] = name
        return owners

    def variant_of(self, unit: bytes) -> str:
        """Return the variant that the router assigns a unit to."""
        bucket = bucket_of(unit, self.salt)
        owning = (name for name, variant in self.variants.items() if bucket in variant.buckets)
        return next(owning, STABLE)

    def assigns_as(self, other: BucketTable) -> bool:
        """Return whether both tables have the same revision and assign every unit alike."""
        mine = (self.revision, self.salt, self.algorithm, self._places(), self.owners())
        return mine == (
            other.revision,
            other.salt,
            other.algorithm,
            other._places(),
            other.owners(),
        )

    def _places(self) -> dict[str, tuple[int, Headers]]:
        return {name: (variant.slot, variant.headers) for name, variant in self.variants.items()}


def bucket_of(unit: bytes, salt: str) -> int:
    """Return the bucket of a unit: the bytes of a cookie or header, as clients send them."""
    # The one chain that the router computes alike. 16 hex digits saturate there, and xxh64 is
    # negative for about half of all units.
    return int(hashlib.sha256(salt.encode() + b":" + unit).hexdigest()[:8], 16) % BUCKETS


def first_table(app: str, service: str, salt: str) -> BucketTable:
    """Return the table of revision 0: ``stable`` owns all buckets."""
    if not SALT.fullmatch(salt):
        raise PlanError(
            f"{app}/{service} cannot be assigned by the salt {salt!r}",
            "it has other characters, or more than 64",
            "Use letters, digits, '-' and '_'",
        )
    # Taken from the end: bucket 0 first.
    everything = VariantBuckets(0, tuple(reversed(range(BUCKETS))))
    return BucketTable(app, service, 0, salt, {STABLE: everything})


def allocate(table: BucketTable, weights: Mapping[str, int]) -> BucketTable:
    """Return the table with other weights, of the next revision; the same table if none changes.

    ``weights`` are numbers of buckets, also of ``stable``, with a sum of BUCKETS. A variant that
    is new gets the lowest free slot, one that is left out is removed. Raise PlanError for more
    than MOST_SLOTS variants in addition to ``stable`` and those in slot 0.
    """
    _check(table, weights)
    owned = {name: list(variant.buckets) for name, variant in table.variants.items()}
    for name in weights:
        owned.setdefault(name, [])
    others = sorted({*owned} - {STABLE})
    stable = owned[STABLE]
    # A stack: what variants give back is what growth takes first. So the fewest buckets move, also
    # from one variant to another, and a variant that grows again gets its former units.
    for name in others:
        while len(owned[name]) > weights.get(name, 0):
            stable.append(owned[name].pop())
    for name in others:
        while len(owned[name]) < weights.get(name, 0):
            owned[name].append(stable.pop())
    former = {name: variant.headers for name, variant in table.variants.items()}
    # Stable is the first of those in slot 0.
    slot_of = sorted(_slots(table, weights).items(), key=lambda item: (item[1], item[0] != STABLE))
    variants = {
        name: VariantBuckets(slot, tuple(owned[name]), former.get(name, ()))
        for name, slot in slot_of
    }
    if variants == table.variants:
        return table
    return replace(table, revision=table.revision + 1, variants=variants)


def _check(table: BucketTable, weights: Mapping[str, int]) -> None:
    """Raise PlanError for weights that no table can have."""
    what = f"the weights of {table.app}/{table.service} cannot be set"
    wrong_names = [name for name in weights if not VARIANT_NAME.fullmatch(name)]
    if wrong_names:
        raise PlanError(
            what,
            f"{wrong_names[0]!r} is not the name of a variant",
            "Use at most 32 small letters, digits and '-'",
        )
    if sum(weights.values()) != BUCKETS or min(weights.values()) < 0:
        raise PlanError(
            what,
            f"their sum is {percent(sum(weights.values()))} %, and none may be negative",
            "Change them so that their sum is 100 %",
        )
    without_slot = {name for name, variant in table.variants.items() if not variant.slot}
    count = len({*weights} - {STABLE} - without_slot)
    if count > MOST_SLOTS:
        raise PlanError(
            what,
            f"{count} variants are more than the {MOST_SLOTS} slots that a router may have",
            f"Keep at most {MOST_SLOTS} variants and stable",
        )


def _slots(table: BucketTable, weights: Mapping[str, int]) -> dict[str, int]:
    """Return the slot of each variant that remains or is new."""
    kept = {name: table.variants[name].slot for name in weights if name in table.variants}
    free = sorted({*range(1, MOST_SLOTS + 1)} - {*kept.values()})
    new = sorted({*weights} - {*kept} - {STABLE})
    return {**kept, **dict(zip(new, free)), STABLE: 0}


def moved_buckets(before: BucketTable, after: BucketTable) -> int:
    """Return how many buckets have another variant afterwards."""
    return sum(old != new for old, new in zip(before.owners(), after.owners()))


def percent(buckets: int) -> str:
    """Return a number of buckets as percent, with as many decimals as needed."""
    return format((Decimal(buckets) / 100).normalize(), "f")


def read_weights(
    declared: object, reader: SpecReader, variants: Collection[str]
) -> dict[str, int] | None:
    """Read weights in percent (``{green: 10, stable: 90}``, ``"0.25"``, ``"5%"``) as buckets.

    ``stable`` gets the rest if it is left out, and variants that are left out get 0. Problems: an
    unknown variant, a sum that is not 100, more than two decimals. None if there were problems.
    """
    if not isinstance(declared, dict):
        return reader.problem(f"must be a mapping of variants to percents, not {kind_of(declared)}")
    known = (STABLE, *sorted({*variants} - {STABLE}))
    count = len(reader.problems)
    weights = {
        str(name): _weight(str(name), value, known, reader.at(name))
        for name, value in declared.items()
    }
    if len(reader.problems) > count:
        return None
    total = sum(weights.values())
    if total > BUCKETS or (STABLE in weights and total != BUCKETS):
        return reader.problem(
            f"their sum is {percent(total)} %; change them so that it is 100 %, or leave out"
            f" {STABLE}, which then gets the rest"
        )
    rest = {STABLE: BUCKETS - total + weights.get(STABLE, 0)}
    return {**dict.fromkeys(known, 0), **weights, **rest}


def _weight(name: str, value: object, known: Collection[str], reader: SpecReader) -> int:
    if name not in known:
        reader.problem(f"is not a variant; write {', '.join(known)}{suggestion(name, known)}")
        return 0
    buckets = _buckets_of_percent(str(value).strip())
    if buckets is None:
        reader.problem(f"must be a percentage from 0 to 100 with two decimals, not {value!r}")
    return buckets or 0


def _buckets_of_percent(text: str) -> int | None:
    try:
        share = Decimal(text[:-1].strip() if text.endswith("%") else text) * 100
        # Comparing a NaN raises, too.
        is_possible = 0 <= share <= BUCKETS and share == int(share)
    except InvalidOperation:
        return None
    return int(share) if is_possible else None


def table_record(table: BucketTable) -> dict[str, Any]:
    """Return a table as JSON data for the record; sets of buckets are texts of ranges."""
    return {
        "app": table.app,
        "service": table.service,
        "revision": table.revision,
        "salt": table.salt,
        "algorithm": table.algorithm,
        "variants": {
            name: {
                "slot": variant.slot,
                "buckets": _ranges(variant.buckets),
                **({"headers": dict(variant.headers)} if variant.headers else {}),
            }
            for name, variant in table.variants.items()
        },
    }


def recorded_table(record: Mapping[str, Any]) -> BucketTable:
    """Return the table of a record; raise ShippingError if it is damaged."""
    try:
        variants = {
            str(name): VariantBuckets(
                int(variant["slot"]),
                _buckets(variant["buckets"]),
                of_mapping(variant.get("headers", {})),
            )
            for name, variant in record["variants"].items()
        }
        table = BucketTable(
            str(record["app"]),
            str(record["service"]),
            int(record["revision"]),
            str(record["salt"]),
            variants,
            int(record["algorithm"]),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise _damaged(record, f"it is not complete ({error!r})") from error
    owned = sorted(chain.from_iterable(variant.buckets for variant in variants.values()))
    if owned != [*range(BUCKETS)]:
        raise _damaged(record, "its variants do not own each bucket once")
    if table.algorithm != ALGORITHM:
        raise _damaged(record, f"its algorithm {table.algorithm} is unknown to this version")
    return table


def _damaged(record: Mapping[str, Any], cause: str) -> ShippingError:
    service = record.get("service", "a service") if isinstance(record, Mapping) else "a service"
    return ShippingError(
        f"the recorded table of {service} cannot be read",
        cause,
        "Give all traffic to stable, which writes a new table",
    )


def _ranges(buckets: tuple[int, ...]) -> str:
    """Return buckets in their order as runs: ``0-99,200,310-305``."""
    runs: list[list[int]] = []
    for bucket in buckets:
        if runs and _continues(runs[-1], bucket):
            runs[-1].append(bucket)
        else:
            runs.append([bucket])
    return ",".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)


def _continues(run: list[int], bucket: int) -> bool:
    step = bucket - run[-1]
    return step in (1, -1) and (len(run) == 1 or run[1] - run[0] == step)


def _buckets(text: str) -> tuple[int, ...]:
    """Return the buckets of :func:`_ranges`."""
    result: list[int] = []
    for run in filter(None, text.split(",")):
        first, _dash, last = run.partition("-")
        start, end = int(first), int(last or first)
        step = 1 if end >= start else -1
        result.extend(range(start, end + step, step))
    return tuple(result)
