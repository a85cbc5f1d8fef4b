# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from itertools import chain
from typing import Any

import pytest
from ansible_collections.shipping.code.plugins.module_utils._core.errors import (
    PlanError,
    ShippingError,
)
from ansible_collections.shipping.code.plugins.module_utils._core.parsing import SpecReader
from ansible_collections.shipping.code.plugins.module_utils._routing.buckets import (
    BUCKETS,
    BucketTable,
    VariantBuckets,
    allocate,
    bucket_of,
    first_table,
    moved_buckets,
    read_weights,
    recorded_table,
    table_record,
)
from hypothesis import given
from hypothesis import strategies as st

EMPTY = first_table("shop", "web", "salt")
NAMES = ("stable", "blue", "green", "red")


@st.composite
def weights(draw: st.DrawFn) -> dict[str, int]:
    """Return weights of four variants, with a sum of all buckets."""
    cuts = sorted(draw(st.lists(st.integers(0, BUCKETS), min_size=3, max_size=3)))
    low, middle, high = cuts
    return {
        "stable": low,
        "blue": middle - low,
        "green": high - middle,
        "red": BUCKETS - high,
    }


ramps = st.lists(weights(), min_size=1, max_size=5)


@given(ramps)
def test_each_bucket_has_one_owner(steps: list[dict[str, int]]) -> None:
    table = EMPTY
    for step in steps:
        table = allocate(table, step)
        assert table.weights() == step
        owned = chain.from_iterable(variant.buckets for variant in table.variants.values())
        assert sorted(owned) == list(range(BUCKETS))


@given(ramps)
def test_the_fewest_buckets_move(steps: list[dict[str, int]]) -> None:
    table = EMPTY
    for step in steps:
        before, table = table, allocate(table, step)
        old = before.weights()
        fewest = sum(max(step[name] - old.get(name, 0), 0) for name in NAMES)
        assert moved_buckets(before, table) == fewest


@given(ramps)
def test_growth_only_adds(steps: list[dict[str, int]]) -> None:
    table = EMPTY
    for step in steps:
        before, table = table, allocate(table, step)
        for name, variant in before.variants.items():
            now = table.variants[name].buckets
            if len(now) >= len(variant.buckets):
                assert {*variant.buckets} <= {*now}
            else:
                assert {*now} <= {*variant.buckets}


@given(weights(), weights())
def test_back_and_again_gives_the_same_units(first: dict[str, int], second: dict[str, int]) -> None:
    table = allocate(EMPTY, first)
    nothing = {**dict.fromkeys(NAMES, 0), "stable": BUCKETS}
    only_blue = {**nothing, "stable": BUCKETS - second["blue"], "blue": second["blue"]}
    there = allocate(allocate(table, nothing), only_blue)
    again = allocate(allocate(there, nothing), only_blue)
    assert there.owners() == again.owners()


@given(ramps)
def test_a_record_has_the_whole_table(steps: list[dict[str, int]]) -> None:
    table = EMPTY
    for step in steps:
        table = allocate(table, step)
    record = json.loads(json.dumps(table_record(table)))
    assert recorded_table(record) == table


def test_shrinking_gives_the_last_taken_back() -> None:
    ten = allocate(EMPTY, {"stable": 9000, "green": 1000})
    thirty = allocate(ten, {"stable": 7000, "green": 3000})
    back = allocate(thirty, {"stable": 9000, "green": 1000})
    assert back.variants["green"] == ten.variants["green"]
    assert [ten.revision, thirty.revision, back.revision] == [1, 2, 3]


def test_the_same_weights_are_the_same_table() -> None:
    table = allocate(EMPTY, {"stable": 9000, "green": 1000})
    assert allocate(table, {"stable": 9000, "green": 1000}) is table


def test_slots() -> None:
    table = allocate(EMPTY, {"stable": 9997, "b": 1, "c": 1, "d": 1})
    assert {name: variant.slot for name, variant in table.variants.items()} == {
        "stable": 0,
        "b": 1,
        "c": 2,
        "d": 3,
    }
    # One that goes frees its slot; the others keep theirs.
    later = allocate(table, {"stable": 9997, "a": 1, "c": 1, "d": 1})
    assert {name: variant.slot for name, variant in later.variants.items()} == {
        "stable": 0,
        "a": 1,
        "c": 2,
        "d": 3,
    }


BAD_WEIGHTS: list[tuple[dict[str, int], str]] = [
    ({"stable": 9000, "green": 999}, "their sum is 99.99 %"),
    ({"stable": 10_001, "green": -1}, "none may be negative"),
    ({"stable": 10_000, **dict.fromkeys("abcdefghijklmnopq", 0)}, "17 variants are more than"),
    ({"stable": 9999, "a.b": 1}, "'a.b' is not the name of a variant"),
]


@pytest.mark.parametrize(("declared", "text"), BAD_WEIGHTS, ids=[text for _w, text in BAD_WEIGHTS])
def test_tables_that_cannot_be(declared: dict[str, int], text: str) -> None:
    with pytest.raises(PlanError, match=text):
        allocate(EMPTY, declared)


def test_variants_by_headers_take_no_slot() -> None:
    cells = {
        f"cell{number}": VariantBuckets(0, (), (("x-cell", str(number)),)) for number in range(64)
    }
    before = replace(EMPTY, variants={**EMPTY.variants, **cells})
    weights = {"stable": 3600, **dict.fromkeys(cells, 100)}
    table = allocate(before, weights)
    assert {variant.slot for variant in table.variants.values()} == {0}
    assert table.variants["cell7"].headers == (("x-cell", "7"),)
    assert table.weights() == weights
    assert recorded_table(json.loads(json.dumps(table_record(table)))).assigns_as(table)
    with_replicas = allocate(table, {**weights, "stable": 3500, "green": 100})
    assert with_replicas.variants["green"].slot == 1
    assert next(iter(with_replicas.variants)) == "stable"


