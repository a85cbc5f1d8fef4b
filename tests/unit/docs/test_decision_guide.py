# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The examples and tables of the guide about decisions, against the code."""

from __future__ import annotations

import re
import textwrap
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.shipping.code.plugins.module_utils._core.parsing import SpecReader
from ansible_collections.shipping.code.plugins.module_utils._deploy import ramp_checks
from ansible_collections.shipping.code.plugins.module_utils._deploy.ramp_checks import (
    Checks,
    read_checks,
)

GUIDE = Path(__file__).parents[3] / "docs" / "docsite" / "rst" / "guide_decision.rst"
_BLOCK = re.compile(r"\.\. code-block:: yaml\n\n((?:    .*\n|\n)+)")


def examples() -> list[Any]:
    """Return the options in the examples of the guide."""
    blocks = _BLOCK.findall(GUIDE.read_text())
    return [yaml.safe_load(textwrap.dedent(block))["canary"] for block in blocks]


def defaults() -> dict[str, str]:
    """Return the documented defaults by option."""
    rows = re.findall(r"   \* - ``(\w+)``\n     - ``(.+)``\n", GUIDE.read_text())
    return dict(rows)


@pytest.mark.parametrize("number", range(2))
def test_an_example_is_read(number: int) -> None:
    reader = SpecReader("canary")
    assert read_checks(examples()[number], reader)
    assert not reader.problems


def test_all_types_have_an_example() -> None:
    assert len(examples()) == 2
    checks = chain.from_iterable(example["checks"] for example in examples())
    assert {check["type"] for check in checks} == {
        ramp_checks.ERRORS,
        ramp_checks.SLOW,
        ramp_checks.PROMETHEUS,
        ramp_checks.HTTP,
    }


def test_the_defaults_are_those_of_the_code() -> None:
    documented = defaults()
    assert float(documented["alpha"]) == Checks().alpha
    assert documented["warm_up"] == ramp_checks.DEFAULT_WARM_UP
    assert int(documented["min_units"]) == Checks().min_units
    assert documented["timeout"] == ramp_checks.DEFAULT_TIMEOUT
    listed = {"checks": yaml.safe_load(documented["checks"])}
    assert read_checks(listed, SpecReader("canary")) == Checks()
