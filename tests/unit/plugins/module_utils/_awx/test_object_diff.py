# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wanted in AWX, and how what is there differs."""

from __future__ import annotations

import pytest
from ansible_collections.shipping.code.plugins.module_utils._awx.awx_api import words
from ansible_collections.shipping.code.plugins.module_utils._awx.object_diff import (
    HIDDEN,
    declared_in,
    differences,
    is_ours,
    payload,
    shown,
    shown_current,
)
from ansible_collections.shipping.code.plugins.module_utils._awx.object_types import KINDS
from ansible_collections.shipping.code.plugins.module_utils._core.errors import SpecError

CREDENTIAL = {
    "name": "c",
    "organization": "T",
    "credential_type": "Machine",
    "inputs": {"username": "u", "password": "s"},
}
IDS = {"organization": 1, "credential_type": 2}


def one(kind: str, **given):
    return declared_in({kind: [given]})[0]


def stored(wanted, ids, **hidden):
    """What AWX would have of it."""
    return {**payload(wanted, ids, {}), **hidden}


def test_kinds_can_be_made_in_their_order():
    made = set()
    for kind in KINDS:
        assert {*kind.references.values(), *kind.lists.values()} <= made, kind.name
        made.add(kind.name)


def test_nothing_differs_from_what_was_sent():
    credential = one("credentials", **CREDENTIAL)
    have = stored(credential, IDS, inputs={"username": "u", "password": HIDDEN})
    assert is_ours(have) and differences(credential, have, IDS) == {}
    assert differences(credential, have, IDS, update_all_secrets=True) == {
        "inputs": CREDENTIAL["inputs"]
    }


def test_another_secret_is_sent_with_the_new_mark():
    have = stored(
        one("credentials", **CREDENTIAL), IDS, inputs={"username": "u", "password": HIDDEN}
    )
    found = differences(
        one("credentials", **{**CREDENTIAL, "inputs": {"username": "u", "password": "other"}}),
        have,
        IDS,
    )
    assert set(found) == {"inputs", "description"}
    found = differences(
        one(
            "credentials",
            **{
                **CREDENTIAL,
                "description": "New",
                "inputs": {"username": "u", "password": "other"},
            },
        ),
        have,
        IDS,
    )
    assert set(found) == {"inputs", "description"}


def test_a_mark_reveals_nothing():
    marks = {
        stored(one("credentials", **{**CREDENTIAL, "name": name}), IDS)["description"]
        for name in ("a", "b")
    }
    assert len(marks) == 2 and not [mark for mark in marks if mark.strip("[]") == "s"]


def test_what_is_not_declared_stays():
    template = one(
        "job_templates",
        name="j",
        organization="T",
        inventory="i",
        project="p",
        playbook="d.yml",
        extra_vars={"b": 1, "a": 2},
    )
    ids = {"organization": 1, "inventory": 2, "project": 3}
    have = {
        **stored(template, ids),
        "forks": 5,
        "organization": 9,
        "extra_vars": '{"a":2,"b":1}',
        "description": "Theirs [shipping.code]",
    }
    assert differences(template, have, ids) == {}
    assert differences(template, {**have, "playbook": "e.yml"}, ids) == {"playbook": "d.yml"}
    assert differences(template, {**have, "extra_vars": "a: 2\nb: 1"}, ids) == {
        "extra_vars": '{"a": 2, "b": 1}'
    }


def test_what_is_taken_over_gets_the_mark():
    found = differences(one("organizations", name="T"), {"name": "T", "description": "Theirs"}, {})
    assert found == {"description": "Theirs [shipping.code]"} and not is_ours(
        {"description": "Theirs [shipping.code] or not"}
    )


def test_a_difference_shows_names_and_no_secrets():
    credential = one("credentials", **CREDENTIAL)
    have = stored(
        credential,
        IDS,
        inputs={"username": "u", "password": HIDDEN},
        summary_fields={"organization": {"name": "Old"}, "credential_type": {"name": "Machine"}},
    )
    assert (
        shown_current(credential, have, {})["organization"] == "Old"
        and shown(credential)["organization"] == "T"
    )
    assert (
        "'s'" not in str(shown(credential))
        and shown(credential)["inputs"] == shown_current(credential, have, {})["inputs"]
    )