def test_a_salt_is_a_word() -> None:
    with pytest.raises(PlanError, match="the salt 'a b'"):
        first_table("shop", "web", "a b")


def ids(count: int) -> list[bytes]:
    """Return ids as products have them: numbers, hashes, addresses."""
    return [str(number).encode() for number in range(count)]


def test_buckets_are_the_published_ones() -> None:
    # A change here gives every visitor another variant: it needs another ALGORITHM.
    assert [bucket_of(unit, "salt") for unit in (b"1", b"ada@example.com", "Zoë".encode())] == [
        int(hashlib.sha256(text).hexdigest()[:8], 16) % 10_000
        for text in (b"salt:1", b"salt:ada@example.com", "salt:Zoë".encode())
    ]
    assert bucket_of(b"1", "salt") == 9329


def test_buckets_are_uniform() -> None:
    counts = [0] * 100
    for unit in ids(100_000):
        counts[bucket_of(unit, "uniform") // 100] += 1
    chi_square = sum((count - 1000) ** 2 / 1000 for count in counts)
    # The 0.1 % and the 99.9 % quantile of 99 degrees of freedom.
    assert 60 < chi_square < 149


def test_salts_are_independent() -> None:
    one = allocate(first_table("shop", "web", "one"), {"stable": 5000, "green": 5000})
    other = allocate(first_table("shop", "web", "other"), {"stable": 5000, "green": 5000})
    arm = [unit for unit in ids(20_000) if bucket_of(unit, "one") < 5000]
    assert {one.variant_of(unit) for unit in arm[:100]} == {"green"}
    shared = sum(bucket_of(unit, "other") < 5000 for unit in arm)
    # Half of the arm, within five standard deviations.
    assert abs(shared / len(arm) - 0.5) < 5 * 0.5 / len(arm) ** 0.5
    assert other.variants["green"].slot == 1


def read(declared: object, *variants: str) -> tuple[dict[str, int] | None, list[str]]:
    """Return the weights and the problems of what a user declares."""
    reader = SpecReader("weights")
    return read_weights(declared, reader, variants), [str(item) for item in reader.problems]


WEIGHTS: list[tuple[dict[str, Any], dict[str, int]]] = [
    ({"green": 10, "stable": 90}, {"stable": 9000, "blue": 0, "green": 1000}),
    ({"green": "0.25"}, {"stable": 9975, "blue": 0, "green": 25}),
    ({"green": 0.07}, {"stable": 9993, "blue": 0, "green": 7}),
    ({"green": "5 %", "blue": 95}, {"stable": 0, "blue": 9500, "green": 500}),
    ({"stable": 100}, {"stable": 10_000, "blue": 0, "green": 0}),
    ({}, {"stable": 10_000, "blue": 0, "green": 0}),
]


@pytest.mark.parametrize(("declared", "buckets"), WEIGHTS, ids=str)
def test_weights(declared: dict[str, Any], buckets: dict[str, int]) -> None:
    assert read(declared, "blue", "green") == (buckets, [])


WEIGHT_PROBLEMS: list[tuple[object, str]] = [
    ({"green": 10, "stable": 80}, "weights: their sum is 90 %; change them"),
    ({"green": 101}, "weights.green: must be a percentage from 0 to 100"),
    ({"green": 60, "blue": "40.01"}, "weights: their sum is 100.01 %"),
    ({"green": "1.005"}, "weights.green: must be a percentage from 0 to 100 with two decimals"),
    ({"green": True}, "weights.green: must be a percentage"),
    ({"green": "NaN"}, "weights.green: must be a percentage"),
    ({"green": "inf"}, "weights.green: must be a percentage"),
    ({"green": None}, "weights.green: must be a percentage"),
    ({"gren": 10}, "weights.gren: is not a variant; write stable, blue, green; did you mean green"),
    ([10, 90], "weights: must be a mapping of variants to percents, not a list"),
]


@pytest.mark.parametrize(("declared", "text"), WEIGHT_PROBLEMS, ids=str)
def test_weights_that_cannot_be(declared: object, text: str) -> None:
    weights, problems = read(declared, "blue", "green")
    assert weights is None
    assert len(problems) == 1
    assert text in problems[0]


def damaged(**changes: Any) -> dict[str, Any]:
    """Return the record of a table with other values."""
    return {**table_record(allocate(EMPTY, {"stable": 9000, "green": 1000})), **changes}


DAMAGED = [
    (damaged(variants={}), "do not own each bucket once"),
    (damaged(variants={"stable": {"slot": 0, "buckets": "0-9999,5"}}), "own each bucket once"),
    (damaged(variants={"stable": {"buckets": "0-9999"}}), "it is not complete"),
    (damaged(variants=None), "it is not complete"),
    (damaged(algorithm=2), "its algorithm 2 is unknown"),
]


@pytest.mark.parametrize(("record", "text"), DAMAGED, ids=[text for _record, text in DAMAGED])
def test_a_damaged_record_is_no_table(record: dict[str, Any], text: str) -> None:
    with pytest.raises(ShippingError, match=text):
        recorded_table(record)


def test_tables_that_assign_alike() -> None:
    table = allocate(EMPTY, {"stable": 9000, "green": 1000})
    assert table.assigns_as(recorded_table(table_record(table)))
    other = allocate(EMPTY, {"stable": 9001, "green": 999})
    assert not table.assigns_as(other)
    assert isinstance(other, BucketTable)
