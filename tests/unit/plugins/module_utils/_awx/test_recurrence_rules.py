# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules of schedules that certainly occur pass, in the form in which AWX stores them."""

from __future__ import annotations

import pytest
from ansible_collections.shipping.code.plugins.module_utils._awx.recurrence_rules import (
    EXAMPLE,
    normal_rule,
    rule_problem,
)

START = "DTSTART:20260101T000000Z"
BERLIN = "DTSTART;TZID=Europe/Berlin:20260701T120000"


@pytest.mark.parametrize(
    ("rule", "stored"),
    [
        (EXAMPLE, EXAMPLE),
        (f" {START}\n RRULE:FREQ=DAILY;INTERVAL=1 ", f"{START} RRULE:FREQ=DAILY;INTERVAL=1"),
        (
            f"{BERLIN} RRULE:FREQ=WEEKLY;INTERVAL=1;BYDAY=MO,WE;UNTIL=20260801T120000",
            f"{BERLIN} RRULE:FREQ=WEEKLY;INTERVAL=1;BYDAY=MO,WE;UNTIL=20260801T100000Z",
        ),
        (
            f"{START} RRULE:FREQ=HOURLY;INTERVAL=2;UNTIL=20260102T000000",
            f"{START} RRULE:FREQ=HOURLY;INTERVAL=2;UNTIL=20260102T000000Z",
        ),
        (
            f"{START} RRULE:FREQ=MONTHLY;INTERVAL=1;BYDAY=FR;BYSETPOS=-1;BYHOUR=6;BYMINUTE=30",
            f"{START} RRULE:FREQ=MONTHLY;INTERVAL=1;BYDAY=FR;BYSETPOS=-1;BYHOUR=6;BYMINUTE=30",
        ),
        (
            f"{START} RRULE:FREQ=YEARLY;INTERVAL=1;BYMONTH=2;BYMONTHDAY=29;COUNT=999",
            f"{START} RRULE:FREQ=YEARLY;INTERVAL=1;BYMONTH=2;BYMONTHDAY=29;COUNT=999",
        ),
    ],
)
def test_rules_that_occur(rule, stored):
    assert rule_problem(rule) == "" and normal_rule(rule) == stored
    assert normal_rule(stored) == stored


@pytest.mark.parametrize(
    ("rule", "problem"),
    [
        ("", "does not begin with one DTSTART"),
        ("every day", "does not begin with one DTSTART"),
        ("RRULE:FREQ=DAILY;INTERVAL=1", "does not begin with one DTSTART"),
        (START, "has no RRULE"),
        ("DTSTART:20260101T000000 RRULE:FREQ=DAILY;INTERVAL=1", "DTSTART without a time zone"),
        ("DTSTART;TZID=Mars/Base:20260101T000000 RRULE:FREQ=DAILY;INTERVAL=1", "Mars/Base"),
        (f"{BERLIN}Z RRULE:FREQ=DAILY;INTERVAL=1", "both TZID and a Z"),
        ("DTSTART:20260231T000000Z RRULE:FREQ=DAILY;INTERVAL=1", "impossible time in DTSTART"),
        ("DTSTART:02260101T000000Z RRULE:FREQ=DAILY;INTERVAL=1", "not within 1970 to 2999"),
        (f"{START} {START} RRULE:FREQ=DAILY;INTERVAL=1", "has DTSTART; only"),
        (f"{START} RRULE:FREQ=DAILY", "has no INTERVAL"),
        (f"{START} RRULE:FREQ=DAILY;INTERVAL=-5", "a whole number from 1 to 99999"),
        (f"{START} RRULE:FREQ=DAILY;INTERVAL=1.5", "a whole number from 1 to 99999"),
        (f"{START} RRULE:FREQ=DAILY;INTERVAL=often", "a whole number from 1 to 99999"),
        (f"{START} RRULE:FREQ=DAILY;INTERVAL=100000", "a whole number from 1 to 99999"),
        (f"{START} RRULE:FREQ=SECONDLY;INTERVAL=1", "needs FREQ"),
        (f"{START} RRULE:INTERVAL=1", "needs FREQ"),
        (f"{START} RRULE:FREQ=DAILY;INTERVAL=1;COUNT=1000", "a whole number from 1 to 999"),
        (
            f"{START} RRULE:FREQ=DAILY;INTERVAL=1;COUNT=2;UNTIL=20260301T000000Z",
            "both COUNT and UNTIL",
        ),
        (f"{START} RRULE:FREQ=DAILY;INTERVAL=1;UNTIL=20250301T000000Z", "ends before it begins"),
        (f"{START} RRULE:FREQ=DAILY;INTERVAL=1;UNTIL=20260301", "impossible time in UNTIL"),
        (f"{START} RRULE:FREQ=MONTHLY;INTERVAL=1;BYDAY=1MO", "write days such as"),
        (f"{START} RRULE:FREQ=MONTHLY;INTERVAL=1;BYMONTH=13", "whole numbers from 1 to 12"),
        (f"{START} RRULE:FREQ=DAILY;INTERVAL=1;BYDAY=MO;BYSETPOS=1", "has BYSETPOS"),
        (f"{START} RRULE:FREQ=DAILY;INTERVAL=1;BYEASTER=1", "BYEASTER=1, which is not supported"),
        (f"{START} RRULE:FREQ=DAILY;INTERVAL=1;INTERVAL=2", "sets a part of RRULE twice"),
        (f"{START} RRULE:FREQ=DAILY;INTERVAL=1 EXDATE:20260102T000000Z", "has EXDATE; only"),
        (f"{START} RRULE:FREQ=MINUTELY;INTERVAL=7;BYMINUTE=5", "BYHOUR or BYMINUTE"),
    ],
)
def test_rules_that_do_not_pass(rule, problem):
    assert problem in rule_problem(rule)
    with pytest.raises(ValueError, match=r"^(has|does|needs|sets|ends)"):
        normal_rule(rule)


def test_a_date_that_no_month_has():
    assert "never occurs" in rule_problem(
        f"{START} RRULE:FREQ=YEARLY;INTERVAL=1;BYMONTH=4,6;BYMONTHDAY=31"
    )
