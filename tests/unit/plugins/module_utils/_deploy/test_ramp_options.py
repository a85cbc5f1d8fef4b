# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of canaries: what they mean, and what is rejected."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.shipping.code.plugins.module_utils._core.errors import SpecError
from ansible_collections.shipping.code.plugins.module_utils._deploy.ramp_options import (
    checks_of,
    read_ramp,
)
from ansible_collections.shipping.code.plugins.module_utils._deploy.strategy.ramp import Step


def read(**canary: Any) -> Any:
    """Return the ramp of a canary."""
    return read_ramp({"strategy": "canary", "canary": canary})


def test_a_rolling_release_has_none() -> None:
    assert read_ramp({}) is None
    assert read_ramp({"strategy": "rolling"}) is None


def test_steps_and_deadline() -> None:
    steps = [{"weight": 10, "hold": "5m"}, {"weight": "50", "hold": "until promoted"}]
    ramp = read(steps=steps, deadline=600, on_deadline="promote", baseline=True)
    assert ramp.plan.steps == (Step(10.0, 300.0), Step(50.0, None))
    assert (ramp.plan.deadline, ramp.plan.promotes_on_deadline) == (600.0, True)
    assert ramp.is_fresh_baseline
    assert read().plan.steps == (Step(10.0, 300.0), Step(50.0, 300.0))


def test_a_margin_is_that_of_checks_without_their_own() -> None:
    ramp = read(margin=3, checks=[{"type": "errors"}, {"type": "slow", "slower_than": "1s"}])
    assert [check.margin for check in ramp.checks.comparisons] == [0.03, 0.03]
    assert checks_of(ramp.declared) == ramp.checks


def test_the_record_has_no_headers_of_requests() -> None:
    check = {"type": "http", "url": "https://a.example", "value": "n", "at_most": 1}
    ramp = read(checks=[{**check, "headers": {"Authorization": "secret"}}])
    assert ramp.checks.numbers[0].headers == {"Authorization": "secret"}
    assert "secret" not in str(ramp.declared)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"canary": {"steps": []}}, "the strategy is rolling"),
        ({"strategy": "canary", "canary": {"steps": [{"weight": 0, "hold": 1}]}}, "more than 0"),
        ({"strategy": "canary", "canary": {"steps": [{"weight": 10}]}}, "needs weight and hold"),
        (
            {
                "strategy": "canary",
                "canary": {"steps": [{"weight": 50, "hold": 1}, {"weight": 10, "hold": 1}]},
            },
            "growing weights",
        ),
        ({"strategy": "canary", "canary": {"stepps": []}}, "stepps"),
        ({"strategy": "canary", "canary": {"on_deadline": "wait"}}, "on_deadline"),
    ],
)
def test_what_is_wrong_is_named(options: dict[str, Any], text: str) -> None:
    with pytest.raises(SpecError) as caught:
        read_ramp(options)
    assert text in str(caught.value)
