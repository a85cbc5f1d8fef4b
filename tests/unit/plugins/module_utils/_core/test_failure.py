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
    failures_text,
)

# The failure as a sentence, and without its hint.
WORDS = [
    (Failure("shop", "is locked"), "shop is locked", "shop is locked"),
    (
        Failure("shop", "is locked", "bob works", "Wait"),
        "shop is locked: bob works. Wait.",
        "shop is locked: bob works",
    ),
    (Failure("web", cause="it crashed"), "web: it crashed", "web: it crashed"),
    (Failure(event="no connection."), "no connection.", "no connection."),
    (Failure(event="no host.", hint="Fix it."), "no host. Fix it.", "no host."),
]


@pytest.mark.parametrize(("failure", "sentence", "statement"), WORDS)
def test_a_failure_in_words(failure, sentence, statement):
    assert failure.sentence() == sentence
    assert failure.statement() == statement


def test_a_question_needs_no_full_stop():
    failure = Failure(event="no such app", cause="did you mean shop?", hint="Correct the name")
    assert failure.sentence() == "no such app: did you mean shop? Correct the name."


WEB = Failure("web", cause="exited", hint="Fix it", details=("  | no database",))
DATABASE = Failure("db", cause="is too large", hint="Fix it")


def test_several_failures_are_one_text_with_each_hint_once():
    assert (
        failures_text([WEB, DATABASE]) == "web: exited\n  | no database\ndb: is too large\nFix it."
    )


def test_failures_of_the_rollback_follow():
    assert failures_text([DATABASE], [WEB]) == (
        "db: is too large\nAfter the rollback:\nweb: exited\n  | no database\nFix it."
    )


def test_an_error_is_a_failure():
    error = ShippingError("no connection", "refused", "Start it", host="node-a")
    assert (error.what, error.why, error.hint) == ("no connection", "refused", "Start it")
    assert error.as_result() == {
        "failed": True,
        "msg": "no connection: refused. Start it.",
        "host": "node-a",
    }


def test_all_problems_are_in_one_error():
    error = SpecError([Problem("a.b", "is wrong"), Problem("", "is needed")], "the options")
    assert str(error) == (
        "2 problems in the options; nothing was changed: \n  a.b: is wrong\n  is needed"
    )
    assert error.as_result()["problems"][0] == {"path": "a.b", "text": "is wrong"}
