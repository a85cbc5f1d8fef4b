# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of the benchmarks.

A part that is measured again takes the place of its former figures, and of no others.
"""

from __future__ import annotations

from tests.benchmarks import report

ORDER = ("delivery", "delivery-many", "events")


def page(*names: str) -> str:
    made = ""
    for name in names:
        made = report.with_section(made, ORDER, name, ["today"], f"## {name}\n\nfirst {name}\n")
    return made


def test_parts_stand_in_their_order():
    assert page(*ORDER) == page(*reversed(ORDER))
    assert [line for line in page(*ORDER).splitlines() if line.startswith("## ")] == [
        f"## {name}" for name in ORDER
    ]


def test_a_part_takes_the_place_of_its_former_figures():
    again = report.with_section(
        page(*ORDER), ORDER, "delivery", ["tomorrow"], "## delivery\n\nsecond\n"
    )
    assert again == page(*ORDER).replace("first delivery\n\n*today*", "second\n\n*tomorrow*")
