# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One failure in words, alone and among others."""

from __future__ import annotations

import pytest
from ansible_collections.shipping.code.plugins.module_utils._core.errors import (
    Problem,
    ShippingError,
    SpecError,
)
from ansible_collections.shipping.code.plugins.module_utils._core.failure import (
    Failure,
    clauses,
    reason,
)

# The failure, as a sentence, and as a part of a longer one.
WORDS = [
    (Failure("shop", "is held"), "shop is held", "shop is held"),
    (
        Failure("shop", "is held", "bob works", "Wait"),
        "shop is held: bob works. Wait.",
        "shop is held: bob works. Wait",
    ),
    (Failure("web", cause="it crashed"), "web: it crashed", "web: it crashed"),
    (Failure(event="no connection."), "no connection.", "no connection."),
    (Failure(event="no host.", hint="Mend it."), "no host. Mend it.", "no host.. Mend it."),
    (
        Failure("web", cause="ended", hint="Mend it", details=("Its last lines: a",)),
        "web: ended. Its last lines: a. Mend it.",
        "web: ended. Its last lines: a. Mend it",
    ),
]


@pytest.mark.parametrize(("failure", "sentence", "clause"), WORDS)
def test_a_failure_in_words(failure, sentence, clause):
    assert failure.sentence() == sentence
    assert failure.clause() == clause


def test_a_question_needs_no_full_stop():
    failure = Failure(event="no such app", cause="did you mean shop?", hint="Correct the name")
    assert failure.sentence() == "no such app: did you mean shop? Correct the name."


def test_several_failures_are_the_reason_of_one_outcome():
    failures = [Failure("web", cause="ended", hint="Mend it"), Failure("db", cause="is too large")]
    assert clauses(failures) == "web: ended. Mend it; db: is too large"
    assert reason("1.0 serves", failures) == "1.0 serves. web: ended. Mend it; db: is too large"


def test_an_error_is_a_failure():
    error = ShippingError("no connection", "refused", "Start it", host="node-a")
    assert (error.what, error.why, error.remedy) == ("no connection", "refused", "Start it")
    assert error.as_result() == {
        "failed": True,
        "msg": "no connection: refused. Start it.",
        "host": "node-a",
    }


def test_all_problems_are_in_one_error():
    error = SpecError([Problem("a.b", "is wrong"), Problem("", "is needed")], "the options")
    assert str(error) == (
        "2 problems in the options; nothing was touched: \n  a.b: is wrong\n  is needed"
    )
    assert error.as_result()["problems"][0] == {"path": "a.b", "text": "is wrong"}
