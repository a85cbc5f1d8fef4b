# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from decimal import Decimal

import pytest
from ansible_collections.shipping.code.plugins.module_utils._core import units
from hypothesis import given
from hypothesis import strategies as st

DURATIONS = [
    ("0", 0, "0s"),
    (0, 0, "0s"),
    ("0s", 0, "0s"),
    ("10s", 10_000_000_000, "10s"),
    (" 10s\n", 10_000_000_000, "10s"),
    ("1m30s", 90_000_000_000, "1m30s"),
    ("90s", 90_000_000_000, "1m30s"),
    ("1.5h", 5_400_000_000_000, "1h30m"),
    (".5s", 500_000_000, "500ms"),
    ("500ms", 500_000_000, "500ms"),
    ("250us", 250_000, "250us"),
    ("250µs", 250_000, "250us"),
    ("250\u03bcs", 250_000, "250us"),
    ("7ns", 7, "7ns"),
    ("1s1ms", 1_001_000_000, "1s1ms"),
    ("1m1h", 3_660_000_000_000, "1h1m"),
    ("2d", 172_800_000_000_000, "48h"),
    ("1w", 604_800_000_000_000, "168h"),
    ("1.123456789s", 1_123_456_789, "1s123ms456us789ns"),
]
NO_DURATIONS = [
    "",
    "5",
    5,
    1.5,
    "-5s",
    "1h 30m",
    "1 s",
    "1sec",
    "1y",
    "1S",
    "s",
    "1s1",
    "e3s",
    None,
    True,
    "٣s",
]


@pytest.mark.parametrize(("given_", "amount", "form"), DURATIONS)
def test_durations(given_, amount, form):
    assert units.nanoseconds(given_) == amount
    assert units.duration(amount) == form


@pytest.mark.parametrize("given_", NO_DURATIONS)
def test_no_durations(given_):
    with pytest.raises(ValueError, match="is no duration; write for example 10s, 1m30s or 500ms"):
        units.nanoseconds(given_)


@given(st.integers(min_value=0, max_value=2**63))
def test_a_duration_is_read_back(amount):
    assert units.nanoseconds(units.duration(amount)) == amount


SIZES = [
    (0, 0, "0"),
    ("0", 0, "0"),
    (1000, 1000, "1000"),
    ("1000", 1000, "1000"),
    ("1024", 1024, "1K"),
    ("1b", 1, "1"),
    (" 1k\n", 1024, "1K"),
    ("1k", 1024, "1K"),
    ("1KB", 1024, "1K"),
    ("1KiB", 1024, "1K"),
    ("512M", 512 * 1024**2, "512M"),
    ("512 MiB", 512 * 1024**2, "512M"),
    ("1024m", 1024**3, "1G"),
    ("1.5gb", 1536 * 1024**2, "1536M"),
    (".5g", 512 * 1024**2, "512M"),
    ("2T", 2 * 1024**4, "2T"),
    ("1p", 1024**5, "1P"),
]
NO_SIZES = [
    "",
    "M",
    "-1",
    -1,
    "1.5.1g",
    "1e",
    "1i",
    "1ib",
    "1gbb",
    "1 g b",
    "0x10",
    "1,5g",
    None,
    True,
    "50%",
]


@pytest.mark.parametrize(("given_", "amount", "form"), SIZES)
def test_sizes(given_, amount, form):
    assert units.octets(given_) == amount
    assert units.size(amount) == form


@pytest.mark.parametrize("given_", NO_SIZES)
def test_no_sizes(given_):
    with pytest.raises(ValueError, match="is no size; write for example 512M or 2G"):
        units.octets(given_)


@given(st.integers(min_value=0, max_value=2**63))
def test_a_size_is_read_back(amount):
    assert units.octets(units.size(amount)) == amount


CPUS = [
    ("0.5", "0.5"),
    (0.5, "0.5"),
    (1, "1"),
    ("1.50", "1.5"),
    (".25", "0.25"),
    ("100", "100"),
    (0, "0"),
    ("0.001", "0.001"),
    ("1e0", "1"),
]


@pytest.mark.parametrize(("given_", "form"), CPUS)
def test_cpus(given_, form):
    assert units.cpus(units.nanocpus(given_)) == form


@pytest.mark.parametrize("given_", ["", "half", "-1", -1, "inf", "nan", None, True])
def test_no_cpus(given_):
    with pytest.raises(ValueError, match=r"is no number of CPUs; write for example 0\.5"):
        units.nanocpus(given_)


@given(st.integers(min_value=0, max_value=10**13))
def test_cpus_are_read_back(amount):
    assert units.nanocpus(units.cpus(amount)) == amount


# As docker compose writes them into a container's environment.
SCALARS = [
    ("text", "text"),
    ("", ""),
    (True, "true"),
    (False, "false"),
    (288, "288"),
    (-15, "-15"),
    (1.5, "1.5"),
    (0.7, "0.7"),
    (1000.0, "1000"),
    (1e6, "1e+06"),
    (123456789.5, "1.234567895e+08"),
    (999999.0, "999999"),
    (1e-4, "0.0001"),
    (1e-5, "1e-05"),
    (6.02e23, "6.02e+23"),
    (-0.5, "-0.5"),
    (0.0, "0"),
    (float("inf"), "+Inf"),
    (float("-inf"), "-Inf"),
    (float("nan"), "NaN"),
    (2**64, "18446744073709551616"),
]


@pytest.mark.parametrize(("given_", "text"), SCALARS)
def test_scalars_as_text(given_, text):
    assert units.scalar_text(given_) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_keeps_its_value_as_text(number):
    assert float(units.scalar_text(number)) == number
    assert len(Decimal(units.scalar_text(number)).as_tuple().digits) <= 17
