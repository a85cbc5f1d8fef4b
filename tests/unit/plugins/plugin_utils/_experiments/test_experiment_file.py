# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The experiment file: what it may have, and its errors with line and column."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import jsonschema
import pytest
from ansible_collections.shipping.code.plugins.module_utils._core.errors import SpecError
from ansible_collections.shipping.code.plugins.plugin_utils._experiments.experiment import (
    DECREASE,
    INCREASE,
    DesignChoice,
    Level,
    Measure,
    RampStep,
)
from ansible_collections.shipping.code.plugins.plugin_utils._experiments.experiment_file import (
    read,
)
from ansible_collections.shipping.code.plugins.plugin_utils._experiments.experiment_schema import (
    schema,
)
from ansible_collections.shipping.code.plugins.plugin_utils._sources.yaml_reader import parse

ROOT = Path(__file__).parents[5]
SMALL = """name: button
app: shop
service: web
factors:
  button:
    header: X-Button
    levels: [Buy, Buy now]
responses:
  conversion:
    rate: order
    baseline: 0.05
    smallest_effect: 0.01
deadline: 14d
"""
FULL = """name: checkout
app: shop
service: web
unit: visitor
factors:
  button:
    header: X-Button
    levels:
      buy: Buy
      now: {value: Buy now, promote: {environment: {BUTTON: now}}}
  size:
    header: X-Page-Size
    levels: [10, 50]
  cache:
    levels:
      off: {}
      on: {environment: {CACHE: on}, deploy: {replicas: 2}}
design:
  type: fraction
  resolution: 3
  fold_over: true
  estimate: [button, size]
responses:
  conversion: {rate: order}
  revenue: {mean: order.value, cap: 500}
guardrails:
  errors: {ratio: [errors, requests], margin: 0.005}
  latency: {ratio: [duration, requests], margin: 20}
sample: {units: 4000, min_units: 500, alpha: 0.01, power: 0.9}
start: 2026-12-01T08:00:00+01:00
deadline: 14d
default: inconclusive
holdout: 10
ramp:
  - {share: 5, for: 1h}
  - {share: 25, for: 1d}
retention: 30d
aa: false
seed: 7
events:
  type: files
  files: [orders/*.csv]
  columns: {unit: visitor, time: at}
  units: plain
  window: 7d
  pre_period: 14d
"""


def test_a_small_file() -> None:
    content = read(SMALL, "button.yml")
    (button,) = content.factors
    assert button.levels == (Level("buy", "Buy"), Level("buy-now", "Buy now"))
    assert content.primary.numerator == Measure("order")
    assert (content.design, content.deadline) == (DesignChoice(), 14 * 86400)