@pytest.mark.parametrize(
    "rrule",
    ["every day", "RRULE:FREQ=DAILY;INTERVAL=1", "DTSTART:20260101T000000Z RRULE:FREQ=DAILY"],
)
def test_rules_that_awx_does_not_take(rrule):
    with pytest.raises(SpecError, match="AWX takes rules such as"):
        one("schedules", name="s", unified_job_template="j", rrule=rrule)


def test_a_rule_is_compared_in_the_form_of_awx():
    rule = "DTSTART:20260101T000000Z  RRULE:FREQ=DAILY;INTERVAL=1;UNTIL=20270101T000000"
    schedule = one("schedules", name="s", unified_job_template="j", rrule=rule)
    ids = {"unified_job_template": 1}
    sent = payload(schedule, ids, {})
    assert (
        sent["rrule"]
        == "DTSTART:20260101T000000Z RRULE:FREQ=DAILY;INTERVAL=1;UNTIL=20270101T000000Z"
    )
    assert differences(schedule, sent, ids) == {}


def test_awx_adds_a_type_to_fields_without_one():
    fields = [{"id": "password", "label": "Password", "secret": True}]
    kind = declared_in({"credential_types": [{"name": "t", "inputs": {"fields": fields}}]})[0]
    have = stored(kind, {}, inputs={"fields": [{**fields[0], "type": "string"}]})
    assert differences(kind, have, {}) == {}
    other = {**have, "inputs": {"fields": [{**fields[0], "type": "boolean"}]}}
    assert set(differences(kind, other, {})) == {"inputs"}


def test_awx_trims_texts():
    project = one("projects", name="p", organization="T", scm_url=" https://git.example.com/t ")
    have = stored(project, {"organization": 1}, scm_url="https://git.example.com/t")
    assert differences(project, have, {"organization": 1}) == {}


def test_what_is_still_to_be_made_differs_from_null():
    environment = one(
        "execution_environments", name="e", organization="T", image="i:1", credential="c"
    )
    have = stored(environment, {"organization": 1, "credential": None})
    assert set(differences(environment, have, {"organization": 1, "credential": None})) == {
        "credential"
    }


@pytest.mark.parametrize(
    ("kind", "field", "number", "most"),
    [
        ("job_templates", "forks", -1, 2**31 - 1),
        ("job_templates", "verbosity", 9, 5),
        ("inventory_sources", "verbosity", 3, 2),
        ("projects", "timeout", 2**31, 2**31 - 1),
        ("organizations", "max_hosts", -1, 2**31 - 1),
    ],
)
def test_numbers_that_awx_does_not_take(kind, field, number, most):
    with pytest.raises(
        SpecError, match=f"{field}: is {number}; write a whole number from 0 to {most}"
    ):
        one(kind, name="n", **{field: number})


def test_credentials_of_one_name_are_rejected():
    credentials = [
        {"name": "c", "organization": "T", "credential_type": kind}
        for kind in ("Machine", "Source Control")
    ]
    with pytest.raises(SpecError, match=r"credentials\.c: is declared twice"):
        declared_in({"credentials": credentials})


def test_names_are_the_only_ones_within_their_scope():
    sources = [
        {"name": "d", "inventory": name, "source_project": "p", "source_path": "x"}
        for name in ("a", "b")
    ]
    assert len(declared_in({"inventory_sources": sources})) == 2
    with pytest.raises(SpecError, match=r"inventory_sources\.d: is declared twice"):
        declared_in({"inventory_sources": [*sources, sources[0]]})


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ({"detail": "Not found."}, "Not found"),
        ({"name": ["This field is required."]}, "name: This field is required"),
        (
            {"__all__": ["Project with this Name already exists."]},
            "Project with this Name already exists",
        ),
        (
            {"error": "Resource is being used by running jobs.", "active_jobs": [{"id": 3}]},
            "Resource is being used by running jobs; active_jobs: id: 3",
        ),
        ("<html>", "<html>"),
    ],
)
def test_what_awx_says_in_a_line(said, text):
    assert words(said) == text
