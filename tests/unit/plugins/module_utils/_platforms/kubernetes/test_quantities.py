# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Amounts are written as Kubernetes itself writes them."""

from __future__ import annotations

import re
from fractions import Fraction

import pytest
from ansible_collections.shipping.code.plugins.module_utils._core import units
from ansible_collections.shipping.code.plugins.module_utils._platforms.kubernetes import quantities
from hypothesis import given
from hypothesis import strategies as st

from ..._compose.generated_files import CPUS, DURATIONS, SIZES

BINARY = {"": 1, **{f"{letter}i": 1024 ** (index + 1) for index, letter in enumerate("KMGTPE")}}
DECIMAL = {
    "m": Fraction(1, 1000),
    "": 1,
    **{letter: 1000 ** (index + 1) for index, letter in enumerate("kMGTPE")},
}


def parts(text):
    match = re.fullmatch(r"(\d+)([A-Za-z]*)", text)
    return int(match[1]), match[2]


def value(text):
    number, suffix = parts(text)
    return number * {**DECIMAL, **BINARY}[suffix]


def is_canonical(text):
    """No fraction, and the largest suffix that leaves a whole number.

    k8s.io/apimachinery/pkg/api/resource has it so.
    """
    table = BINARY if text.endswith("i") else DECIMAL
    amount, (_number, suffix) = value(text), parts(text)
    larger = [unit for name, unit in table.items() if unit > table[suffix] and amount % unit == 0]
    return text == "0" or not larger


MEMORY = [
    ("64M", "64Mi"),
    ("1g", "1Gi"),
    ("1.5g", "1536Mi"),
    ("1000", "1k"),
    ("1500", "1500"),
    ("0", "0"),
    ("1000kb", "1000Ki"),
    ("1024p", "1Ei"),
    (1, "1"),
]
CPU = [
    ("0.5", "500m"),
    ("2", "2"),
    ("1.5", "1500m"),
    ("0.0001", "1m"),
    ("0", "0"),
    ("1000", "1k"),
    ("1.10", "1100m"),
]
SECONDS = [("1s", 1), ("1.5s", 2), ("10ms", 1), ("0s", 0), ("1m30s", 90), ("1ns", 1)]


@pytest.mark.parametrize(("given_text", "written"), MEMORY)
def test_memory(given_text, written):
    assert quantities.memory(given_text) == written


@pytest.mark.parametrize(("given_text", "written"), CPU)
def test_cpu(given_text, written):
    assert quantities.cpu(given_text) == written


@pytest.mark.parametrize(("given_text", "seconds"), SECONDS)
def test_seconds(given_text, seconds):
    assert quantities.seconds(given_text) == seconds


@given(SIZES | st.integers(0, 2**62))
def test_memory_is_canonical_and_exact(text):
    assert value(quantities.memory(text)) == units.octets(text)
    assert is_canonical(quantities.memory(text))


@given(CPUS | st.decimals(0, 5000, places=4))
def test_cpu_is_canonical_and_at_least_what_was_asked(text):
    written = quantities.cpu(text)
    assert is_canonical(written)
    assert 0 <= value(written) - Fraction(units.nanocpus(text), 10**9) < Fraction(1, 1000)


@given(DURATIONS)
def test_seconds_are_rounded_up(text):
    assert 0 <= quantities.seconds(text) * 10**9 - units.nanoseconds(text) < 10**9
