# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the options of canaries and blue-green releases. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .._core import units
from .._core.errors import Problem, SpecError
from .._core.parsing import SpecReader, boolean, listing, mapping, text, word
from .ramp_checks import Checks, read_checks
from .strategy.ramp import BLUE_GREEN, CANARY, RampPlan, Step

ROLLING = "rolling"
UNTIL_PROMOTED = "until promoted"
DEFAULT_STEPS = (Step(10.0, 300.0), Step(50.0, 300.0))
_DEFAULT_DEADLINE = 86_400.0
_OF_CHECKS = ("checks", "alpha", "margin", "warm_up", "min_units")


@dataclass(frozen=True)
class RampOptions:
    """The ramp that the options of a release declare.

    ``service`` is empty where the one service that changes is meant. ``declared`` is what the
    record keeps of the checks, without the headers of requests, which may be secret.
    """

    plan: RampPlan
    checks: Checks
    service: str = ""
    is_fresh_baseline: bool = False
    declared: Mapping[str, Any] | None = None

    @property
    def largest_weight(self) -> float:
        """Return the largest share of the new version before it is promoted."""
        return max(step.weight for step in self.plan.steps)


def read_ramp(options: Mapping[str, Any]) -> RampOptions | None:
    """Return the ramp of a release; None for a rolling one. Raise SpecError for wrong options."""
    strategy = options.get("strategy") or ROLLING
    given = options.get("canary")
    if strategy != CANARY and given:
        text_ = f"is for strategy: canary, and the strategy is {strategy}; leave it out"
        raise SpecError([Problem("canary", text_)], "the options")
    if strategy == BLUE_GREEN:
        warm = SpecReader("keep_warm")
        seconds = _seconds(options.get("keep_warm") or 0, warm)
        if warm.problems or not isinstance(seconds, float):
            raise SpecError(warm.problems, "the options")
        return RampOptions(RampPlan(BLUE_GREEN, (Step(100.0, 0.0),), keep_warm=seconds), Checks())
    return _canary(given or {}, SpecReader("canary")) if strategy == CANARY else None


def checks_of(declared: Mapping[str, Any]) -> Checks:
    """Return the checks that a record keeps."""
    return read_checks(dict(declared), SpecReader("canary")) or Checks()


def _canary(given: Mapping[str, Any], reader: SpecReader) -> RampOptions:
    of_checks = {key: given[key] for key in _OF_CHECKS if given.get(key) is not None}
    checks = read_checks(_with_margin(of_checks), reader)
    found = _KEYS(_own(given), reader)
    if reader.problems or checks is None or not isinstance(found, dict):
        raise SpecError(reader.problems, "the options")
    steps = tuple(found.get("steps") or DEFAULT_STEPS)
    weights = [step.weight for step in steps]
    if weights != sorted(set(weights)):
        raise SpecError([Problem("canary.steps", "must have growing weights")], "the options")
    plan = RampPlan(
        CANARY,
        steps,
        found.get("deadline", _DEFAULT_DEADLINE),
        found.get("on_deadline") == "promote",
    )
    return RampOptions(
        plan, checks, found.get("service", ""), found.get("baseline", False), _kept(of_checks)
    )


def _own(given: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: value for key, value in given.items() if key not in _OF_CHECKS and value is not None
    }


def _with_margin(of_checks: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of the checks; a margin is that of checks without one of their own."""
    margin = of_checks.get("margin")
    rest = {key: value for key, value in of_checks.items() if key != "margin"}
    if margin is None:
        return rest
    listed = rest.get("checks") or [{"type": "errors"}]
    return {**rest, "checks": [_with_own(check, margin) for check in listed]}


def _with_own(check: Any, margin: Any) -> Any:
    is_compared = isinstance(check, dict) and check.get("type") in ("errors", "slow")
    return {"margin": margin, **check} if is_compared else check


def _kept(of_checks: Mapping[str, Any]) -> dict[str, Any]:
    kept = _with_margin(of_checks)
    if "checks" in kept:
        kept["checks"] = [
            {key: value for key, value in check.items() if key != "headers"}
            for check in kept["checks"]
        ]
    return kept


def _seconds(value: object, reader: SpecReader) -> object:
    written = str(value)
    if written.replace(".", "", 1).isdigit():
        return float(written)
    try:
        return units.nanoseconds(value) / units.SECOND
    except ValueError as error:
        return reader.problem(str(error))


def _hold(value: object, reader: SpecReader) -> object:
    return None if value == UNTIL_PROMOTED else _seconds(value, reader)


def _weight(value: object, reader: SpecReader) -> object:
    try:
        number = round(float(str(value)), 2)
    except ValueError:
        number = 0.0
    if not 0 < number <= 100:
        return reader.problem(f"must be a share of more than 0 and at most 100 %, not {value!r}")
    return number


def _step(value: object, reader: SpecReader) -> object:
    if not isinstance(value, dict) or not {"weight", "hold"} <= {*value}:
        return reader.problem("needs weight and hold")
    before = len(reader.problems)
    mapping({"weight": lambda item, _at: item, "hold": lambda item, _at: item})(value, reader)
    weight = _weight(value["weight"], reader.at("weight"))
    hold = _hold(value["hold"], reader.at("hold"))
    if len(reader.problems) > before:
        return None
    return Step(float(str(weight)), None if hold is None else float(str(hold)))


_KEYS = mapping(
    {
        "steps": listing(_step),
        "service": text,
        "baseline": boolean,
        "deadline": _seconds,
        "on_deadline": word("roll_back", "promote"),
    }
)