def test_a_full_file() -> None:
    content = read(FULL, "checkout.yml")
    button, size, cache = content.factors
    assert button.levels[1] == Level("now", "Buy now", promote={"environment": {"BUTTON": "now"}})
    assert [level.value for level in size.levels] == ["10", "50"]
    assert cache.levels[1].overlay == {"environment": {"CACHE": "on"}, "deploy": {"replicas": 2}}
    assert content.design.estimate == (("button",), ("size",))
    assert content.ramp == (RampStep(5, 3600), RampStep(25, 86400))
    assert [str(measure) for measure in content.measures] == [
        *("order", "order.value", "errors", "requests", "duration")
    ]
    goals = [response.goal for response in (*content.responses, *content.guardrails)]
    assert goals == [INCREASE, INCREASE, DECREASE, DECREASE]
    assert content.start == datetime(2026, 12, 1, 7, tzinfo=UTC)
    assert content.events.columns == {"unit": "visitor", "time": "at"}


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("levels: [Buy, Buy now]", "levels: []", "7:13: button has 0 levels; write at least two"),
        ("levels: [Buy, Buy now]", "levels: [Buy]", "7:13: button has 1 levels; write at"),
        ("    levels: [Buy, Buy now]\n", "", "6:5: button needs levels"),
        ("levels: [Buy, Buy now]", "levels: [Buy, Buy]", "the level buy is listed twice"),
        ("levels: [Buy, Buy now]", "levels: [Buy, Käufe]", "7:19: must have 1 to 256 printable"),
        ("header: X-Button", "header: Cookie", "6:13: has a meaning for connections"),
        ("header: X-Button", "headers: X-Button", "unknown key headers; did you mean header?"),
        (
            "deadline",
            "  two: {header: x-button, levels: [1, 2]}\ndeadline",
            "the header x-button is set by button already",
        ),
        ("rate: order", "rate: order.value", "10:11: is the share of units with at least one"),
        ("rate: order", "ratio: [order]", "must be a list of two"),
        ("rate: order", "goal: increase", "conversion needs one of rate, mean and ratio"),
        ("    smallest_effect: 0.01\n", "", "needs smallest_effect for the sample size"),
        ("baseline: 0.05", "baseline: often", "11:15: must be a number of at least 0, not 'often'"),
        ("deadline: 14d", "deadline: 14", "13:11: 14 is no duration"),
        ("deadline: 14d", "deadlin: 14d", "unknown key deadlin; did you mean deadline?"),
        ("app: shop", "app: shop\napp: store", "3:1: the key app is duplicated"),
        (
            "deadline: 14d",
            "deadline: 14d\nstart: 2026-12-01T08:00:00",
            "14:8: needs a time zone; write 2026-12-01T08:00:00Z",
        ),
        ("deadline", "ramp: [{share: 5, for: 20d}]\ndeadline", "the ramp ends after the deadline"),
        (
            "deadline",
            "ramp: [{share: 5, for: 1h}, {share: 5, for: 1h}]\ndeadline",
            "13:7: each step needs a larger share",
        ),
        ("deadline", "holdout: 100\ndeadline", "must be a number of at least 0 and at most 90"),
        ("deadline", "design: factorial\ndeadline", "must be one of ab, full_factorial"),
        ("deadline", "design: fraction\ndeadline", "needs either resolution or generators"),
        (
            "deadline",
            "design: {type: ab, blocks: [button]}\ndeadline",
            "blocks and block_time need each other",
        ),
        (
            "deadline",
            "design: {type: ab, center_points: true}\ndeadline",
            "center_points need a center of each factor; button has none",
        ),
        (
            "deadline",
            "design: {type: ab, estimate: [buton]}\ndeadline",
            "13:31: 'buton' is not a factor; did you mean button?",
        ),
        ("deadline", "events: {type: files}\ndeadline", "files needs files"),
        ("deadline", "guardrails: {slow: {mean: duration}}\ndeadline", "slow needs margin"),
        (
            "deadline",
            "guardrails: {conversion: {rate: order, margin: 1}}\ndeadline",
            "conversion is a response and a guardrail",
        ),
    ],
)
def test_problems_have_their_place(old: str, new: str, problem: str) -> None:
    assert old in SMALL
    text = SMALL.replace(old, new)
    if new.startswith("  two:"):  # below the factors
        text = SMALL.replace("responses:", new.replace("deadline", "responses:"))
    with pytest.raises(SpecError) as caught:
        read(text, "button.yml")
    texts = [str(entry) for entry in caught.value.problems]
    assert all(text.startswith("button.yml:") for text in texts), texts
    assert any(problem in text for text in texts), texts


@pytest.mark.parametrize(
    ("levels", "problem"),
    [
        ("[small, large]", "must be a mapping"),
        ("{off: {}, on: {enviroment: {A: b}}}", "enviroment cannot be varied; did you mean"),
        ("{off: {}, on: {ports: ['80']}}", "ports cannot be varied"),
        ("{off: {}, on: {}}", "two levels are equal"),
        ("{off: {}, on: []}", "must be a mapping of settings, not a list"),
    ],
)
def test_problems_of_overlays(levels: str, problem: str) -> None:
    text = SMALL.replace("    header: X-Button\n", "").replace("[Buy, Buy now]", levels)
    with pytest.raises(SpecError, match=problem):
        read(text, "cache.yml")


def test_two_factors_of_one_field() -> None:
    two = "  other:\n    levels: {off: {}, on: {environment: [CACHE=2]}}\nresponses:"
    overlay = SMALL.replace("    header: X-Button\n", "").replace(
        "[Buy, Buy now]", "{a: {}, b: {environment: {CACHE: 1}}}"
    )
    with pytest.raises(SpecError, match=r"c.yml:7:3: environment.CACHE is set by button already"):
        read(overlay.replace("responses:", two), "c.yml")


def test_an_empty_file() -> None:
    with pytest.raises(SpecError, match="it is empty"):
        read("", "button.yml")


def test_the_schema_is_up_to_date_and_takes_the_files() -> None:
    text = (ROOT / "docs/experiment.schema.json").read_text(encoding="utf-8")
    assert json.loads(text) == schema(), "call make docs"
    validator = jsonschema.Draft202012Validator(schema())
    for content in (SMALL, FULL):
        validator.validate(parse(content, "button.yml"))
    for wrong in ("levels: [Buy]", "levels: []"):
        with pytest.raises(jsonschema.ValidationError):
            validator.validate(parse(SMALL.replace("levels: [Buy, Buy now]", wrong), "b.yml"))
